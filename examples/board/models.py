"""What the board is about: users and messages, as the rest of the code sees them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class User:
    """Somebody with an account.

    Attributes:
        epoch: Noted with every session; when it grows, the sessions from before are over.
        created_at: `2026-08-01T09:05:00Z`, as all times here.
    """

    id: int
    name: str
    password_hash: str
    is_admin: int
    is_disabled: int
    epoch: int
    created_at: str

    def may_change(self, message: Message) -> bool:
        """Tell whether this user may edit and delete *message*: their own, and for administrators every one."""
        return bool(self.is_admin) or message.author_id == self.id


@dataclass(frozen=True, slots=True)
class Message:
    """A message that began a thread, or a reply to one.

    Attributes:
        thread_id: The message that this one replies to; `None` if it began a thread itself.
        title: A reply has its thread's.
        version: Grows with each change; who edits tells which version they have seen.
        edited_at, editor: When it was last changed and by whom, else `None`.
        picture: The name of a file in the folder of pictures, else `None`.
        replies: How many there are.
    """

    id: int
    thread_id: int | None
    title: str
    body: str
    version: int
    created_at: str
    edited_at: str | None
    author_id: int
    author: str
    editor: str | None
    picture: str | None
    picture_alt: str
    picture_width: int
    picture_height: int
    replies: int

    @property
    def is_reply(self) -> bool:
        """Whether somebody replied with it to another message."""
        return self.thread_id is not None
