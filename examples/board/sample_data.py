"""What a new board starts with. The authors have no password, so nobody can log in as one of them."""

from __future__ import annotations

import sqlite3

AUTHORS = ["ada", "grace", "linus"]

# Author, how long ago, title, body.
MESSAGES = [
    (
        "grace",
        "-3 days",
        "Welcome to the board",
        "This is a small message board. Read what others wrote, search it, and sign up to post something "
        "yourself.\n\nBe kind, and have fun!",
    ),
    (
        "linus",
        "-2 days",
        "Bicycle pump to lend",
        "I have a good floor pump and two sets of tyre levers. Knock at number 14 any evening after six.",
    ),
    (
        "ada",
        "-20 hours",
        "Saturday: seed swap in the community garden",
        "Bring what you have too much of, take what you like:\n\n• tomatoes (five kinds!)\n• beans and peas\n"
        "• sunflowers\n\nWe start at 10 o'clock. There will be tea & cake; umbrellas are welcome.",
    ),
    (
        "grace",
        "-3 hours",
        "Found: one grey glove",
        "It was on the bench by the library. Left hand, wool, rather small. It misses its sibling.",
    ),
]


def insert(connection: sqlite3.Connection) -> None:
    """Put the authors and their messages into the tables."""
    connection.executemany("INSERT INTO users (name, password_hash) VALUES (?, '')", [(name,) for name in AUTHORS])
    connection.executemany(
        """
        INSERT INTO messages (author_id, created_at, title, body)
        VALUES ((SELECT id FROM users WHERE name = ?), strftime('%Y-%m-%dT%H:%M:%SZ', 'now', ?), ?, ?)
        """,
        MESSAGES,
    )
