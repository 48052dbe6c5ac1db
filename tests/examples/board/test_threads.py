"""Replies, and their pages."""

from __future__ import annotations

import re

import pytest

from examples.board.pages import REPLIES_PAGE_SIZE
from tests.examples.board.visitor import Visitor, read_text


def test_thread_shows_its_replies_oldest_first(guest):
    text = read_text(guest.get("/messages/3"))
    assert "3 replies" in text
    places = [text.index(words) for words in ("climbing beans", "Basil, yes", "help with the table")]
    assert places == sorted(places)
    assert "Log in or sign up to reply." in text
    assert "No replies yet" in read_text(guest.get("/messages/1"))
    assert "2 replies" not in read_text(guest.get("/messages/4"))


def test_list_tells_how_many_replies_there_are(guest):
    text = read_text(guest.get("/"))
    assert "3 replies" in text
    assert "1 reply" in text


def test_reply_stands_in_its_thread_and_not_in_the_list(maria):
    response = maria.send("/messages/1/replies", body=" Thank <you>!\r\n")
    assert (response.status_code, response.location) == (303, "/messages/1#message-9")
    text = maria.get("/messages/1").text
    assert 'id="message-9" aria-label="Reply of maria"' in text
    assert ">Thank &lt;you&gt;!</div>" in text
    assert maria.get("/").text.count("<article") == 4


@pytest.mark.parametrize(
    ("body", "told"),
    [
        pytest.param("", "Please write a message.", id="empty"),
        pytest.param("x" * 4001, "At most 4000 characters", id="long"),
        pytest.param("\x00", "cannot be shown", id="nul"),
    ],
)
def test_refused_reply_comes_back_below_its_thread(maria, body, told):
    response = maria.send("/messages/1/replies", body=body)
    assert response.status_code == 422
    assert told in response.text
    assert "Welcome to the board" in response.text
    assert "No replies yet" in read_text(maria.get("/messages/1"))


def test_reply_to_a_reply_is_refused_and_keeps_the_text(maria):
    response = maria.send("/messages/5/replies", body="My text")
    assert response.status_code == 409
    assert "Reply to message 3" in response.text
    assert "My text</textarea>" in response.text


def test_full_thread_takes_no_more(make_app):
    maria = Visitor(make_app(REPLIES_PER_THREAD=1), "maria")
    assert maria.send("/messages/1/replies", body="One").status_code == 303
    response = maria.send("/messages/1/replies", body="Two")
    assert response.status_code == 409
    assert "This thread is full." in response.text


@pytest.mark.parametrize(("path", "status"), [("/messages/99/replies", 404), ("/messages/0/replies", 404)])
def test_reply_to_nothing_is_404(maria, path, status):
    assert maria.send(path, body="Text").status_code == status


def test_reply_to_a_thread_that_goes_meanwhile_is_404(maria, post, monkeypatch):
    from examples.board import posting

    # The form is read after the thread has been found: in between somebody deletes it.
    found, other = posting.read_draft, Visitor(maria.app, "maria")
    message_id, token = post("Title"), maria.read_token()

    def interfere(**options):
        other.send(f"/messages/{message_id}/delete", version="1")
        return found(**options)

    monkeypatch.setattr(posting, "read_draft", interfere)
    response = maria.client.post(f"/messages/{message_id}/replies", data={"csrf_token": token, "body": "Text"})
    assert response.status_code == 404
    assert "This thread was deleted while you wrote." in read_text(response)


def test_guest_cannot_reply_and_is_sent_to_no_address_that_is_no_page(guest):
    response = guest.send("/messages/1/replies", body="Text")
    assert (response.status_code, response.location) == (303, "/log-in")


@pytest.mark.parametrize(
    ("replies", "pages"),
    [(REPLIES_PAGE_SIZE, 1), (REPLIES_PAGE_SIZE + 1, 2), (REPLIES_PAGE_SIZE * 2, 2), (REPLIES_PAGE_SIZE * 2 + 1, 3)],
)
def test_later_replies_lead_through_every_reply_once(guest, post, replies, pages):
    thread = post("Title")
    ids = [post("", f"Number {number}", thread=thread) for number in range(replies)]
    found, path, count = [], f"/messages/{thread}", 0
    while path:
        page = guest.get(path).text
        found += [int(number) for number in re.findall(r'reply" id="message-(\d+)"', page)]
        link = re.search(r'rel="next" href="([^"]+)"', page)
        path, count = (link[1] if link else ""), count + 1
    assert found == ids
    assert count == pages
    last = guest.get(f"/messages/{ids[-1]}")
    assert last.status_code == 302
    assert last.location.endswith(f"#message-{ids[-1]}")
    assert f'id="message-{ids[-1]}"' in guest.get(last.location).text


def test_search_finds_replies_and_leads_to_them(guest):
    text = guest.get("/?q=basil").text
    assert text.count("<article") == 2
    assert "Re: Saturday: seed swap" in read_text(guest.get("/?q=basil"))
    assert guest.get("/messages/6").location == "/messages/3#message-6"
