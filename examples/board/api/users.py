"""Users: `/api/users/NAME`."""

from __future__ import annotations

from hipflask import abort, url_for

from ..models import User
from ..store import messages, users
from . import blueprint
from .access import require_user


@blueprint.get("/users/<name>")
def show_user(name: str) -> dict[str, object]:
    """Answer with a user."""
    user = users.find_by_name(name)
    if user is None:
        abort(404)
    return describe(user)


@blueprint.get("/user")
def show_self() -> dict[str, object]:
    """Answer with the user whose token or session was sent."""
    return describe(require_user())


def describe(user: User) -> dict[str, object]:
    """Return a user as it goes into JSON."""
    return {
        "name": user.name,
        "created_at": user.created_at,
        "messages": messages.count_by_author(user.id),
        "url": url_for("pages.profile", name=user.name),
    }
