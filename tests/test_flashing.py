"""Flashed messages: kept in the session, shown once."""

import pytest

from hipflask import Flask, flash, get_flashed_messages, message_flashed, session
from hipflask.globals import request_ctx


@pytest.fixture
def app():
    app = Flask("test_app")
    app.secret_key = "k"
    return app


@pytest.fixture
def request_context(app):
    with app.test_request_context():
        yield


def test_flash_is_kept_in_the_session(request_context):
    flash("a")
    flash("b", "error")
    assert session["_flashes"] == [("message", "a"), ("error", "b")]
    assert session.modified


@pytest.mark.parametrize(
    ("args", "kwargs", "expected"),
    [
        ((), {}, ["a", "b", "c"]),
        ((True,), {}, [("message", "a"), ("error", "b"), ("info", "c")]),
        ((), {"category_filter": ["error"]}, ["b"]),
        ((True, ("error", "info")), {}, [("error", "b"), ("info", "c")]),
        ((), {"category_filter": ["none"]}, []),
    ],
    ids=str,
)
def test_messages_are_read(request_context, args, kwargs, expected):
    flash("a")
    flash("b", "error")
    flash("c", "info")
    assert get_flashed_messages(*args, **kwargs) == expected


def test_messages_can_be_read_again_in_the_same_request(request_context):
    flash("a")
    assert get_flashed_messages() == get_flashed_messages() == ["a"]
    assert "_flashes" not in session
    assert request_ctx.flashes == [("message", "a")]
    flash("later")
    assert get_flashed_messages() == ["a"]
    assert session["_flashes"] == [("message", "later")]


def test_reading_no_messages_does_not_change_the_session(request_context):
    assert get_flashed_messages() == []
    assert not session.modified


def test_messages_reach_the_next_request_only(app):
    @app.route("/flash")
    def put():
        flash("hello", "greeting")
        return ""

    @app.route("/read")
    def read():
        return get_flashed_messages(with_categories=True)

    client = app.test_client()
    client.get("/flash")
    assert client.get("/read").json == [["greeting", "hello"]]
    assert client.get("/read").json == []


def test_flash_sends_the_signal(app):
    seen = []

    def receiver(sender, **extra):
        seen.append((sender, extra))

    with app.test_request_context(), message_flashed.connected_to(receiver, app):
        flash("m", "c")
    assert seen == [(app, {"message": "m", "category": "c"})]


def test_flash_without_secret_key_raises():
    with Flask("test_app").test_request_context(), pytest.raises(RuntimeError, match="no secret key"):
        flash("m")


@pytest.mark.parametrize("function", [lambda: flash("m"), get_flashed_messages], ids=["flash", "read"])
def test_without_request_raises(function):
    with pytest.raises(RuntimeError, match="No request context is active"):
        function()
