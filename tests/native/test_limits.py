"""Limits, time-outs, overload and stopping, through real sockets."""

from __future__ import annotations

import ctypes
import fcntl
import importlib
import re
import socket
import struct
import sys
import sysconfig
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

import hipflask
from hipflask import request
from hipflask.server import native
from tests.native.conftest import WAIT_SECONDS, Serve, Serving, receive_all

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
CLOSE = b"\r\nConnection: close\r\n\r\n"


@pytest.fixture
def app() -> hipflask.Flask:
    app = hipflask.Flask(__name__)
    app.add_url_rule("/", view_func=lambda: "Hello")
    return app


def test_io_thread_never_attaches_to_the_interpreter(project_root: Path) -> None:
    sources = list((project_root / "rust/src").rglob("*.rs"))
    assert sources
    for path in sources:
        text = path.read_text(encoding="utf-8")
        # Python's threads come in attached; nothing else may ever ask for the interpreter.
        assert not re.search(r"\b(attach|with_gil|try_attach|assume_attached|attach_unchecked)\b\s*\(", text), path
        if path.parent.name != "bridge" and path.name not in {"lib.rs", "config.rs"}:
            assert "pyo3" not in text, path


@pytest.mark.skipif(not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="this Python has a lock")
def test_free_threaded_python_keeps_its_lock() -> None:
    importlib.import_module("hipflask.server._native")
    assert getattr(sys, "_is_gil_enabled")()  # noqa: B009  # older Pythons have it not


def test_server_answers_while_a_view_holds_the_interpreter(app: hipflask.Flask, serve: Serve) -> None:
    malformed = b"GET nowhere HTTP/1.1\r\n\r\n"
    found = ctypes.create_string_buffer(12)
    library = ctypes.PyDLL(None)  # calls keep the interpreter

    @app.get("/hold")
    def hold() -> str:
        interval = sys.getswitchinterval()
        sys.setswitchinterval(2 * WAIT_SECONDS)  # nor is it given away between the two
        try:
            library.send(other.fileno(), malformed, len(malformed), 0)
            library.recv(other.fileno(), found, len(found), 0)
        finally:
            sys.setswitchinterval(interval)
        return "held"

    serving = serve(app)
    with serving.connect() as other:
        other.setblocking(True)
        other.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", int(WAIT_SECONDS), 0))
        assert serving.get("/hold")[1] == b"held"
    assert found.raw == b"HTTP/1.1 400"


def test_request_beyond_the_queue_is_answered_503(app: hipflask.Flask, serve: Serve) -> None:
    begun, release = threading.Event(), threading.Event()

    @app.get("/wait")
    def wait() -> str:
        begun.set()
        return str(release.wait(WAIT_SECONDS))

    serving = serve(app, threads=1, max_threads=1, queue_size=2)
    with ExitStack() as stack:
        connections = [stack.enter_context(serving.connect()) for _ in range(5)]
        for connection in connections:
            connection.sendall(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
            assert begun.wait(WAIT_SECONDS)
        ready = _wait_for_two(connections)
        release.set()
        assert all(answer.startswith(b"HTTP/1.1 503 ") and b"\r\nRetry-After: 1\r\n" in answer for answer in ready)
        assert len(ready) == 2


def _wait_for_two(connections: list[socket.socket]) -> list[bytes]:
    """Return the first two answers of those that come without anything being released."""
    import select

    found: list[bytes] = []
    left = list(connections)
    deadline = time.monotonic() + WAIT_SECONDS
    while len(found) < 2 and time.monotonic() < deadline:
        for connection in select.select(left, [], [], 0.1)[0]:
            found.append(connection.recv(4096))
            left.remove(connection)
    return found


def test_request_that_waits_too_long_is_answered_503(app: hipflask.Flask, serve: Serve) -> None:
    release = threading.Event()
    app.add_url_rule("/wait", "wait", lambda: str(release.wait(WAIT_SECONDS)))
    serving = serve(app, threads=1, max_threads=1, queue_timeout_seconds=0.05)
    try:
        with serving.connect() as first, serving.connect() as second:
            first.sendall(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
            second.sendall(GET)
            found = _first(first, second)
            assert receive_all(found).startswith(b"HTTP/1.1 503 ")
    finally:
        release.set()


def _first(*connections: socket.socket) -> socket.socket:
    import select

    return select.select(connections, [], [], WAIT_SECONDS)[0][0]  # type: ignore[no-any-return]


def test_stuck_views_do_not_keep_others_waiting(app: hipflask.Flask, serve: Serve) -> None:
    release = threading.Event()
    app.add_url_rule("/wait", "wait", lambda: str(release.wait(WAIT_SECONDS)))
    serving = serve(app, threads=2, max_threads=6)
    try:
        with ExitStack() as stack:
            for _ in range(5):
                stack.enter_context(serving.connect()).sendall(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
            assert serving.get("/")[1] == b"Hello"
    finally:
        release.set()


def test_one_pipelining_client_does_not_hold_up_others(app: hipflask.Flask, serve: Serve) -> None:
    order: list[str] = []

    @app.get("/<name>")
    def view(name: str) -> str:
        order.append(name)
        return name

    serving = serve(app, threads=1, max_threads=1)
    with serving.connect() as greedy, ExitStack() as stack:
        greedy.sendall(b"GET /greedy HTTP/1.1\r\nHost: a\r\n\r\n" * 1000)
        others = [stack.enter_context(serving.connect()) for _ in range(31)]
        for other in others:
            other.sendall(b"GET /other HTTP/1.1\r\nHost: a\r\n\r\n")
        for other in others:
            assert other.recv(4096).endswith(b"other")
        assert order.count("greedy") < 1000 or order.index("other") < 999


@pytest.mark.parametrize(
    ("sent", "expected"),
    [(b"GET / HTT", b"HTTP/1.1 408 "), (b"", b""), (GET + b"GET / HT", b"HTTP/1.1 408 ")],
    ids=["head cut", "nothing", "second head cut"],
)
def test_slow_head_is_cut(app: hipflask.Flask, serve: Serve, sent: bytes, expected: bytes) -> None:
    serving = serve(app, head_timeout_seconds=0.05)
    assert serving.ask(sent).rpartition(b"Hello")[2].startswith(expected)


def test_silent_connection_is_closed(app: hipflask.Flask, serve: Serve) -> None:
    serving = serve(app, keep_alive_timeout_seconds=0.05)
    assert serving.ask(GET).endswith(b"Hello")


@pytest.mark.parametrize("is_draining", [False, True], ids=["waiting", "draining"])
def test_client_that_still_reads_is_not_silent(app: hipflask.Flask, serve: Serve, is_draining: bool) -> None:
    app.add_url_rule("/large", "large", lambda: b"x" * (20 << 20))
    serving = serve(app, keep_alive_timeout_seconds=WAIT_SECONDS if is_draining else 0.05)
    with serving.connect() as connection, serving.connect() as silent:
        connection.sendall(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
        received = len(connection.recv(1000))
        silent.sendall(GET)
        assert silent.recv(4096).endswith(b"Hello")
        if is_draining:
            serving.server.stop(WAIT_SECONDS)
        assert silent.recv(1) == b""  # so this one was closed
        received += len(receive_all(connection))
    assert received > 20 << 20


@pytest.mark.parametrize("settings", [{"body_timeout_seconds": 0.05}, {"rate_grace_seconds": 0.05}], ids=str)
def test_slow_body_is_answered_408(app: hipflask.Flask, serve: Serve, settings: dict[str, float]) -> None:
    app.add_url_rule("/", view_func=lambda: request.data, methods=["POST"], endpoint="post")
    serving = serve(app, linger_timeout_seconds=0.05, **settings)
    received = serving.ask(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf")
    assert received.startswith(b"HTTP/1.1 408 ")


def test_client_that_does_not_read_is_cut(app: hipflask.Flask, serve: Serve) -> None:
    closed = threading.Event()

    def generate() -> Any:
        try:
            while True:
                yield b"x" * 100_000
        finally:
            closed.set()

    app.add_url_rule("/stream", "stream", generate)
    serving = serve(app, write_timeout_seconds=0.1)
    with serving.connect() as connection:
        connection.sendall(b"GET /stream HTTP/1.1\r\nHost: a\r\n\r\n")
        assert closed.wait(WAIT_SECONDS)


def test_generator_is_not_pulled_faster_than_the_socket_takes(app: hipflask.Flask, serve: Serve) -> None:
    pulled: list[int] = []

    def generate() -> Any:
        for number in range(10_000):
            pulled.append(number)
            yield b"x" * 100_000

    app.add_url_rule("/stream", "stream", generate)
    serving = serve(app)
    with serving.connect() as connection:
        connection.sendall(b"GET /stream HTTP/1.1\r\nHost: a\r\n\r\n")
        connection.recv(1000)
        assert serving.get("/")[1] == b"Hello"
        assert len(pulled) < 200  # what the system's buffers take


def test_body_that_nobody_reads_stops_the_client(app: hipflask.Flask, serve: Serve) -> None:
    release, begun = threading.Event(), threading.Event()

    @app.post("/")
    def view() -> str:
        begun.set()
        release.wait(WAIT_SECONDS)
        return str(len(request.get_data()))

    size = 20_000_000
    with serve(app).connect() as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % size)
        assert begun.wait(WAIT_SECONDS)
        connection.setblocking(False)
        sent = 0
        idle = 0
        while idle < 20:
            try:
                sent += connection.send(b"x" * min(100_000, size - sent))
                idle = 0
            except BlockingIOError:
                idle += 1
                threading.Event().wait(0.005)
        assert sent < size
        release.set()
        connection.settimeout(WAIT_SECONDS)
        while sent < size:
            sent += connection.send(b"x" * min(100_000, size - sent))
        assert receive_all(connection).endswith(str(size).encode())


def test_client_waits_for_100_continue(app: hipflask.Flask, serve: Serve) -> None:
    app.add_url_rule("/", view_func=lambda: request.data, methods=["POST"], endpoint="post")
    with serve(app).connect() as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        assert connection.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"body")
        assert connection.recv(4096).endswith(b"\r\n\r\nbody")


def test_body_cut_short_never_looks_whole(app: hipflask.Flask, serve: Serve) -> None:
    seen: list[type[BaseException]] = []

    @app.post("/")
    def view() -> str:
        try:
            return request.get_data(as_text=True)
        except Exception as error:
            seen.append(type(error))
            raise

    with serve(app).connect() as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf")
        connection.shutdown(socket.SHUT_WR)
        assert receive_all(connection).startswith(b"HTTP/1.1 400 ")


def test_connection_ends_after_the_most_requests(app: hipflask.Flask, serve: Serve) -> None:
    received = serve(app, max_requests=3).ask(GET * 5)
    assert received.count(b"HTTP/1.1 200 ") == 3
    assert received.count(b"Connection: close") == 1


def test_connections_beyond_the_most_wait(app: hipflask.Flask, serve: Serve) -> None:
    serving = serve(app, max_connections=2)
    with serving.connect() as first, serving.connect() as second, serving.connect() as third:
        first.sendall(GET)
        second.sendall(GET)
        assert first.recv(4096).endswith(b"Hello")
        assert second.recv(4096).endswith(b"Hello")
        third.sendall(GET)
        first.close()
        assert third.recv(4096).endswith(b"Hello")


@pytest.mark.parametrize("most", [1, 2])
def test_connection_that_waits_takes_the_place_of_a_silent_one(app: hipflask.Flask, serve: Serve, most: int) -> None:
    serving = serve(app, max_connections=most, keep_alive_timeout_seconds=0.05)
    with ExitStack() as stack:
        for _ in range(most):
            silent = stack.enter_context(serving.connect())
            silent.sendall(GET)
            assert silent.recv(4096).endswith(b"Hello")
        waiting = stack.enter_context(serving.connect())
        waiting.sendall(GET)
        assert waiting.recv(4096).endswith(b"Hello")


def test_client_that_takes_no_answers_is_served_no_more_requests(app: hipflask.Flask, serve: Serve) -> None:
    calls: list[None] = []

    @app.get("/large")
    def large() -> bytes:
        calls.append(None)
        return b"x" * 20_000_000

    serving = serve(app, threads=1, max_threads=1)  # others come after what is filed already
    request = b"GET /large HTTP/1.1\r\nHost: a\r\n"
    with serving.connect() as connection:
        connection.sendall((request + b"\r\n") * 2 + request + b"Connection: close\r\n\r\n")
        assert connection.recv(1) == b"H"
        for _ in range(3):
            assert serving.get("/")[1] == b"Hello"
        assert len(calls) == 1
        assert len(receive_all(connection)) > 60_000_000
    assert len(calls) == 3


@pytest.mark.skipif(sys.platform != "linux", reason="measures Linux's Unix sockets")
@pytest.mark.parametrize(("excess", "count"), [(0, 2), (1, 1)], ids=["at the bound", "beyond it"])
def test_next_request_waits_for_64_kib_that_are_not_taken(
    app: hipflask.Flask, serve: Serve, excess: int, count: int
) -> None:
    """What the system takes of an answer is measured first; it is as much the next time, on a Unix socket."""
    calls: list[int] = []

    @app.get("/<int:size>")
    def sized(size: int) -> bytes:
        calls.append(size)
        return b"x" * size

    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind("")  # an address that the system chooses
        listener.listen()
        serving = serve(app, listener=listener, threads=1, max_threads=1)

        def ask(size: int, data: bytes = b"") -> tuple[socket.socket, int]:
            connection = stack.enter_context(serving.connect())
            connection.sendall(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % size + data)
            assert connection.recv(1) == b"H"
            for _ in range(3):
                assert serving.get("/")[1] == b"Hello"
            return connection, 1 + waiting(connection)

        first, taken = ask(900_000)
        head = first.recv(4096).index(b"\r\n\r\n") + 5
        size = taken - head + 64 * 1024 + excess
        assert 100_000 <= size < 900_000
        calls.clear()
        ask(size, b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\n")
        assert len(calls) == count


def waiting(connection: socket.socket) -> int:
    """Return how many bytes have come and were not read."""
    size = bytearray(4)
    fcntl.ioctl(connection, termios.FIONREAD, size)
    return int.from_bytes(size, sys.byteorder)


@contextmanager
def begin_slow(app: hipflask.Flask, serving: Serving) -> Iterator[tuple[socket.socket, threading.Event]]:
    """Have a request begun; it is answered when the event is set."""
    begun, release = threading.Event(), threading.Event()

    @app.get("/slow")
    def slow() -> str:
        begun.set()
        release.wait(WAIT_SECONDS)
        return "slow"

    with serving.connect() as connection:
        connection.sendall(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        assert begun.wait(WAIT_SECONDS)
        yield connection, release


def test_stop_answers_what_was_accepted(app: hipflask.Flask, serve: Serve) -> None:
    serving = serve(app)
    with begin_slow(app, serving) as (connection, release):
        serving.server.stop(WAIT_SECONDS)
        release.set()
        received = receive_all(connection)
        assert received.endswith(b"slow")
        assert b"\r\nConnection: close\r\n" in received
    serving.thread.join(WAIT_SECONDS)
    assert not serving.thread.is_alive()


def test_stop_answers_all_that_have_connected(app: hipflask.Flask) -> None:
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=128))
        connections = []
        for _ in range(100):
            connection = socket.create_connection(listener.getsockname(), WAIT_SECONDS)
            connections.append(stack.enter_context(connection))
            connection.sendall(GET)
        server = native.NativeServer(app, [listener], native.NativeSettings(linger_timeout_seconds=0.05))
        server.stop(WAIT_SECONDS)
        server.run(None, None, None)
        for connection in connections:
            assert receive_all(connection).endswith(b"Hello")


def test_stop_cuts_what_takes_longer(app: hipflask.Flask, serve: Serve) -> None:
    serving = serve(app)
    with begin_slow(app, serving) as (connection, release):
        serving.server.stop(0.05)
        assert _received_nothing(connection)
        release.set()
    serving.thread.join(WAIT_SECONDS)
    refusals = [refusal for report in serving.reports for refusal in report.refusals]
    assert [(refusal.status, refusal.reason) for refusal in refusals] == [(503, "cut at the end of the graceful stop")]


def _received_nothing(connection: socket.socket) -> bool:
    try:
        return connection.recv(4096) == b""
    except ConnectionResetError:
        return True


def test_answers_are_reported(app: hipflask.Flask, serve: Serve) -> None:
    serving = serve(app)
    serving.get("/?a=1", "User-Agent: test", "Referer: http://b/")
    serving.close()
    (answer,) = [answer for report in serving.reports for answer in report.answers]
    assert answer[1:6] == ("GET", "/?a=1", "1.1", 200, 5)
    assert answer.client is not None
    assert answer.client[0] == "127.0.0.1"
    assert (answer.referrer, answer.user_agent, answer.is_complete) == ("http://b/", "test", True)


def test_answers_that_nobody_asks_about_are_counted(app: hipflask.Flask) -> None:
    """More come than are kept, while the thread that is told of them does something else."""
    most, extra = 65_536, 100
    telling, release = threading.Event(), threading.Event()
    reports: list[native.Report] = []

    def take(report: native.Report) -> None:
        reports.append(report)
        telling.set()
        release.wait(WAIT_SECONDS)

    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        server = native.NativeServer(app, [listener], native.NativeSettings(max_requests=1_000_000))
        thread = threading.Thread(target=server.run, args=(None, take, None))
        thread.start()
        stack.callback(thread.join, WAIT_SECONDS)
        stack.callback(server.stop, 0)
        stack.callback(release.set)
        connection = stack.enter_context(socket.create_connection(listener.getsockname(), WAIT_SECONDS))
        connection.sendall(GET)
        assert connection.recv(4096).endswith(b"Hello")
        assert telling.wait(WAIT_SECONDS)
        asked = b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n" * (most + extra) + GET.replace(b"\r\n\r\n", CLOSE)
        sender = threading.Thread(target=connection.sendall, args=(asked,))
        sender.start()
        assert receive_all(connection).count(b"HTTP/1.1 204 ") == most + extra
        sender.join(WAIT_SECONDS)
    assert [(len(report.answers), report.left_out_answers) for report in reports] == [(1, 0), (most, extra + 1)]
