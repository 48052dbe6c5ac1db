"""Which threads are woken for what waits, through real sockets."""

from __future__ import annotations

import ctypes
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

import hipflask
from tests.native.conftest import WAIT_SECONDS, Serve, receive_all

GET = b"GET %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


@pytest.fixture(params=["sync", "beside an async view"])
def app(request: pytest.FixtureRequest) -> hipflask.Flask:
    app = hipflask.Flask(__name__)
    app.add_url_rule("/", view_func=lambda: "Hello")
    app.add_url_rule("/thread", "thread", lambda: threading.current_thread().name)
    if request.param != "sync":

        @app.get("/async")
        async def view() -> str:
            return "async"

    return app


@pytest.mark.parametrize("most", [4, 8], ids=["as many threads as needed", "threads are started"])
def test_batch_behind_stuck_views_is_served(app: hipflask.Flask, serve: Serve, most: int) -> None:
    release, is_held, waiting = threading.Event(), threading.Event(), threading.Semaphore(0)

    @app.get("/hold")
    def hold() -> str:
        is_held.set()
        ctypes.PyDLL(None).usleep(50_000)  # nobody else runs: what comes meanwhile is there all at once
        return "held"

    @app.get("/wait")
    def wait() -> str:
        waiting.release()
        return str(release.wait(WAIT_SECONDS))

    serving = serve(app, threads=4, max_threads=most)
    stuck = most - 1
    try:
        with ExitStack() as stack:
            connections = [stack.enter_context(serving.connect()) for _ in range(stuck + 2)]
            connections[0].sendall(GET % b"/hold")
            assert is_held.wait(WAIT_SECONDS)
            for connection in connections[1:-1]:
                connection.sendall(GET % b"/wait")
            connections[-1].sendall(GET % b"/")
            assert receive_all(connections[-1]).endswith(b"Hello")
            assert all(waiting.acquire(timeout=WAIT_SECONDS) for _ in range(stuck))
            release.set()
            assert all(receive_all(connection).endswith(b"True") for connection in connections[1:-1])
    finally:
        release.set()


def test_thread_that_worked_last_is_woken_first(app: hipflask.Flask, serve: Serve) -> None:
    serving = serve(app, threads=4)
    counts = Counter(serving.get("/thread")[1] for _ in range(50))
    # One that has just answered may not wait yet when the next request comes.
    assert sum(count for _, count in counts.most_common(2)) > 45


def test_waiting_behind_a_view_that_sleeps_ends_while_it_sleeps(app: hipflask.Flask, serve: Serve) -> None:
    begun, release = threading.Event(), threading.Event()

    @app.get("/wait")
    def wait() -> str:
        begun.set()
        return str(release.wait(WAIT_SECONDS))

    serving = serve(app, threads=2, max_threads=2)
    try:
        for _ in range(20):
            release.clear()
            begun.clear()
            with serving.connect() as stuck, serving.connect() as other:
                stuck.sendall(GET % b"/wait")
                assert begun.wait(WAIT_SECONDS)
                other.sendall(GET % b"/")  # at once: the thread that has begun is still taken to be back soon
                assert receive_all(other).endswith(b"Hello")
                release.set()
                assert receive_all(stuck).endswith(b"True")
    finally:
        release.set()


def test_streams_get_threads_of_their_own(app: hipflask.Flask, serve: Serve) -> None:
    release, begun = threading.Event(), threading.Semaphore(0)

    @app.get("/stream")
    def stream() -> hipflask.Response:
        def generate() -> Iterator[bytes]:
            yield b"part"
            begun.release()
            assert release.wait(WAIT_SECONDS)
            yield b"part"

        return hipflask.Response(generate())

    serving = serve(app, threads=2, max_threads=8)
    with ExitStack() as stack:
        connections = [stack.enter_context(serving.connect()) for _ in range(7)]
        try:
            for connection in connections:
                connection.sendall(GET % b"/stream")
            # Each blocks in its second pull, so each has a thread.
            assert all(begun.acquire(timeout=WAIT_SECONDS) for _ in connections)
            assert serving.get("/")[1] == b"Hello"
        finally:
            release.set()
        assert all(receive_all(connection).count(b"part") == 2 for connection in connections)


def test_request_is_served_between_pulls_that_never_end(app: hipflask.Flask, serve: Serve) -> None:
    is_answered, has_begun = threading.Event(), threading.Event()

    @app.get("/stream")
    def stream() -> hipflask.Response:
        def generate() -> Iterator[bytes]:
            while not is_answered.is_set():
                has_begun.set()
                yield b"part"

        return hipflask.Response(generate())

    serving = serve(app, threads=1, max_threads=1)
    with ExitStack() as stack:
        connections = [stack.enter_context(serving.connect()) for _ in range(4)]
        readers = [threading.Thread(target=receive_all, args=(connection,)) for connection in connections]
        try:
            for connection, reader in zip(connections, readers, strict=True):
                connection.sendall(GET % b"/stream")
                reader.start()
            assert has_begun.wait(WAIT_SECONDS)
            assert serving.get("/")[1] == b"Hello"
        finally:
            is_answered.set()
            for reader in readers:
                reader.join(WAIT_SECONDS)
