from __future__ import annotations

import logging
import socket
import struct
import threading
from collections.abc import Callable
from typing import Any

import pytest

from hipflask.server.limits import Limits
from hipflask.server.workers import PoolSettings
from tests.server.raw_requests import app, get


def test_number_of_requests_on_a_connection_is_limited(serve: Callable[..., Any]) -> None:
    running = serve(app, limits=Limits(max_requests=2))
    answer = running.ask(get("/1", close=False) * 3)
    assert answer.count(b"HTTP/1.1 200") == 2


def test_overload_is_told(serve: Callable[..., Any]) -> None:
    begun, go_on = threading.Semaphore(0), threading.Event()

    def slow(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        begun.release()
        assert go_on.wait(10)
        start_response("200 OK", [])
        return [b"done"]

    running = serve(slow, pool=PoolSettings(threads=1, max_threads=1, queue_size=1))
    first, second = running.connect(), running.connect()
    first.send(get("/"))
    assert begun.acquire(timeout=10)
    second.send(get("/"))
    third = b""
    while not third.startswith(b"HTTP/1.1 503"):  # the second may not have been queued yet
        client = running.connect()
        client.sock.settimeout(0.2)
        client.send(get("/"))
        try:
            third = client.read_all()
        except TimeoutError:
            continue
    assert b"Retry-After: 1\r\n" in third
    go_on.set()
    assert first.read_all().endswith(b"done")
    assert second.read_all().endswith(b"done")


def test_connections_beyond_the_limit_wait(serve: Callable[..., Any]) -> None:
    running = serve(app, limits=Limits(max_connections=2))
    held = [running.connect(), running.connect()]
    for client in held:
        client.send(get("/", close=False))
        client.read_until(b"GET / 0")
    waiting = running.connect()
    waiting.send(get("/late"))
    held[0].sock.close()
    assert waiting.read_all().endswith(b"GET /late 0")


def test_client_that_resets_leaves_the_server_well(serve: Callable[..., Any], caplog: pytest.LogCaptureFixture) -> None:
    running = serve(app)
    for data in (b"", b"GET / HT", get("/stream"), get("/", "Content-Length: 9", method="POST")):
        client = running.connect()
        client.send(data)
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.sock.close()
    assert running.ask(get("/after")).endswith(b"GET /after 0")
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize(
    ("data", "status"),
    [
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", 400, id="no-host"),
        pytest.param(b"GET /\n\n", 400, id="bare-lf"),
        pytest.param(b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414, id="target"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 200 + b"\r\n", 431, id="fields"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 2_000_000, 431, id="endless"),
        pytest.param(b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505, id="version"),
        pytest.param(b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 501, id="connect"),
    ],
)
def test_bad_request_is_refused_and_never_followed(
    serve: Callable[..., Any], data: bytes, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    calls = []

    def count(environ: dict[str, Any], start_response: Any) -> Any:
        calls.append(environ)
        return app(environ, start_response)

    with caplog.at_level(logging.WARNING, "hipflask.access"):
        answer = serve(count).ask(data + get("/smuggled"))
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert answer.count(b"HTTP/1.1") == 1
    assert calls == []
    assert f"refused with {status}" in caplog.text
