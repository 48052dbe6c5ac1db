"""Accounts in the database."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from ..db import get_connection, transaction
from ..models import User

MOST_SESSIONS = 50  # of one user; whoever logs in once more is logged out where it is longest ago

QUERY = "SELECT id, name, password_hash, is_admin, is_disabled, epoch, created_at FROM users"


def find(user_id: int) -> User | None:
    """Return the user with this id."""
    return first(f"{QUERY} WHERE id = ?", user_id)


def find_by_session(session_id: str) -> User | None:
    """Return the user whose session this is; a session ends at log-out, and with its user's `epoch`."""
    condition = "WHERE (id, epoch) = (SELECT user_id, epoch FROM sessions WHERE id = ?)"
    return first(f"{QUERY} {condition}", session_id)


def find_by_name(name: str) -> User | None:
    """Return the user of this name; upper and lower case are the same."""
    return first(f"{QUERY} WHERE name = ?", name)


def find_by_token(token_hash: str) -> User | None:
    """Return the user whose API token has this hash."""
    return first(f"{QUERY} WHERE token_hash = ?", token_hash)


def first(query: str, value: int | str) -> User | None:
    """Return the only user that *query* finds, or `None`."""
    row = get_connection().execute(query, (value,)).fetchone()
    return None if row is None else User(*row)


def list_all() -> list[User]:
    """Return everybody, by name."""
    return [User(*row) for row in get_connection().execute(f"{QUERY} ORDER BY name")]


def add(name: str, password_hash: str, *, is_admin: bool = False) -> int | None:
    """Add a user and return the new id, or `None` if the name is taken."""
    query = "INSERT INTO users (name, password_hash, is_admin) VALUES (?, ?, ?)"
    try:
        return get_connection().execute(query, (name, password_hash, is_admin)).lastrowid
    except sqlite3.IntegrityError:
        return None


def set_password(user_id: int, password_hash: str) -> None:
    """Give a user another password, and end their sessions and their API token."""
    query = "UPDATE users SET password_hash = ?, token_hash = NULL, epoch = epoch + 1 WHERE id = ?"
    get_connection().execute(query, (password_hash, user_id))


def begin_session(user: User, session_id: str) -> None:
    """Keep that *user* has logged in; what is over, and the oldest of very many, is forgotten."""
    with transaction() as connection:
        connection.execute("INSERT INTO sessions VALUES (?, ?, ?)", (session_id, user.id, user.epoch))
        connection.execute(
            """
            DELETE FROM sessions WHERE user_id = :user AND (epoch < :epoch OR rowid NOT IN (
                SELECT rowid FROM sessions WHERE user_id = :user ORDER BY rowid DESC LIMIT :limit
            ))
            """,
            {"user": user.id, "epoch": user.epoch, "limit": MOST_SESSIONS},
        )


def end_session(session_id: str) -> None:
    """Forget a session: a copy of its cookie is worth nothing any more."""
    get_connection().execute("DELETE FROM sessions WHERE id = ?", (session_id,))


def set_token(user_id: int, token_hash: str | None) -> None:
    """Give a user another API token, or none; the one from before is over."""
    get_connection().execute("UPDATE users SET token_hash = ? WHERE id = ?", (token_hash, user_id))


def set_disabled(user_id: int, is_disabled: bool) -> None:
    """Close an account, or open it again; its sessions and its API token are over in both cases."""
    query = "UPDATE users SET is_disabled = ?, token_hash = NULL, epoch = epoch + 1 WHERE id = ?"
    get_connection().execute(query, (is_disabled, user_id))


def set_admin(user_id: int, is_admin: bool) -> None:
    """Make a user an administrator, or none any more."""
    get_connection().execute("UPDATE users SET is_admin = ? WHERE id = ?", (is_admin, user_id))


def delete(user_id: int) -> Sequence[str]:
    """Delete a user with all their messages and the replies to them; return the names of the pictures to remove."""
    # An inner SELECT finds the user's own messages; replies of others go with the thread that they belong to.
    own = "SELECT id FROM messages WHERE author_id = :user"
    with transaction() as connection:
        found = connection.execute(
            f"SELECT picture FROM messages WHERE picture IS NOT NULL AND (author_id = :user OR thread_id IN ({own}))",
            {"user": user_id},
        ).fetchall()
        connection.execute("DELETE FROM messages WHERE author_id = ?", (user_id,))
        connection.execute("DELETE FROM users WHERE id = ?", (user_id,))
    return [picture for (picture,) in found]
