"""The SQLite database: one connection per request, transactions, and the steps that bring an old file up to date."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from hipflask import Flask, current_app, g

from .connections import ConnectionPool

MIGRATIONS = Path(__file__).resolve().with_name("migrations")
BOARD_FILE = 1651470948  # marks the file as a board's
BUSY_SECONDS = 10.0  # how long a writer waits for another one


def init_app(app: Flask, fill: Callable[[sqlite3.Connection], None] | None = None) -> None:
    """Make or update the database of *app*, and take each request's connection back at its end.

    Args:
        app: The board.
        fill: Called with the connection to a database that is new.
    """
    prepare(app.config["DATABASE"], fill)
    app.extensions["connections"] = ConnectionPool(
        lambda: connect(app.config["DATABASE"], app.config["BUSY_SECONDS"], check_same_thread=False)
    )
    app.teardown_appcontext(give_back_connection)
    if hasattr(app, "on_shutdown"):  # hipflask's; Flask tells nobody when it ends
        # The last connection that closes writes the log back into the database, and removes it.
        app.on_shutdown(app.extensions["connections"].close)


def get_connection() -> sqlite3.Connection:
    """Return this request's connection, taken when it is first needed."""
    if "connection" not in g:
        g.connection = pool().take()
    connection: sqlite3.Connection = g.connection
    return connection


def give_back_connection(error: BaseException | None = None) -> None:
    """Give this request's connection back, if it has one."""
    connection = g.pop("connection", None)
    if connection is not None:
        pool().give_back(connection)


def pool() -> ConnectionPool:
    """Return the connections of the application that is asked."""
    found: ConnectionPool = current_app.extensions["connections"]
    return found


def connect(path: str, busy_seconds: float = BUSY_SECONDS, *, check_same_thread: bool = True) -> sqlite3.Connection:
    """Open the database in the file *path*; what is written outside a transaction is saved at once."""
    connection = sqlite3.connect(path, timeout=busy_seconds, isolation_level=None, check_same_thread=check_same_thread)
    connection.create_function("casefold", 1, str.casefold, deterministic=True)  # SQLite itself knows only A to Z
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection | None = None) -> Iterator[sqlite3.Connection]:
    """Save everything that the block writes, or nothing if it raises.

    IMMEDIATE: one writer at a time gets past the first line, the others wait there. What the block reads
    stays true until its end. Keep such blocks short.
    """
    connection = connection or get_connection()
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite itself ends it when the disk is full, say
            connection.execute("ROLLBACK")
        raise


def prepare(path: str, fill: Callable[[sqlite3.Connection], None] | None = None) -> None:
    """Make the database, or bring it up to date, once, however many processes start at the same time.

    Raises:
        RuntimeError: The file *path* cannot be made, or is none to keep a database in.
    """
    with explain_unusable_file(path):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        new_connection = connect(path)
    with closing(new_connection) as connection:
        with explain_unusable_file(path):
            switch_to_wal(connection)
            # A write at every start: a file that is read-only is found out here.
            connection.execute(f"PRAGMA application_id = {BOARD_FILE}")
        with transaction(connection):
            is_new = migrate(connection)
            if is_new and fill is not None:
                fill(connection)


def migrate(connection: sqlite3.Connection) -> bool:
    """Run the steps that the database has not seen yet, and tell whether it is new.

    SQLite keeps the number of the last step for us, as `user_version`.
    """
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    for step in sorted(MIGRATIONS.glob("*.sql")):
        number = int(step.name.partition("_")[0])
        if number > version:
            for statement in step.read_text(encoding="utf-8").split(";\n"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")
    return version == 0


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
            if not is_busy(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def is_busy(error: sqlite3.OperationalError) -> bool:
    """Tell whether *error* means that somebody else was writing for too long; nothing is wrong with the database."""
    return error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
