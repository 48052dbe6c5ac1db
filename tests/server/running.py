"""A server in a thread, and a client that sends raw bytes."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from hipflask.server.pure import BaseWSGIServer

WAIT_SECONDS = 10.0  # a deadline that only a hang reaches


def until(is_done: Callable[[], Any]) -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not is_done():
        assert time.monotonic() < deadline
        time.sleep(0.005)


class Client:
    """One connection to a server under test."""

    def __init__(self, server: BaseWSGIServer, wrap: Callable[[socket.socket], socket.socket] | None = None) -> None:
        if isinstance(server.server_address, str):
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.connect(server.server_address)
        else:
            self.sock = socket.create_connection((server.server_address[0], server.port))
        self.sock.settimeout(WAIT_SECONDS)
        if wrap is not None:
            self.sock = wrap(self.sock)

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def end_sending(self) -> None:
        self.sock.shutdown(socket.SHUT_WR)

    def read_until(self, end: bytes) -> bytes:
        data = b""
        while end not in data:
            part = self.sock.recv(65536)
            assert part, f"closed after {data!r}"
            data += part
        return data

    def read_all(self) -> bytes:
        """Everything until the server closes."""
        return b"".join(iter(lambda: self.sock.recv(65536), b""))


class Running:
    """A running server and its clients."""

    def __init__(self, server: BaseWSGIServer) -> None:
        self.server = server
        self.clients: list[Client] = []
        self.thread = threading.Thread(target=server.serve_forever)
        self.thread.start()

    def connect(self, wrap: Callable[[socket.socket], socket.socket] | None = None) -> Client:
        client = Client(self.server, wrap)
        self.clients.append(client)
        return client

    def ask(self, data: bytes) -> bytes:
        """Send bytes on a new connection and return all that comes until the server closes."""
        client = self.connect()
        client.send(data)
        with client.sock:
            return client.read_all()

    def stop(self) -> None:
        for client in self.clients:
            client.sock.close()
        self.server.shutdown()
        self.thread.join(WAIT_SECONDS)
        assert not self.thread.is_alive()
