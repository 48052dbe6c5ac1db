"""Posting, editing and deleting: what a form, the API and a command have in common.

Each is one transaction over the database and the folder of pictures: all of it is done, or nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hipflask import current_app

from .db import transaction
from .models import Message, User
from .pictures import files
from .pictures.formats import Picture
from .store import messages


class ThreadError(Exception):
    """A reply cannot be added here; the text says why, to the person who replied."""


class EditConflictError(Exception):
    """Somebody else has changed the message since it was read.

    Attributes:
        current: The message as it is now.
    """

    def __init__(self, current: Message) -> None:
        super().__init__(f"Message {current.id} has version {current.version} by now.")
        self.current = current


class GoneError(LookupError):
    """Somebody has deleted the message since it was read."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody wants to post.

    Attributes:
        picture_alt: What the picture shows, in words.
        picture: A new picture; without one a message that is edited keeps its own.
        without_picture: The message shall lose its picture.
    """

    title: str = ""
    body: str = ""
    picture_alt: str = ""
    picture: Picture | None = None
    without_picture: bool = False


def draft_of(message: Message) -> Draft:
    """Return the draft that would leave *message* as it is."""
    return Draft(message.title, message.body, message.picture_alt)


def publish(author: User, draft: Draft, *, thread: Message | None = None) -> int:
    """Put *draft* on the board, as a reply if there is a *thread*, and return the new message's id.

    Raises:
        ThreadError: The thread is a reply itself, or has as many replies as it may.
        GoneError: The thread has been deleted meanwhile.
    """
    with files.stored(draft.picture) as name, transaction() as connection:
        if thread is not None:
            check_thread(thread)
        values = {"thread_id": thread and thread.id, "title": draft.title, "body": draft.body}
        message_id = messages.add(connection, author.id, values | picture_columns(draft, name))
    current_app.logger.info("%s posted message %d", author.name, message_id)
    return message_id


def check_thread(thread: Message) -> None:
    """Raise an error if nobody can reply to *thread*."""
    if thread.is_reply:
        raise ThreadError(f"Message {thread.id} is a reply itself. Reply to message {thread.thread_id}, its thread.")
    if messages.find(thread.id) is None:
        raise GoneError
    if messages.count_replies(thread.id) >= current_app.config["REPLIES_PER_THREAD"]:
        raise ThreadError("This thread is full. Please begin a new one.")


def change(message: Message, version: int, editor: User, draft: Draft) -> None:
    """Write *draft* over *message*, if it still has the *version* that the editor has read.

    A draft that changes nothing is not written: the message is not "edited", and keeps its version.

    Raises:
        EditConflictError: It has another version, and stays as it is.
        GoneError: It has been deleted meanwhile.
    """
    with files.stored(draft.picture) as name, transaction() as connection:
        current = find_version(message, version)
        columns = picture_columns(draft, name, current)
        values = {"title": current.title if current.is_reply else draft.title, "body": draft.body, **columns}
        if all(getattr(current, column) == value for column, value in values.items()):
            return
        if current.is_reply:
            values["title"] = ""  # what `current` has is its thread's
        messages.change(connection, current.id, editor.id, values)
    if columns["picture"] != current.picture:
        files.remove([current.picture])
    current_app.logger.info("%s changed message %d", editor.name, message.id)


def remove(message: Message, editor: str, version: int | None = None) -> None:
    """Delete *message* with its replies and all their pictures; if a *version* is given, only that one.

    Raises:
        EditConflictError: It has another version, and stays.
        GoneError: Somebody else was quicker.
    """
    with transaction() as connection:
        find_version(message, version)
        names = messages.delete(connection, message.id)
    files.remove(names)
    current_app.logger.info("%s deleted message %d of %s", editor, message.id, message.author)


def find_version(message: Message, version: int | None) -> Message:
    """Return *message* as the database has it now; raise an error if that is not *version*."""
    current = messages.find(message.id)
    if current is None:
        raise GoneError
    if version is not None and current.version != version:
        raise EditConflictError(current)
    return current


def picture_columns(draft: Draft, name: str | None, current: Message | None = None) -> dict[str, Any]:
    """Return the picture's columns: those of the new picture, of the one that is kept, or empty ones."""
    alt = draft.picture_alt
    if draft.picture is not None:
        width, height = draft.picture.width, draft.picture.height
    elif current is not None and current.picture is not None and not draft.without_picture:
        name, width, height = current.picture, current.picture_width, current.picture_height
    else:
        name, alt, width, height = None, "", 0, 0
    return {"picture": name, "picture_alt": alt, "picture_width": width, "picture_height": height}
