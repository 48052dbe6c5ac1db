"""The cost of a request is the number of Python calls: at most 34 inside ``handle`` (design.md, 3)."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest

BUDGET = 34


def calls_inside(function: Callable[..., object], *args: object, without: CodeType | None = None) -> list[str]:
    """Return the names of the Python functions called while *function* runs, but itself and *without*."""
    names: list[str] = []

    def profile(frame: FrameType, event: str, _arg: object) -> None:
        if event == "call" and frame.f_code is not without:
            names.append(frame.f_code.co_qualname)

    previous = sys.getprofile()
    sys.setprofile(profile)
    try:
        function(*args)
    finally:
        sys.setprofile(previous)
    return names[1:]


def _app_with_routes(count: int) -> tuple[Any, CodeType]:
    from hipflask import Flask  # noqa: PLC0415

    app = Flask("call_count")

    def hello(name: str) -> str:
        return name

    for number in range(count - 1):
        app.add_url_rule(f"/other{number}/<name>", f"other{number}", hello)
    app.add_url_rule("/hello/<name>", "hello", hello)
    return app, hello.__code__


def _head() -> Any:
    from hipflask.http.head import WsgiHead  # noqa: PLC0415

    environ = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/hello/world",
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "localhost",
        "wsgi.url_scheme": "http",
    }
    return WsgiHead(environ)


@pytest.mark.parametrize("routes", [10, 10_000])
def test_text_view_with_path_argument_stays_within_budget(routes: int, project_root: Path) -> None:
    app, view = _app_with_routes(routes)
    for _ in range(3):  # what is made once per application is not the cost of a request
        assert app.handle(_head()).status_code == 200
    calls = calls_inside(app.handle, _head(), without=view)
    assert len(calls) <= BUDGET, "\n".join(calls)


def test_calls_of_sample_are_counted() -> None:
    def view() -> None: ...

    def inner() -> None:
        view()

    def outer() -> None:
        inner()
        inner()
        len("C functions do not count")

    names = [name.rpartition(".")[2] for name in calls_inside(outer)]
    assert names == ["inner", "view", "inner", "view"]
    assert len(calls_inside(outer, without=view.__code__)) == 2
