"""A worker's pure-Python server: several listening sockets, a stop that answers what was accepted."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from hipflask.server.access_log import AccessLog
from hipflask.server.handler import WSGIRequestHandler
from hipflask.server.native import Access
from hipflask.server.pure import ThreadedWSGIServer, WSGIApplication
from hipflask.server.settings import export

if TYPE_CHECKING:
    from hipflask.server.connection import Connection
    from hipflask.server.parser import RequestHead

__all__ = ["PureServing"]

#: After a stop, idle connections may send one more request within this time; its answer closes them.
IDLE_SECONDS = 1.0
_POLL_SECONDS = 0.02


class PureServing:
    """Serves with the pure server; see `hipflask.server.serving.Serving`.

    Args:
        app: The WSGI application.
        sockets: Listening sockets.
        probe: The worker's own one.
        values: The settings' values.
        log: Told of each answer.
        settings: What `hipflask.server.launch` has written for workers.
    """

    def __init__(
        self,
        app: WSGIApplication,
        sockets: list[socket.socket],
        probe: socket.socket,
        values: dict[str, Any],
        log: AccessLog,
        settings: dict[str, Any],
    ) -> None:
        self.graceful_seconds: float = values["graceful_timeout"]
        self.notices: list[str] = []
        self._log = log
        self._stop_seconds: float | None = None
        self._is_told = threading.Event()
        most = values["max_threads"] or 4 * values["threads"]
        with _environment(export({**values, "max_threads": most, "max_queue": values["queue_size"]})):
            context = _load_context(settings["cert"])
            self._servers = [_Server(app, sock, log, values["backlog"], context) for sock in sockets]
            self._servers.append(_Server(app, probe, AccessLog("off"), values["backlog"], None))
        for server in self._servers:
            server.multiprocess = settings["is_multiprocess"]
            server.multithread = settings["with_threads"]

    def serve(self, ready: Callable[[], object]) -> None:
        """Serve until `stop`; *ready* is called when connections are accepted."""
        self._log.start()
        threads = [threading.Thread(target=server.serve_forever, daemon=True) for server in self._servers]
        for thread in threads:
            thread.start()
        ready()
        self._is_told.wait()
        deadline = time.monotonic() + (self._stop_seconds or 0.0)
        for server in self._servers:
            server.stop_accepting()
        idle_until = min(deadline, time.monotonic() + IDLE_SECONDS)
        _wait(lambda: not any(server.connections for server in self._servers), lambda: idle_until)
        for server in self._servers:
            server.shutdown()
        _wait(lambda: not any(server.requests for server in self._servers), self._find_deadline(deadline))
        left = sum(server.requests for server in self._servers)
        if left:
            self._log.warn(f"The graceful time is over: {left} requests were cut.")
        self._log.close()

    def stop(self, seconds: float) -> None:
        """Have `serve` end; a second call may shorten the time.

        Args:
            seconds: What takes longer is cut.
        """
        if self._stop_seconds is None or seconds < self._stop_seconds:
            self._stop_seconds = seconds
            self._stop_by = time.monotonic() + seconds
        self._is_told.set()

    def _find_deadline(self, first: float) -> Callable[[], float]:
        return lambda: min(first, self._stop_by)


class _Handler(WSGIRequestHandler):
    """Tells the access log of each answer."""

    _began = 0.0
    _began_clock = 0.0

    def begin(self, connection: Connection, head: RequestHead) -> None:
        self._began = time.time()
        self._began_clock = time.monotonic()
        self.environ = {}
        super().begin(connection, head)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        environ = self.environ
        address = environ.get("REMOTE_ADDR") or self.address_string()
        access = Access(
            client=None if address == "<local>" else (address, self.port_integer()),
            method=self.command,
            target=self.path,
            http_version=self.request_version,
            status=int(code) if str(code).isdigit() else 0,
            body_bytes=int(size) if str(size).isdigit() else 0,
            started=self._began,
            duration_seconds=time.monotonic() - self._began_clock,
            referrer=environ.get("HTTP_REFERER", ""),
            user_agent=environ.get("HTTP_USER_AGENT", ""),
            is_complete=not self.is_broken,
        )
        server = self.server
        if isinstance(server, _Server):
            server.access_log.add([access])


class _Server(ThreadedWSGIServer):
    """A server on a socket that others serve too; it counts its requests, so that it can stop in order."""

    def __init__(self, app: WSGIApplication, sock: socket.socket, log: AccessLog, backlog: int, context: Any) -> None:
        self.request_queue_size = backlog
        self.access_log = log
        self.requests = 0
        self._count_lock = threading.Lock()
        address = sock.getsockname()
        host, port = (address[0], address[1]) if isinstance(address, tuple) else (f"unix://{address}", 0)
        super().__init__(host, port, app, _Handler, ssl_context=context, fd=sock.fileno())
        sock.close()

    @property
    def connections(self) -> int:
        """Open connections."""
        return len(self._loop._waiting) + self.requests

    def stop_accepting(self) -> None:
        """Accept no more connections, and have each answer close its own."""
        self.is_stopping = True
        self._loop._max_connections = -1
        self._loop._wake()

    def server_close(self) -> None:
        self.is_stopping = True
        self._loop.close()
        self.socket.close()  # the file of a Unix socket is the supervisor's
        self._pool.close()

    def _serve(self, connection: Connection, head: RequestHead) -> bool:
        self._count(1)
        is_taken = super()._serve(connection, head)
        if not is_taken:
            self._count(-1)
        return is_taken

    def _serve_now(self, connection: Connection, head: RequestHead) -> None:
        try:
            super()._serve_now(connection, head)
        finally:
            self._count(-1)

    def _count(self, step: int) -> None:
        with self._count_lock:
            self.requests += step


def _load_context(cert: Any) -> Any:
    """Return what the pure server takes for TLS; an imported context is found again by its name."""
    if isinstance(cert, list):
        return tuple(cert)
    if cert is None or cert == "adhoc":
        return cert
    from hipflask.imports import import_string

    return import_string(cert)


def _wait(is_done: Callable[[], bool], find_deadline: Callable[[], float]) -> None:
    while not is_done() and time.monotonic() < find_deadline():
        time.sleep(_POLL_SECONDS)


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set variables for a while: the pure server reads its limits from the environment."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
