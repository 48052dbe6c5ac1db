"""What a worker serves with: the native server where it is built and fits, else the pure one.

Both serve several listening sockets until `stop`, and then answer what was accepted. One more listening socket is the
worker's own: the health check goes through it, so that it is this worker that answers.
"""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from hipflask.server import native
from hipflask.server.access_log import PROBE_AGENT, AccessLog
from hipflask.server.settings import fill, find_misnamed, resolve

if TYPE_CHECKING:
    from hipflask.app import Flask

__all__ = ["Probe", "Serving", "start_serving"]


class Serving(Protocol):
    """A server that is ready to serve."""

    notices: list[str]
    """Lines that a person who starts it should read."""
    graceful_seconds: float
    """How long requests may go on after a stop."""

    def serve(self, ready: Callable[[], object]) -> None:
        """Serve until `stop`, and until what was accepted is answered; *ready* is called when connections are."""

    def stop(self, seconds: float) -> None:
        """Have `serve` end; returns at once, may be called from any thread.

        Args:
            seconds: What takes longer is cut.
        """


class Probe:
    """The worker's own listening socket, and the health check through it."""

    def __init__(self) -> None:
        self._folder = tempfile.mkdtemp(prefix="hipflask-")
        self.path = os.path.join(self._folder, "probe.sock")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(8)

    def ask(self, path: str | None, host: str, seconds: float) -> str | None:
        """Have the worker answer a request; return what is wrong with it, ``None`` if nothing is.

        Args:
            path: What to get; ``None`` to ask the server alone.
            host: The host to name.
            seconds: How long it may take.
        """
        head = f"GET /{path.lstrip('/')} HTTP/1.1" if path else "OPTIONS * HTTP/1.1"
        text = f"{head}\r\nHost: {host}\r\nUser-Agent: {PROBE_AGENT}\r\nConnection: close\r\n\r\n"
        answer = b""
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(seconds)
                client.connect(self.path)
                client.sendall(text.encode("latin-1"))
                while b"\r\n" not in answer and (data := client.recv(4096)):
                    answer += data
                status = int(answer[9:12] or b"0")
        except (OSError, ValueError) as error:
            return f"The health check ({head}) failed: {error}."
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)
        if 200 <= status < (400 if path else 500):
            return None
        return f"The health check ({head}) was answered with status {status}."


def start_serving(app: Flask, settings: dict[str, Any], probe: socket.socket) -> Serving:
    """Return the server for a worker.

    Args:
        app: The application.
        settings: What `hipflask.server.launch` has written for workers.
        probe: The worker's own listening socket.

    Raises:
        ValueError: A setting is not allowed.
    """
    values = resolve(settings["given"], app.config)
    if not settings["with_threads"]:
        values.update(threads=1, max_threads=1)
    log = AccessLog(values["access_log"])
    sockets = [socket.socket(fileno=fd) for fd in settings["sockets"]]
    notices = [f" * {line}" for line in find_misnamed(app.config)]
    obstacle = native.find_obstacle(has_tls=settings["cert"] is not None)
    if values["server"] == "pure" or (values["server"] == "auto" and obstacle):
        from hipflask.server.pure_serving import PureServing

        entry: Any = app
        if values["trusted_proxies"]:
            from hipflask.middleware.proxy_fix import ProxyFix

            entry = ProxyFix(app, values["trusted_proxies"], values["trusted_proxies"])
        serving: Serving = PureServing(entry, sockets, probe, values, log, settings)
        if values["server"] == "auto":
            notices.append(f" * The pure-Python server serves: {obstacle}")
        serving.notices += notices
        return serving
    if obstacle:
        raise ValueError(f"--server native: {obstacle}")
    serving = _NativeServing(app, [*sockets, probe], values, log, settings)
    serving.notices += notices
    return serving


class _NativeServing:
    """The native server."""

    def __init__(
        self, app: Any, sockets: list[socket.socket], values: dict[str, Any], log: AccessLog, settings: dict[str, Any]
    ) -> None:
        self.notices: list[str] = []
        self.graceful_seconds: float = values["graceful_timeout"]
        self._app = app
        self._sockets = sockets
        self._log = log
        self._settings = fill(
            native.NativeSettings(
                is_multiprocess=settings["is_multiprocess"], has_access_log=values["access_log"] != "off"
            ),
            values,
        )
        self._server: native.NativeServer | None = None
        self._stop_seconds: float | None = None
        self._lock = threading.Lock()

    def serve(self, ready: Callable[[], object]) -> None:
        def take(server: native.NativeServer) -> None:
            with self._lock:
                self._server = server
                if self._stop_seconds is not None:
                    server.stop(self._stop_seconds)
            ready()

        self._log.start()
        native.serve(self._app, self._sockets, self._settings, ready=take, report=self._report)
        for sock in self._sockets:
            sock.close()
        self._log.close()

    def stop(self, seconds: float) -> None:
        with self._lock:
            self._stop_seconds = seconds
            if self._server is not None:
                self._server.stop(seconds)

    def _report(self, report: native.Report) -> None:
        self._log.add(report.answers)
        for refused in report.refusals:
            self._log.refuse(refused.client, refused.status, refused.reason)
        self._log.leave_out(report.left_out_refusals, report.left_out_answers)
