"""The settings: from the environment, from the caller, or what they are without either."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest

from examples.board import create_app
from examples.board.config import DEFAULTS, VARIABLES, read_environment

KEY = "a key from the environment, long enough"


@pytest.fixture
def environ(tmp_path, monkeypatch):
    """Set variables: only these are there."""
    monkeypatch.setenv("BOARD_PICTURES", str(tmp_path / "pictures"))
    monkeypatch.setenv("BOARD_DATABASE", str(tmp_path / "environment.sqlite3"))
    monkeypatch.setenv("BOARD_SECRET_KEY", KEY)
    return monkeypatch.setenv


def test_environment_names_files_and_key(tmp_path, environ):
    app = create_app()
    assert app.config["DATABASE"] == str(tmp_path / "environment.sqlite3")
    assert app.config["PICTURES"] == str(tmp_path / "pictures")
    assert app.config["SECRET_KEY"] == KEY
    assert len(list((tmp_path / "pictures").iterdir())) == 1


def test_pictures_are_beside_the_database_unless_told_otherwise(tmp_path, environ, monkeypatch):
    monkeypatch.delenv("BOARD_PICTURES")
    app = create_app({"DATABASE": str(tmp_path / "deep" / "given.sqlite3")})
    assert app.config["PICTURES"] == str(tmp_path / "deep" / "pictures")
    assert len(list((tmp_path / "deep" / "pictures").iterdir())) == 1


def test_settings_win_over_the_environment(tmp_path, environ):
    app = create_app({"DATABASE": str(tmp_path / "given.sqlite3"), "SECRET_KEY": "given"})
    assert app.config["SECRET_KEY"] == "given"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["given.sqlite3", "pictures"]


@pytest.mark.parametrize(
    ("variable", "text", "name", "value"),
    [
        pytest.param("BOARD_LARGEST_PICTURE", "0.5", "LARGEST_PICTURE", 512 * 1024, id="largest-picture"),
        pytest.param("BOARD_LOG_LEVEL", "debug", "LOG_LEVEL", "DEBUG", id="log-level"),
        pytest.param("BOARD_SAMPLE_DATA", "no", "SAMPLE_DATA", False, id="sample-data"),
        pytest.param("BOARD_HTTPS", "1", "SESSION_COOKIE_SECURE", True, id="https"),
        pytest.param("BOARD_NAME", " Oak Street ", "BOARD_NAME", "Oak Street", id="name"),
    ],
)
def test_variable_becomes_a_setting(variable, text, name, value):
    assert read_environment({variable: text}, "instance")[name] == value


@pytest.mark.parametrize(
    ("variable", "text", "told"),
    [
        pytest.param("BOARD_LARGEST_PICTURE", "x", "a number of mebibytes", id="size-word"),
        pytest.param("BOARD_LARGEST_PICTURE", "0", "a number of mebibytes", id="size-zero"),
        pytest.param("BOARD_LARGEST_PICTURE", "-1", "a number of mebibytes", id="size-negative"),
        pytest.param("BOARD_LARGEST_PICTURE", "nan", "a number of mebibytes", id="size-nan"),
        pytest.param("BOARD_LARGEST_PICTURE", "inf", "a number of mebibytes", id="size-infinite"),
        pytest.param("BOARD_LARGEST_PICTURE", "1000", "at most 100", id="size-large"),
        pytest.param("BOARD_LOG_LEVEL", "loud", "DEBUG, INFO", id="log-level"),
        pytest.param("BOARD_SAMPLE_DATA", "perhaps", "1 .yes. or 0", id="sample-data"),
        pytest.param("BOARD_HTTPS", "2", "1 .yes. or 0", id="https"),
        pytest.param("BOARD_SECRET_KEY", "x", "too short: 1 characters.* Set a random one", id="key-short"),
        pytest.param("BOARD_SECRET_KEY", "x" * 31 + " ", "too short: 31 characters", id="key-padded"),
        pytest.param("BOARD_SECRET_KEY", " ", "too short: 0 characters", id="key-blank"),
    ],
)
def test_variable_that_cannot_be_is_an_error_that_names_it(variable, text, told):
    with pytest.raises(RuntimeError, match=f"{variable}.*{told}"):
        read_environment({variable: text}, "instance")


def test_empty_variable_is_as_good_as_none(monkeypatch):
    names = ["BOARD_DATABASE", "BOARD_PICTURES", "BOARD_LOG_LEVEL", "BOARD_HTTPS", "BOARD_SECRET_KEY"]
    assert read_environment(dict.fromkeys(names, ""), "instance") == read_environment({}, "instance")
    assert "LOG_LEVEL" in DEFAULTS


def test_folder_for_pictures_that_cannot_be_made_is_an_error_with_its_remedy(tmp_path):
    (tmp_path / "notes.txt").write_text("")
    config = {"DATABASE": str(tmp_path / "b.sqlite3"), "SECRET_KEY": "test"}
    with pytest.raises(RuntimeError, match="Set BOARD_PICTURES to a folder"):
        create_app(config | {"PICTURES": str(tmp_path / "notes.txt" / "pictures")})


def test_cookie_goes_over_https_only_if_told_so(make_app):
    from tests.examples.board.visitor import Visitor

    plain = Visitor(make_app()).get("/log-in").headers["Set-Cookie"]
    safe = Visitor(make_app(SESSION_COOKIE_SECURE=True)).get("/log-in").headers["Set-Cookie"]
    assert "Secure" not in plain
    assert "Secure" in safe


def test_log_tells_who_did_what_and_keeps_to_one_line(app, guest, caplog):
    with caplog.at_level(logging.INFO):
        guest.send("/sign-up", name="zoe", password="long enough")
        guest.send("/messages/new", title="Title", body="Text")
        guest.send("/log-in", name="evil\r\nzoe logged in", password="secret words")
    told = [record.getMessage() for record in caplog.records if record.name == app.logger.name]
    assert told == [
        "zoe signed up",
        "zoe posted message 9",
        r"Log-in refused for 'evil\r\nzoe logged in' from 127.0.0.1",
    ]
    assert "secret words" not in caplog.text
    assert "long enough" not in caplog.text


def test_readme_tells_every_variable_command_and_address(app):
    readme = (Path(app.root_path) / "README.md").read_text()
    for variable in VARIABLES:
        assert f"| `{variable}` |" in readme
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/api/"):
            assert re.sub("<[^>]*?([a-z]+)>", "<id>", rule.rule).replace("users/<id>", "users/<name>") in readme
    for file in Path(app.root_path).glob("*.py"):
        assert file.name == "__init__.py" or file.name in readme
