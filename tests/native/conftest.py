"""A native server in a thread, and raw requests to it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from hipflask.server import native

WAIT_SECONDS = 20.0  # a deadline that only a hang reaches

if not native.is_available():  # built without cargo
    collect_ignore_glob = ["test_*.py"]


class Serving:
    """A server under test.

    Attributes:
        address: Where it listens: on the socket that is given, or a new one.
        reports: What it has told.
    """

    def __init__(self, app: Any, settings: native.NativeSettings, listener: socket.socket | None = None) -> None:
        self._listener = listener or socket.create_server(("127.0.0.1", 0))
        self.address = self._listener.getsockname()
        self.reports: list[native.Report] = []
        self.server: native.NativeServer
        self._settings = settings
        self._app = app
        self._ready = threading.Event()
        self._error: BaseException | None = None
        self.thread = threading.Thread(target=self._run)
        self.thread.start()
        assert self._ready.wait(WAIT_SECONDS)

    def _run(self) -> None:
        try:
            native.serve(self._app, [self._listener], self._settings, ready=self._take, report=self.reports.append)
        except BaseException as error:
            self._error = error
            self._ready.set()

    def _take(self, server: native.NativeServer) -> None:
        self.server = server
        self._ready.set()

    def connect(self) -> socket.socket:
        """Return a new connection."""
        connection = socket.socket(self._listener.family)
        connection.settimeout(WAIT_SECONDS)
        connection.connect(self.address)
        return connection

    def ask(self, data: bytes) -> bytes:
        """Send raw bytes on a connection of their own, and return what comes until the server closes it."""
        with self.connect() as connection:
            connection.sendall(data)
            return receive_all(connection)

    def get(self, path: str, *fields: str) -> tuple[bytes, bytes]:
        """Return head and body of the answer to a GET request."""
        lines = [f"GET {path} HTTP/1.1", "Host: localhost", "Connection: close", *fields, "", ""]
        head, _, body = self.ask("\r\n".join(lines).encode()).partition(b"\r\n\r\n")
        return head, body

    def close(self) -> None:
        """Stop it, and wait until it has ended."""
        if self._error is None:
            self.server.stop(0)
        self.thread.join(WAIT_SECONDS)
        self._listener.close()
        assert not self.thread.is_alive()
        if self._error is not None:
            raise self._error


def receive_all(connection: socket.socket) -> bytes:
    """Return what comes until the other side closes."""
    parts = []
    while data := connection.recv(65536):
        parts.append(data)
    return b"".join(parts)


Serve = Callable[..., Serving]


@contextmanager
def _all_closed(servings: list[Serving]) -> Iterator[None]:
    try:
        yield
    finally:
        for serving in servings:
            serving.close()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start servers that end with the test; keywords are settings."""
    servings: list[Serving] = []

    def start(app: Any, listener: socket.socket | None = None, **changes: Any) -> Serving:
        serving = Serving(app, replace(native.NativeSettings(), **changes), listener)
        servings.append(serving)
        return serving

    with _all_closed(servings):
        yield start
