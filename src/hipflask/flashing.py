"""Messages for the user's next page, kept in the session.

Source: the behaviour of Flask 3.1.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hipflask.globals import request_ctx
from hipflask.signals import message_flashed

__all__ = ["flash", "get_flashed_messages"]

_KEY = "_flashes"  # Flask's, so that messages survive a switch in either direction


def flash(message: str, category: str = "message") -> None:
    """Keep a message for the next request that asks for it.

    Args:
        message: The text, or anything else that a session can hold.
        category: What kind it is, e.g. ``"error"``, for templates that show kinds differently.

    Raises:
        RuntimeError: There is no request, or the application has no secret key.
    """
    ctx = request_ctx
    session = ctx.session
    messages = session.get(_KEY, [])
    messages.append((category, message))
    session[_KEY] = messages  # assigned, since a session does not notice that a list in it has grown
    if message_flashed.receivers:
        app = ctx.app
        message_flashed.send(app, _async_wrapper=app.ensure_sync, message=message, category=category)


def get_flashed_messages(with_categories: bool = False, category_filter: Iterable[str] = ()) -> list[Any]:
    """Return the messages that were kept, and forget them; the same ones again within a request.

    Args:
        with_categories: Return pairs of category and message.
        category_filter: Return only messages of these categories.

    Raises:
        RuntimeError: There is no request.
    """
    ctx = request_ctx
    messages: Any = ctx.flashes
    if messages is None:
        session = ctx.session
        messages = ctx.flashes = session.pop(_KEY) if _KEY in session else []
    if category_filter:
        messages = [pair for pair in messages if pair[0] in category_filter]
    if with_categories:
        return messages  # type: ignore[no-any-return]  # a list, unless put into the session by hand
    return [pair[1] for pair in messages]
