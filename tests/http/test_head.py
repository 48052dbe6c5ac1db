from __future__ import annotations

import io
from typing import Any

import pytest

from hipflask.http.head import WsgiHead, decode_wsgi_text


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("/", "/", id="root"),
        pytest.param("/a/b", "/a/b", id="plain"),
        pytest.param("", "/", id="empty"),
        pytest.param("a", "/a", id="no-slash"),
        pytest.param("//a//b", "/a//b", id="slashes"),
        pytest.param("/caf\u00c3\u00a9", "/café", id="utf-8"),
        pytest.param("/\u00ff", "/\ufffd", id="not-utf-8"),
    ],
)
def test_path_is_decoded_with_one_leading_slash(path: str, expected: str) -> None:
    assert WsgiHead({"PATH_INFO": path}).path == expected


def test_empty_environ_is_a_get_of_the_root() -> None:
    head = WsgiHead({})
    assert (head.method, head.path, head.target, head.query_string) == ("GET", "/", "/", b"")
    assert (head.headers, head.http_version, head.scheme) == ([], "1.1", "http")
    assert (head.client, head.server, head.root_path) == (None, None, "")
    assert not head.is_disconnected()


def test_method_is_upper_case() -> None:
    assert WsgiHead({"REQUEST_METHOD": "put"}).method == "PUT"


@pytest.mark.parametrize(
    ("environ", "target"),
    [
        pytest.param({"REQUEST_URI": "/a%20b?c", "RAW_URI": "/x"}, "/a%20b?c", id="request-uri"),
        pytest.param({"RAW_URI": "/a%2fb"}, "/a%2fb", id="raw-uri"),
        pytest.param({"SCRIPT_NAME": "/s", "PATH_INFO": "/a b", "QUERY_STRING": "c=1"}, "/s/a%20b?c=1", id="rebuilt"),
        pytest.param({"PATH_INFO": "/caf\u00c3\u00a9"}, "/caf%C3%A9", id="utf-8"),
    ],
)
def test_target_is_as_received_or_rebuilt(environ: dict[str, Any], target: str) -> None:
    assert WsgiHead(environ).target == target


def test_headers_come_from_the_environ() -> None:
    environ = {
        "HTTP_X_ONE": "1",
        "HTTP_HOST": "h",
        "CONTENT_TYPE": "a/b",
        "CONTENT_LENGTH": "",
        "HTTP_CONTENT_TYPE": "c/d",
        "wsgi.input": None,
        "REMOTE_ADDR": "x",
    }
    assert WsgiHead(environ).headers == [("X-One", "1"), ("Host", "h"), ("Content-Type", "a/b")]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("host", "h"), ("x-one", "1"), ("content-type", "a/b"), ("content-length", "3"), ("absent", None)],
)
def test_get_header(name: str, expected: str | None) -> None:
    environ = {"HTTP_HOST": "h", "HTTP_X_ONE": "1", "CONTENT_TYPE": "a/b", "CONTENT_LENGTH": "3"}
    assert WsgiHead(environ).get_header(name) == expected


@pytest.mark.parametrize(
    ("environ", "client", "server"),
    [
        pytest.param(
            {"REMOTE_ADDR": "1.2.3.4", "REMOTE_PORT": "5", "SERVER_NAME": "s", "SERVER_PORT": "80"},
            ("1.2.3.4", 5),
            ("s", 80),
            id="all",
        ),
        pytest.param(
            {"REMOTE_ADDR": "1.2.3.4", "SERVER_NAME": "/sock"}, ("1.2.3.4", 0), ("/sock", None), id="no-ports"
        ),
        pytest.param({"REMOTE_ADDR": "", "REMOTE_PORT": "x"}, ("", 0), None, id="odd"),
    ],
)
def test_addresses(environ: dict[str, Any], client: Any, server: Any) -> None:
    head = WsgiHead(environ)
    assert (head.client, head.server) == (client, server)


def test_the_rest_of_the_environ() -> None:
    errors = io.StringIO()
    environ = {
        "SERVER_PROTOCOL": "HTTP/1.0",
        "wsgi.url_scheme": "https",
        "SCRIPT_NAME": "/caf\u00c3\u00a9/",
        "QUERY_STRING": "a=\u00c3\u00a9",
        "wsgi.errors": errors,
        "wsgi.input": io.BytesIO(b"body and more"),
        "CONTENT_LENGTH": "4",
    }
    head = WsgiHead(environ)
    assert (head.http_version, head.scheme, head.root_path) == ("1.0", "https", "/café")
    assert head.query_string == "a=é".encode()
    assert head.errors is errors
    assert head.body.read() == b"body"
    assert head.extensions is head.to_environ() is environ


@pytest.mark.parametrize(("text", "expected"), [("abc", "abc"), ("\u00c3\u00a9", "é"), ("\u00e9", "\ufffd")])
def test_decode_wsgi_text(text: str, expected: str) -> None:
    assert decode_wsgi_text(text) == expected
