"""An application to ask, and a server around one."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import hipflask
from hipflask.server.runner import make_server

WAIT_SECONDS = 10.0  # a deadline that only a hang reaches


@pytest.fixture
def app() -> hipflask.Flask:
    """An application with a secret key and nothing else."""
    app = hipflask.Flask("wire_api", static_folder=None)
    app.secret_key = "key"
    return app


@pytest.fixture
def serve() -> Iterator[Callable[[Any], int]]:
    """Start the pure server around an application; return its port."""
    running = []

    def start(app: Any) -> int:
        server = make_server("127.0.0.1", 0, app, threaded=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        running.append((server, thread))
        return server.port

    yield start
    for server, thread in running:
        server.shutdown()
        thread.join(WAIT_SECONDS)
        assert not thread.is_alive()


def exchange(port: int, data: bytes) -> bytes:
    """Send bytes on a new connection and return all that comes until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=WAIT_SECONDS) as connection:
        connection.sendall(data)
        received = b""
        while part := connection.recv(65536):
            received += part
    return received


@pytest.fixture
def ask(serve: Callable[[Any], int]) -> Callable[..., bytes]:
    """Serve an application and return the bytes that answer GET requests to each path, on connections of their own."""

    def get(app: Any, *paths: str, fields: str = "") -> bytes:
        port = serve(app)
        request = "GET {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{}\r\n"
        return b"".join(exchange(port, request.format(path, fields).encode("latin-1")) for path in paths)

    return get
