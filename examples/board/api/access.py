"""Who is asking, and whether they may: tokens, and the versions that a change has to name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

from hipflask import abort, g, make_response, request, url_for
from hipflask.http.datastructures import WWWAuthenticate
from hipflask.http.exceptions import Unauthorized
from hipflask.typing import ResponseReturnValue

from .. import rate_limit
from ..accounts import hash_token
from ..models import Message, User
from ..store import messages, users
from . import blueprint


@blueprint.before_request
def load_token_user() -> None:
    """Find out who sent `Authorization: Bearer TOKEN`. Without it the session's user counts, as on the pages.

    A session's cookie is sent along by forms of other sites too. That does no harm here: what changes something
    takes JSON, a picture as the body, or other methods than POST, none of which such a form can send.
    """
    authorization = request.authorization
    if authorization is None or authorization.type != "bearer":
        return
    user = users.find_by_token(hash_token(authorization.token or ""))
    if user is None:
        rate_limit.spend("token", rate_limit.client_address())
        refuse("This token is not valid (any more).", error="invalid_token")
    g.user = user


def require_user() -> User:
    """Return who is asking.

    Raises:
        Unauthorized: Nobody knows (status 401).
    """
    if g.user is None:
        refuse()
    user: User = g.user
    return user


def refuse(explanation: str | None = None, **values: str | None) -> NoReturn:
    """Answer 401, with the header that tells how to do better (RFC 6750)."""
    challenge = WWWAuthenticate("bearer", {"realm": "board", **values})
    raise Unauthorized(explanation, www_authenticate=challenge)


def find_or_404(message_id: int) -> Message:
    """Return a message.

    Raises:
        NotFound: There is none with this id.
    """
    message = messages.find(message_id)
    if message is None:
        abort(404)
    return message


def find_changeable(message_id: int) -> tuple[User, Message]:
    """Return who is asking, and a message that they may change and have seen as it is now.

    Raises:
        Unauthorized, NotFound, Forbidden: Nobody knows who is asking; there is no such message; it is another's.
        PreconditionRequired: The request does not tell which version it is about, in `If-Match` (RFC 6585, 3).
        PreconditionFailed: It is about another version than there is (RFC 9110, 13.1.1).
    """
    user = require_user()
    message = find_or_404(message_id)
    if not user.may_change(message):
        abort(403, "Only its author and administrators can change a message.")
    if not request.headers.get("If-Match"):
        abort(428, "Send the ETag of the version that you have read, as If-Match.")
    if not request.if_match.contains(etag(message)):
        conflict()
    return user, message


def conflict() -> NoReturn:
    """Answer 412."""
    abort(412, "Somebody has changed this message since. Read it again, and repeat your change if it still fits.")


def etag(message: Message) -> str:
    """Return what changes whenever the message does."""
    return f"{message.id}-{message.version}"


def answer(message: Message, status: int = 200, headers: Mapping[str, str] | None = None) -> ResponseReturnValue:
    """Return *message* as JSON, with its ETag; 304 if the client has it already."""
    response = make_response(describe(message), status, headers or {})  # a dict becomes JSON
    response.set_etag(etag(message))
    response.cache_control.no_cache = True  # keep it, but ask each time whether it still holds
    if request.method == "GET":
        response.make_conditional(request)
    return response


def describe(message: Message) -> dict[str, object]:
    """Return a message as it goes into JSON."""
    picture = None
    if message.picture:
        picture = {
            "url": url_for("pages.picture", name=message.picture),
            "alt": message.picture_alt,
            "width": message.picture_width,
            "height": message.picture_height,
        }
    return {
        "id": message.id,
        "thread": message.thread_id,
        "title": message.title,
        "body": message.body,
        "author": message.author,
        "created_at": message.created_at,
        "edited_at": message.edited_at,
        "picture": picture,
        "url": url_for("pages.thread", message_id=message.id),
    }
