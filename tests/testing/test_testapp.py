"""The page that shows what a server tells an application."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from hipflask.middleware.lint import LintMiddleware
from hipflask.testing import testapp
from hipflask.testing.client import Client


class Unspeakable:
    def __repr__(self) -> str:
        raise LookupError("no words")


def test_page_shows_the_environ_escaped() -> None:
    client: Any = Client(testapp.test_app)
    response = client.get("/x?a=<1>", headers={"X-Evil": "<script>"}, environ_overrides={"odd.object": Unspeakable()})
    assert response.status == "200 OK"
    assert response.mimetype == "text/html"
    assert "<script>" not in response.text
    assert "&#x27;&lt;script&gt;&#x27;" in response.text
    assert "QUERY_STRING" in response.text
    assert "&lt;Unspeakable: its repr() raises LookupError&gt;" in response.text
    assert sys.version.split()[0] in response.text
    assert "<li>Jinja2 " in response.text or "<li>jinja2 " in response.text


def test_page_is_served_as_wsgi_asks_for() -> None:
    client: Any = Client(LintMiddleware(testapp.test_app))
    with client.get("/", buffered=True) as response:
        assert response.data.startswith(b"<!doctype html>")


def test_pages_own_parts_are_all_filled() -> None:
    assert "%(" in testapp.TEMPLATE
    response: Any = Client(testapp.test_app).get("/")
    assert "%(" not in response.text
    assert "width: 100%;" in response.text


def test_places_of_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    (home / "lib").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(home / "lib"), "home", str(tmp_path / "none.zip"), f"{home}less"])
    assert [(path.replace("\\", "/"), *rest) for path, *rest in testapp.iter_sys_path()] == [
        ("~/lib", False, False),
        (str(home).replace("\\", "/"), False, True),
        (str(tmp_path / "none.zip").replace("\\", "/"), True, False),
        (f"{home}less".replace("\\", "/"), True, False),
    ]


def test_pytest_takes_it_for_no_test() -> None:
    assert testapp.test_app.__test__ is False  # type: ignore[attr-defined]
