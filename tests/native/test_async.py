"""Async views: on the loop, on hosts, with bodies, streams and clients that go."""

from __future__ import annotations

import asyncio
import gc
import socket
import sqlite3
import threading
import time
import weakref
from pathlib import Path
from typing import Any

import pytest

import hipflask
from hipflask import g, request
from tests.native.conftest import WAIT_SECONDS, Serve, receive_all


@pytest.fixture
def app() -> hipflask.Flask:
    return hipflask.Flask(__name__)


def test_async_view_is_answered(app: hipflask.Flask, serve: Serve) -> None:
    @app.get("/quick")
    async def quick() -> str:
        return "quick"

    @app.get("/slow")
    async def slow() -> str:
        await asyncio.sleep(0.01)
        return "slow"

    app.add_url_rule("/sync", view_func=lambda: threading.current_thread().name)
    serving = serve(app)
    head, body = serving.get("/quick")
    assert (head.split(b"\r\n")[0], body) == (b"HTTP/1.1 200 OK", b"quick")
    assert b"\r\nContent-Type: " in head
    assert serving.get("/slow")[1] == b"slow"
    assert serving.get("/sync")[1].startswith(b"hipflask-worker-")
    assert serving.get("/none")[0].startswith(b"HTTP/1.1 404 ")


def test_tasks_are_shared_only_by_views_that_never_wait(app: hipflask.Flask, serve: Serve) -> None:
    seen: list[Any] = []

    @app.get("/<kind>")
    async def view(kind: str) -> str:
        seen.append(asyncio.current_task())
        if kind == "waits":
            await asyncio.sleep(0)
        return "done"

    serving = serve(app)
    kinds = ["quick", "waits", "quick"] * 20
    for kind in kinds:
        assert serving.get(f"/{kind}")[1] == b"done"
    # A task that has just answered may not be back yet when the next request comes, which then gets another one.
    assert len(set(seen)) < len(seen)
    for number, kind in enumerate(kinds):
        if kind == "waits":
            assert seen[number] not in seen[number + 1 :]
            assert seen[number].done()


def test_task_local_state_does_not_leak(app: hipflask.Flask, serve: Serve) -> None:
    state: dict[Any, str] = {}

    @app.get("/<name>")
    async def view(name: str) -> str:
        before = state.get(asyncio.current_task(), "nobody")
        state[asyncio.current_task()] = name
        await asyncio.sleep(0)
        return before

    serving = serve(app)
    assert [serving.get(f"/{name}")[1] for name in ("ann", "bob")] == [b"nobody", b"nobody"]


def test_error_of_async_view_is_answered_500(
    app: hipflask.Flask, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    @app.get("/<int:waits>")
    async def view(waits: int) -> str:
        if waits:
            await asyncio.sleep(0)
        raise ValueError("broken")

    serving = serve(app)
    assert serving.get("/0")[0].startswith(b"HTTP/1.1 500 ")
    assert serving.get("/1")[0].startswith(b"HTTP/1.1 500 ")


@pytest.mark.parametrize("size", [10, 2_000_000])
@pytest.mark.parametrize("has_hook", [False, True], ids=["loop", "host"])
def test_async_view_reads_body(app: hipflask.Flask, serve: Serve, size: int, has_hook: bool) -> None:
    if has_hook:
        app.before_request(lambda: None)

    @app.post("/")
    async def view() -> bytes:
        await asyncio.sleep(0)
        return request.get_data()

    data = b"x" * size
    asked = b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % size
    assert serve(app).ask(asked + data).partition(b"\r\n\r\n")[2] == data


def test_generator_of_an_async_view_is_streamed(app: hipflask.Flask, serve: Serve) -> None:
    def generate() -> Any:
        for number in range(100):
            yield f"{number},"

    @app.get("/")
    async def view() -> Any:
        return generate()

    head, body = serve(app).get("/")
    assert b"Transfer-Encoding: chunked" in head
    assert body.count(b",") == 100


def test_sqlite_connection_of_a_hook_works_around_an_async_view(app: hipflask.Flask, serve: Serve) -> None:
    closed: list[bool] = []

    @app.before_request
    def connect() -> None:
        g.database = sqlite3.connect(":memory:")

    @app.after_request
    def use(response: Any) -> Any:
        response.headers["X-Answer"] = str(g.database.execute("select 42").fetchone()[0])
        return response

    @app.teardown_request
    def close(_: object) -> None:
        g.database.close()
        closed.append(True)

    @app.get("/")
    async def view() -> str:
        await asyncio.sleep(0.01)
        return "ok"

    assert b"\r\nX-Answer: 42\r\n" in serve(app).get("/")[0]
    assert closed == [True]


def test_suspended_requests_do_not_wait_behind_a_slow_view(app: hipflask.Flask, serve: Serve) -> None:
    app.before_request(lambda: None)
    release = threading.Event()

    @app.get("/slow")
    def slow() -> str:
        release.wait(WAIT_SECONDS)
        return "slow"

    @app.get("/async")
    async def view() -> str:
        await asyncio.sleep(0.05)
        return "async"

    serving = serve(app)
    with serving.connect() as blocked:
        blocked.sendall(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        connections = [serving.connect() for _ in range(100)]
        try:
            for connection in connections:
                connection.sendall(b"GET /async HTTP/1.1\r\nHost: a\r\n\r\n")
            for connection in connections:
                assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")
        finally:
            for connection in connections:
                connection.close()
            release.set()


def test_view_is_cancelled_when_its_client_goes(app: hipflask.Flask, serve: Serve) -> None:
    begun, cancelled = threading.Event(), threading.Event()

    @app.get("/")
    async def view() -> str:
        begun.set()
        try:
            await asyncio.sleep(WAIT_SECONDS)
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return "late"

    serving = serve(app)
    with serving.connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert begun.wait(WAIT_SECONDS)
    assert cancelled.wait(WAIT_SECONDS)
    deadline = time.monotonic() + WAIT_SECONDS
    while serving.get("/nothing")[0][:12] != b"HTTP/1.1 404" and time.monotonic() < deadline:
        pass


def test_hook_reads_body_before_async_view(app: hipflask.Flask, serve: Serve) -> None:
    @app.before_request
    def read() -> None:
        g.begin = request.stream.read(3)

    @app.post("/")
    async def view() -> bytes:
        return g.begin + b"|" + request.stream.read()

    data = b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 6\r\n\r\nabcdef"
    assert serve(app).ask(data).endswith(b"\r\n\r\nabc|def")


@pytest.mark.parametrize("has_hook", [False, True], ids=["loop", "host"])
def test_body_cut_short_never_looks_whole_to_an_async_view(app: hipflask.Flask, serve: Serve, has_hook: bool) -> None:
    if has_hook:
        app.before_request(lambda: None)

    @app.post("/")
    async def view() -> bytes:
        return request.get_data()

    serving = serve(app)
    with serving.connect() as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 600\r\n\r\nabcdef")
        connection.shutdown(socket.SHUT_WR)
        assert receive_all(connection).startswith(b"HTTP/1.1 400 ")


def test_body_longer_than_the_application_takes_is_refused(app: hipflask.Flask, serve: Serve) -> None:
    app.config["MAX_CONTENT_LENGTH"] = 10

    @app.post("/")
    async def view() -> bytes:
        return request.get_data()

    chunked = b"Transfer-Encoding: chunked\r\n\r\n"
    for framing in (
        b"Content-Length: 100\r\n\r\n" + b"x" * 100,
        chunked + b"64\r\n%b\r\n0\r\n\r\n" % (b"x" * 100),
        chunked + b"20000\r\n" + b"x" * 0x10000,  # and the rest never comes
    ):
        received = serve(app).ask(b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + framing)
        assert received.startswith(b"HTTP/1.1 413 ")


def test_answers_of_other_kinds_are_sent(app: hipflask.Flask, serve: Serve) -> None:
    @app.get("/tuple")
    async def with_status() -> Any:
        return "made", 201, {"X-Made": "yes"}

    @app.get("/redirect")
    async def away() -> Any:
        return hipflask.redirect("/tuple")

    @app.get("/late")
    async def late() -> str:
        @hipflask.after_this_request
        def add(response: Any) -> Any:
            response.headers["X-Late"] = "yes"
            return response

        return "late"

    @app.get("/bad")
    async def bad() -> Any:
        return hipflask.Response("x", headers=[("X", "y")], status=299)

    serving = serve(app)
    head, body = serving.get("/tuple")
    assert head.startswith(b"HTTP/1.1 201 CREATED\r\n")
    assert b"\r\nX-Made: yes\r\n" in head
    assert serving.get("/redirect")[0].startswith(b"HTTP/1.1 302 FOUND\r\n")
    assert b"\r\nX-Late: yes\r\n" in serving.get("/late")[0]
    assert serving.get("/bad")[0].startswith(b"HTTP/1.1 299 ")
    received = serving.ask(b"HEAD /tuple HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert received.endswith(b"\r\n\r\n")
    assert b"Content-Length: 4\r\n" in received


def test_system_exit_ends_only_its_request(app: hipflask.Flask, serve: Serve) -> None:
    @app.get("/<kind>")
    async def view(kind: str) -> str:
        if kind == "leave":
            raise SystemExit(3)
        return kind

    serving = serve(app)
    assert serving.get("/leave")[0].startswith(b"HTTP/1.1 500 ")
    assert serving.get("/stay")[1] == b"stay"


def test_stream_ends_when_its_client_goes(app: hipflask.Flask, serve: Serve) -> None:
    closed = threading.Event()

    def generate() -> Any:
        try:
            while True:
                yield b"x" * 100_000
        finally:
            closed.set()

    @app.get("/")
    async def view() -> Any:
        return generate()

    with serve(app).connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        connection.recv(100)
    assert closed.wait(WAIT_SECONDS)


def test_view_that_waits_at_the_end_is_cut(app: hipflask.Flask, serve: Serve) -> None:
    begun = threading.Event()

    @app.get("/")
    async def view() -> str:
        begun.set()
        await asyncio.sleep(WAIT_SECONDS)
        return "late"

    serving = serve(app)
    with serving.connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert begun.wait(WAIT_SECONDS)
        serving.close()


def test_view_that_holds_the_loop_does_not_hold_up_the_end(
    app: hipflask.Flask, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    begun, release = threading.Event(), threading.Event()

    @app.get("/")
    async def view() -> str:
        begun.set()
        release.wait(WAIT_SECONDS)
        return "late"

    before = set(threading.enumerate())
    serving = serve(app)
    try:
        with serving.connect() as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert begun.wait(WAIT_SECONDS)
            serving.close()
    finally:
        release.set()
    assert "holds the event loop" in caplog.text
    left = set(threading.enumerate()) - before
    assert not [thread for thread in left if thread.name.startswith("hipflask-worker")]


def test_finished_answers_do_not_wait_for_a_view_that_holds_the_loop(app: hipflask.Flask, serve: Serve) -> None:
    begun, last_begun, release_first, release_last = (threading.Event() for _ in range(4))

    @app.get("/first")
    async def first() -> str:
        begun.set()
        release_first.wait(WAIT_SECONDS)
        return "first"

    @app.get("/")
    async def quick() -> str:
        return "quick"

    @app.get("/last")
    async def last() -> str:
        last_begun.set()
        release_last.wait(WAIT_SECONDS)
        return "last"

    serving = serve(app)
    connections = []
    for path in ("/first", "/", "/", "/last"):
        connections.append(serving.connect())
        connections[-1].sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        assert begun.wait(WAIT_SECONDS)
    # The thread of input and output answers this itself, and has read the others by then.
    assert b" 204 " in serving.ask(b"OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    release_first.set()
    assert last_begun.wait(WAIT_SECONDS)
    assert [receive_all(each).rpartition(b"\n")[2] for each in connections[:3]] == [b"first", b"quick", b"quick"]
    release_last.set()
    assert receive_all(connections[3]).endswith(b"last")
    for connection in connections:
        connection.close()


def test_sync_views_beyond_the_queue_are_answered_503(app: hipflask.Flask, serve: Serve) -> None:
    begun, release = threading.Event(), threading.Event()

    @app.get("/wait")
    def wait() -> str:
        begun.set()
        return str(release.wait(WAIT_SECONDS))

    @app.get("/async")
    async def view() -> str:
        return "async"

    serving = serve(app, threads=1, max_threads=1, queue_size=1)
    with serving.connect() as first, serving.connect() as second:
        first.sendall(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
        assert begun.wait(WAIT_SECONDS)
        second.sendall(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
        assert serving.get("/async")[1] == b"async"
        assert serving.get("/wait")[0].startswith(b"HTTP/1.1 503 ")
        release.set()
        assert second.recv(4096).endswith(b"True")


def test_nothing_of_a_request_with_a_body_is_left_to_the_collector(app: hipflask.Flask, serve: Serve) -> None:
    kept: list[weakref.ref[Any]] = []

    @app.post("/")
    async def view() -> bytes:
        kept.append(weakref.ref(request.stream))
        return request.get_data()

    serving = serve(app)
    gc.collect()
    gc.disable()
    try:
        received = serving.ask(b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\nab")
        assert received.endswith(b"\r\n\r\nab")
        serving.close()
        assert [each() for each in kept] == [None]
    finally:
        gc.enable()


@pytest.mark.parametrize("has_hook", [False, True], ids=["loop", "host"])
@pytest.mark.parametrize("size", [0, 1000, 3_000_000])
def test_files_of_async_views_are_sent_by_the_server(
    app: hipflask.Flask, serve: Serve, tmp_path: Path, size: int, has_hook: bool
) -> None:
    path = tmp_path / "file.bin"
    data = bytes(range(250)) * (size // 250)
    path.write_bytes(data)
    logged: list[int] = []

    @app.get("/")
    async def index() -> hipflask.Response:
        return hipflask.send_file(path, conditional=True)

    if has_hook:
        app.after_request(lambda response: (logged.append(response.status_code), response)[1])
    serving = serve(app)
    head, body = serving.get("/")
    assert b"\r\nContent-Length: %d" % size in head
    assert body == data
    if size:
        head, body = serving.get("/", "Range: bytes=10-699")
        assert head.startswith(b"HTTP/1.1 206 ")
        assert body == data[10:700]
    received = serving.ask(b"HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert received.endswith(b"\r\n\r\n")
    assert len(logged) == has_hook * (3 if size else 2)
