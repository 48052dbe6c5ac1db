"""The board as JSON."""

from __future__ import annotations

import pytest


def test_list_of_messages_is_newest_first(guest):
    response = guest.get("/api/messages")
    assert response.status_code == 200
    assert response.mimetype == "application/json"
    assert [message["id"] for message in response.json["messages"]] == [4, 3, 2, 1]
    assert response.json["next"] is None


def test_limit_and_next_lead_through_all(guest):
    ids, address = [], "/api/messages?limit=3"
    while address:
        page = guest.get(address).json
        ids.append([message["id"] for message in page["messages"]])
        address = page["next"]
    assert ids == [[4, 3, 2], [1]]


def test_before_leaves_out_the_newer_ones(guest):
    assert [message["id"] for message in guest.get("/api/messages?before=3").json["messages"]] == [2, 1]
    assert guest.get("/api/messages?before=1").json == {"messages": [], "next": None}


def test_one_message_has_all_its_parts(guest):
    message = guest.get("/api/messages/2").json
    assert sorted(message) == ["author", "body", "created_at", "id", "title", "url"]
    assert (message["id"], message["author"], message["title"]) == (2, "linus", "Bicycle pump to lend")
    assert guest.get(message["url"]).status_code == 200


def test_user_posts_a_message(maria):
    sent = {"title": "  From  a program ", "body": "Line\r\nline 𝄞 <b>"}
    response = maria.client.post("/api/messages", json=sent)
    assert response.status_code == 201
    assert response.location == "/api/messages/5"
    assert (response.json["title"], response.json["body"]) == ("From a program", "Line\nline 𝄞 <b>")
    assert response.json["author"] == "maria"
    assert maria.get(response.location).json == response.json


def test_guest_cannot_post(guest):
    response = guest.client.post("/api/messages", json={"title": "Title", "body": "Text"})
    assert response.status_code == 403
    assert response.json["status"] == 403
    assert "logged-in" in response.json["detail"]


def test_form_is_not_taken_for_json(maria):
    # A form on another site can send these three types, and the browser adds the cookie.
    for content_type in ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain"):
        body = '{"title": "Title", "body": "Text"}'
        response = maria.client.post("/api/messages", data=body, content_type=content_type)
        assert response.status_code == 415
        assert response.json["title"] == "Unsupported Media Type"
    assert maria.get("/").text.count("<article") == 4


@pytest.mark.parametrize(
    ("data", "told"),
    [
        pytest.param([], "JSON object", id="array"),
        pytest.param("text", "JSON object", id="string"),
        pytest.param({}, "title and body are needed", id="empty"),
        pytest.param({"title": "Title"}, "title and body are needed", id="no-body"),
        pytest.param({"title": 1, "body": "Text"}, "both are strings", id="number"),
        pytest.param({"title": ["Title"], "body": "Text"}, "both are strings", id="list"),
        pytest.param({"title": "Title", "body": None}, "both are strings", id="none"),
        pytest.param({"title": "", "body": "Text"}, "title: Please write a title.", id="empty-title"),
        pytest.param({"title": "t" * 121, "body": "Text"}, "title: At most 120", id="long-title"),
        pytest.param({"title": "Title", "body": "t" * 4001}, "body: At most 4000", id="long-body"),
        pytest.param({"title": "\x00", "body": "Text"}, "cannot be shown", id="nul"),
        pytest.param({"title": "Title", "body": "\ud800"}, "cannot be shown", id="lone-surrogate"),
    ],
)
def test_post_of_something_else_is_told_what_is_wrong(maria, data, told):
    response = maria.client.post("/api/messages", json=data)
    assert response.status_code == 400
    assert response.mimetype == "application/problem+json"
    assert told in response.json["detail"]
    assert maria.get("/").text.count("<article") == 4


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("GET", "/api/nothing", 404, id="unknown-address"),
        pytest.param("POST", "/api/nothing", 404, id="post-to-unknown-address"),
        pytest.param("GET", "/api/messages/99", 404, id="unknown-message"),
        pytest.param("GET", "/api/messages/0", 404, id="zero"),
        pytest.param("DELETE", "/api/messages/1", 405, id="method"),
        pytest.param("PUT", "/api/messages", 405, id="method-of-list"),
    ],
)
def test_errors_are_json(maria, method, path, status):
    response = maria.client.open(path, method=method)
    assert response.status_code == status
    assert response.mimetype == "application/problem+json"
    assert response.json["status"] == status
    assert response.json["title"]
    assert response.json["detail"]


def test_405_names_the_methods_that_work(guest):
    allowed = guest.client.delete("/api/messages").headers["Allow"]
    assert set(allowed.split(", ")) == {"GET", "HEAD", "POST", "OPTIONS"}


def test_500_is_json_too_and_tells_nothing_of_the_inside(app, guest, monkeypatch):
    app.testing = False
    monkeypatch.setitem(app.view_functions, "api.list_messages", lambda: 1 / 0)
    response = guest.get("/api/messages")
    assert response.status_code == 500
    assert response.json["title"] == "Internal Server Error"
    assert "division" not in response.text
