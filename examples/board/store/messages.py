"""Messages in the database: threads, their replies, and the search.

Lists go from page to page by id: the next page begins where the last one ended, whatever was posted meanwhile.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from ..db import get_connection
from ..models import Message

LARGEST_ID = 2**63 - 1  # SQLite's integers have 64 bits; sqlite3 raises OverflowError for larger ones

QUERY = """
    SELECT messages.id, messages.thread_id, coalesce(thread.title, messages.title), messages.body,
        messages.version, messages.created_at, messages.edited_at,
        messages.author_id, author.name, editor.name,
        messages.picture, messages.picture_alt, messages.picture_width, messages.picture_height,
        (SELECT count(*) FROM messages AS reply WHERE reply.thread_id = messages.id)
    FROM messages
    JOIN users AS author ON author.id = messages.author_id
    LEFT JOIN users AS editor ON editor.id = messages.editor_id
    LEFT JOIN messages AS thread ON thread.id = messages.thread_id
"""
NEWEST_FIRST = "ORDER BY messages.id DESC LIMIT :limit"
OLDEST_FIRST = "ORDER BY messages.id LIMIT :limit"


def select(rest: str, **values: Any) -> list[Message]:
    """Return the messages for `QUERY` with *rest* behind it, which holds `:name` for each of *values*."""
    return [Message(*row) for row in get_connection().execute(QUERY + rest, values)]


def find(message_id: int) -> Message | None:
    """Return one message."""
    if message_id > LARGEST_ID:
        return None
    found = select("WHERE messages.id = :id", id=message_id)
    return found[0] if found else None


def list_threads(*, limit: int, before: int | None = None) -> list[Message]:
    """Return the messages that began threads, the newest first, only those with an id smaller than *before*."""
    condition = "WHERE messages.thread_id IS NULL AND messages.id < :before "
    return select(condition + NEWEST_FIRST, limit=limit, before=before or LARGEST_ID)


def list_all(*, limit: int, before: int | None = None) -> list[Message]:
    """Return messages and replies, the newest first, only those with an id smaller than *before*."""
    return select("WHERE messages.id < :before " + NEWEST_FIRST, limit=limit, before=before or LARGEST_ID)


def list_by_author(author_id: int, *, limit: int, before: int | None = None) -> list[Message]:
    """Return what a user wrote, the newest first, only messages with an id smaller than *before*."""
    condition = "WHERE messages.author_id = :author AND messages.id < :before "
    return select(condition + NEWEST_FIRST, author=author_id, limit=limit, before=before or LARGEST_ID)


def list_replies(thread_id: int, *, limit: int, after: int = 0) -> list[Message]:
    """Return the replies of a thread, the oldest first, only those with an id larger than *after*."""
    condition = "WHERE messages.thread_id = :thread AND messages.id > :after "
    return select(condition + OLDEST_FIRST, thread=thread_id, limit=limit, after=after)


def search(text: str, *, limit: int, before: int | None = None) -> list[Message]:
    """Return the messages that have *text*, in one piece, in the title or the body; the newest first.

    Case makes no difference, in any script. Every message is looked at, which is fine for some ten thousand;
    a larger board would keep an index (SQLite's FTS5).
    """
    condition = r"""
        WHERE messages.id < :before AND (
            casefold(messages.title) LIKE :pattern ESCAPE '\' OR casefold(messages.body) LIKE :pattern ESCAPE '\'
        )
    """
    # In a LIKE pattern % and _ stand for other characters; a person who types them means just them.
    pattern = "%" + re.sub(r"([\\%_])", r"\\\1", text.casefold()) + "%"
    return select(condition + NEWEST_FIRST, pattern=pattern, limit=limit, before=before or LARGEST_ID)


def count_by_author(author_id: int) -> int:
    """Return how many messages a user wrote."""
    return count("SELECT count(*) FROM messages WHERE author_id = ?", author_id)


def count_replies(thread_id: int, *, before: int = LARGEST_ID) -> int:
    """Return how many replies a thread has, only those with an id smaller than *before*."""
    return count("SELECT count(*) FROM messages WHERE thread_id = ? AND id < ?", thread_id, before)


def count(query: str, *values: int) -> int:
    """Return the number that *query* asks for."""
    number: int = get_connection().execute(query, values).fetchone()[0]
    return number


def add(connection: sqlite3.Connection, author_id: int, values: Mapping[str, Any]) -> int:
    """Add a message, with the columns of *values*, and return its id."""
    return write(
        connection,
        """
        INSERT INTO messages
            (author_id, thread_id, title, body, picture, picture_alt, picture_width, picture_height)
        VALUES
            (:author, :thread_id, :title, :body, :picture, :picture_alt, :picture_width, :picture_height)
        """,
        {**values, "author": author_id},
    )


def change(connection: sqlite3.Connection, message_id: int, editor_id: int, values: Mapping[str, Any]) -> None:
    """Write the columns of *values* into a message, which gets a new version."""
    write(
        connection,
        """
        UPDATE messages SET
            title = :title, body = :body, picture = :picture, picture_alt = :picture_alt,
            picture_width = :picture_width, picture_height = :picture_height,
            version = version + 1, editor_id = :editor, edited_at = strftime('%Y-%m-%dT%H:%M:%SZ', 'now')
        WHERE id = :id
        """,
        {**values, "id": message_id, "editor": editor_id},
    )


def write(connection: sqlite3.Connection, statement: str, values: Mapping[str, Any]) -> int:
    """Run *statement* and return the id of the row that it added, if it added one."""
    return connection.execute(statement, dict(values)).lastrowid or 0


def delete(connection: sqlite3.Connection, message_id: int) -> Sequence[str]:
    """Delete a message with its replies; return the names of the pictures that are to be removed."""
    query = "SELECT picture FROM messages WHERE picture IS NOT NULL AND (id = :id OR thread_id = :id)"
    found = connection.execute(query, {"id": message_id}).fetchall()
    connection.execute("DELETE FROM messages WHERE id = ?", (message_id,))  # the replies go with it
    return [picture for (picture,) in found]


def list_pictures() -> set[str]:
    """Return the names of all pictures."""
    query = "SELECT picture FROM messages WHERE picture IS NOT NULL"
    return {picture for (picture,) in get_connection().execute(query)}
