"""The thread of input and output never attaches to the interpreter: attaches of foreign threads are counted.

A thread that attaches without having been started by Python is given a thread state, which is taken from it when it
detaches. Thread states are numbered, so two numbers tell how many were made between them, those that are gone included.
"""

from __future__ import annotations

import ctypes
import socket
import struct
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import hipflask
from tests.native.conftest import WAIT_SECONDS, Serve, Serving, receive_all

LARGE = bytes(range(256)) * 4096  # a megabyte: kept, not copied, while it is sent
SMALL_STREAM = 20


def count_states() -> int:
    """Return the number of the newest thread state, which is this call's own."""
    get = ctypes.pythonapi.PyThreadState_Get
    get.restype = ctypes.c_void_p
    number_of = ctypes.pythonapi.PyThreadState_GetID
    number_of.argtypes, number_of.restype = [ctypes.c_void_p], ctypes.c_uint64
    numbers: list[int] = []
    thread = threading.Thread(target=lambda: numbers.append(number_of(get())))
    thread.start()
    thread.join()
    return numbers[0]


def call_from_outside(function: Any) -> None:
    """Call a function on a thread that Python has not started."""
    library = ctypes.CDLL(None, use_errno=True)
    routine = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)(function)
    thread = ctypes.c_ulong()
    assert library.pthread_create(ctypes.byref(thread), None, routine, None) == 0
    assert library.pthread_join(thread, None) == 0


def test_attach_from_outside_is_counted() -> None:
    seen: list[int] = []
    before = count_states()
    call_from_outside(lambda _: seen.append(threading.get_native_id()))
    assert count_states() - before == 2  # that one, and the second count
    assert len(seen) == 1
    assert count_states() - before == 3  # nothing else is


@pytest.fixture(params=["sync", "async"])
def app(request: pytest.FixtureRequest) -> hipflask.Flask:
    app = hipflask.Flask(__name__)
    app.add_url_rule("/", view_func=lambda: "Hello")
    app.add_url_rule("/large", "large", lambda: LARGE)
    app.add_url_rule("/body", "body", lambda: hipflask.request.data, methods=["POST"])

    @app.get("/stream")
    def stream() -> Iterator[bytes]:
        yield from [b"part"] * SMALL_STREAM

    @app.get("/endless")
    def endless() -> Iterator[bytes]:
        while True:
            yield LARGE

    @app.get("/raise")
    def fail() -> str:
        raise LookupError("to be seen")

    if request.param == "async":

        @app.get("/async")
        async def view() -> str:
            return "async"

    return app


def ask_all_kinds(serving: Serving, app: hipflask.Flask, times: int) -> None:
    """Ask for plain, streamed, kept, received, refused, failing and broken-off answers."""
    paths = ["/", "/stream", "/nothing"]
    if "view" in app.view_functions:
        paths += ["/async"]
    for path in paths:
        request = f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
        last = request.replace(b"Host: a", b"Host: a\r\nConnection: close")
        answers = serving.ask(request * (times - 1) + last)
        assert answers.count(b"HTTP/1.1 404 " if path == "/nothing" else b"HTTP/1.1 200 ") == times
    for _ in range(max(times // 50, 1)):
        assert serving.get("/large")[1] == LARGE
        assert serving.get("/raise")[0].startswith(b"HTTP/1.1 500 ")
        assert serving.ask(b"GET nowhere HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 400 ")
        head = b"POST /body HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(LARGE)
        assert serving.ask(head + LARGE).endswith(LARGE)
        for path in ("/large", "/endless"):
            with serving.connect() as connection:
                connection.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
                connection.recv(1000)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset


def io_threads() -> set[Path]:
    """Return the threads of that kind; those of earlier servers may be about to end."""
    found = set()
    for path in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended since
            if (path / "comm").read_text() == "hipflask-io\n":
                found.add(path)
    return found


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="names of threads are read from /proc")
def test_io_thread_never_attaches(app: hipflask.Flask, serve: Serve) -> None:
    known, ended = set(threading.enumerate()), io_threads()
    before = count_states()
    serving = serve(app, threads=2, max_threads=2)
    ask_all_kinds(serving, app, 2)
    started = len(set(threading.enumerate()) - known)
    assert count_states() - before == started + 1  # with the second count: all of them are Python's own threads
    (io,) = io_threads() - ended
    assert int(io.name) not in {thread.native_id for thread in threading.enumerate()}

    threads = set(threading.enumerate())
    before = count_states()
    ask_all_kinds(serving, app, 1000)
    serving.get("/")
    now = set(threading.enumerate())
    assert threads <= now  # none has ended; async views with sync parts may have started some
    assert count_states() - before == len(now - threads) + 1
    assert io.exists()
    assert [answer for report in serving.reports for answer in report.answers]  # they were told


def test_kept_bodies_are_given_back(serve: Serve) -> None:
    app = hipflask.Flask(__name__)
    app.add_url_rule("/", view_func=lambda: "Hello")
    body = bytes(1_000_000)
    app.add_url_rule("/large", "large", lambda: body)
    serving = serve(app, threads=1, max_threads=1)
    count = sys.getrefcount(body)
    for number in range(50):
        with serving.connect() as connection:
            connection.sendall(b"GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            if number % 2:
                assert receive_all(connection).endswith(body)
    deadline = threading.Event()
    for _ in range(int(WAIT_SECONDS * 100)):
        serving.get("/")  # whoever is attached next gives back what the other thread has let go of
        if sys.getrefcount(body) == count:
            break
        deadline.wait(0.01)
    assert sys.getrefcount(body) == count
