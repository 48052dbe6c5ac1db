"""The SQLite database: one connection per request, the tables, the first messages."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from hipflask import Flask, current_app, g

from . import sample_data

SCHEMA = Path(__file__).resolve().with_name("schema.sql")
BUSY_SECONDS = 10.0  # how long a writer waits for another one


def init_app(app: Flask) -> None:
    """Make the database of *app* if it is new, and close each request's connection at its end."""
    prepare(app.config["DATABASE"])
    app.teardown_appcontext(close_connection)


def get_connection() -> sqlite3.Connection:
    """Return this request's connection, opened when it is first needed."""
    if "connection" not in g:
        g.connection = connect(current_app.config["DATABASE"])
    connection: sqlite3.Connection = g.connection
    return connection


def close_connection(error: BaseException | None = None) -> None:
    """Close this request's connection, if it has one."""
    connection = g.pop("connection", None)
    if connection is not None:
        connection.close()


def connect(path: str) -> sqlite3.Connection:
    """Open the database in the file *path*; what is written outside BEGIN and COMMIT is saved at once."""
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    connection.row_factory = sqlite3.Row
    connection.create_function("casefold", 1, str.casefold, deterministic=True)  # SQLite itself knows only A to Z
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def prepare(path: str) -> None:
    """Create the tables and put the sample data in, once, however many processes start at the same time.

    Raises:
        RuntimeError: The file *path* cannot be made, or is none to keep a database in.
    """
    schema = SCHEMA.read_text(encoding="utf-8")
    with explain_unusable_file(path):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        new_connection = connect(path)
    with closing(new_connection) as connection:
        with explain_unusable_file(path):
            switch_to_wal(connection)
            # IMMEDIATE: one process at a time gets past this point, the others wait.
            connection.executescript(f"BEGIN IMMEDIATE; {schema} COMMIT;")
        connection.execute("BEGIN IMMEDIATE")
        if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
            sample_data.insert(connection)
            connection.execute("PRAGMA user_version = 1")
        connection.execute("COMMIT")


@contextmanager
def explain_unusable_file(path: str) -> Iterator[None]:
    """Say which setting is to be changed when the block fails on the file *path*."""
    try:
        yield
    except (OSError, sqlite3.DatabaseError) as error:
        raise RuntimeError(
            f"The board cannot keep its data in the database {path!r}: {error}. "
            "Set BOARD_DATABASE to a file that this process may write, or may make, with its folder."
        ) from error


def switch_to_wal(connection: sqlite3.Connection) -> None:
    """Let readers go on while somebody writes (SQLite's write-ahead log); the file remembers it.

    While another process switches the same new file, SQLite says "locked" at once instead of waiting.
    """
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            is_locked = error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
            if not is_locked or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
