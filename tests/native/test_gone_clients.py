"""Clients that go, and servers that end, while the application is at work: whoever waits for either learns it."""

from __future__ import annotations

import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import hipflask
from hipflask import request
from hipflask.http.exceptions import ClientDisconnected
from hipflask.http.wsgi import FileWrapper
from tests.native.conftest import WAIT_SECONDS, Serve, receive_all

GET = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


def upload(size: int, sent: int) -> bytes:
    """Return a POST request and the beginning of its body."""
    return b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size + b"x" * sent


class Parts:
    """A body that tells of its end.

    Args:
        wait: Called before the first part.

    Attributes:
        closed: It was closed.
    """

    def __init__(self, wait: Callable[[], object]) -> None:
        self._wait = wait
        self.closed = threading.Event()

    def __iter__(self) -> Iterator[bytes]:
        self._wait()
        yield b"one"
        yield b"two"

    def close(self) -> None:
        self.closed.set()


def reset(connection: socket.socket) -> None:
    """Close a connection such that the server is told at once."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def read_until_gone(stream: Any) -> None:
    """Read a body until its client has gone."""
    with pytest.raises(ClientDisconnected):
        stream.read()


@pytest.mark.parametrize("where", ["view", "body"])
def test_body_for_a_client_that_has_gone_is_closed(serve: Serve, where: str) -> None:
    begun = threading.Event()
    bodies: list[Parts] = []

    def app(environ: dict[str, Any], start_response: Any) -> Any:
        def wait() -> None:
            begun.set()
            read_until_gone(environ["wsgi.input"])

        start_response("200 OK", [])
        bodies.append(Parts(wait if where == "body" else lambda: None))
        if where == "view":
            wait()
        return bodies[0]

    connection = serve(app, threads=1, max_threads=1).connect()
    connection.sendall(upload(1_000_000, 10_000))
    assert begun.wait(WAIT_SECONDS)
    reset(connection)
    assert bodies[0].closed.wait(WAIT_SECONDS)


@pytest.mark.parametrize("where", ["view", "body"])
def test_body_of_a_view_for_a_client_that_has_gone_is_closed(serve: Serve, where: str) -> None:
    app, begun = hipflask.Flask(__name__), threading.Event()
    bodies: list[Parts] = []

    @app.post("/")
    def view() -> hipflask.Response:
        stream = request.environ["wsgi.input"]

        def wait() -> None:
            begun.set()
            read_until_gone(stream)

        bodies.append(Parts(wait if where == "body" else lambda: None))
        if where == "view":
            wait()
        return hipflask.Response(bodies[0])

    connection = serve(app, threads=1, max_threads=1).connect()
    connection.sendall(upload(1_000_000, 10_000))
    assert begun.wait(WAIT_SECONDS)
    reset(connection)
    assert bodies[0].closed.wait(WAIT_SECONDS)


def test_application_that_writes_to_a_client_that_has_gone_is_told(serve: Serve) -> None:
    begun, written = threading.Event(), threading.Event()

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        write = start_response("200 OK", [])
        begun.set()
        read_until_gone(environ["wsgi.input"])
        for part in (b"one", b"two"):
            with pytest.raises(ConnectionError):
                write(part)
        written.set()
        return []

    connection = serve(app, threads=1, max_threads=1).connect()
    connection.sendall(upload(1_000_000, 10_000))
    assert begun.wait(WAIT_SECONDS)
    reset(connection)
    assert written.wait(WAIT_SECONDS)


@pytest.mark.parametrize("where", ["view", "body"])
def test_worker_that_outlives_the_server_closes_its_body_and_ends(serve: Serve, where: str) -> None:
    begun, release = threading.Event(), threading.Event()

    def wait() -> None:
        begun.set()
        release.wait(WAIT_SECONDS)

    parts = Parts(wait if where == "body" else lambda: None)

    def app(environ: dict[str, Any], start_response: Any) -> Any:
        start_response("200 OK", [])
        if where == "view":
            wait()
        return parts

    serving = serve(app, threads=1, max_threads=1)
    with serving.connect() as connection:
        connection.sendall(GET)
        assert begun.wait(WAIT_SECONDS)
        (worker,) = serving.server._threads
        serving.close()
        release.set()
        assert parts.closed.wait(WAIT_SECONDS)
    worker.join(WAIT_SECONDS)
    assert not worker.is_alive()


@pytest.mark.parametrize("is_reading", [True, False], ids=["reads already", "reads later"])
def test_body_that_is_read_after_the_answer_has_ended(serve: Serve, is_reading: bool) -> None:
    app, answered = hipflask.Flask(__name__), threading.Event()
    app.add_url_rule("/", view_func=lambda: "Hello")
    errors: list[str] = []
    readers: list[threading.Thread] = []

    @app.post("/")
    def early() -> str:
        stream = request.environ["wsgi.input"]

        def read() -> None:
            if not is_reading:
                answered.wait(WAIT_SECONDS)
            try:
                stream.read()
            except Exception as error:
                errors.append(type(error).__name__)

        readers.append(threading.Thread(target=read, daemon=True))
        readers[0].start()
        return "early"

    with serve(app, max_collected_bytes=10).connect() as connection:
        connection.sendall(upload(1000, 20))
        assert connection.recv(4096).endswith(b"early")
        answered.set()
        readers[0].join(WAIT_SECONDS)
        assert errors == ["ClientDisconnected"]
        connection.sendall(b"x" * 980 + GET)  # what was not read is thrown away
        assert receive_all(connection).endswith(b"Hello")


def test_file_that_shrinks_does_not_look_whole(serve: Serve, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 20_000_000)

    def app(environ: dict[str, Any], start_response: Any) -> Any:
        start_response("200 OK", [])
        return FileWrapper(path.open("rb"))

    serving = serve(app)
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(WAIT_SECONDS)
        connection.connect(serving.address)
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert connection.recv(1) == b"H"
        os.truncate(path, 100)
        with pytest.raises(ConnectionResetError):
            receive_all(connection)
    serving.close()
    (answer,) = [answer for report in serving.reports for answer in report.answers]
    assert not answer.is_complete
