"""A worker's pure-Python server: several listening sockets, a stop that answers what was accepted."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Mapping
from typing import Any

from hipflask.server.access_log import AccessLog
from hipflask.server.answer_handler import AnswerHandler
from hipflask.server.limits import Limits
from hipflask.server.native import Access
from hipflask.server.pure import ThreadedWSGIServer, WSGIApplication
from hipflask.server.settings import fill
from hipflask.server.workers import PoolSettings

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


class _Handler(AnswerHandler):
    """Tells the access log of each answer."""

    def tell(self, answer: Access) -> None:
        server = self.server
        if isinstance(server, _Server):
            server.access_log.add([answer])


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
