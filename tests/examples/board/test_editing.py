"""Editing and deleting: one's own messages, administrators, and two people at once."""

from __future__ import annotations

import re

import pytest

from examples.board.db import get_connection
from tests.examples.board.visitor import Visitor, read_text


def test_author_edits_a_message(maria, post):
    message_id = post("Title", "First text")
    page = maria.get(f"/messages/{message_id}/edit").text
    assert 'value="Title"' in page
    assert "First text</textarea>" in page
    assert 'name="version" value="1"' in page
    response = maria.send(f"/messages/{message_id}/edit", title="Better title", body="Second text", version="1")
    assert (response.status_code, response.location) == (303, f"/messages/{message_id}")
    text = read_text(maria.get(response.location))
    assert "Better title" in text
    assert "Second text" in text
    assert "edited just now" in text
    assert "by maria" not in text
    assert "First text" not in text


def test_author_edits_a_reply(maria, post):
    reply_id = post("", "First text", thread=1)
    assert 'name="title"' not in maria.get(f"/messages/{reply_id}/edit").text
    response = maria.send(f"/messages/{reply_id}/edit", title="Mine!", body="Second text", version="1")
    assert response.status_code == 303
    text = read_text(maria.get("/messages/1"))
    assert "Second text" in text
    assert "Mine!" not in text
    assert "Welcome to the board" in text


def test_administrator_edits_and_it_is_told(root, post):
    message_id = post("Title")
    root.send(f"/messages/{message_id}/edit", title="Calm title", body="Text", version="1")
    assert re.search(r"edited just now\s+by root", read_text(root.get(f"/messages/{message_id}")))


@pytest.mark.parametrize("action", ["edit", "delete"])
@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(
    ("who", "path", "status"),
    [
        pytest.param("guest", "/messages/9", 303, id="guest"),
        pytest.param("pavel", "/messages/9", 403, id="somebody-else"),
        pytest.param("maria", "/messages/99", 404, id="nothing-there"),
        pytest.param("maria", "/messages/9", 200, id="author"),
        pytest.param("root", "/messages/9", 200, id="administrator"),
    ],
)
def test_permissions(request, post, action, method, who, path, status):
    assert post("Title", "Text") == 9
    visitor = request.getfixturevalue(who)
    if method == "get":
        response = visitor.get(f"{path}/{action}")
    else:
        response = visitor.send(f"{path}/{action}", title="New title", body="New text", version="1")
        status = 303 if status == 200 else status
    assert response.status_code == status
    is_refused = who in {"guest", "pavel"} or path.endswith("99") or method == "get"
    assert (visitor.get("/api/messages/9").headers.get("ETag") == '"9-1"') is is_refused


def test_only_those_who_may_are_offered_the_links(guest, maria, pavel, root, post):
    path = f"/messages/{post('Title')}"
    offered = {
        name: f'href="{path}/edit"' in visitor.get(path).text and f'href="{path}/delete"' in visitor.get(path).text
        for name, visitor in {"guest": guest, "maria": maria, "pavel": pavel, "root": root}.items()
    }
    assert offered == {"guest": False, "maria": True, "pavel": False, "root": True}


def test_second_of_two_editors_is_told_and_nothing_is_lost(maria, root, post):
    path = f"/messages/{post('Title', 'Old text')}/edit"
    assert root.send(path, title="Title", body="What root wrote", version="1").status_code == 303
    response = maria.send(path, title="My title", body="What maria wrote", version="1")
    assert response.status_code == 409
    text = read_text(response)
    assert "Somebody else has changed this message" in text
    assert "What root wrote" in text
    assert "What maria wrote</textarea>" in response.text
    assert 'value="My title"' in response.text
    assert 'name="version" value="2"' in response.text
    assert "What root wrote" in maria.get(path.removesuffix("/edit")).text
    # She has seen it now, and decides.
    assert maria.send(path, title="My title", body="What both wrote", version="2").status_code == 303
    assert "What both wrote" in maria.get(path.removesuffix("/edit")).text


def test_conflict_comes_before_other_errors_and_tells_both(maria, root, post):
    path = f"/messages/{post('Title', 'Old text')}/edit"
    root.send(path, title="Title", body="What root wrote", version="1")
    response = maria.send(path, title="", body="What maria wrote", version="1")
    assert response.status_code == 409
    assert "Please write a title." in response.text
    assert "What root wrote" in response.text


def test_wrong_text_is_not_stored_when_the_version_becomes_true_meanwhile(app, maria, post, monkeypatch):
    from examples.board import posting

    message_id = post("Title", "Old text")
    path = f"/messages/{message_id}/edit"
    read, other, token = posting.read_draft, Visitor(app, "root"), maria.read_token()

    def interfere(**options):
        monkeypatch.setattr(posting, "read_draft", read)
        assert other.send(path, title="Title", body="What root wrote", version="1").status_code == 303
        return read(**options)

    monkeypatch.setattr(posting, "read_draft", interfere)
    data = {"csrf_token": token, "title": "", "body": "x" * 4001, "version": "2"}
    assert maria.client.post(path, data=data).status_code == 409
    assert maria.get(f"/api/messages/{message_id}").json["body"] == "What root wrote"


def test_saving_what_is_there_already_is_no_edit(maria, post):
    path = f"/messages/{post('Title', 'Text')}"
    assert maria.send(f"{path}/edit", title="Title", body="Text", version="1").status_code == 303
    assert "edited" not in read_text(maria.get(path))


@pytest.mark.parametrize("version", ["", "0", "7", "-1", "x", "9" * 30])
def test_version_that_there_was_not_is_a_conflict(maria, post, version):
    message_id = post("Title", "Text")
    for action in ("edit", "delete"):
        response = maria.send(f"/messages/{message_id}/{action}", title="Title", body="New", version=version)
        assert response.status_code == 409
    assert maria.get(f"/api/messages/{message_id}").json["body"] == "Text"


def test_refused_edit_comes_back_with_the_reason(maria, post):
    message_id = post("Title", "Text")
    response = maria.send(f"/messages/{message_id}/edit", title="", body="New text", version="1")
    assert response.status_code == 422
    assert "Please write a title." in response.text
    assert "New text</textarea>" in response.text


def test_edit_of_what_was_deleted_meanwhile_is_404(app, maria, post, monkeypatch):
    from examples.board import posting

    path = f"/messages/{post('Title')}"
    found, other = posting.read_draft, Visitor(app, "maria")
    token = maria.read_token()

    def interfere(**options):
        other.send(f"{path}/delete", version="1")
        return found(**options)

    monkeypatch.setattr(posting, "read_draft", interfere)
    response = maria.client.post(f"{path}/edit", data={"csrf_token": token, "body": "Text", "title": "T", "version": 1})
    assert response.status_code == 404
    assert "This message was deleted while you wrote." in read_text(response)


def test_author_deletes_a_message_after_a_question(maria, post):
    path = f"/messages/{post('Title', 'Some text')}"
    question = read_text(maria.get(f"{path}/delete"))
    assert "Delete this message?" in question
    assert "Some text" in question
    assert maria.get(path).status_code == 200
    response = maria.send(f"{path}/delete", version="1")
    assert (response.status_code, response.location) == (303, "/")
    assert "The message is deleted." in maria.get("/").text
    assert maria.get(path).status_code == 404
    assert maria.send(f"{path}/delete", version="1").status_code == 404


def test_delete_of_what_somebody_else_deletes_at_the_same_moment_is_404(app, maria, post, monkeypatch):
    from examples.board import posting

    path = f"/messages/{post('Title')}/delete"
    find, other, token = posting.find_changeable, Visitor(app, "maria"), maria.read_token()

    def find_slowly(message_id):
        found = find(message_id)
        monkeypatch.setattr(posting, "find_changeable", find)
        assert other.send(path, version="1").status_code == 303
        return found

    monkeypatch.setattr(posting, "find_changeable", find_slowly)
    assert maria.client.post(path, data={"csrf_token": token, "version": "1"}).status_code == 404


def test_delete_of_a_thread_tells_how_many_replies_go_with_it(maria, post):
    thread = post("Title")
    reply_id = post("", "Text", "pavel", thread)
    assert "its 1 reply goes with it" in read_text(maria.get(f"/messages/{thread}/delete"))
    post("", "Text", "pavel", thread)
    assert "its 2 replies go with it" in read_text(maria.get(f"/messages/{thread}/delete"))
    maria.send(f"/messages/{thread}/delete", version="1")
    assert maria.get(f"/messages/{reply_id}").status_code == 404


def test_delete_of_a_reply_leads_back_to_its_thread(maria, post):
    reply_id = post("", "Text", thread=1)
    response = maria.send(f"/messages/{reply_id}/delete", version="1")
    assert (response.status_code, response.location) == (303, "/messages/1")
    assert maria.get("/messages/1").status_code == 200


def test_delete_of_what_has_changed_meanwhile_shows_it_first(maria, root, post):
    path = f"/messages/{post('Title', 'Text')}"
    root.send(f"{path}/edit", title="Title", body="Important news", version="1")
    response = maria.send(f"{path}/delete", version="1")
    assert response.status_code == 409
    assert "It has been changed since you saw it." in response.text
    assert "Important news" in response.text
    assert maria.send(f"{path}/delete", version="2").status_code == 303


def test_two_who_save_at_the_same_moment_are_told_apart(app, post):
    import threading

    message_id = post("Title", "Text")
    visitors = [Visitor(app, name) for name in ("maria", "root") * 3]
    tokens = [visitor.read_token() for visitor in visitors]
    barrier, codes = threading.Barrier(len(visitors), timeout=60), []

    def save(visitor, token):
        data = {"csrf_token": token, "title": "Title", "body": "New", "version": "1"}
        barrier.wait()
        codes.append(visitor.client.post(f"/messages/{message_id}/edit", data=data).status_code)

    threads = [threading.Thread(target=save, args=pair) for pair in zip(visitors, tokens, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(codes) == [303] + [409] * 5
    with app.app_context():
        found = get_connection().execute("SELECT version FROM messages WHERE id = ?", (message_id,)).fetchone()
    assert found == (2,)
