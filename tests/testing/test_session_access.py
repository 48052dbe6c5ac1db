"""Logging in and out by the session, with both clients."""

import asyncio

import pytest

import hipflask
import hipflask.sessions
from hipflask.testing import AsyncFlaskClient


@pytest.fixture
def app():
    app = hipflask.Flask("sessions")
    app.secret_key = "key"

    @app.route("/")
    def index():
        return dict(hipflask.session)

    return app


@pytest.fixture(params=["sync", "async"])
def client(request, app):
    """A client whose methods are called without ``await``."""
    if request.param == "sync":
        return app.test_client()

    class Waiting:
        client = AsyncFlaskClient(app)

        def __getattr__(self, name):
            return lambda *args, **kwargs: asyncio.run(getattr(self.client, name)(*args, **kwargs))

    return Waiting()


@pytest.mark.parametrize(
    ("args", "kwargs", "expected"),
    [
        pytest.param((1,), {}, {"user_id": 1}, id="default"),
        pytest.param(("1",), {"key": "_user_id", "_fresh": True}, {"_user_id": "1", "_fresh": True}, id="flask-login"),
    ],
)
def test_login_replaces_the_session_and_logout_empties_it(client, args, kwargs, expected):
    client.log_in(0, key="old")
    client.log_in(*args, **kwargs)
    assert client.get("/").json == expected
    client.log_out()
    assert client.get("/").json == {}


def test_login_without_a_secret_key_is_an_error(app, client):
    app.secret_key = None
    with pytest.raises(RuntimeError, match="did not open a session"):
        client.log_in(1)


def test_null_session_is_not_saved(app):
    interface = app.session_interface = hipflask.sessions.SecureCookieSessionInterface()  # not the one of all
    app.secret_key = None
    interface.open_session = lambda app, request: interface.make_null_session(app)
    client = app.test_client()
    with client.session_transaction() as session:
        assert session.get("user_id") is None
    assert client.get_cookie("session") is None


def test_changes_are_dropped_if_the_block_fails(app):
    client = app.test_client()
    with pytest.raises(KeyError, match="block"):
        with client.session_transaction() as session:
            session["a"] = 1
            raise KeyError("block")
    assert client.get("/").json == {}
