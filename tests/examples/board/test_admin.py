"""The commands for those who run the board."""

from __future__ import annotations

import pytest

from tests.examples.board.picture_files import make_png
from tests.examples.board.visitor import PASSWORD, Visitor


@pytest.fixture
def run(app):
    """Run a command of `admin`: returns what it printed, and its exit status."""

    def run_command(*arguments, input=None):
        result = app.test_cli_runner().invoke(args=["admin", *arguments], input=input)
        return result.output, result.exit_code

    return run_command


def test_create_asks_for_a_password_twice(app, run, post):
    output, status = run("create", "boss", input="long enough\nlong enough\n")
    assert status == 0
    assert output.endswith("boss is an administrator.\n")
    assert "long enough" not in output
    boss = Visitor(app)
    assert boss.send("/log-in", name="boss", password="long enough").status_code == 303
    assert boss.get(f"/messages/{post('Title')}/edit").status_code == 200


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(["create", "a b", "--password", "long enough"], "A name has 3 to 30", id="name"),
        pytest.param(["create", "boss", "--password", "short"], "at least 8 characters", id="password"),
        pytest.param(["create", "maria", "--password", "long enough"], "is taken. For an existing user", id="taken"),
        pytest.param(["set-password", "maria", "--password", "short"], "at least 8 characters", id="new-password"),
        pytest.param(["set-password", "nobody", "--password", "long enough"], "no user nobody", id="set-password"),
        pytest.param(["promote", "nobody"], "There is no user nobody.", id="promote"),
        pytest.param(["demote", "nobody"], "There is no user nobody.", id="demote"),
        pytest.param(["disable", "nobody"], "There is no user nobody.", id="disable"),
        pytest.param(["enable", "nobody"], "There is no user nobody.", id="enable"),
        pytest.param(["delete-user", "nobody", "--yes"], "There is no user nobody.", id="delete-user"),
        pytest.param(["delete-post", "99"], "There is no message 99.", id="delete-post"),
        pytest.param(["delete-post", "9" * 30], "There is no message", id="delete-post-large"),
    ],
)
def test_what_cannot_be_done_is_told_with_status_1(run, arguments, told):
    output, status = run(*arguments)
    assert status == 1
    assert told in output


@pytest.mark.parametrize("number", ["0", "-1", "x"])
def test_number_of_a_post_is_checked(run, number):
    assert run("delete-post", "--", number)[1] == 2


def test_promote_and_demote(run, pavel, post):
    path = f"/messages/{post('Title')}/edit"
    assert run("promote", "PAVEL")[1] == 0
    assert pavel.get(path).status_code == 200
    assert run("demote", "pavel")[1] == 0
    assert pavel.get(path).status_code == 403


def test_users_lists_everybody(run, post):
    post("Title")
    run("disable", "pavel")
    lines = run("users")[0].splitlines()
    assert [line.split()[0] for line in lines] == ["ada", "grace", "linus", "maria", "noor", "pavel", "root", "tomasz"]
    rest = {line.split()[0]: line.split()[2:] for line in lines}
    assert rest["maria"] == ["1"]
    assert rest["pavel"] == ["0", "disabled"]
    assert rest["root"] == ["0", "admin"]


def test_disable_ends_sessions_and_keeps_messages(run, maria, guest, post):
    message_id = post("Title")
    run("disable", "maria")
    assert "Log in" in maria.get("/").text
    assert guest.get(f"/messages/{message_id}").status_code == 200
    assert guest.send("/log-in", name="maria", password=PASSWORD).status_code == 422
    run("enable", "maria")
    assert guest.send("/log-in", name="maria", password=PASSWORD).status_code == 303


def test_set_password_ends_sessions(run, maria, guest):
    assert run("set-password", "maria", "--password", "quite another one")[1] == 0
    assert "Log in" in maria.get("/").text
    assert guest.send("/log-in", name="maria", password="quite another one").status_code == 303


def test_delete_post_takes_replies_and_pictures_along(run, maria, new_pictures):
    address = maria.send("/messages/new", title="Title", body="Text", picture=make_png()).location
    maria.send(f"{address}/replies", body="Text", picture=make_png())
    assert len(new_pictures()) == 2
    output, status = run("delete-post", address.rpartition("/")[2])
    assert (output, status) == ("Message 9 of maria is deleted.\n", 0)
    assert maria.get(address).status_code == 404
    assert new_pictures() == set()


def test_delete_user_asks_and_takes_everything_along(run, maria, pavel, guest, post, new_pictures):
    address = maria.send("/messages/new", title="Title", body="Text", picture=make_png()).location
    pavel.send(f"{address}/replies", body="Text", picture=make_png())
    pavels = post("Pavel's", author="pavel")
    assert run("delete-user", "maria", input="n\n")[1] == 1
    assert len(new_pictures()) == 2
    assert run("delete-user", "maria", input="y\n")[1] == 0
    assert new_pictures() == set()
    assert "Log in" in maria.get("/").text
    assert guest.get(address).status_code == 404
    assert guest.get("/users/maria").status_code == 404
    assert guest.get(f"/messages/{pavels}").status_code == 200


def test_message_survives_the_administrator_who_edited_it(run, root, guest, post):
    message_id = post("Title")
    root.send(f"/messages/{message_id}/edit", title="Calm title", body="Text", version="1")
    run("delete-user", "root", "--yes")
    page = guest.get(f"/messages/{message_id}")
    assert "Calm title" in page.text
    assert "by root" not in page.text


def test_tidy_tells_how_many(run):
    assert run("tidy") == ("0 lost pictures deleted.\n", 0)


def test_help_lists_the_commands(run):
    output, status = run("--help")
    assert status == 0
    for name in ("create", "promote", "users", "disable", "enable", "delete-user", "delete-post", "tidy"):
        assert f"\n  {name} " in output
