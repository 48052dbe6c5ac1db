"""Clients that ask without a pause, and remember what became of each request."""

from __future__ import annotations

import math
import socket
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

__all__ = ["Load", "Outcome", "percentile"]

_HEAD_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a request."""

    sent: float
    ended: float
    status: int
    """0 without a whole answer."""
    body: bytes
    has_begun: bool
    """Whether any byte of an answer came."""
    was_connected: bool
    """Whether the request went out; otherwise nobody listened."""


def percentile(values: list[float], share: float) -> float:
    """Return the value that a share of the values is at most; NaN of none, which no mark is passed with."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else math.nan


class Load:
    """Some connections, each with one request at a time, kept alive for the next.

    Args:
        port: The server's port.
        path: What is asked for.
        connections: How many.
        timeout_seconds: How long one answer may take.
        headers: Further header lines.
    """

    def __init__(
        self,
        port: int,
        path: str = "/",
        connections: int = 16,
        timeout_seconds: float = 20.0,
        headers: Sequence[str] = (),
    ) -> None:
        self._port = port
        self._request = "\r\n".join([f"GET {path} HTTP/1.1", "Host: a", *headers, "", ""]).encode()
        self._timeout = timeout_seconds
        self._is_over = threading.Event()
        self.outcomes: list[Outcome] = []
        self.last: dict[int, Outcome] = {}
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(connections)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def between(self, start: float, end: float) -> list[Outcome]:
        """Return what ended in a span of monotonic time."""
        return [each for each in list(self.outcomes) if start <= each.ended < end]

    def _run(self, number: int) -> None:
        client: socket.socket | None = None
        while not self._is_over.is_set():
            sent = time.monotonic()
            answer = b""
            try:
                client = client or socket.create_connection(("127.0.0.1", self._port), timeout=self._timeout)
                answer = self._ask(client)
            except OSError:
                pass
            status, body = _parse(answer) or (0, b"")
            outcome = Outcome(sent, time.monotonic(), status, body, bool(answer), client is not None)
            self.outcomes.append(outcome)
            self.last[number] = outcome
            if client is None:  # nobody listens
                self._is_over.wait(0.02)
            elif not status or b"\nconnection: close" in answer.lower():
                _close(client)
                client = None
        _close(client)

    def _ask(self, client: socket.socket) -> bytes:
        """Send the request and return what comes, up to the answer's end or the connection's."""
        answer = b""
        client.sendall(self._request)
        while _parse(answer) is None:
            data = _receive(client)
            if not data:
                break
            answer += data
        return answer


def _receive(client: socket.socket) -> bytes:
    """Return the next bytes, none if the connection has ended."""
    try:
        return client.recv(65536)
    except OSError:
        return b""


def _parse(answer: bytes) -> tuple[int, bytes] | None:
    """Return status and body of a whole answer."""
    head, end, body = answer.partition(_HEAD_END)
    if not end:
        return None
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length" and len(body) >= int(value):
            return int(head[9:12]), body
    return None


def _close(client: socket.socket | None) -> None:
    if client is not None:
        with suppress(OSError):
            client.close()
