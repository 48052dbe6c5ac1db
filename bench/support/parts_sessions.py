"""Loading and saving sessions."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

SMALL = {"user_id": 42, "_fresh": True, "csrf_token": "5c1d2a8f0b3e4d6c7a9b8e7f6d5c4b3a"}
TAGGED = {
    "user": uuid.UUID(int=5),
    "cart": [(1, 2), (3, 4)],
    "seen": datetime(2024, 1, 2, tzinfo=UTC),
    "_flashes": [("message", "Welcome back"), ("error", "No such page")],
}


def make_calls(names: Any, megabytes: int) -> dict[str, Callable[[], object]]:
    """Return the calls to measure, by name."""
    flask = names.flask
    app = flask.Flask("bench", static_folder=None)
    app.secret_key = "a key that is long enough"
    interface = app.session_interface
    app.app_context().push()

    def environ(cookie: str) -> dict[str, Any]:
        fields = {"HTTP_COOKIE": cookie} if cookie else {}
        return {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": "/",
            "wsgi.url_scheme": "http",
            "HTTP_HOST": "localhost",
            **fields,
        }

    def load(cookie: str) -> Callable[[], object]:
        fields = environ(cookie)
        return lambda: interface.open_session(app, flask.Request(fields))

    def save(items: dict[str, Any]) -> Callable[[], object]:
        def call() -> object:
            session = interface.session_class(items)
            session.modified = True
            response = flask.Response()
            interface.save_session(app, session, response)
            return response

        return call

    def cookie_of(items: dict[str, Any]) -> str:
        header: str = save(items)().headers["Set-Cookie"]  # type: ignore[attr-defined]  # a response
        return header.partition(";")[0]

    return {
        "load, no cookie": load(""),
        "load, small": load(cookie_of(SMALL)),
        "load, tagged values": load(cookie_of(TAGGED)),
        "save, small": save(SMALL),
        "save, tagged values": save(TAGGED),
        "save, unchanged": lambda: interface.save_session(app, interface.session_class(SMALL), flask.Response()),
    }
