"""The pages for what goes wrong."""

from __future__ import annotations

import pytest

from hipflask import abort
from tests.examples.board.visitor import read_text


@pytest.mark.parametrize(
    ("code", "told"),
    [
        pytest.param(400, "Bad Request", id="400"),
        pytest.param(403, "Forbidden", id="403"),
        pytest.param(404, "There is nothing at this address.", id="404"),
        pytest.param(405, "it cannot be used in this way", id="405"),
        pytest.param(413, "Please send a shorter text.", id="413"),
        pytest.param(418, "teapot", id="418-without-a-text-of-ours"),
        pytest.param(500, "It has been written to the log", id="500"),
    ],
)
def test_error_page_has_the_boards_look_and_says_what_happened(app, guest, monkeypatch, code, told):
    monkeypatch.setitem(app.view_functions, "messages.index", lambda: abort(code))
    response = guest.get("/")
    assert response.status_code == code
    assert response.content_type == "text/html; charset=utf-8"
    assert told in read_text(response)
    assert str(code) in read_text(response)
    assert "To the messages" in response.text
    assert "/static/style.css" in response.text


def test_own_description_is_shown_and_escaped(app, guest, monkeypatch):
    monkeypatch.setitem(app.view_functions, "messages.index", lambda: abort(403, "Not <you>!"))
    assert "Not &lt;you&gt;!" in guest.get("/").text


def test_unknown_address_of_a_user_keeps_the_account_menu(maria):
    response = maria.get("/nothing/<here>")
    assert response.status_code == 404
    assert "Log out" in response.text


def test_wrong_method_names_the_right_ones(guest):
    response = guest.client.put("/sign-up")
    assert response.status_code == 405
    assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD", "POST", "OPTIONS"}


def test_uncaught_exception_is_a_page_that_tells_nothing_of_the_inside(app, guest, monkeypatch):
    app.testing = False
    monkeypatch.setitem(app.view_functions, "messages.index", lambda: 1 / 0)
    response = guest.get("/")
    assert response.status_code == 500
    assert "Something went wrong on our side." in response.text
    assert "division" not in response.text


def test_database_that_has_gone_is_a_500_page(app, maria, tmp_path):
    app.testing = False
    app.config["DATABASE"] = str(tmp_path / "gone" / "board.sqlite3")
    response = maria.get("/")
    assert response.status_code == 500
    assert "Something went wrong on our side." in response.text


def test_too_long_a_form_is_413_with_a_page(maria):
    response = maria.send("/messages/new", title="Title", body="x" * 70_000)
    assert response.status_code == 413
    assert "Please send a shorter text." in response.text


def test_too_long_json_is_413_as_json(maria):
    response = maria.client.post("/api/messages", json={"title": "Title", "body": "x" * 70_000})
    assert response.status_code == 413
    assert response.json["status"] == 413


def test_head_of_an_error_has_no_body(guest):
    response = guest.client.head("/nothing")
    assert response.status_code == 404
    assert response.data == b""
