"""What a new board starts with. The authors have no password, so nobody can log in as one of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hipflask import Flask

from .pictures import files
from .pictures.formats import read_picture

PICTURES = Path(__file__).resolve().with_name("sample_pictures")
AUTHORS = ["ada", "grace", "linus", "noor", "tomasz"]

# Author, how long ago, title, body, file in sample_pictures/ and what it shows.
MESSAGES = [
    (
        "grace",
        "-3 days",
        "Welcome to the board",
        "This is a small message board. Read what others wrote, search it, and sign up to post something "
        "yourself, with a picture if you like.\n\nBe kind, and have fun!",
        "",
        "",
    ),
    (
        "linus",
        "-2 days",
        "Bicycle pump to lend",
        "I have a good floor pump and two sets of tyre levers. Knock at number 14 any evening after six.",
        "",
        "",
    ),
    (
        "ada",
        "-20 hours",
        "Saturday: seed swap in the community garden",
        "Bring what you have too much of, take what you like:\n\n• tomatoes (five kinds!)\n• beans and peas\n"
        "• sunflowers\n\nWe start at 10 o'clock. There will be tea & cake; umbrellas are welcome.",
        "garden.png",
        "Three sunflowers in front of green hills, under a low sun",
    ),
    (
        "grace",
        "-3 hours",
        "Found: one grey glove",
        "It was on the bench by the library. Left hand, wool, rather small. It misses its sibling.",
        "",
        "",
    ),
]

# Author, how long ago, number of the message above, body.
REPLIES = [
    ("noor", "-19 hours", 3, "I bring climbing beans, and marigolds from last year. Who has basil?"),
    ("tomasz", "-17 hours", 3, "Basil, yes: more than enough. And a table, if somebody helps me carry it."),
    ("ada", "-16 hours", 3, "I help with the table! See you at half past nine at your door."),
    ("linus", "-2 hours", 4, "The right one hangs on the fence of the school since Monday."),
]


def insert_into(app: Flask) -> Callable[[sqlite3.Connection], None] | None:
    """Return the function that fills a new database of *app*, or `None` if it shall stay empty."""
    directory = Path(app.config["PICTURES"])
    return (lambda connection: insert(connection, directory)) if app.config["SAMPLE_DATA"] else None


def insert(connection: sqlite3.Connection, directory: Path) -> None:
    """Put the authors and their messages into the tables, and the pictures into *directory*."""
    connection.executemany("INSERT INTO users (name, password_hash) VALUES (?, '')", [(name,) for name in AUTHORS])
    ids = []
    for author, age, title, body, file_name, alt in MESSAGES:
        message = {"author": author, "age": age, "thread": None, "title": title, "body": body}
        ids.append(insert_message(connection, message | copy_picture(file_name, alt, directory)))
    for author, age, number, body in REPLIES:
        reply = {"author": author, "age": age, "thread": ids[number - 1], "title": "", "body": body}
        insert_message(connection, reply | copy_picture("", "", directory))


def insert_message(connection: sqlite3.Connection, values: dict[str, Any]) -> int:
    """Insert one message that is some time old, and return its id."""
    statement = """
        INSERT INTO messages
            (author_id, created_at, thread_id, title, body, picture, picture_alt, picture_width, picture_height)
        VALUES (
            (SELECT id FROM users WHERE name = :author), strftime('%Y-%m-%dT%H:%M:%SZ', 'now', :age),
            :thread, :title, :body, :picture, :alt, :width, :height
        )
    """
    return connection.execute(statement, values).lastrowid or 0


def copy_picture(file_name: str, alt: str, directory: Path) -> dict[str, Any]:
    """Copy a picture into *directory*, and return what goes into its columns; those are empty without a file."""
    if not file_name:
        return {"picture": None, "alt": "", "width": 0, "height": 0}
    picture = read_picture(PICTURES.joinpath(file_name).read_bytes())
    return {"picture": files.write(directory, picture), "alt": alt, "width": picture.width, "height": picture.height}
