from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from hipflask.server.connection import Connection
from hipflask.server.limits import Limits
from hipflask.server.parser import RequestHead
from hipflask.server.writer import AnswerError, ResponseWriter, plain_response


class Exchange:
    """A writer and what the client receives from it."""

    def __init__(self, method: str = "GET", minor_version: int = 1) -> None:
        ours, self.theirs = socket.socketpair()
        self.connection = Connection(ours, "", Limits())
        self.writer = ResponseWriter(self.connection, RequestHead(method, "/", minor_version), "test", lambda: True)

    def sent(self) -> bytes:
        self.connection.close()
        data = b""
        while part := self.theirs.recv(65536):
            data += part
        return data


@pytest.fixture
def exchange(request: pytest.FixtureRequest) -> Iterator[Exchange]:
    made = Exchange(*getattr(request, "param", ()))
    with made.theirs, made.connection.sock:
        yield made


def lines_of(data: bytes) -> list[bytes]:
    lines = data.split(b"\r\n")
    return [each for each in lines if not each.startswith((b"Date: ", b"Server: "))]


CASES = [
    ("GET", 1, "200 OK", [], [b"ab", b"c"], [b"HTTP/1.1 200 OK", b"Content-Length: 3", b"", b"abc"]),
    ("GET", 1, "200 OK", [], [], [b"HTTP/1.1 200 OK", b"Content-Length: 0", b"", b""]),
    ("GET", 1, "200", [], (), [b"HTTP/1.1 200 ", b"Content-Length: 0", b"", b""]),
    (
        "GET",
        1,
        "200 OK",
        [],
        iter([b"ab", b"", b"c"]),
        [b"HTTP/1.1 200 OK", b"Transfer-Encoding: chunked", b"", b"2", b"ab", b"1", b"c", b"0", b"", b""],
    ),
    ("GET", 0, "200 OK", [], iter([b"ab"]), [b"HTTP/1.1 200 OK", b"Connection: close", b"", b"ab"]),
    ("HEAD", 1, "200 OK", [("Content-Length", "9")], [], [b"HTTP/1.1 200 OK", b"Content-Length: 9", b"", b""]),
    ("HEAD", 1, "200 OK", [], iter([b"ab", b"c"]), [b"HTTP/1.1 200 OK", b"", b""]),
    ("GET", 1, "204 No Content", [("Content-Length", "2")], [b"ab"], [b"HTTP/1.1 204 No Content", b"", b""]),
    ("GET", 1, "205 Reset Content", [], [b"ab"], [b"HTTP/1.1 205 Reset Content", b"Content-Length: 0", b"", b""]),
    ("GET", 1, "304 Not Modified", [("ETag", '"a"')], [], [b"HTTP/1.1 304 Not Modified", b'ETag: "a"', b"", b""]),
    (
        "GET",
        1,
        "200 OK",
        [("Connection", "close"), ("Keep-Alive", "timeout=5"), ("X", "\xfc")],
        [b"a"],
        [b"HTTP/1.1 200 OK", b"X: \xfc", b"Content-Length: 1", b"Connection: close", b"", b"a"],
    ),
    (
        "GET",
        1,
        "200 OK",
        [("Connection", "X-A"), ("Content-Length", "1"), ("Content-Length", "2")],
        [b"a"],
        [b"HTTP/1.1 200 OK", b"Content-Length: 1", b"", b"a"],
    ),
]


@pytest.mark.parametrize(("method", "minor", "status", "fields", "body", "lines"), CASES)
def test_answer_is_framed(
    method: str, minor: int, status: str, fields: list[tuple[str, str]], body: Any, lines: list[bytes]
) -> None:
    exchange = Exchange(method, minor)
    with exchange.theirs:
        exchange.writer.start_response(status, fields)
        exchange.writer.send(body)
        assert exchange.writer.is_complete
        assert lines_of(exchange.sent()) == lines


def test_date_and_server_of_the_application_stay(exchange: Exchange) -> None:
    exchange.writer.start_response("200 OK", [("date", "today"), ("SERVER", "mine")])
    exchange.writer.send([])
    sent = exchange.sent()
    assert sent.lower().count(b"date:") == sent.lower().count(b"server:") == 1


def test_large_body_arrives_whole(exchange: Exchange) -> None:
    exchange.writer.start_response("200 OK", [])
    exchange.writer.send([b"a" * 70_000])
    assert exchange.sent().endswith(b"\r\n\r\n" + b"a" * 70_000)


def test_write_function_sends_before_the_body(exchange: Exchange) -> None:
    write = exchange.writer.start_response("200 OK", [("Content-Length", "3")])
    write(b"")
    write(b"a")
    exchange.writer.send([b"bc"])
    assert exchange.sent().endswith(b"\r\n\r\nabc")
    assert exchange.writer.sent_bytes == 3


def test_answer_may_change_until_it_is_sent(exchange: Exchange) -> None:
    write = exchange.writer.start_response("200 OK", [])
    error: Any = (ValueError, ValueError("late"), None)
    exchange.writer.start_response("500 Oops", [("Content-Length", "1")], error)
    write(b"a")
    with pytest.raises(ValueError, match="late"):
        exchange.writer.start_response("200 OK", [], error)
    assert exchange.sent().startswith(b"HTTP/1.1 500 Oops\r\n")


@pytest.mark.parametrize(
    ("status", "fields", "message"),
    [
        ("100 Continue", [], "200 or above"),
        ("199 x", [], "200 or above"),
        ("0", [], "three digits"),
        ("1000 x", [], "three digits"),
        ("abc", [], "three digits"),
        ("200 a\r\nX: y", [], "three digits"),
        ("200\xa0OK", [], "three digits"),
        ("200 OK", [("X", "a\r\nY: b")], "line end"),
        ("200 OK", [("X", "a\x00")], "control"),
        ("200 OK", [("X", "\u20ac")], "non-latin-1"),
        ("200 OK", [("X y", "a")], "header name"),
        ("200 OK", [("", "a")], "header name"),
        ("200 OK", [("X", 1)], "must be text"),
        ("200 OK", [(b"X", "1")], "must be text"),
        ("200 OK", [("Transfer-Encoding", "chunked")], "Remove it"),
        ("200 OK", [("Upgrade", "websocket")], "Remove it"),
        ("200 OK", [("Content-Length", "-1")], "whole number"),
        ("200 OK", [("Content-Length", "\u0661")], "non-latin-1"),
    ],
)
def test_answer_that_cannot_be_sent_is_told(exchange: Exchange, status: str, fields: Any, message: str) -> None:
    with pytest.raises(AnswerError, match=message):
        exchange.writer.start_response(status, fields)
    assert not exchange.writer.is_head_sent


def test_start_response_is_called_once_and_first(exchange: Exchange) -> None:
    with pytest.raises(AnswerError, match="before it called"):
        exchange.writer.write(b"a")
    with pytest.raises(AnswerError, match="came before"):
        exchange.writer.send([b"a"])
    with pytest.raises(AnswerError, match="without a call"):
        exchange.writer.send([])
    exchange.writer.start_response("200 OK", [])
    with pytest.raises(AnswerError, match="second time"):
        exchange.writer.start_response("200 OK", [])


def test_body_must_be_bytes(exchange: Exchange) -> None:
    text: Any = "text"
    exchange.writer.start_response("200 OK", [])
    with pytest.raises(AnswerError, match="not of str"):
        exchange.writer.write(text)
    with pytest.raises(AnswerError, match="not of str"):
        exchange.writer.send([text])


def test_body_longer_than_announced_is_cut_and_ends_the_connection(exchange: Exchange) -> None:
    exchange.writer.start_response("200 OK", [("Content-Length", "3")])
    with pytest.raises(AnswerError, match="longer"):
        exchange.writer.send([b"ab", b"cd"])
    assert (exchange.writer.is_complete, exchange.writer.is_keep_alive) == (False, False)
    assert exchange.sent().endswith(b"\r\n\r\nabc")


def test_body_shorter_than_announced_is_not_complete(exchange: Exchange) -> None:
    exchange.writer.start_response("200 OK", [("Content-Length", "3")])
    with pytest.raises(AnswerError, match="shorter"):
        exchange.writer.send([b"ab"])
    assert not exchange.writer.is_complete


def test_generator_that_starts_the_answer_late_is_served(exchange: Exchange) -> None:
    def late() -> Iterator[bytes]:
        exchange.writer.start_response("200 OK", [])
        yield b"a"

    exchange.writer.send(late())
    assert exchange.sent().endswith(b"1\r\na\r\n0\r\n\r\n")


def test_exc_info_leaves_no_cycle(exchange: Exchange) -> None:
    exchange.writer.start_response("200 OK", [])
    try:
        raise KeyError("x")
    except KeyError:
        exchange.writer.start_response("500 Oops", [], sys.exc_info())  # type: ignore[arg-type]
    assert exchange.writer.status == "500 Oops"


def test_plain_response_is_whole() -> None:
    data = plain_response(503, "Busy", "later", retry_after=1)
    head, _, body = data.partition(b"\r\n\r\n")
    assert b"Retry-After: 1" in head
    assert f"Content-Length: {len(body)}".encode() in head
    assert plain_response(400, "Bad", "x", has_body=False).endswith(b"\r\n\r\n")
