"""Asynchronous iterators as bodies: pulled on the loop, closed at the end and when the client goes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

import hipflask
from hipflask import Flask, Response
from tests.native.conftest import WAIT_SECONDS, Serve, receive_all


class Parts:
    """Gives parts, and notes where it ran and that it was closed."""

    def __init__(self, parts: list[Any]) -> None:
        self.parts = parts
        self.threads: set[int] = set()
        self.closed = threading.Event()
        self.waits = threading.Event()

    async def __call__(self) -> AsyncIterator[Any]:
        try:
            for part in self.parts:
                self.threads.add(threading.get_ident())
                await asyncio.sleep(0)
                if part is Ellipsis:
                    self.waits.set()
                    await asyncio.sleep(WAIT_SECONDS * 10)
                elif isinstance(part, Exception):
                    raise part
                else:
                    yield part
        finally:
            await asyncio.sleep(0)
            self.closed.set()


def _app(parts: Parts, kind: str, called: list[str]) -> Flask:
    app = Flask(__name__, static_folder=None)

    def made() -> Any:
        if kind.endswith("response"):
            response = Response(parts(), mimetype="text/plain")
            response.call_on_close(lambda: called.append("closed"))
            return response
        return parts() if kind.endswith("iterator") else (parts(), 201, {"X-A": "b"})

    async def async_view() -> Any:
        await asyncio.sleep(0)
        return made()

    app.add_url_rule("/", "index", async_view if kind.startswith("async") else made)
    app.add_url_rule("/other", "other", async_view)
    if "hooked" in kind:
        app.after_request(lambda response: response)
    return app


KINDS = ["async iterator", "async response", "async tuple", "async hooked iterator", "sync iterator", "sync response"]


@pytest.mark.parametrize("kind", KINDS)
def test_parts_are_sent_and_the_iterator_closed(serve: Serve, kind: str) -> None:
    parts, called = Parts(["grün ", b"", b"bytes ", "", "x" * 100_000]), []  # type: ignore[var-annotated]
    head, body = serve(_app(parts, kind, called)).get("/")
    assert head.startswith(b"HTTP/1.1 201 " if "tuple" in kind else b"HTTP/1.1 200 ")
    assert b"\r\nTransfer-Encoding: chunked" in head
    assert _dechunk(body) == "grün bytes ".encode() + b"x" * 100_000
    assert parts.closed.wait(WAIT_SECONDS)
    assert called == (["closed"] if kind.endswith("response") else [])
    if kind.startswith("async"):
        assert len(parts.threads) == 1  # the loop's


def _dechunk(body: bytes) -> bytes:
    data = b""
    while body:
        size, _, rest = body.partition(b"\r\n")
        data += rest[: int(size, 16)]
        body = rest[int(size, 16) + 2 :]
    return data


@pytest.mark.parametrize("kind", KINDS[:4])
def test_client_that_goes_ends_the_iterator(serve: Serve, kind: str) -> None:
    parts = Parts(["first", ...])
    serving = serve(_app(parts, kind, []))
    with serving.connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b"HTTP/1.1 20" in connection.recv(65536)
        assert parts.waits.wait(WAIT_SECONDS)
    assert parts.closed.wait(WAIT_SECONDS)


@pytest.mark.parametrize("kind", KINDS)
def test_error_before_the_first_part_is_500(serve: Serve, kind: str) -> None:
    parts = Parts([LookupError("planned")])
    assert serve(_app(parts, kind, [])).get("/")[0].startswith(b"HTTP/1.1 500 ")
    assert parts.closed.is_set()


@pytest.mark.parametrize("kind", KINDS)
def test_error_later_breaks_the_answer_off(serve: Serve, kind: str) -> None:
    parts = Parts(["first", LookupError("planned")])
    head, body = serve(_app(parts, kind, [])).get("/")
    assert head.startswith(b"HTTP/1.1 20")
    assert body == b"5\r\nfirst\r\n"
    assert parts.closed.wait(WAIT_SECONDS)


@pytest.mark.parametrize("kind", KINDS)
def test_head_pulls_nothing(serve: Serve, kind: str) -> None:
    parts = Parts(["first"])
    received = serve(_app(parts, kind, [])).ask(b"HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert received.endswith(b"\r\n\r\n")
    assert not parts.threads


def test_many_streams_need_no_threads(serve: Serve) -> None:
    app = Flask(__name__, static_folder=None)
    count, arrived = 60, 0
    everybody = asyncio.Event()

    @app.get("/")
    async def index() -> AsyncIterator[str]:
        async def parts() -> AsyncIterator[str]:
            nonlocal arrived
            yield "first "
            arrived += 1
            if arrived == count:
                everybody.set()
            await everybody.wait()
            yield "last"

        return parts()

    serving = serve(app, threads=1, max_threads=1)
    connections = [serving.connect() for _ in range(count)]
    try:
        for connection in connections:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        for connection in connections:
            assert _dechunk(receive_all(connection).partition(b"\r\n\r\n")[2]) == b"first last"
    finally:
        for connection in connections:
            connection.close()


@pytest.fixture
def client_parts() -> Iterator[Parts]:
    yield Parts(["a", b"b"])


def test_test_client_reads_them(client_parts: Parts) -> None:
    app = _app(client_parts, "sync response", [])
    response = app.test_client().get("/")
    assert response.data == b"ab"
    assert client_parts.closed.is_set()
    client_parts.closed.clear()
    assert hipflask.has_request_context() is False
    with app.test_client().get("/other") as response:
        assert response.text == "ab"
    assert client_parts.closed.is_set()
