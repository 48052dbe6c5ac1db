"""Clients that send bodies or take answers slowly, on purpose or not: whom they keep waiting, and how they end."""

from __future__ import annotations

import select
import socket
import threading
from contextlib import ExitStack
from typing import Any

import pytest

import hipflask
from hipflask import request
from tests.native.conftest import WAIT_SECONDS, Serve, Serving, receive_all

GET = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
MUCH = 64 * 1024
#: A rate that nobody manages who sends a byte now and then.
FAST: dict[str, Any] = {"rate_grace_seconds": 0.05, "min_rate_bytes": 100_000}


def length(size: int) -> bytes:
    """Return the head of a POST request with a body of some size."""
    return POST + b"Content-Length: %d\r\n\r\n" % size


class Seen:
    """What the views have seen.

    Attributes:
        begun: One permit for each view that was called.
        bodies: The bodies that they have read.
        errors: What reading them raised.
    """

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.bodies: list[bytes] = []
        self.errors: list[str] = []

    def read(self) -> str:
        """Read the body in the view."""
        self.begun.release()
        try:
            self.bodies.append(request.data)
        except Exception as error:
            self.errors.append(type(error).__name__)
            raise
        return f"{len(self.bodies[-1])} bytes"


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture(params=["plain", "sorted", "async"])
def app(request: pytest.FixtureRequest, seen: Seen) -> hipflask.Flask:
    """An application without async views, one with another such view, one whose view is async."""
    app = hipflask.Flask(__name__)
    app.add_url_rule("/", view_func=lambda: "Hello")

    async def view() -> str:
        return seen.read()

    if request.param == "sorted":
        app.add_url_rule("/async", "async", view)
    app.add_url_rule("/", "post", view if request.param == "async" else seen.read, methods=["POST"])
    return app


@pytest.fixture(params=["plain", "sorted"])
def sync_app(request: pytest.FixtureRequest, seen: Seen) -> hipflask.Flask:
    """An application whose view is sync and reads the body."""
    app = hipflask.Flask(__name__)
    app.add_url_rule("/", view_func=lambda: "Hello")
    app.add_url_rule("/", "post", seen.read, methods=["POST"])

    async def view() -> str:
        return "async"

    if request.param == "sorted":
        app.add_url_rule("/async", "async", view)
    return app


def drip(connection: socket.socket, data: bytes = b"x" * 2000) -> bytes:
    """Send a body a byte at a time until there is an answer, and return the answer."""
    for byte in data:
        if select.select([connection], [], [], 0.01)[0]:
            break
        connection.sendall(bytes([byte]))
    return receive_all(connection)


def reasons(serving: Serving) -> list[tuple[int, str]]:
    """End a server, and return which requests it has refused itself."""
    serving.close()
    return [(each.status, each.reason) for report in serving.reports for each in report.refusals]


@pytest.mark.parametrize("sent", [length(4000), CHUNKED + b"fff\r\n"], ids=["length", "chunked"])
def test_body_that_drips_costs_no_thread(app: hipflask.Flask, serve: Serve, seen: Seen, sent: bytes) -> None:
    serving = serve(app, threads=1, max_threads=1, **FAST)
    with serving.connect() as connection:
        connection.sendall(sent)
        assert serving.ask(GET).endswith(b"Hello")
        assert drip(connection).startswith(b"HTTP/1.1 408 ")
    assert not seen.begun.acquire(blocking=False)
    assert reasons(serving) == [(408, "the body comes too slowly")]


def test_body_that_stops_costs_no_thread(app: hipflask.Flask, serve: Serve, seen: Seen) -> None:
    serving = serve(app, body_timeout_seconds=0.05)
    assert serving.ask(length(100) + b"half").startswith(b"HTTP/1.1 408 ")
    assert not seen.begun.acquire(blocking=False)


def test_body_that_drips_while_it_is_read_is_answered_408(app: hipflask.Flask, serve: Serve, seen: Seen) -> None:
    with serve(app, **FAST).connect() as connection:
        connection.sendall(length(1_000_000))
        assert drip(connection).startswith(b"HTTP/1.1 408 ")
    assert seen.errors == ["RequestTimeout"]


def test_body_that_drips_after_100_continue_is_answered_408(app: hipflask.Flask, serve: Serve, seen: Seen) -> None:
    with serve(app, **FAST).connect() as connection:
        connection.sendall(POST + b"Content-Length: 4000\r\nExpect: 100-continue\r\n\r\n")
        assert connection.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert drip(connection).startswith(b"HTTP/1.1 408 ")
    assert seen.errors == ["RequestTimeout"]


def test_many_slow_bodies_keep_nobody_waiting(app: hipflask.Flask, serve: Serve, seen: Seen) -> None:
    serving = serve(app, threads=2, max_threads=2)
    slow = (length(4000), CHUNKED, length(1_000_000), POST + b"Content-Length: 4\r\nExpect: 100-continue\r\n\r\n")
    with ExitStack() as stack:
        for number in range(40):
            stack.enter_context(serving.connect()).sendall(slow[number % 4])
        for _ in range(10):
            assert serving.ask(GET).endswith(b"Hello")


@pytest.mark.parametrize("size", [1, 1000, MUCH - 1, MUCH, MUCH + 1, 3 * MUCH])
@pytest.mark.parametrize("is_chunked", [False, True], ids=["length", "chunked"])
def test_body_in_pieces_is_read_whole(
    app: hipflask.Flask, serve: Serve, seen: Seen, size: int, is_chunked: bool
) -> None:
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    sent = CHUNKED + b"%x\r\n%b\r\n0\r\n\r\n" % (size, body) if is_chunked else length(size) + body
    with serve(app).connect() as connection:
        for at in range(0, len(sent), 10_000):
            connection.sendall(sent[at : at + 10_000])
            select.select([connection], [], [], 0.002)
        assert receive_all(connection).endswith(b"\r\n\r\n%d bytes" % size)
    assert seen.bodies == [body]


def test_next_request_behind_a_collected_body_is_answered(app: hipflask.Flask, serve: Serve) -> None:
    with serve(app).connect() as connection:
        connection.sendall(length(10).replace(b"Connection: close\r\n", b"") + b"half,")
        select.select([connection], [], [], 0.01)
        connection.sendall(b"half." + GET)
        received = receive_all(connection)
    assert received.count(b"HTTP/1.1 200 ") == 2
    assert b"\r\n\r\n10 bytesHTTP/1.1 200 " in received
    assert received.endswith(b"\r\n\r\nHello")


@pytest.mark.parametrize(
    ("sent", "changes", "expected"),
    [
        (CHUNKED + b"3\r\nabc\r\nx\r\n", {}, b"HTTP/1.1 400 "),
        (CHUNKED + b"3\r\nabcd", {}, b"HTTP/1.1 400 "),
        (CHUNKED + b"5\r\nabcde\r\n6\r\n", {"max_body_bytes": 10}, b"HTTP/1.1 413 "),
    ],
    ids=["no size", "longer than its size", "too long"],
)
def test_malformed_body_is_refused_without_the_application(
    app: hipflask.Flask, serve: Serve, seen: Seen, sent: bytes, changes: dict[str, Any], expected: bytes
) -> None:
    assert serve(app, **changes).ask(sent).startswith(expected)
    assert not seen.begun.acquire(blocking=False)


def test_body_cut_short_is_refused_without_the_application(app: hipflask.Flask, serve: Serve, seen: Seen) -> None:
    with serve(app).connect() as connection:
        connection.sendall(length(10) + b"half")
        connection.shutdown(socket.SHUT_WR)
        assert receive_all(connection).startswith(b"HTTP/1.1 400 ")
    assert not seen.begun.acquire(blocking=False)


@pytest.mark.parametrize(
    "sent",
    [length(1_000_000), POST + b"Content-Length: 4\r\nExpect: 100-continue\r\n\r\n"],
    ids=["long", "100-continue"],
)
def test_view_may_refuse_a_body_before_it_has_come(serve: Serve, sent: bytes) -> None:
    app = hipflask.Flask(__name__)
    app.add_url_rule("/", view_func=lambda: ("No", 403), methods=["POST"])
    received = serve(app).ask(sent)
    assert received.startswith(b"HTTP/1.1 403 ")


def test_client_that_does_not_wait_for_100_continue_is_not_told_to_go_on(app: hipflask.Flask, serve: Serve) -> None:
    received = serve(app).ask(POST + b"Content-Length: 4\r\nExpect: 100-continue\r\n\r\nbody")
    assert received.startswith(b"HTTP/1.1 200 ")
    assert received.endswith(b"\r\n\r\n4 bytes")


def test_request_is_handed_over_at_the_bound(sync_app: hipflask.Flask, serve: Serve, seen: Seen) -> None:
    with serve(sync_app, max_collected_bytes=10).connect() as connection:
        connection.sendall(CHUNKED + b"9\r\n123456789\r\n")
        assert not seen.begun.acquire(timeout=0.02)
        connection.sendall(b"1\r\n0\r\n")
        assert seen.begun.acquire(timeout=WAIT_SECONDS)
        connection.sendall(b"0\r\n\r\n")
        assert receive_all(connection).endswith(b"\r\n\r\n10 bytes")


def test_bound_may_exceed_what_is_read_ahead(app: hipflask.Flask, serve: Serve, seen: Seen) -> None:
    with serve(app, max_collected_bytes=10 * MUCH).connect() as connection:
        connection.sendall(length(9 * MUCH) + b"x" * (9 * MUCH - 1))
        assert not seen.begun.acquire(timeout=0.02)
        connection.sendall(b"x")
        assert receive_all(connection).endswith(b"\r\n\r\n%d bytes" % (9 * MUCH))


def test_half_of_the_threads_are_for_others(sync_app: hipflask.Flask, serve: Serve, seen: Seen) -> None:
    serving = serve(sync_app, threads=4, max_threads=4, queue_timeout_seconds=0.3)
    begin = CHUNKED + b"%x\r\n" % (2 * MUCH) + b"x" * MUCH
    with ExitStack() as stack:
        connections = [stack.enter_context(serving.connect()) for _ in range(3)]
        for connection in connections:
            connection.sendall(begin)
        assert seen.begun.acquire(timeout=WAIT_SECONDS)
        assert seen.begun.acquire(timeout=WAIT_SECONDS)
        assert serving.ask(GET).endswith(b"Hello")
        (late,) = select.select(connections, [], [], WAIT_SECONDS)[0]
        received = receive_all(late)
        assert received.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nRetry-After: " in received
        for connection in connections:
            if connection is not late:
                connection.sendall(b"x" * MUCH + b"\r\n0\r\n\r\n")
                assert receive_all(connection).endswith(b"\r\n\r\n%d bytes" % (2 * MUCH))
    assert not seen.begun.acquire(blocking=False)


@pytest.mark.parametrize("ends", ["whole", "gone", "unread"])
def test_place_is_free_when_its_body_is_over(serve: Serve, seen: Seen, ends: str) -> None:
    app = hipflask.Flask(__name__)
    app.add_url_rule("/", "post", seen.read, methods=["POST"])
    app.add_url_rule("/unread", "unread", lambda: "unread", methods=["POST"])
    serving = serve(app, threads=2, max_threads=2)
    expect = b"Content-Length: 4\r\nExpect: 100-continue\r\n\r\n"
    with serving.connect() as first, serving.connect() as second:
        if ends == "unread":
            first.sendall(b"POST /unread HTTP/1.1\r\nHost: a\r\n" + expect)
            assert first.recv(4096).endswith(b"unread")
        else:
            first.sendall(POST + expect)
            assert first.recv(4096).startswith(b"HTTP/1.1 100 ")
            second.sendall(POST + expect)
            assert not select.select([second], [], [], 0.05)[0]
        if ends == "whole":
            first.sendall(b"body")
        elif ends == "gone":
            first.close()
        if ends == "unread":
            second.sendall(POST + expect)
        assert second.recv(4096).startswith(b"HTTP/1.1 100 ")
        second.sendall(b"body")
        assert receive_all(second).endswith(b"4 bytes")


def test_long_bodies_that_wait_for_a_place_are_collected_meanwhile(serve: Serve, seen: Seen) -> None:
    app = hipflask.Flask(__name__)
    app.add_url_rule("/", "post", seen.read, methods=["POST"])
    serving = serve(app, threads=2, max_threads=2)
    with serving.connect() as first, serving.connect() as second:
        first.sendall(length(2 * MUCH))
        assert seen.begun.acquire(timeout=WAIT_SECONDS)
        second.sendall(length(2 * MUCH) + b"x")
        assert not seen.begun.acquire(timeout=0.05)
        first.sendall(b"x" * 2 * MUCH)
        assert receive_all(first).endswith(b"%d bytes" % (2 * MUCH))
        assert seen.begun.acquire(timeout=WAIT_SECONDS)
        second.sendall(b"x" * (2 * MUCH - 1))
        assert receive_all(second).endswith(b"%d bytes" % (2 * MUCH))


def test_bodies_that_have_come_meanwhile_need_no_place(serve: Serve, seen: Seen) -> None:
    app = hipflask.Flask(__name__)
    app.add_url_rule("/", "post", seen.read, methods=["POST"])
    serving = serve(app, threads=2, max_threads=2)
    expect = POST + b"Content-Length: 4\r\nExpect: 100-continue\r\n\r\n"
    with serving.connect() as reading, serving.connect() as waiting, serving.connect() as whole:
        reading.sendall(expect)
        assert reading.recv(4096).startswith(b"HTTP/1.1 100 ")
        for connection in (waiting, whole):
            connection.sendall(expect)
            # The thread of input and output answers this itself, and has read the other by then.
            assert b" 204 " in serving.ask(b"OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        for connection in (whole, waiting, reading):
            connection.sendall(b"body")
            assert receive_all(connection).endswith(b"4 bytes")


def test_stop_waits_for_a_body_that_comes(app: hipflask.Flask, serve: Serve) -> None:
    serving = serve(app)
    with serving.connect() as connection:
        connection.sendall(length(10) + b"half,")
        assert serving.ask(GET).endswith(b"Hello")
        serving.server.stop(WAIT_SECONDS)
        connection.sendall(b"half.")
        assert receive_all(connection).endswith(b"10 bytes")
    serving.thread.join(WAIT_SECONDS)
    assert not serving.thread.is_alive()


def _slow_reader(serving: Serving, path: bytes) -> socket.socket:
    """Return a connection with a small window on which something was asked for."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
    connection.settimeout(WAIT_SECONDS)
    connection.connect(serving.address)
    connection.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: a\r\n\r\n")
    return connection


@pytest.mark.parametrize("kind", ["bytes", "stream", "file"])
def test_client_that_takes_a_byte_now_and_then_is_cut(serve: Serve, tmp_path: Any, kind: str) -> None:
    app = hipflask.Flask(__name__)
    data = b"x" * 20_000_000
    (tmp_path / "file").write_bytes(data)
    app.add_url_rule("/bytes", "bytes", lambda: data)
    app.add_url_rule("/stream", "stream", lambda: iter([data]))
    app.add_url_rule("/file", "file", lambda: hipflask.send_file(tmp_path / "file"))
    serving = serve(app, **FAST)
    with _slow_reader(serving, b"/" + kind.encode()) as connection:
        broken = select.poll()
        broken.register(connection, 0)
        for _ in range(1000):
            if broken.poll(10):
                break
            assert len(connection.recv(1)) == 1
        assert broken.poll(0)
    assert reasons(serving) == [(408, "the answer is taken too slowly")]


def test_client_that_takes_enough_is_not_cut(serve: Serve) -> None:
    """It takes less than the system keeps for it, so that nothing is written for a long while."""
    app = hipflask.Flask(__name__)
    app.add_url_rule("/", view_func=lambda: b"x" * 20_000_000)
    serving = serve(app, rate_grace_seconds=0.05, min_rate_bytes=1000, write_timeout_seconds=1.0)
    with _slow_reader(serving, b"/") as connection:
        for _ in range(250):
            threading.Event().wait(0.01)
            assert connection.recv(1000)
    assert reasons(serving) == []
