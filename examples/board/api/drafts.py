"""What a program sends as JSON: read, and refused with a reason where it is not as it should be."""

from __future__ import annotations

from collections.abc import Mapping
from json import JSONDecodeError

from hipflask import abort, json, request

from ..errors import InvalidInput
from ..forms import clean_draft, find_draft_errors
from ..models import Message
from ..posts import Draft, draft_of

FIELDS = ("title", "body", "picture_alt")
# Why a field that there is cannot be sent here.
TITLE_OF_REPLY = "A reply has the title of its thread."
ALT_WITHOUT_PICTURE = "The message has no picture that this could describe. Put the picture first."


def read_thread() -> Draft:
    """Return the message that begins a thread: `{"title": ..., "body": ...}`.

    Raises:
        BadRequest, UnsupportedMediaType, InvalidInput: See `read`.
    """
    return read(Draft(), {"picture_alt": ALT_WITHOUT_PICTURE})


def read_reply() -> Draft:
    """Return the reply: `{"body": ...}`.

    Raises:
        BadRequest, UnsupportedMediaType, InvalidInput: See `read`.
    """
    return read(Draft(), {"title": TITLE_OF_REPLY, "picture_alt": ALT_WITHOUT_PICTURE}, is_reply=True)


def read_change(message: Message) -> Draft:
    """Return *message* with the texts that were sent in the place of its own.

    Raises:
        BadRequest, UnsupportedMediaType, InvalidInput: See `read`.
    """
    refused = {}
    if message.is_reply:
        refused["title"] = TITLE_OF_REPLY
    if message.picture is None:
        refused["picture_alt"] = ALT_WITHOUT_PICTURE
    return read(draft_of(message), refused, is_reply=message.is_reply)


def read(old: Draft, refused: Mapping[str, str], *, is_reply: bool = False) -> Draft:
    """Return the texts in the JSON that was sent; what is missing there is as in *old*.

    Args:
        old: The message until now.
        refused: Why a field cannot be sent here, by field.
        is_reply: A reply needs no title.

    Raises:
        BadRequest: It is no JSON, or no object (status 400).
        UnsupportedMediaType: It does not say that it is JSON (status 415).
        InvalidInput: A field is missing, unknown, of no use here, or not as it should be (status 422).
    """
    data = read_object()
    errors = {field: "There is no such field." for field in data if field not in FIELDS}
    errors |= {field: reason for field, reason in refused.items() if field in data}
    texts: dict[str, str] = {}
    for field in FIELDS:
        text = data.get(field, getattr(old, field))
        if not isinstance(text, str):
            errors.setdefault(field, "This has to be a string.")
        texts[field] = text if isinstance(text, str) else ""
    draft = clean_draft(**texts)
    errors = find_draft_errors(draft, is_reply=is_reply) | errors
    if errors:
        raise InvalidInput(errors)
    return draft


def read_object() -> dict[str, object]:
    """Return the JSON object that was sent.

    Raises:
        BadRequest: It is no JSON, or no object (status 400).
        UnsupportedMediaType: It does not say that it is JSON (status 415).
    """
    if not request.is_json:
        abort(415, "Send JSON, and “Content-Type: application/json”.")
    body = request.data
    if not body:
        abort(400, "The body is empty. Send a JSON object.")
    try:
        data = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        abort(400, f"The body is not valid JSON: {explain(error)}.")
    if not isinstance(data, dict):
        abort(400, "Send a JSON object.")
    return data


def explain(error: ValueError | RecursionError) -> str:
    """Return what is wrong with the JSON whose reading ended with *error*."""
    if isinstance(error, JSONDecodeError):
        return f"{error.msg}, at line {error.lineno}, column {error.colno}"
    if isinstance(error, UnicodeDecodeError):
        return f"it is not UTF-8, at byte {error.start + 1}"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return "it has a number with too many digits"  # Python's limit is at 4300
