"""Every question that the board asks its database. Values go in as parameters, never into the SQL's text."""

from __future__ import annotations

import re
import sqlite3

from .db import get_connection

LARGEST_ID = 2**63 - 1  # SQLite's integers have 64 bits; sqlite3 raises OverflowError for larger ones


def find_user(user_id: int) -> sqlite3.Row | None:
    """Return the user with this id: `id`, `name`, `password_hash`."""
    query = "SELECT id, name, password_hash FROM users WHERE id = ?"
    return first(get_connection().execute(query, (user_id,)))


def find_user_by_name(name: str) -> sqlite3.Row | None:
    """Return the user of this name; upper and lower case are the same."""
    query = "SELECT id, name, password_hash FROM users WHERE name = ?"
    return first(get_connection().execute(query, (name,)))


def add_user(name: str, password_hash: str) -> int | None:
    """Add a user and return the new id, or `None` if the name is taken."""
    query = "INSERT INTO users (name, password_hash) VALUES (?, ?)"
    try:
        return get_connection().execute(query, (name, password_hash)).lastrowid
    except sqlite3.IntegrityError:
        return None


def find_message(message_id: int) -> sqlite3.Row | None:
    """Return one message: `id`, `title`, `body`, `created_at`, `author_id`, `author`."""
    if message_id > LARGEST_ID:
        return None
    query = """
        SELECT messages.id, title, body, messages.created_at, author_id, users.name AS author
        FROM messages JOIN users ON users.id = author_id
        WHERE messages.id = ?
    """
    return first(get_connection().execute(query, (message_id,)))


def list_messages(*, limit: int, before: int | None = None, search: str = "") -> list[sqlite3.Row]:
    """Return at most *limit* messages, the newest first.

    Args:
        limit: How many.
        before: Only messages with a smaller id; this is how the next page begins where the last one ended.
        search: Only messages with this text, in one piece, in the title or the body; case makes no difference,
            in any script.
    """
    query = r"""
        SELECT messages.id, title, body, messages.created_at, author_id, users.name AS author
        FROM messages JOIN users ON users.id = author_id
        WHERE messages.id < :before
            AND (casefold(title) LIKE :pattern ESCAPE '\' OR casefold(body) LIKE :pattern ESCAPE '\')
        ORDER BY messages.id DESC
        LIMIT :limit
    """
    # In a LIKE pattern % and _ stand for other characters; a person who types them means just them.
    pattern = "%" + re.sub(r"([\\%_])", r"\\\1", search.casefold()) + "%"
    values = {"before": before or LARGEST_ID, "pattern": pattern, "limit": limit}
    return get_connection().execute(query, values).fetchall()


def add_message(author_id: int, title: str, body: str) -> int:
    """Add a message and return its id."""
    query = "INSERT INTO messages (author_id, title, body) VALUES (?, ?, ?)"
    message_id = get_connection().execute(query, (author_id, title, body)).lastrowid
    assert message_id is not None  # an INSERT always has one
    return message_id


def first(cursor: sqlite3.Cursor) -> sqlite3.Row | None:
    """Return the only row, or `None`."""
    row: sqlite3.Row | None = cursor.fetchone()
    return row
