from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipflask.http.exceptions import (
    BadRequest,
    ClientDisconnected,
    HTTPException,
    RequestEntityTooLarge,
    RequestTimeout,
)
from hipflask.server.body import ChunkedBody, InputStream, LengthBody, open_body
from hipflask.server.connection import Connection
from hipflask.server.limits import Limits
from hipflask.server.parser import RequestHead

LIMITS = Limits(max_body_bytes=1_000_000)


@pytest.fixture
def pair() -> Iterator[tuple[Connection, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Connection(ours, "", LIMITS), theirs


def length_stream(data: bytes, length: int | None = None) -> InputStream:
    """A stream whose bytes are there already; more would be waited for on a closed connection."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        connection = Connection(ours, "", LIMITS)
    connection.buffer += data
    return InputStream(LengthBody(connection, len(data) if length is None else length))


def chunked_stream(data: bytes, limit: int = 1_000_000) -> InputStream:
    stream = length_stream(data)
    assert isinstance(stream.source, LengthBody)
    return InputStream(ChunkedBody(stream.source._connection, limit))


def test_read_returns_what_was_asked_for() -> None:
    stream = length_stream(b"abcdefgh")
    assert [stream.read(0), stream.read(3), stream.read(2), stream.read(), stream.read(), stream.read(5)] == [
        b"",
        b"abc",
        b"de",
        b"fgh",
        b"",
        b"",
    ]


def test_bytes_after_the_body_are_left() -> None:
    stream = length_stream(b"abcNEXT", 3)
    assert stream.read(None) == b"abc"
    assert isinstance(stream.source, LengthBody)
    assert stream.source._connection.buffer == b"NEXT"


def test_lines_are_read_with_their_ends() -> None:
    stream = length_stream(b"one\ntwo\n\nlast")
    assert stream.readline() == b"one\n"
    assert stream.readline(2) == b"tw"
    assert stream.read(1) == b"o"
    assert stream.readlines() == [b"\n", b"\n", b"last"]
    assert stream.readline() == b""
    assert list(stream) == []


def test_readlines_stops_at_its_hint() -> None:
    stream = length_stream(b"a\nb\nc\n")
    assert stream.readlines(3) == [b"a\n", b"b\n"]
    assert stream.readlines(None) == [b"c\n"]


def test_readinto_fills_a_buffer() -> None:
    stream = length_stream(b"ab\ncdef")
    assert stream.readline() == b"ab\n"
    buffer = bytearray(3)
    assert stream.readable()
    assert (stream.readinto(buffer), bytes(buffer)) == (3, b"cde")
    assert (stream.readinto(buffer), bytes(buffer)) == (1, b"fde")
    assert stream.readinto(buffer) == 0
    assert stream.readinto(bytearray()) == 0


@given(st.binary(max_size=60).map(lambda data: data.replace(b"x", b"\n")), st.lists(st.integers(-1, 20), max_size=20))
def test_reads_and_lines_add_up_to_the_body(data: bytes, sizes: list[int]) -> None:
    stream = length_stream(data)
    pieces = [stream.readline(size) if number % 2 else stream.read(size) for number, size in enumerate(sizes)]
    assert b"".join(pieces) + stream.read() == data


def test_body_that_ends_early_is_never_whole() -> None:
    stream = length_stream(b"abc", 5)
    with pytest.raises(ClientDisconnected, match="400"):
        stream.read()
    with pytest.raises(ClientDisconnected, match="400"):
        stream.read(1)
    assert stream.is_broken
    assert not stream.can_end_within(100)
    assert not stream.drain(100)


def test_client_that_closes_has_disconnected(pair: tuple[Connection, socket.socket]) -> None:
    connection, client = pair
    client.sendall(b"ab")
    client.shutdown(socket.SHUT_WR)
    stream = InputStream(LengthBody(connection, 5))
    assert stream.read(2) == b"ab"
    with pytest.raises(ClientDisconnected, match="400"):
        stream.read(2)


@pytest.mark.parametrize(
    "limits", [Limits(body_timeout_seconds=0.01), Limits(rate_grace_seconds=0.01)], ids=["gap", "rate"]
)
def test_client_that_sends_too_slowly_gets_408(limits: Limits) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        stream = InputStream(LengthBody(Connection(ours, "", limits), 5))
        with pytest.raises(RequestTimeout, match="408"):
            stream.read()


def test_time_that_is_used_up_is_not_given_again() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        connection = Connection(ours, "", LIMITS)
        connection.limit_reading(0)
        with pytest.raises(RequestTimeout, match="408"):
            InputStream(LengthBody(connection, 5)).read()


@pytest.mark.parametrize(
    ("data", "body"),
    [
        pytest.param(b"0\r\n\r\n", b"", id="empty"),
        pytest.param(b"5\r\nhello\r\n0\r\n\r\n", b"hello", id="one"),
        pytest.param(b"2\r\nhe\r\n0003\r\nllo\r\n000\r\n\r\n", b"hello", id="two"),
        pytest.param(b'5;a=b;c="d"\r\nhello\r\n0;x\r\n\r\n', b"hello", id="extensions"),
        pytest.param(b"A\r\n0123456789\r\n0\r\nX: y\r\nContent-Length: 5\r\n\r\n", b"0123456789", id="trailers"),
    ],
)
def test_chunks_are_joined(data: bytes, body: bytes) -> None:
    stream = chunked_stream(data + b"NEXT")
    assert stream.read() == body
    assert stream.read(1) == b""
    assert stream.source._connection.buffer == b"NEXT"


BAD_CHUNKS = {
    "size-plus": b"+5\r\nhello\r\n0\r\n\r\n",
    "size-underscore": b"0_5\r\nhello\r\n0\r\n\r\n",
    "size-leading-space": b" 5\r\nhello\r\n0\r\n\r\n",
    "size-trailing-space": b"5 \r\nhello\r\n0\r\n\r\n",
    "size-empty": b"\r\nhello\r\n0\r\n\r\n",
    "size-no-hex": b"Z\r\nhello\r\n0\r\n\r\n",
    "size-nul": b"5\0\r\nhello\r\n0\r\n\r\n",
    "size-long": b"0" * 17 + b"5\r\nhello\r\n0\r\n\r\n",
    "size-endless": b"0" * 20000,
    "line-lf": b"5\nhello\r\n0\r\n\r\n",
    "extension-lf": b"5;a\nhello\r\n0\r\n\r\n",
    "extension-cr": b"2\r\r;a\r\n02\r\n0\r\n\r\n",
    "data-too-long": b"5\r\nhelloXX0\r\n\r\n",
    "data-then-lf": b"5\r\nhello\n0\r\n\r\n",
    "last-lf": b"0\n\r\n",
    "no-end": b"0\r\nXXGET / HTTP/1.1\r\n\r\n",
    "trailer-lf": b"0\r\nX: a\nY: b\r\n\r\n",
    "trailer-control": b"0\r\nX: a\x01\r\n\r\n",
    "trailer-no-name": b"0\r\n: a\r\n\r\n",
    "trailer-long": b"0\r\nX: " + b"a" * 20000 + b"\r\n\r\n",
    "trailers-many": b"0\r\n" + b"X: aaaaaaaaa\r\n" * 2000 + b"\r\n",
}


@pytest.mark.parametrize("data", BAD_CHUNKS.values(), ids=BAD_CHUNKS)
def test_bad_chunks_are_400(data: bytes) -> None:
    stream = chunked_stream(data)
    with pytest.raises(BadRequest, match="400"):
        stream.read()
    assert not stream.can_end_within(1_000_000)


@pytest.mark.parametrize("size", [b"6", b"FFFFFFFFFFFFFFFF"])
def test_chunks_beyond_the_limit_are_413(size: bytes) -> None:
    with pytest.raises(RequestEntityTooLarge, match="413"):
        chunked_stream(b"3\r\nabc\r\n" + size + b"\r\nabcdef\r\n0\r\n\r\n", limit=8).read()


@pytest.mark.parametrize("cut", range(1, len(b"5\r\nhello\r\n0\r\n\r\n")))
def test_chunks_that_end_early_are_never_whole(cut: int) -> None:
    with pytest.raises(ClientDisconnected, match="400"):
        chunked_stream(b"5\r\nhello\r\n0\r\n\r\n"[:cut]).read()


@given(st.binary(max_size=80))
def test_any_bytes_are_chunks_or_an_http_error(data: bytes) -> None:
    try:
        chunked_stream(data).read()
    except HTTPException as error:
        assert error.code in {400, 413}


@given(st.lists(st.binary(min_size=1, max_size=30), max_size=8), st.integers(1, 40))
def test_chunking_changes_nothing(chunks: list[bytes], size: int) -> None:
    data = b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in chunks) + b"0\r\n\r\n"
    stream = chunked_stream(data)
    assert b"".join(iter(lambda: stream.read(size), b"")) == b"".join(chunks)


def test_rest_is_drained_up_to_a_limit() -> None:
    assert length_stream(b"abc").drain(3)
    assert not length_stream(b"abc").drain(2)
    assert not length_stream(b"abc", 5).drain(10)
    assert chunked_stream(b"3\r\nabc\r\n0\r\n\r\n").drain(3)
    assert not chunked_stream(b"3\r\nabc\r\n3\r\nabc\r\n3\r\nabc\r\n0\r\n\r\n").drain(3)
    assert not chunked_stream(b"3\r\nabcX").drain(10)


def test_interim_answer_is_sent_before_the_first_read(pair: tuple[Connection, socket.socket]) -> None:
    connection, client = pair
    head = RequestHead("POST", "/", 1)
    head.content_length, head.expects_continue = 2, True
    calls = []

    def send_continue() -> None:
        calls.append(1)
        client.sendall(b"ab")

    stream = open_body(head, connection, send_continue)
    assert not stream.can_end_within(100)
    assert calls == []
    assert stream.read() == b"ab"
    assert calls == [1]
    assert stream.can_end_within(100)


def test_interim_answer_that_cannot_be_sent_is_a_disconnect(pair: tuple[Connection, socket.socket]) -> None:
    connection, client = pair
    client.close()
    stream = InputStream(LengthBody(connection, 2), lambda: connection.send(b"HTTP/1.1 100 Continue\r\n\r\n"))
    with pytest.raises(ClientDisconnected, match="400"):
        stream.read()


@pytest.mark.parametrize("length", [None, 0])
def test_request_without_body_has_an_empty_stream(length: int | None, pair: tuple[Connection, socket.socket]) -> None:
    head = RequestHead("GET", "/", 1)
    head.content_length, head.expects_continue = length, True
    stream = open_body(head, pair[0], lambda: pytest.fail("nothing to wait for"))
    assert stream.read() == b""
    assert stream.can_end_within(0)
