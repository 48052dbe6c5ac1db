"""Protection against forms on other sites that post to this one in the name of a logged-in user.

Each form carries a token that only this browser's session knows; another site cannot read it.
"""

from __future__ import annotations

import secrets

from hipflask import Flask, abort, request, session

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}


def init_app(app: Flask) -> None:
    """Check every form that is posted, and give templates the function `csrf_token`."""
    app.before_request(check_token)
    app.add_template_global(csrf_token)


def csrf_token() -> str:
    """Return the session's token, made when the first form asks for it."""
    if "csrf_token" not in session:
        session["csrf_token"] = secrets.token_urlsafe(32)
    token: str = session["csrf_token"]
    return token


def check_token() -> None:
    """Refuse a form without the session's token (status 400)."""
    if request.method in SAFE_METHODS or request.url_rule is None:
        return
    if request.blueprint == "api":
        return  # What it takes, a form cannot send, and another site's script may not.
    expected = session.get("csrf_token", "")
    sent = request.form.get("csrf_token", "")
    if not expected or not secrets.compare_digest(expected.encode(), sent.encode()):
        abort(400, "This form is no longer valid. Go back, load the page again, and send it once more.")
