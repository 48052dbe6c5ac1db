"""The same messages as JSON, for programs. Errors are JSON too: see `errors.py`."""

from __future__ import annotations

import sqlite3
from typing import Any

from hipflask import Blueprint, abort, g, jsonify, request, url_for
from hipflask.typing import ResponseReturnValue

from . import store
from .messages import clean, find_errors, parse_number

blueprint = Blueprint("api", __name__, url_prefix="/api")

DEFAULT_LIMIT = 20  # messages in one answer
LARGEST_LIMIT = 100


@blueprint.get("/messages")
def list_messages() -> ResponseReturnValue:
    """Answer `?limit=&before=` with the newest messages and the address of the next ones."""
    limit = read_number("limit", LARGEST_LIMIT) or DEFAULT_LIMIT
    before = read_number("before", store.LARGEST_ID)
    messages = store.list_messages(limit=limit + 1, before=before)
    next_url = None
    if len(messages) > limit:
        messages.pop()
        next_url = url_for("api.list_messages", limit=limit, before=messages[-1]["id"])
    return jsonify(messages=[to_dict(message) for message in messages], next=next_url)


@blueprint.get("/messages/<int:message_id>")
def show_message(message_id: int) -> ResponseReturnValue:
    """Answer with one message."""
    message = store.find_message(message_id)
    if message is None:
        abort(404)
    return jsonify(to_dict(message))


@blueprint.post("/messages")
def add_message() -> ResponseReturnValue:
    """Post `{"title": ..., "body": ...}` as the user who is logged in."""
    if g.user is None:
        abort(403, "Only a logged-in user can post. Log in first, and send the session's cookie along.")
    data = request.get_json()
    if not isinstance(data, dict):
        abort(400, "Send a JSON object with title and body.")
    title, body = data.get("title"), data.get("body")
    if not isinstance(title, str) or not isinstance(body, str):
        abort(400, "title and body are needed, and both are strings.")
    title, body = clean(title, body)
    errors = find_errors(title, body)
    if errors:
        abort(400, " ".join(f"{field}: {text}" for field, text in errors.items()))
    message = store.find_message(store.add_message(g.user["id"], title, body))
    assert message is not None  # it has just been added
    address = url_for("api.show_message", message_id=message["id"])
    return jsonify(to_dict(message)), 201, {"Location": address}


def read_number(name: str, largest: int) -> int | None:
    """Return a positive number of the query, `None` if it is not there; anything else is an error (400)."""
    text = request.args.get(name)
    if text is None:
        return None
    number = parse_number(text)
    if number is None or number > largest:
        abort(400, f"{name} is a number from 1 to {largest}.")
    return number


def to_dict(message: sqlite3.Row) -> dict[str, Any]:
    """Return a message as it goes into JSON."""
    return {
        "id": message["id"],
        "title": message["title"],
        "body": message["body"],
        "author": message["author"],
        "created_at": message["created_at"],
        "url": url_for("messages.show", message_id=message["id"]),
    }
