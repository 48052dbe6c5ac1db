"""The board's pages as a reader and a writer see them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from examples.board.dates import format_age, format_time
from examples.board.forms import parse_number
from examples.board.links import add_links
from examples.board.pages import PAGE_SIZE
from tests.examples.board.visitor import Visitor, read_text


def test_first_page_of_a_new_board_shows_the_sample_newest_first(guest):
    text = guest.get("/").text
    titles = ["Found: one grey glove", "Saturday: seed swap", "Bicycle pump", "Welcome to the board"]
    assert [text.index(title) for title in titles] == sorted(text.index(title) for title in titles)


def test_first_page_offers_sign_up_to_a_guest_and_log_out_to_a_user(guest, maria):
    assert "Sign up" in guest.get("/").text
    assert "Log out" not in guest.get("/").text
    assert "Sign up" not in maria.get("/").text
    assert "Account of maria Log out" in read_text(maria.get("/"))


def test_page_of_a_message_shows_title_text_author_and_time(guest, post):
    message_id = post("Lost umbrella", "It is red.\nReally red.")
    response = guest.get(f"/messages/{message_id}")
    assert response.status_code == 200
    assert "<title>Lost umbrella · Board</title>" in response.text
    assert "It is red.\nReally red." in response.text
    assert "MA maria just now" in read_text(response)
    assert re.search(r'<time datetime="\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ" title="', response.text)


def test_list_of_exactly_one_page_has_no_page_links(guest, post):
    for number in range(PAGE_SIZE - 4):
        post(f"Number {number}")
    response = guest.get("/")
    assert response.text.count("<article") == PAGE_SIZE
    assert 'aria-label="Pages"' not in response.text


def test_older_links_lead_through_every_message_once(guest, post):
    for number in range(25):
        post(f"Number {number}")
    titles, path = [], "/"
    while path:
        text = guest.get(path).text
        titles += re.findall(r'<h2 dir="auto"><a href="[^"]*">\s*([^<]*)</a>', text)
        link = re.search(r'rel="next" href="([^"]+)"', text)
        path = link[1].replace("&amp;", "&") if link else ""
    assert len(titles) == len(set(titles)) == 29
    assert titles[0] == "Number 24"
    assert titles[-1] == "Welcome to the board"


def test_page_after_the_last_one_says_so(guest):
    response = guest.get("/?before=1")
    assert response.status_code == 200
    assert "There are no older messages." in response.text
    assert "← Newest" in response.text


@pytest.mark.parametrize(
    ("search", "found"),
    [
        pytest.param("grey glove", True, id="title"),
        pytest.param("misses its sibling", True, id="text"),
        pytest.param("GREY Glove", True, id="case"),
        pytest.param("  glove ", True, id="spaces-around"),
        pytest.param("glove\x00", True, id="nul"),
        pytest.param("gloves", False, id="other-word"),
        pytest.param("glove grey", False, id="words-in-another-order"),
        pytest.param("gl%ve", False, id="percent-is-itself"),
        pytest.param("gl_ve", False, id="underscore-is-itself"),
        pytest.param("\\", False, id="backslash-is-itself"),
        pytest.param("' OR 1=1 --", False, id="sql"),
    ],
)
def test_search_finds_what_was_typed(guest, search, found):
    response = guest.get("/", query_string={"q": search})
    assert response.status_code == 200
    assert ("Found: one grey glove" in response.text) is found
    assert ("No message has this text." in response.text) is not found


def test_search_for_wildcards_finds_them_as_characters(guest, post):
    post(r"100%_\ sure")
    for search in ("0%", "%_", "_\\", r"100%_\ sure"):
        assert guest.get("/", query_string={"q": search}).text.count("<article") == 1


@pytest.mark.parametrize("search", ["ärger", "über", "Ärger über", "RGER ÜB", "ÄRGER ÜBER ALLE STRASSEN", "straßen"])
@pytest.mark.parametrize("place", ["title", "body"])
def test_search_takes_no_heed_of_case_in_any_script(guest, post, search, place):
    post(**{"title": "Title", "body": "Text", place: "Ärger ÜBER alle Straßen"})
    assert guest.get("/", query_string={"q": search}).text.count("<article") == 1


def test_search_is_kept_in_its_field_and_in_the_page_links(guest, post):
    for number in range(PAGE_SIZE + 1):
        post(f"a & b {number}")
    text = guest.get("/", query_string={"q": "a & b"}).text
    assert 'name="q" value="a &amp; b"' in text
    assert re.search(r'rel="next" href="/\?q=a\+(&amp;|%26)\+b&amp;before=10"', text)
    assert "Number" not in text


def test_empty_search_shows_all(guest):
    assert guest.get("/?q=").text.count("<article") == 4


def test_markup_in_user_text_is_escaped_everywhere(guest, post):
    evil = '<script>alert("x")</script>'
    message_id = post(evil, evil)
    for path in ("/", f"/messages/{message_id}", f"/?q={evil}"):
        text = guest.get(path).text
        assert "<script" not in text
        assert "&lt;script&gt;" in text


def test_new_message_goes_on_the_board(maria):
    response = maria.send("/messages/new", title="  Piano \r\n lessons ", body="First line\r\nSecond line\r\n")
    assert (response.status_code, response.location) == (303, "/messages/9")
    page = maria.get(response.location)
    assert "Your message is on the board." in page.text
    assert '<h1 dir="auto">Piano lessons</h1>' in page.text
    assert ">First line\nSecond line</div>" in page.text
    assert "maria" in page.text
    assert "Your message is on the board." not in maria.get("/").text


@pytest.mark.parametrize("length", [120, 121])
def test_title_has_at_most_120_characters(maria, length):
    response = maria.send("/messages/new", title="ü" * length, body="Text")
    assert response.status_code == (303 if length == 120 else 422)


@pytest.mark.parametrize("length", [4000, 4001])
def test_text_has_at_most_4000_characters_of_any_script(maria, length):
    response = maria.send("/messages/new", title="Title", body="𝄞" * length)
    assert response.status_code == (303 if length == 4000 else 422)


@pytest.mark.parametrize(
    ("title", "body", "told"),
    [
        pytest.param("", "Text", "Please write a title.", id="no-title"),
        pytest.param(" \t ", "Text", "Please write a title.", id="blank-title"),
        pytest.param("Title", "", "Please write a message.", id="no-text"),
        pytest.param("Title", "\r\n \r\n", "Please write a message.", id="blank-text"),
        pytest.param("Ti\x00tle", "Text", "a character in this text that cannot be shown", id="nul-in-title"),
        pytest.param("Title", "Te\x00xt", "a character in this text that cannot be shown", id="nul-in-text"),
        pytest.param("Title", "\x1b[31m", "a character in this text that cannot be shown", id="escape"),
        pytest.param("t" * 121, "Text", "At most 120 characters, please; these are 121.", id="long-title"),
    ],
)
def test_refused_message_comes_back_in_its_form_with_the_reason(maria, title, body, told):
    response = maria.send("/messages/new", title=title, body=body)
    assert response.status_code == 422
    assert told in response.text
    assert 'aria-invalid="true"' in response.text
    assert maria.get("/").text.count("<article") == 4


def test_refused_message_keeps_what_was_written(maria):
    response = maria.send("/messages/new", title="", body="\nA <long> text")
    assert ">\nA &lt;long&gt; text</textarea>" in response.text


def test_guest_who_wants_to_post_logs_in_first_and_gets_back(guest):
    response = guest.get("/messages/new")
    assert (response.status_code, response.location) == (303, "/log-in?next=/messages/new")
    assert "Please log in first." in guest.get(response.location).text
    assert guest.send("/messages/new", title="Title", body="Text").status_code == 303
    assert guest.get("/").text.count("<article") == 4


def test_static_files_and_every_page_carry_the_security_headers(guest):
    for path in ("/", "/static/style.css", "/static/icon.svg", "/nothing", "/api/messages"):
        response = guest.get(path)
        assert "default-src 'self'; object-src 'none';" in response.headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
        assert response.headers["Referrer-Policy"] == "same-origin"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        response.close()


def test_every_field_has_a_label(guest, maria, post):
    message_id = post("Title")
    own = [f"/messages/{message_id}", f"/messages/{message_id}/edit", "/messages/new", "/appearance"]
    for visitor, path in [(guest, "/sign-up"), (guest, "/log-in"), *((maria, path) for path in own)]:
        text = visitor.get(path).text
        fields = re.findall(r'<(?:input|textarea)[^>]* id="([^"]+)"', text)
        assert len(fields) >= 3  # the search, and two of the page
        assert sorted(fields) == sorted(re.findall(r'<label[^>]* for="([^"]+)"', text))
        assert len(set(re.findall(r' id="([^"]+)"', text))) == len(re.findall(r' id="([^"]+)"', text))


def test_forms_tie_hints_and_errors_to_their_fields(maria):
    text = maria.send("/messages/new", title="", body="x", picture=b"no picture").text
    for described in re.findall(r'aria-describedby="([^"]+)"', text):
        for name in described.split():
            assert f'id="{name}"' in text
    assert 'aria-describedby="title-error" aria-invalid="true"' in text
    assert 'aria-describedby="picture-hint picture-error" aria-invalid="true"' in text


def test_two_visitors_do_not_share_what_they_are_told(app):
    first, second = Visitor(app), Visitor(app)
    first.send("/log-in", name="maria", password="correct horse battery")
    assert "Welcome back" not in second.get("/").text
    assert "Welcome back, maria!" in first.get("/").text


def test_format_time_writes_the_day_without_a_zero():
    assert format_time("2026-08-01T09:05:00Z") == "1 Aug 2026, 09:05 UTC"


@pytest.mark.parametrize(
    ("text", "age"),
    [
        pytest.param("2026-08-09T12:00:00Z", "just now", id="now"),
        pytest.param("2026-08-09T12:00:30Z", "just now", id="clock-went-back"),
        pytest.param("2026-08-09T11:59:01Z", "just now", id="59-seconds"),
        pytest.param("2026-08-09T11:59:00Z", "1 minute ago", id="minute"),
        pytest.param("2026-08-09T11:00:01Z", "59 minutes ago", id="minutes"),
        pytest.param("2026-08-09T11:00:00Z", "1 hour ago", id="hour"),
        pytest.param("2026-08-08T12:00:01Z", "23 hours ago", id="hours"),
        pytest.param("2026-08-08T12:00:00Z", "1 day ago", id="day"),
        pytest.param("2026-08-02T12:00:01Z", "6 days ago", id="days"),
        pytest.param("2026-08-02T12:00:00Z", "2 Aug 2026", id="week"),
    ],
)
def test_format_age_says_how_long_ago(text, age):
    assert format_age(text, datetime(2026, 8, 9, 12, tzinfo=UTC)) == age


def test_profile_shows_what_somebody_wrote(guest, post):
    text = read_text(guest.get("/users/ADA"))
    assert "AD ada here since" in text
    assert "· 2 messages" in text
    assert "Re: Saturday: seed swap" in text
    for number in range(PAGE_SIZE):
        post(f"Number {number}")
    page = guest.get("/users/maria")
    assert page.text.count("<article") == PAGE_SIZE
    assert "Older →" not in page.text
    post("One more")
    link = re.search(r'rel="next" href="([^"]+)"', guest.get("/users/maria").text)
    assert guest.get(link[1]).text.count("<article") == 1
    assert "maria has not written" not in guest.get("/users/maria").text
    assert "pavel has not written anything yet." in guest.get("/users/pavel").text
    assert "There is nothing older." in guest.get("/users/pavel?before=1").text
    assert "Administrator" in guest.get("/users/root").text


@pytest.mark.parametrize(("theme", "scheme"), [("dark", "dark"), ("light", "light"), ("auto", "light dark")])
def test_reader_chooses_light_or_dark_without_a_script(guest, theme, scheme):
    response = guest.send("/appearance", theme=theme)
    assert (response.status_code, response.location) == (303, "/appearance")
    cookie = next(value for value in response.headers.getlist("Set-Cookie") if value.startswith("board_theme="))
    assert "HttpOnly" in cookie
    text = guest.get("/").text
    assert f'data-theme="{theme}"' in text
    assert f'<meta name="color-scheme" content="{scheme}">' in text


def test_theme_that_there_is_not_is_refused_or_ignored(guest):
    assert guest.send("/appearance", theme='"><script>').status_code == 400
    guest.client.set_cookie("board_theme", "pink")
    assert 'data-theme="auto"' in guest.get("/").text


@pytest.mark.parametrize(
    ("text", "html"),
    [
        pytest.param("See https://example.org/?a=1&b=2.", "See [https://example.org/?a=1&amp;b=2].", id="query"),
        pytest.param("(http://example.org)", "([http://example.org])", id="brackets"),
        pytest.param("https://a.example, https://b.example!", "[https://a.example], [https://b.example]!", id="two"),
        pytest.param("<https://example.org/<b>>", "&lt;[https://example.org/]&lt;b&gt;&gt;", id="markup"),
        pytest.param('https://example.org/"onclick="x', "[https://example.org/]&#34;onclick=&#34;x", id="quotes"),
        pytest.param("https://example.org/{0}%s", "[https://example.org/{0}%s]", id="format"),
        pytest.param("javascript:alert(1) data:text/html,x", "javascript:alert(1) data:text/html,x", id="scripts"),
        pytest.param("https:// http", "https:// http", id="none"),
        pytest.param("", "", id="empty"),
    ],
)
def test_addresses_in_texts_become_links_and_nothing_worse(text, html):
    linked = re.sub(r"\[([^\]]*)\]", r'<a href="\1" rel="nofollow ugc">\1</a>', html)
    assert add_links(text) == linked


def test_message_has_its_links(guest, post):
    text = guest.get(f"/messages/{post('Title', 'See https://example.org/')}").text
    assert 'See <a href="https://example.org/" rel="nofollow ugc">https://example.org/</a></div>' in text


def test_pages_are_asked_for_anew_each_time(guest):
    assert guest.get("/").headers["Cache-Control"] == "private, no-cache"


def test_empty_board_invites_to_write(make_app):
    guest = Visitor(make_app(SAMPLE_DATA=False))
    assert "Nothing here yet. Write the first message!" in read_text(guest.get("/"))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        pytest.param("1", 1, id="one"),
        pytest.param("9223372036854775807", 2**63 - 1, id="largest"),
        pytest.param("9223372036854775808", None, id="too-large"),
        pytest.param("9" * 5000, None, id="far-too-large"),
        pytest.param("0", None, id="zero"),
        pytest.param("-1", None, id="negative"),
        pytest.param("+1", None, id="plus"),
        pytest.param(" 1", None, id="space"),
        pytest.param("1_0", None, id="underscore"),
        pytest.param("٣", None, id="digit-of-another-script"),
        pytest.param("1.0", None, id="fraction"),
        pytest.param("", None, id="empty"),
    ],
)
def test_parse_number_takes_plain_positive_numbers_only(text, number):
    assert parse_number(text) == number
