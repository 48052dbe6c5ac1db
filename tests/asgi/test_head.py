from __future__ import annotations

import sys
from typing import Any
from wsgiref.validate import check_environ

import pytest

from hipflask import Flask, request
from hipflask.asgi.head import AsgiHead
from tests.asgi.driver import ask, make_scope, run


class NoBody:
    is_disconnected = False

    def ask_disconnected(self) -> bool:
        return self.is_disconnected

    def read_some(self) -> bytes:
        return b""


def head(*args: Any, **more: Any) -> AsgiHead:
    return AsgiHead(make_scope(*args, **more), NoBody())  # type: ignore[arg-type]  # has what is needed


@pytest.mark.parametrize(
    ("root", "path", "expected", "info"),
    [
        pytest.param("", "/a", "/a", "/a", id="plain"),
        pytest.param("", "//a", "/a", "//a", id="slashes"),
        pytest.param("", "", "/", "", id="empty"),
        pytest.param("/r", "/r/a", "/a", "/a", id="root-in-path"),
        pytest.param("/r/", "/r/a", "/a", "/a", id="root-with-slash"),
        pytest.param("/r", "/a", "/a", "/a", id="root-not-in-path"),
        pytest.param("/r", "/rest", "/rest", "/rest", id="root-is-no-prefix-of-words"),
        pytest.param("/r", "/r", "/", "", id="root-alone"),
        pytest.param("", "/gr\u00fc\u00dfe", "/gr\u00fc\u00dfe", "/gr\u00fc\u00dfe", id="unicode"),
    ],
)
def test_path_is_below_the_root(root: str, path: str, expected: str, info: str) -> None:
    found = head(root_path=root, path=path)
    assert (found.path, found.path_info, found.root_path) == (expected, info, root.rstrip("/"))
    environ = found.to_environ()
    assert environ["PATH_INFO"].encode("latin-1").decode() == info
    assert environ["SCRIPT_NAME"] == root.rstrip("/")


def test_attributes() -> None:
    found = head("/a%20b?c=%31", "post", [("X-A", "1"), ("x-a", "2"), ("Cookie", "a=1"), ("Cookie", "b=2")])
    assert (found.method, found.target, found.query_string) == ("POST", "/a%20b?c=%31", b"c=%31")
    assert (found.http_version, found.scheme, found.errors) == ("1.1", "http", sys.stderr)
    assert (found.client, found.server) == (("127.0.0.1", 50000), ("127.0.0.1", 80))
    assert (found.get_header("x-a"), found.get_header("cookie"), found.get_header("x-b")) == ("1,2", "a=1; b=2", None)
    assert ("x-a", "1") in found.headers
    assert found.extensions is found.scope
    assert found.body is found.body


def test_environ_is_valid_and_always_the_same() -> None:
    found = head("/a?b=1", headers=[("Content-Type", "text/plain"), ("Content-Length", "3"), ("X-A", "b")])
    environ = found.to_environ()
    assert environ is found.to_environ()
    check_environ({**environ, "wsgi.input": environ["wsgi.input"]})
    assert (environ["CONTENT_TYPE"], environ["CONTENT_LENGTH"], environ["HTTP_X_A"]) == ("text/plain", "3", "b")
    assert (environ["REMOTE_ADDR"], environ["REMOTE_PORT"], environ["REQUEST_URI"]) == ("127.0.0.1", "50000", "/a?b=1")
    assert "wsgi.input_terminated" not in environ
    assert head().to_environ()["wsgi.input_terminated"]


def test_scope_with_little_in_it() -> None:
    scope = {"type": "http", "method": "GET", "path": "/a b", "headers": []}
    found = AsgiHead(scope, NoBody())  # type: ignore[arg-type]  # has what is needed
    assert (found.target, found.client, found.server, found.query_string) == ("/a%20b", None, None, b"")
    assert not found.is_told_by_send
    environ = found.to_environ()
    assert environ["SERVER_NAME"] == "localhost"
    assert "REMOTE_ADDR" not in environ


def test_unix_socket_has_no_port() -> None:
    found = head(server=("/run/app.sock", None), client=("", None))
    assert found.server == ("/run/app.sock", None)
    assert found.client == ("", 0)
    assert found.to_environ()["SERVER_PORT"] == ""


def test_fields_that_pass_for_others_are_left_out() -> None:
    found = head(headers=[("X_User", "mallory"), ("Proxy", "http://mallory/"), ("X-User", "anna")])
    assert found.to_environ()["HTTP_X_USER"] == "anna"
    assert found.get_header("proxy") is None


@pytest.mark.parametrize(
    ("headers", "version", "expected", "length"),
    [
        ([], "1.1", False, 0),
        ([], "2", True, 0),
        ([("Content-Length", "0")], "2", False, 0),
        ([("Content-Length", "7")], "1.1", True, 7),
        ([("Content-Length", "x")], "1.1", True, 0),
        ([("Content-Length", "9" * 30)], "1.1", True, 0),
        ([("Transfer-Encoding", "chunked")], "1.1", True, 0),
    ],
    ids=["none", "http2", "zero", "length", "no-number", "too-many-digits", "chunked"],
)
def test_body_is_expected(headers: Any, version: str, expected: bool, length: int) -> None:
    found = head(headers=headers, http_version=version)
    assert (found.may_have_body, found.content_length) == (expected, length)


@pytest.mark.parametrize("name", ["Host", "Content-Length", "Content-Type"])
def test_repeated_field_is_refused(name: str) -> None:
    app = Flask("app_under_test")
    assert run(ask(app.asgi_app, headers=[(name, "1"), (name.lower(), "1")])).status == 400


def test_request_of_an_asgi_head() -> None:
    app = Flask("app_under_test")

    @app.route("/")
    def index() -> list[Any]:
        environ = request.environ
        return [
            request.headers["X-A"],
            request.remote_addr,
            request.url,
            environ["werkzeug.request"] is request._get_current_object(),  # type: ignore[attr-defined]  # a proxy
            environ["asgi.scope"]["type"],
        ]

    reply = run(ask(app.asgi_app, "/?q=1", headers=[("X-A", "b")]))
    assert reply.body == b'["b","127.0.0.1","http://localhost/?q=1",true,"http"]\n'


def test_request_for_the_root_without_a_slash_is_redirected() -> None:
    app = Flask("app_under_test")
    app.add_url_rule("/", "index", lambda: "index")
    reply = run(ask(app.asgi_app, root_path="/mounted", path="/mounted"))
    assert (reply.status, reply.header("location")) == (308, "http://localhost/mounted/")
