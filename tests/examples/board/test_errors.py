"""The pages for what goes wrong."""

from __future__ import annotations

import io
from contextlib import closing
from pathlib import Path

import pytest

from examples.board.db import connect
from hipflask import abort
from tests.examples.board.conftest import NO_LIMITS
from tests.examples.board.picture_files import make_png
from tests.examples.board.visitor import Visitor, read_text


@pytest.mark.parametrize(
    ("code", "told"),
    [
        pytest.param(400, "Bad Request", id="400"),
        pytest.param(403, "Forbidden", id="403"),
        pytest.param(404, "There is nothing at this address.", id="404"),
        pytest.param(405, "it cannot be used in this way", id="405"),
        pytest.param(413, "That was too much at once", id="413"),
        pytest.param(418, "teapot", id="418-without-a-text-of-ours"),
        pytest.param(429, "Please try again in 60 seconds.", id="429"),
        pytest.param(503, "nothing was saved", id="503"),
        pytest.param(500, "It has been written to the log", id="500"),
    ],
)
def test_error_page_has_the_boards_look_and_says_what_happened(app, guest, monkeypatch, code, told):
    monkeypatch.setitem(app.view_functions, "pages.index", lambda: abort(code))
    response = guest.get("/")
    assert response.status_code == code
    assert response.content_type == "text/html; charset=utf-8"
    assert told in read_text(response)
    assert str(code) in read_text(response)
    assert "To the messages" in response.text
    assert "/static/style.css" in response.text


def test_own_description_is_shown_and_escaped(app, guest, monkeypatch):
    monkeypatch.setitem(app.view_functions, "pages.index", lambda: abort(403, "Not <you>!"))
    assert "Not &lt;you&gt;!" in guest.get("/").text


def test_unknown_address_of_a_user_keeps_the_account_menu(maria):
    response = maria.get("/nothing/<here>")
    assert response.status_code == 404
    assert "Log out" in response.text


def test_address_that_begins_like_the_apis_is_a_page(guest):
    assert guest.get("/apiary").mimetype == "text/html"


def test_wrong_method_names_the_right_ones(guest):
    response = guest.client.put("/sign-up")
    assert response.status_code == 405
    assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD", "POST", "OPTIONS"}


def test_uncaught_exception_is_a_page_that_tells_nothing_of_the_inside(app, guest, monkeypatch):
    app.testing = False
    monkeypatch.setitem(app.view_functions, "pages.index", lambda: 1 / 0)
    response = guest.get("/")
    assert response.status_code == 500
    assert "Something went wrong on our side." in response.text
    assert "division" not in response.text


def test_database_that_has_gone_is_a_500_page(app, maria, tmp_path):
    app.testing = False
    app.extensions["connections"].close()
    app.config["DATABASE"] = str(tmp_path / "gone" / "board.sqlite3")
    assert maria.get("/appearance").status_code == 500
    response = maria.get("/")
    assert response.status_code == 500
    assert "Something went wrong on our side." in response.text


def test_too_long_a_form_is_413_with_a_page(maria):
    response = maria.send("/log-in", name="x" * 70_000)
    assert response.status_code == 413
    assert "at most 3\N{NO-BREAK SPACE}MiB, and a text 4000 characters." in response.text


def test_too_long_json_is_413_as_json(maria):
    response = maria.client.post("/api/messages", json={"title": "Title", "body": "x" * 70_000})
    assert response.status_code == 413
    assert response.json["status"] == 413


def test_head_of_an_error_has_no_body(guest):
    response = guest.client.head("/nothing")
    assert response.status_code == 404
    assert response.data == b""


def test_database_that_somebody_else_holds_is_503_and_nothing_is_half_done(make_app, tmp_path):
    app = make_app(BUSY_SECONDS=0.05)
    maria = Visitor(app, "maria")
    token = maria.read_token()
    before = sorted(Path(app.config["PICTURES"]).iterdir())
    data = {"csrf_token": token, "title": "Title", "body": "Text", "picture": (io.BytesIO(make_png()), "a.png")}
    with closing(connect(app.config["DATABASE"])) as other:
        other.execute("BEGIN IMMEDIATE")
        response = maria.client.post("/messages/new", data=data)
        assert maria.get("/").status_code == 200  # readers do not wait
        api = maria.client.post("/api/messages", json={"title": "Title", "body": "Text"})
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "5"
    assert "nothing was saved" in response.text
    assert (api.status_code, api.mimetype) == (503, "application/problem+json")
    assert sorted(Path(app.config["PICTURES"]).iterdir()) == before
    assert maria.send("/messages/new", title="Title", body="Text").status_code == 303


def test_too_much_writing_is_429_and_says_when_to_come_back(make_app):
    app = make_app(RATE_LIMITS=NO_LIMITS | {"writing": (2, 60)})
    guest = Visitor(app)
    token = guest.read_token()
    for _ in range(2):
        assert guest.client.post("/appearance", data={"csrf_token": token, "theme": "dark"}).status_code == 303
    response = guest.client.post("/appearance", data={"csrf_token": token, "theme": "dark"})
    assert response.status_code == 429
    assert int(response.headers["Retry-After"]) == 30
    assert "Please try again in 30 seconds." in response.text
    assert guest.get("/").status_code == 200
    assert guest.client.post("/api/messages", json={}).json["status"] == 429
