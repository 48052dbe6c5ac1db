"""Signing up, logging in and out, and where one is sent afterwards."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from examples.board.forms import is_own_path
from examples.board.store import users
from tests.examples.board.conftest import NO_LIMITS
from tests.examples.board.visitor import PASSWORD, Visitor


def test_sign_up_makes_an_account_and_logs_in(app, guest):
    response = guest.send("/sign-up", name=" zoe_1 ", password="long enough")
    assert (response.status_code, response.location) == (303, "/")
    assert "Welcome, zoe_1! You are logged in." in guest.get("/").text
    other = Visitor(app)
    assert other.send("/log-in", name="zoe_1", password="long enough").status_code == 303


def test_password_is_stored_as_a_salted_hash(app, guest):
    guest.send("/sign-up", name="zoe", password="long enough")
    with closing(sqlite3.connect(app.config["DATABASE"])) as connection:
        stored = connection.execute("SELECT password_hash FROM users WHERE name = 'zoe'").fetchone()[0]
    assert "long enough" not in stored
    assert stored.startswith(("scrypt:", "pbkdf2:"))


@pytest.mark.parametrize(
    ("name", "password", "told"),
    [
        pytest.param("", "long enough", "A name has 3 to 30 characters", id="no-name"),
        pytest.param("ab", "long enough", "A name has 3 to 30 characters", id="short-name"),
        pytest.param("a" * 31, "long enough", "A name has 3 to 30 characters", id="long-name"),
        pytest.param("a b c", "long enough", "A name has 3 to 30 characters", id="spaces"),
        pytest.param("<b>bob</b>", "long enough", "A name has 3 to 30 characters", id="markup"),
        pytest.param("bob\x00", "long enough", "A name has 3 to 30 characters", id="nul"),
        pytest.param("bob\nby", "long enough", "A name has 3 to 30 characters", id="line-end"),
        pytest.param("böb", "long enough", "A name has 3 to 30 characters", id="other-letters"),
        pytest.param("bob", "", "at least 8 characters", id="no-password"),
        pytest.param("bob", "1234567", "at least 8 characters", id="short-password"),
        pytest.param("bob", "1" * 201, "at most 200 characters", id="long-password"),
        pytest.param("maria", "long enough", "This name is taken.", id="taken"),
        pytest.param("MARIA", "long enough", "This name is taken.", id="taken-in-other-case"),
        pytest.param("ada", "long enough", "This name is taken.", id="taken-by-the-sample"),
    ],
)
def test_sign_up_that_cannot_be_is_told_why(guest, name, password, told):
    response = guest.send("/sign-up", name=name, password=password)
    assert response.status_code == 422
    assert told in response.text
    assert password == "" or password not in response.text
    assert "Log out" not in guest.get("/").text


def test_log_in_and_out(guest):
    response = guest.send("/log-in", name="maria", password=PASSWORD)
    assert (response.status_code, response.location) == (303, "/")
    assert "Welcome back, maria!" in guest.get("/").text
    response = guest.send("/log-out")
    assert (response.status_code, response.location) == (303, "/")
    page = guest.get("/").text
    assert "You are logged out." in page
    assert "Log in" in page


def test_log_in_takes_the_name_in_any_case(guest):
    guest.send("/log-in", name="MARIA", password=PASSWORD)
    assert "Welcome back, maria!" in guest.get("/").text


@pytest.mark.parametrize(
    ("name", "password"),
    [
        pytest.param("maria", "wrong password", id="wrong-password"),
        pytest.param("maria", "", id="no-password"),
        pytest.param("maria", PASSWORD.upper(), id="password-in-other-case"),
        pytest.param("nobody", PASSWORD, id="unknown-name"),
        pytest.param("nobody", "nobody's password", id="password-of-nobody"),
        pytest.param("ada", "", id="sample-author-has-no-password"),
        pytest.param("ada", "nobody's password", id="sample-author-is-not-nobody"),
        pytest.param("", "", id="nothing"),
        pytest.param("maria\x00", PASSWORD, id="nul"),
        pytest.param("x" * 10_000, PASSWORD, id="very-long-name"),
        pytest.param("maria", "x" * 10_000, id="very-long-password"),
        pytest.param("maria", PASSWORD + " ", id="space-behind"),
    ],
)
def test_wrong_log_in_always_gets_the_same_answer(guest, name, password):
    response = guest.send("/log-in", name=name, password=password)
    assert response.status_code == 422
    assert "Name and password do not match." in response.text
    assert "Log out" not in guest.get("/").text


def test_log_in_starts_a_new_session_with_a_new_token(guest):
    before = guest.read_token()
    guest.send("/log-in", name="maria", password=PASSWORD)
    assert guest.read_token() != before


def test_log_out_makes_the_token_invalid(maria):
    before = maria.read_token()
    maria.send("/log-out")
    response = maria.client.post("/log-in", data={"csrf_token": before, "name": "maria", "password": PASSWORD})
    assert response.status_code == 400
    assert "This form is no longer valid." in response.text


def test_copy_of_the_cookie_is_worth_nothing_after_log_out(app, maria):
    elsewhere, copy = Visitor(app, "maria"), Visitor(app)
    copy.client.set_cookie("board_session", maria.client.get_cookie("board_session").value)
    assert "Log out" in copy.get("/").text
    maria.send("/log-out")
    assert "Log in" in copy.get("/").text
    assert copy.get("/account").status_code == 303
    assert copy.get("/api/user").status_code == 401
    assert "Log out" in elsewhere.get("/").text  # another browser's session is its own


def test_session_of_an_older_board_is_a_guests(app, guest):
    with guest.client.session_transaction() as session:
        session["user_id"], session["epoch"] = 6, 0
    assert "Log in" in guest.get("/").text
    assert guest.send("/log-out").status_code == 303


def test_oldest_of_very_many_sessions_ends(app, maria, monkeypatch):
    monkeypatch.setattr(users, "MOST_SESSIONS", 2)
    others = [Visitor(app, name) for name in ("pavel", "maria", "maria")]
    assert "Log in" in maria.get("/").text
    assert all("Log out" in visitor.get("/").text for visitor in others)


def test_sessions_that_are_over_are_not_kept(app, maria):
    Visitor(app, "maria")
    maria.send("/account/password", password=PASSWORD, new_password="quite another one")
    with closing(sqlite3.connect(app.config["DATABASE"])) as connection:
        assert connection.execute("SELECT count(*) FROM sessions").fetchone() == (1,)
    maria.send("/log-out")
    with closing(sqlite3.connect(app.config["DATABASE"])) as connection:
        assert connection.execute("SELECT count(*) FROM sessions").fetchone() == (0,)


def test_session_cookie_is_out_of_reach_of_scripts_and_of_other_sites(guest):
    cookie = guest.get("/log-in").headers["Set-Cookie"]
    assert cookie.startswith("board_session=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_reading_sets_no_cookie(guest):
    for path in ("/", "/messages/1", "/api/messages", "/static/style.css"):
        response = guest.get(path)
        assert "Set-Cookie" not in response.headers
        response.close()


def test_log_in_leads_back_to_the_page_one_came_from(guest):
    response = guest.send("/log-in", name="maria", password=PASSWORD, next="/messages/2?x=1")
    assert (response.status_code, response.location) == (303, "/messages/2?x=1")


def test_log_in_page_carries_next_through_its_form(guest):
    assert 'name="next" value="/messages/new"' in guest.get("/log-in?next=/messages/new").text


FOREIGN = [
    pytest.param("https://example.org/", id="url"),
    pytest.param("//example.org/", id="no-scheme"),
    pytest.param("///example.org/", id="three-slashes"),
    pytest.param("/\\example.org/", id="backslash"),
    pytest.param("\\\\example.org/", id="two-backslashes"),
    pytest.param("/a\\b", id="backslash-inside"),
    pytest.param("/\t/example.org/", id="tab"),
    pytest.param("/\n/example.org/", id="line-end"),
    pytest.param("/\r\nSet-Cookie: a=b", id="header"),
    pytest.param(" //example.org/", id="space"),
    pytest.param("javascript:alert(1)", id="script"),
    pytest.param("example.org", id="relative"),
    pytest.param("", id="empty"),
    pytest.param("/\x00", id="nul"),
]


@pytest.mark.parametrize("target", FOREIGN)
def test_log_in_leads_to_no_other_site(guest, target):
    response = guest.send("/log-in", name="maria", password=PASSWORD, next=target)
    assert (response.status_code, response.location) == (303, "/")


@pytest.mark.parametrize("target", FOREIGN)
def test_is_own_path_refuses_everything_that_leaves(target):
    assert not is_own_path(target)


@pytest.mark.parametrize("target", ["/", "/messages/1", "/?q=a&b=c", "/a//b", "/ü"])
def test_is_own_path_takes_paths(target):
    assert is_own_path(target)


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_log_out_is_by_post_only(maria, method):
    response = getattr(maria.client, method)("/log-out")
    assert response.status_code == 405
    assert set(response.headers["Allow"].split(", ")) == {"POST", "OPTIONS"}
    assert "Log out" in maria.get("/").text


def test_new_password_ends_all_other_sessions(app, maria):
    elsewhere = Visitor(app, "maria")
    response = maria.send("/account/password", password=PASSWORD, new_password="quite another one")
    assert (response.status_code, response.location) == (303, "/account")
    assert "Your password is changed." in maria.get("/account").text
    assert "Log in" in elsewhere.get("/").text
    assert elsewhere.send("/log-in", name="maria", password=PASSWORD).status_code == 422
    assert elsewhere.send("/log-in", name="maria", password="quite another one").status_code == 303


@pytest.mark.parametrize(
    ("password", "new_password", "told"),
    [
        pytest.param("wrong", "long enough", "This is not your password.", id="wrong"),
        pytest.param("", "long enough", "This is not your password.", id="none"),
        pytest.param(PASSWORD, "short", "at least 8 characters", id="short"),
        pytest.param(PASSWORD, "x" * 201, "at most 200 characters", id="long"),
        pytest.param(PASSWORD, "", "at least 8 characters", id="no-new-one"),
    ],
)
def test_password_that_cannot_be_changed_stays(app, maria, password, new_password, told):
    response = maria.send("/account/password", password=password, new_password=new_password)
    assert response.status_code == 422
    assert told in response.text
    assert new_password == "" or new_password not in response.text
    assert "Log out" in Visitor(app, "maria").get("/").text


@pytest.mark.parametrize(
    ("method", "path"), [("get", "/account"), ("post", "/account/password"), ("post", "/account/token")]
)
def test_account_is_for_those_who_are_logged_in(guest, method, path):
    response = guest.get(path) if method == "get" else guest.send(path)
    assert (response.status_code, response.location) == (303, "/log-in?next=/account" if method == "get" else "/log-in")


def test_closed_account_cannot_log_in_and_its_sessions_are_over(app, maria, guest):
    with app.app_context():
        users.set_disabled(find_id("maria"), True)
    assert "Log in" in maria.get("/").text
    response = guest.send("/log-in", name="maria", password=PASSWORD)
    assert response.status_code == 422
    assert "This account has been closed." in response.text
    # Who does not have the password is not told.
    assert "closed" not in guest.send("/log-in", name="maria", password="wrong password").text


def test_sessions_of_a_closed_account_stay_over_when_it_opens_again(app, maria):
    with app.app_context():
        users.set_disabled(find_id("maria"), True)
        users.set_disabled(find_id("maria"), False)
    assert "Log in" in maria.get("/").text


def test_session_of_a_deleted_user_is_a_guests(app, maria):
    with app.app_context():
        users.delete(find_id("maria"))
    assert "Log in" in maria.get("/").text
    assert maria.get("/messages/new").status_code == 303


def test_name_of_a_deleted_user_is_not_their_session(app, maria):
    with app.app_context():
        users.delete(find_id("maria"))
        users.add("maria", "hash")
    assert "Log in" in maria.get("/").text


def test_log_in_attempts_are_limited_by_address(make_app):
    guest = Visitor(make_app(RATE_LIMITS=NO_LIMITS | {"log-in": (3, 60)}))
    for number in range(3):
        assert guest.send("/log-in", name=f"nobody{number}", password="wrong password").status_code == 422
    response = guest.send("/log-in", name="maria", password=PASSWORD)
    assert response.status_code == 429
    assert 0 < int(response.headers["Retry-After"]) <= 20
    assert "Log out" not in guest.get("/").text


def test_log_in_attempts_are_limited_by_name(make_app):
    app = make_app(RATE_LIMITS=NO_LIMITS | {"log-in": (3, 60)})
    guest = Visitor(app)
    token = guest.read_token()
    data = {"csrf_token": token, "name": "maria", "password": "wrong password"}
    codes = [
        guest.client.post("/log-in", data=data, environ_base={"REMOTE_ADDR": f"192.0.2.{number}"}).status_code
        for number in range(4)
    ]
    assert codes == [422, 422, 422, 429]


def test_log_ins_that_succeed_are_not_limited(make_app):
    app = make_app(RATE_LIMITS=NO_LIMITS | {"log-in": (2, 60)})
    guest = Visitor(app)
    assert guest.send("/log-in", name="maria", password="wrong password").status_code == 422
    for _ in range(5):
        assert guest.send("/log-in", name="maria", password=PASSWORD).status_code == 303
        assert guest.send("/account/password", password=PASSWORD, new_password=PASSWORD).status_code == 303
    assert guest.send("/log-in", name="maria", password="wrong password").status_code == 422
    assert guest.send("/log-in", name="maria", password=PASSWORD).status_code == 429


def test_wrong_tokens_are_limited_apart_from_log_ins(make_app):
    guest = Visitor(make_app(RATE_LIMITS=NO_LIMITS | {"log-in": (1, 60), "token": (2, 60)}))
    wrong = {"Authorization": "Bearer wrong"}
    assert [guest.get("/api/user", headers=wrong).status_code for _ in range(3)] == [401, 401, 429]
    assert guest.send("/log-in", name="maria", password=PASSWORD).status_code == 303


def test_limits_that_are_not_given_are_the_usual_ones(make_app):
    guest = Visitor(make_app(RATE_LIMITS={"writing": (10_000, 60)}))
    data = {"csrf_token": guest.read_token(), "name": "maria", "password": "wrong password"}
    assert [guest.client.post("/log-in", data=data).status_code for _ in range(11)] == [422] * 10 + [429]


def test_sign_ups_are_limited(make_app):
    guest = Visitor(make_app(RATE_LIMITS=NO_LIMITS | {"sign-up": (1, 3600)}))
    assert guest.send("/sign-up", name="zoe1", password="long enough").status_code == 303
    assert guest.send("/sign-up", name="zoe2", password="long enough").status_code == 429


def find_id(name):
    user = users.find_by_name(name)
    assert user is not None
    return user.id
