"""A worker's pure-Python server: several listening sockets, a stop that answers what was accepted."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from hipflask.server.access_log import AccessLog
from hipflask.server.handler import WSGIRequestHandler
from hipflask.server.limits import Limits
from hipflask.server.native import Access
from hipflask.server.pure import ThreadedWSGIServer, WSGIApplication
from hipflask.server.settings import fill
from hipflask.server.workers import PoolSettings

if TYPE_CHECKING:
    from hipflask.server.connection import Connection
    from hipflask.server.parser import RequestHead

__all__ = ["PureServing"]


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
        self._servers = [
            _Server(app, sock, log, values, context)
            for sock, context in [*((sock, _load_context(settings["cert"])) for sock in sockets), (probe, None)]
        ]
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
        for thread in threads:
            thread.join()
        self._log.close()

    def stop(self, seconds: float) -> None:
        """Have `serve` end; a second call may shorten the time.

        Args:
            seconds: What takes longer is cut.
        """
        for server in self._servers:
            server.stop(seconds)


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
        # The server answers `OPTIONS *` itself, without an environ.
        environ = self.environ or {f"HTTP_{name.upper().replace('-', '_')}": text for name, text in self._head.fields}
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
    """A server on a socket that others serve too, with the worker's settings and log."""

    def __init__(
        self, app: WSGIApplication, sock: socket.socket, log: AccessLog, values: Mapping[str, Any], context: Any
    ) -> None:
        self.request_queue_size = values["backlog"]
        self.access_log = log
        self._values = values
        address = sock.getsockname()
        host, port = (address[0], address[1]) if isinstance(address, tuple) else (f"unix://{address}", 0)
        super().__init__(host, port, app, _Handler, ssl_context=context, fd=sock.fileno())
        sock.close()

    def read_settings(self, config: Mapping[str, Any] | None) -> tuple[Limits, PoolSettings]:
        return fill(Limits(), self._values), fill(PoolSettings(), self._values)

    def log(self, type: str, message: str, *args: object) -> None:
        self.access_log.warn(message % args)


def _load_context(cert: Any) -> Any:
    """Return what the pure server takes for TLS; an imported context is found again by its name."""
    if isinstance(cert, list):
        return tuple(cert)
    if cert is None or cert == "adhoc":
        return cert
    from hipflask.imports import import_string

    return import_string(cert)
