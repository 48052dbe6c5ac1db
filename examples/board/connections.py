"""Connections to SQLite that wait for the next request, instead of being opened and closed for each.

Opening is most of what a short request costs: the file is looked at, the tables are read in, and when the last
connection closes, the log is written back into the database.
"""

from __future__ import annotations

import os
import queue
import sqlite3
from collections.abc import Callable

LARGEST_IDLE = 16  # more requests at once are no error, but their connections are closed at their end


class ConnectionPool:
    """Lends connections out, each to one request at a time.

    Args:
        connect: Opens a new one, which any thread may use.
    """

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self.connect = connect
        self.idle: queue.LifoQueue[sqlite3.Connection] = queue.LifoQueue(LARGEST_IDLE)
        self.process = os.getpid()
        self.of_other_processes: list[queue.LifoQueue[sqlite3.Connection]] = []

    def take(self) -> sqlite3.Connection:
        """Return a connection that nobody else uses."""
        self.leave_to_parent()
        try:
            return self.idle.get_nowait()
        except queue.Empty:
            return self.connect()

    def give_back(self, connection: sqlite3.Connection) -> None:
        """Keep *connection* for the next request; what it has not committed is undone."""
        connection.rollback()
        try:
            self.idle.put_nowait(connection)
        except queue.Full:
            connection.close()

    def close(self) -> None:
        """Close the connections that nobody uses now."""
        self.leave_to_parent()
        while True:
            try:
                self.idle.get_nowait().close()
            except queue.Empty:
                return

    def leave_to_parent(self) -> None:
        """Begin anew if a server has forked: SQLite forbids to use here what was opened there, and even to close it."""
        if self.process != os.getpid():
            self.of_other_processes.append(self.idle)
            self.idle, self.process = queue.LifoQueue(LARGEST_IDLE), os.getpid()
