"""Cases RH of the wire table that are calls: header fields that an application sets."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

import hipflask
from hipflask.http.response import Response
from tests.wire_api.conftest import exchange


def statuses(data: bytes) -> list[int]:
    """Return the statuses of a stream of responses."""
    return [int(found) for found in re.findall(rb"HTTP/1\.1 ([0-9]{3})", data)]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("X", "a\r\nY: b", id="RH-001"),
        pytest.param("X", "a\nb", id="RH-002-lf"),
        pytest.param("X", "a\rb", id="RH-002-cr"),
        pytest.param("X\r\nY", "b", id="RH-003"),
    ],
)
def test_line_breaks_are_refused(name: str, value: str) -> None:
    for change in (Response().headers.__setitem__, Response().headers.add, Response().headers.setdefault):
        with pytest.raises(ValueError, match="line break"):
            change(name, value)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("X Y", "b", id="RH-004-space"),
        pytest.param("X:", "b", id="RH-004-colon"),
        pytest.param("", "b", id="RH-004-empty"),
        pytest.param("X", "\udcff", id="RH-007"),
        pytest.param("X", "a\0b", id="RH-007-nul"),
    ],
)
def test_what_cannot_be_sent_is_an_error_of_this_request(app: hipflask.Flask, ask: Any, name: str, value: str) -> None:
    app.add_url_rule("/bad", "bad", lambda: hipflask.Response("x", headers={name: value}))
    app.add_url_rule("/", "index", lambda: "alive")
    assert statuses(ask(app, "/bad", "/")) == [500, 200]


@pytest.mark.parametrize(
    "status", [pytest.param("200 OK\r\nX: y", id="RH-008"), pytest.param("200 a\nb", id="RH-008-lf")]
)
def test_line_breaks_in_the_status_are_refused(status: str) -> None:
    with pytest.raises(ValueError, match="control character"):
        Response(status=status)


def test_rh_009_a_reason_is_not_shown_as_html(app: hipflask.Flask) -> None:
    app.add_url_rule("/", "index", lambda: hipflask.Response("", status="400 <script>"))
    app.add_url_rule("/abort", "abort", lambda: hipflask.abort(400, "<script>"))
    client = app.test_client()
    assert client.get("/").status == "400 <script>"
    assert "<script>" not in client.get("/").text
    assert "&lt;script&gt;" in client.get("/abort").text


def test_rh_012_the_server_owns_the_connection(app: hipflask.Flask, ask: Any) -> None:
    fields = {"Connection": "upgrade", "Keep-Alive": "timeout=99"}
    app.add_url_rule("/", "index", lambda: hipflask.Response("hello", headers=fields))
    # Werkzeug's server sends it; PEP 3333 calls it an error, and so does this one.
    app.add_url_rule("/framing", "framing", lambda: hipflask.Response("", headers={"Transfer-Encoding": "chunked"}))
    answer = ask(app, "/", "/framing").lower()
    assert statuses(answer.upper()) == [200, 500]
    assert b"\r\n\r\nhello" in answer
    assert b"upgrade" not in answer and b"timeout=99" not in answer


def test_rh_014_date_and_server_are_sent_once(app: hipflask.Flask, ask: Any) -> None:
    fields = {"Date": "Sun, 06 Nov 1994 08:49:37 GMT", "Server": "mine"}
    app.add_url_rule("/", "index", lambda: hipflask.Response("", headers=fields))
    head = ask(app, "/").partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert [line for line in head if line.startswith((b"Date:", b"Server:"))] == [
        b"Date: Sun, 06 Nov 1994 08:49:37 GMT",
        b"Server: mine",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(5, "5", id="RH-015-int"),
        # As in Werkzeug: str() of whatever it is.
        pytest.param(None, "None", id="RH-015-none"),
        pytest.param(b"b", "b'b'", id="RH-015-bytes"),
    ],
)
def test_values_become_text(value: Any, text: str) -> None:
    response = Response()
    response.headers["X"] = value
    assert response.headers["X"] == text


def test_rh_017_the_server_does_not_tell_its_version(app: hipflask.Flask, ask: Any) -> None:
    app.add_url_rule("/", "index", lambda: "alive")
    head = ask(app, "/").partition(b"\r\n\r\n")[0]
    servers = [line for line in head.split(b"\r\n") if line.lower().startswith(b"server:")]
    assert not any(character.isdigit() for line in servers for character in line.decode())


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        pytest.param(b"<script> HTTP\r\n\r\n", 400, id="RH-020-400"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"<b>" * 30_000 + b"\r\n\r\n", 431, id="RH-020-431"),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: localhost\r\nX: <b>\r\nContent-Length: 999999999999\r\n\r\n",
            413,
            id="RH-020-413",
        ),
    ],
)
def test_errors_of_the_server_say_nothing_of_the_request(
    app: hipflask.Flask, serve: Callable[[Any], int], request_bytes: bytes, status: int
) -> None:
    app.add_url_rule("/", "index", lambda: "alive", methods=["GET", "POST"])
    answer = exchange(serve(app), request_bytes)
    head, _, body = answer.lower().partition(b"\r\n\r\n")
    assert int(head.split()[1]) == status
    assert b"connection: close" in head
    assert f"content-length: {len(body)}".encode() in head
    assert b"<script>" not in answer and b"<b>" not in answer
