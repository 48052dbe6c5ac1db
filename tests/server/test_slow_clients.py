from __future__ import annotations

import select
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from contextvars import ContextVar
from typing import Any

import pytest

from hipflask.server.connection import ClientTooSlowError
from hipflask.server.handler import WSGIRequestHandler
from hipflask.server.limits import Limits
from hipflask.server.workers import PoolSettings
from tests.server.raw_requests import app, get
from tests.server.running import WAIT_SECONDS, until


def test_slow_head_is_given_up(serve: Callable[..., Any]) -> None:
    running = serve(app, limits=Limits(head_timeout_seconds=0.01))
    assert running.ask(b"GET / HTTP/1.1\r\nHo").startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert running.ask(b"") == b""


def test_silent_connection_is_closed(serve: Callable[..., Any]) -> None:
    running = serve(app, limits=Limits(keep_alive_timeout_seconds=0.01))
    client = running.connect()
    client.send(get("/", close=False))
    assert client.read_all().endswith(b"GET / 0")


def test_head_time_begins_again_with_the_next_request(serve: Callable[..., Any]) -> None:
    running = serve(app, limits=Limits(head_timeout_seconds=0.3))
    client = running.connect()
    client.send(get("/", close=False))
    client.read_until(b"GET / 0")
    client.send(b"GET / HTTP")
    assert client.read_all().startswith(b"HTTP/1.1 408")


def test_client_that_takes_nothing_is_given_up(serve: Callable[..., Any]) -> None:
    failed, errors = threading.Event(), []

    class Handler(WSGIRequestHandler):
        def connection_dropped(self, error: BaseException, environ: dict[str, Any] | None = None) -> None:
            errors.append(error)
            failed.set()

    def endless(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [])
        while True:
            yield b"a" * 100_000

    running = serve(endless, request_handler=Handler, limits=Limits(write_timeout_seconds=0.05))
    client = running.connect()
    client.send(get("/"))
    assert failed.wait(10)
    assert isinstance(errors[0], ClientTooSlowError)


def test_silent_and_slow_connections_cost_no_threads(serve: Callable[..., Any]) -> None:
    running = serve(app)
    before = threading.active_count()
    for number in range(300):
        running.connect().send(b"GET / HTTP/1.1\r\nHo" if number % 2 else b"")
    assert running.ask(get("/quick")).endswith(b"GET /quick 0")
    assert threading.active_count() <= before + 2


POOL = PoolSettings(threads=2, max_threads=2)
CROWD = 2 + 8


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param("Content-Length: 10", id="short"),
        pytest.param("Content-Length: 10000000", id="long"),
        pytest.param("Transfer-Encoding: chunked", id="chunks"),
    ],
)
def test_slow_bodies_leave_the_threads_to_others(serve: Callable[..., Any], fields: str) -> None:
    running = serve(app, pool=POOL)
    slow = [running.connect() for _ in range(CROWD)]
    for client in slow:
        client.send(get("/slow", fields, method="POST"))
    for number in range(3):
        for client in slow:
            client.send(b"1")
        assert running.ask(get(f"/{number}")).endswith(b"GET /%d 0" % number)


def test_bodies_that_wait_to_be_asked_for_leave_a_thread_to_others(serve: Callable[..., Any]) -> None:
    running = serve(app, pool=POOL)
    slow = [running.connect() for _ in range(CROWD)]
    for client in slow:
        client.send(get("/slow", "Content-Length: 10", "Expect: 100-continue", method="POST"))
    assert running.ask(get("/quick")).endswith(b"GET /quick 0")
    # They come by their turns: each ends when the one before it has.
    left = set(slow)
    while left:
        ready, _, _ = select.select([client.sock for client in left], [], [], WAIT_SECONDS)
        for client in [each for each in left if each.sock in ready]:
            assert client.read_until(b"\r\n\r\n").startswith(b"HTTP/1.1 100 ")
            client.send(b"0123456789")
            assert client.read_all().endswith(b"POST /slow 10")
            left.remove(client)


def test_long_bodies_are_refused_when_their_turn_does_not_come(serve: Callable[..., Any]) -> None:
    running = serve(app, pool=PoolSettings(threads=2, max_threads=2, queue_timeout_seconds=0.05))
    first, second = running.connect(), running.connect()
    first.send(get("/", "Content-Length: 5", "Expect: 100-continue", method="POST"))
    first.read_until(b"\r\n\r\n")
    second.send(get("/", "Content-Length: 5", "Expect: 100-continue", method="POST"))
    assert second.read_all().startswith(b"HTTP/1.1 503 ")
    first.send(b"hello")
    assert first.read_all().endswith(b"POST / 5")


@pytest.mark.parametrize("is_list", [True, False])
def test_slow_readers_leave_the_threads_to_others(serve: Callable[..., Any], is_list: bool) -> None:
    def large(environ: dict[str, Any], start_response: Any) -> Any:
        if environ["PATH_INFO"] != "/large":
            return app(environ, start_response)
        start_response("200 OK", [("Content-Length", str(30 * 1_000_000))])
        pieces = [b"a" * 1_000_000] * 30
        return pieces if is_list else iter(pieces)

    running = serve(large, pool=POOL)
    slow = [running.connect() for _ in range(CROWD)]
    for client in slow:
        client.send(get("/large"))
        client.read_until(b"\r\n\r\n")
    assert running.ask(get("/quick")).endswith(b"GET /quick 0")
    assert len(slow[0].read_all()) > 29_000_000


def test_body_is_pulled_on_one_thread_and_in_one_context(serve: Callable[..., Any]) -> None:
    seen, variable = [], ContextVar("variable", default="nobody")

    def large(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        name = environ["PATH_INFO"]
        variable.set(name)
        start_response("200 OK", [])
        try:
            for _ in range(20):
                yield b"a" * 1_000_000
                seen.append((name, variable.get(), threading.get_ident()))
        finally:
            seen.append((name, variable.get(), threading.get_ident()))

    running = serve(large, pool=PoolSettings(threads=1, max_threads=1))
    clients = [running.connect() for _ in range(3)]
    for number, client in enumerate(clients):
        client.send(get(f"/{number}"))
        client.read_until(b"\r\n\r\n")
    for client in clients:
        assert len(client.read_all()) > 19_000_000
    until(lambda: len(seen) == 3 * 21)
    assert all(name == value for name, value, _ in seen)
    assert len({ident for _, _, ident in seen}) == 1


@pytest.mark.parametrize("is_reset", [True, False])
def test_body_is_closed_on_its_thread_when_the_client_goes(serve: Callable[..., Any], is_reset: bool) -> None:
    idents, closed = [], threading.Event()

    class Body:
        def __iter__(self) -> Iterator[bytes]:
            idents.append(threading.get_ident())
            while True:
                yield b"a" * 1_000_000

        def close(self) -> None:
            idents.append(threading.get_ident())
            closed.set()

    def endless(environ: dict[str, Any], start_response: Any) -> Any:
        start_response("200 OK", [])
        return Body()

    running = serve(endless)
    client = running.connect()
    client.send(get("/"))
    client.read_until(b"\r\n\r\n")
    if is_reset:
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.sock.close()
    assert closed.wait(WAIT_SECONDS)
    assert idents[0] == idents[1]


def test_slow_body_is_given_up(serve: Callable[..., Any]) -> None:
    running = serve(app, limits=Limits(body_timeout_seconds=0.01))
    answer = running.ask(get("/", "Content-Length: 5", method="POST") + b"he")
    assert answer.startswith(b"HTTP/1.1 408 Request Timeout\r\n")


def test_body_that_drips_is_given_up(serve: Callable[..., Any]) -> None:
    # Each byte comes in time, but all of them too slowly.
    running = serve(app, limits=Limits(rate_grace_seconds=0.2, body_timeout_seconds=WAIT_SECONDS))
    client = running.connect()
    client.send(get("/", "Content-Length: 60000", method="POST"))
    client.sock.settimeout(0.02)
    answer = b""
    while not answer:
        client.send(b"1")
        with suppress(TimeoutError):
            answer = client.sock.recv(1000)
    assert answer.startswith(b"HTTP/1.1 408 ")


def test_answer_that_is_not_taken_is_broken_off(serve: Callable[..., Any]) -> None:
    def large(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [b"a" * 30_000_000]

    running = serve(large, limits=Limits(write_timeout_seconds=0.05))
    client = running.connect()
    client.send(get("/"))
    client.read_until(b"\r\n\r\n")
    until(lambda: running.server._loop.count() == 0)
    with pytest.raises(ConnectionResetError, match="reset"):
        client.read_all()


def test_request_that_waits_too_long_for_a_thread_is_refused(serve: Callable[..., Any]) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        begun.set()
        assert go_on.wait(WAIT_SECONDS)
        start_response("200 OK", [])
        return [b"done"]

    running = serve(slow, pool=PoolSettings(threads=1, max_threads=1, queue_timeout_seconds=0.05))
    first, second = running.connect(), running.connect()
    first.send(get("/"))
    assert begun.wait(WAIT_SECONDS)
    second.send(get("/"))
    assert second.read_all().startswith(b"HTTP/1.1 503 ")
    go_on.set()
    assert first.read_all().endswith(b"done")


def test_long_body_may_be_refused_before_it_has_come_even_in_a_crowd(serve: Callable[..., Any]) -> None:
    running = serve(app, pool=POOL)
    slow = running.connect()
    slow.send(get("/slow", "Content-Length: 100000", method="POST"))
    client = running.connect()
    client.send(get("/unread", "Content-Length: 100000", method="POST"))
    until(lambda: running.server._loop._early)
    slow.sock.close()
    assert client.read_all().endswith(b"unread")
