"""When a session is opened: late for our own interface, at once for any other."""

from __future__ import annotations

import pytest

import hipflask
from hipflask.sessions import SecureCookieSession, SecureCookieSessionInterface, may_open_late


def test_signing_a_session_does_not_end_late_opening():
    app = hipflask.Flask("late", static_folder=None)
    app.secret_key = "key"
    app.session_interface = SecureCookieSessionInterface()
    app.add_url_rule("/", "index", lambda: hipflask.session.update(a=1) or "done")
    assert app.test_client().get("/").headers["Set-Cookie"]
    assert may_open_late(app.session_interface)
    app.session_interface.salt = "mine"
    assert not may_open_late(app.session_interface)


@pytest.mark.parametrize(
    "overridden",
    [
        {"should_set_cookie": lambda self, app, session: True},
        {"get_cookie_name": lambda self, app: "own"},
        {"session_class": type("Own", (SecureCookieSession,), {})},
        {"open_session": lambda self, app, request: SecureCookieSession(own=1)},
    ],
    ids=lambda given: next(iter(given)),
)
def test_sessions_of_any_other_interface_are_opened_at_once(overridden):
    own = type("Interface", (SecureCookieSessionInterface,), overridden)()
    assert not may_open_late(own)
    opened = []
    kept = own.open_session
    own.open_session = lambda app, request: opened.append(request.path) or kept(app, request)
    app = hipflask.Flask("early", static_folder=None)
    app.secret_key = "key"
    app.session_interface = own
    app.add_url_rule("/", "index", lambda: "untouched")
    app.test_client().get("/")
    assert opened == ["/"]


def test_content_that_a_session_begins_with_is_sent():
    class Own(SecureCookieSession):
        def __init__(self, initial=None):
            super().__init__(initial)
            self.setdefault("token", "made")

    class Interface(SecureCookieSessionInterface):
        session_class = Own

    app = hipflask.Flask("begins", static_folder=None)
    app.secret_key = "key"
    app.session_interface = Interface()
    app.add_url_rule("/", "index", lambda: "untouched")
    assert "session=" in app.test_client().get("/").headers["Set-Cookie"]
