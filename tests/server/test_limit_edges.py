"""Each limit, reached and passed by one."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable
from typing import Any

import pytest

from hipflask.server.limits import Limits
from tests.server.raw_requests import app, get
from tests.server.running import WAIT_SECONDS, until

PLAIN = len(get("/"))


def post(length: int, path: str = "/", *, close: bool = True) -> bytes:
    return get(path, f"Content-Length: {length}", method="POST", close=close) + b"a" * length


def chunked(*sizes: int) -> bytes:
    chunks = b"".join(b"%x\r\n%b\r\n" % (size, b"a" * size) for size in sizes)
    return get("/", "Transfer-Encoding: chunked", method="POST") + chunks + b"0\r\n\r\n"


@pytest.mark.parametrize(
    ("limits", "reached", "passed", "status"),
    [
        pytest.param(Limits(max_target_bytes=20), get("/" * 20), get("/" * 21), 414, id="target"),
        pytest.param(
            Limits(max_field_bytes=50), get("/", f"X: {'a' * 47}"), get("/", f"X: {'a' * 48}"), 431, id="field"
        ),
        pytest.param(
            Limits(max_fields=4), get("/", "A: 1", "B: 2"), get("/", "A: 1", "B: 2", "C: 3"), 431, id="fields"
        ),
        pytest.param(
            Limits(max_head_bytes=PLAIN + 7, max_target_bytes=16),
            get("/", "X: aa"),
            get("/", "X: aaa"),
            431,
            id="head",
        ),
        pytest.param(Limits(max_body_bytes=10), post(10), post(11), 413, id="body"),
        pytest.param(Limits(max_body_bytes=10), chunked(4, 6), chunked(4, 7), 413, id="chunks"),
        pytest.param(
            Limits(max_body_bytes=100_000), chunked(90_000, 10_000), chunked(90_000, 10_001), 413, id="streamed-chunks"
        ),
    ],
)
def test_size_is_allowed_up_to_its_limit(
    serve: Callable[..., Any], limits: Limits, reached: bytes, passed: bytes, status: int
) -> None:
    running = serve(app, limits=limits)
    assert running.ask(reached).startswith(b"HTTP/1.1 200 ")
    assert running.ask(passed).startswith(b"HTTP/1.1 %d " % status)


@pytest.mark.parametrize("size", [1000, 100_000])
def test_unread_body_is_thrown_away_up_to_its_limit(serve: Callable[..., Any], size: int) -> None:
    running = serve(app, limits=Limits(max_drain_bytes=size))
    reached = running.ask(post(size, "/unread", close=False) + get("/next"))
    assert reached.count(b"HTTP/1.1 200 ") == 2
    passed = running.ask(post(size + 1, "/unread", close=False) + get("/next"))
    assert passed.count(b"HTTP/1.1 200 ") == 1
    assert b"Connection: close\r\n" in passed


def test_collected_body_may_be_as_long_as_its_limit(serve: Callable[..., Any]) -> None:
    begun = threading.Event()

    def note(environ: dict[str, Any], start_response: Any) -> Any:
        begun.set()
        return app(environ, start_response)

    running = serve(note, limits=Limits(max_collected_bytes=10))
    collected, streamed = running.connect(), running.connect()
    collected.send(post(10)[:-1])
    assert running.server._loop.count() <= 2
    streamed.send(post(11)[:-1])
    assert begun.wait(WAIT_SECONDS)  # by the longer one alone
    begun.clear()
    collected.send(b"a")
    assert begun.wait(WAIT_SECONDS)
    assert collected.read_all().endswith(b"POST / 10")
    streamed.send(b"a")
    assert streamed.read_all().endswith(b"POST / 11")


def test_client_that_does_not_close_is_left_after_a_time(serve: Callable[..., Any]) -> None:
    running = serve(app, limits=Limits(linger_timeout_seconds=0.01))
    client = running.connect()
    client.send(get("/"))
    assert client.read_all().endswith(b"GET / 0")
    until(lambda: running.server._loop.count() == 0)


def test_graceful_time_is_limited(serve: Callable[..., Any], caplog: pytest.LogCaptureFixture) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(environ: dict[str, Any], start_response: Any) -> Any:
        begun.set()
        assert go_on.wait(WAIT_SECONDS)
        return app(environ, start_response)

    running = serve(slow, limits=Limits(graceful_timeout_seconds=0.05))
    client = running.connect()
    client.send(get("/"))
    assert begun.wait(WAIT_SECONDS)
    running.server.stop()
    assert client.read_all() == b""
    running.thread.join(WAIT_SECONDS)
    assert "1 requests were cut off" in caplog.text
    go_on.set()


def test_handshake_has_the_time_of_a_head(serve: Callable[..., Any]) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    running = serve(app, limits=Limits(head_timeout_seconds=0.01), ssl_context=context)
    assert running.connect().read_all() == b""
