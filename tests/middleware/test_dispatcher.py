"""Which application a path belongs to, and what it is told of the path."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from hipflask import Flask, url_for
from hipflask.middleware.dispatcher import DispatcherMiddleware


def named(name: str) -> Any:
    """Return an application that answers with its name and the path it is told."""

    def app(environ: dict[str, Any], start_response: Any) -> list[Any]:
        return [name, environ["SCRIPT_NAME"], environ["PATH_INFO"]]

    return app


MOUNTS = {"/a": named("a"), "/a/b": named("ab"), "/x/": named("x/"), "/d//e": named("de")}


def ask(middleware: Any, path: str, root: str | None = "/s", mounts: Any = MOUNTS) -> Any:
    environ = {"PATH_INFO": path} | ({} if root is None else {"SCRIPT_NAME": root})
    return middleware(named("root"), mounts)(environ, None)


PATHS = [
    ("", ["root", "/s", ""]),
    ("/", ["root", "/s", "/"]),
    ("/a", ["a", "/s/a", ""]),
    ("/a/", ["a", "/s/a", "/"]),
    ("/a/c", ["a", "/s/a", "/c"]),
    ("/a/b", ["ab", "/s/a/b", ""]),
    ("/a/b/c/d", ["ab", "/s/a/b", "/c/d"]),
    ("/a//b", ["a", "/s/a", "//b"]),
    ("/ab", ["root", "/s", "/ab"]),
    ("/A", ["root", "/s", "/A"]),
    ("//a", ["root", "/s", "//a"]),
    ("/x", ["root", "/s", "/x"]),
    ("/x/", ["x/", "/s/x/", ""]),
    ("/x/y", ["root", "/s", "/x/y"]),
    ("/d//e/f", ["de", "/s/d//e", "/f"]),
    ("/a/" + "b/" * 50, ["ab", "/s/a/b", "/" + "b/" * 49]),
]


@pytest.mark.parametrize(("path", "expected"), PATHS, ids=[path[:10] for path, _ in PATHS])
def test_longest_mount_answers(path: str, expected: list[str]) -> None:
    assert ask(DispatcherMiddleware, path) == expected


@pytest.mark.parametrize("path", [path for path, _ in PATHS], ids=[path[:10] for path, _ in PATHS])
@pytest.mark.parametrize("more", [{}, {"": named("empty")}, {"/": named("slash")}], ids=["", "empty", "slash"])
@pytest.mark.parametrize("root", ["/s", None])
def test_choice_is_that_of_werkzeug(path: str, more: dict[str, Any], root: str | None) -> None:
    pytest.importorskip("werkzeug")
    theirs = importlib.import_module("werkzeug.middleware.dispatcher").DispatcherMiddleware
    mounts = {**MOUNTS, **more}
    assert ask(DispatcherMiddleware, path, root, mounts) == ask(theirs, path, root, mounts)


def test_path_of_options_for_the_server_goes_to_the_application() -> None:
    assert ask(DispatcherMiddleware, "*") == ["root", "/s", "*"]


@pytest.mark.parametrize("mounts", [None, {}])
def test_without_mounts_all_goes_to_the_application(mounts: Any) -> None:
    assert ask(DispatcherMiddleware, "/a/b", None, mounts) == ["root", "", "/a/b"]


def test_missing_path_is_the_root() -> None:
    dispatcher: Any = DispatcherMiddleware(named("root"), MOUNTS)
    assert dispatcher({}, None) == ["root", "", ""]


def test_mount_added_later_answers() -> None:
    mounts: dict[str, Any] = {}
    dispatcher: Any = DispatcherMiddleware(named("root"), mounts)
    mounts["/late"] = named("late")
    assert dispatcher({"PATH_INFO": "/late/x"}, None) == ["late", "/late", "/x"]
    assert dispatcher.mounts is mounts


def test_path_of_many_slashes_is_quick() -> None:
    # Prefixes longer than the longest mount are not tried: else this would copy gigabytes.
    assert ask(DispatcherMiddleware, "/" * 1_000_000)[0] == "root"


def test_applications_build_urls_below_their_mount() -> None:
    outer, inner = Flask("outer"), Flask("inner")
    outer.add_url_rule("/page", "page", lambda: url_for("page"))
    inner.add_url_rule("/page", "page", lambda: url_for("page"))
    outer.wsgi_app = DispatcherMiddleware(outer.wsgi_app, {"/inner": inner})  # type: ignore[method-assign]
    client = outer.test_client()
    assert client.get("/page").text == "/page"
    assert client.get("/inner/page").text == "/inner/page"
    assert client.get("/inner/none").status_code == 404
