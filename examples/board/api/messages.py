"""Messages: `/api/messages` and below."""

from __future__ import annotations

from dataclasses import replace

from hipflask import abort, current_app, request, url_for
from hipflask.http.exceptions import RequestEntityTooLarge
from hipflask.typing import ResponseReturnValue

from .. import posts
from ..errors import InvalidInput
from ..forms import clean_search, parse_number
from ..models import Message, User
from ..pictures.formats import MIME_TYPES, PictureError, read_picture
from ..posts import Draft, draft_of
from ..store import messages
from . import blueprint
from .access import answer, conflict, describe, find_changeable, find_or_404, require_user
from .drafts import read_change, read_reply, read_thread

DEFAULT_LIMIT = 20  # messages in one answer
LARGEST_LIMIT = 100


@blueprint.get("/messages")
def list_messages() -> dict[str, object]:
    """Answer `?limit=&before=&q=` with the newest messages and replies, and the address of the next ones."""
    limit = read_number("limit", LARGEST_LIMIT) or DEFAULT_LIMIT
    before = read_number("before", messages.LARGEST_ID)
    search = clean_search(request.args.get("q", ""))
    if search:
        found = messages.search(search, limit=limit + 1, before=before)
    else:
        found = messages.list_all(limit=limit + 1, before=before)
    next_url = None
    if len(found) > limit:
        found.pop()
        next_url = url_for("api.list_messages", limit=limit, before=found[-1].id, q=search or None)
    return {"messages": [describe(message) for message in found], "next": next_url}


@blueprint.get("/messages/<int:message_id>/replies")
def list_replies(message_id: int) -> dict[str, object]:
    """Answer `?limit=&after=` with the replies of a thread, the oldest first, and the address of the next ones."""
    thread = find_or_404(message_id)
    limit = read_number("limit", LARGEST_LIMIT) or DEFAULT_LIMIT
    after = read_number("after", messages.LARGEST_ID) or 0
    found = messages.list_replies(thread.id, limit=limit + 1, after=after)
    next_url = None
    if len(found) > limit:
        found.pop()
        next_url = url_for("api.list_replies", message_id=thread.id, limit=limit, after=found[-1].id)
    return {"messages": [describe(message) for message in found], "next": next_url}


@blueprint.get("/messages/<int:message_id>")
def show_message(message_id: int) -> ResponseReturnValue:
    """Answer with one message."""
    return answer(find_or_404(message_id))


@blueprint.post("/messages")
def add_message() -> ResponseReturnValue:
    """Begin a thread with `{"title": ..., "body": ...}`."""
    user = require_user()
    return created(posts.publish(user, read_thread()))


@blueprint.post("/messages/<int:message_id>/replies")
def add_reply(message_id: int) -> ResponseReturnValue:
    """Reply to a thread with `{"body": ...}`; 409 if it cannot be replied to."""
    user = require_user()
    thread = find_or_404(message_id)
    draft = read_reply()
    try:
        return created(posts.publish(user, draft, thread=thread))
    except posts.ThreadError as error:
        abort(409, str(error))
    except posts.GoneError:
        abort(404)


@blueprint.patch("/messages/<int:message_id>")
def change_message(message_id: int) -> ResponseReturnValue:
    """Change what `{"title": ..., "body": ..., "picture_alt": ...}` has, and leave the rest."""
    user, message = find_changeable(message_id)
    return change(user, message, read_change(message))


@blueprint.put("/messages/<int:message_id>/picture")
def set_picture(message_id: int) -> ResponseReturnValue:
    """Take the body as the message's picture, instead of the one that it may have."""
    user, message = find_changeable(message_id)
    if request.mimetype not in MIME_TYPES.values():
        abort(415, f"Send one of {', '.join(MIME_TYPES.values())}.")
    data = request.data
    if len(data) > current_app.config["LARGEST_PICTURE"]:
        raise RequestEntityTooLarge
    try:
        picture = read_picture(data)
    except PictureError as error:
        raise InvalidInput({"picture": str(error)}) from error
    return change(user, message, replace(draft_of(message), picture=picture))


@blueprint.delete("/messages/<int:message_id>/picture")
def delete_picture(message_id: int) -> ResponseReturnValue:
    """Take the picture away from a message."""
    user, message = find_changeable(message_id)
    return change(user, message, replace(draft_of(message), without_picture=True))


def change(user: User, message: Message, draft: Draft) -> ResponseReturnValue:
    """Write *draft* over a message, and answer with what it has become."""
    try:
        posts.change(message, message.version, user, draft)
    except posts.EditConflictError:
        conflict()
    except posts.GoneError:
        abort(404)
    return answer(find_or_404(message.id))


@blueprint.delete("/messages/<int:message_id>")
def delete_message(message_id: int) -> ResponseReturnValue:
    """Delete a message with its replies."""
    user, message = find_changeable(message_id)
    try:
        posts.remove(message, user.name, message.version)
    except posts.EditConflictError:
        conflict()
    except posts.GoneError:
        abort(404)
    return "", 204


def created(message_id: int) -> ResponseReturnValue:
    """Answer 201 with the new message and its address."""
    location = url_for("api.show_message", message_id=message_id)
    return answer(find_or_404(message_id), 201, {"Location": location})


def read_number(name: str, largest: int) -> int | None:
    """Return a positive number of the query, `None` if it is not there.

    Raises:
        BadRequest: It is anything else (status 400).
    """
    text = request.args.get(name)
    if text is None:
        return None
    number = parse_number(text)
    if number is None or number > largest:
        abort(400, f"{name} is a number from 1 to {largest}.")
    return number
