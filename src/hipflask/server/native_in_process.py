"""The native server in the calling thread, without a supervisor: what `run_simple` serves with where it can.

It says what the pure server says: where it listens, a line for each answer, what was refused and what was cut off.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from time import monotonic
from typing import Any

from hipflask.server import native
from hipflask.server.access_log import AccessLog, access_logger
from hipflask.server.listener import bind_listener, describe_addresses
from hipflask.server.settings import fill

__all__ = ["InProcessServer"]


class InProcessServer:
    """A native server that listens already.

    It has of `BaseWSGIServer` what `run_simple` needs.

    Args:
        host: Name or address to listen on, or ``unix://`` and a path.
        port: Port; 0 for any free one.
        app: An application of ours, or any WSGI application.
        values: The settings' values, as `hipflask.server.settings.resolve` returns them with `PROGRAM_DEFAULTS`.

    Raises:
        BindError: The address cannot be listened on; a `SystemExit`.

    Attributes:
        app: As given; another may take its place until it serves.
        is_stopping: It was asked to stop.
    """

    def __init__(self, host: str, port: int, app: Any, values: Mapping[str, Any]) -> None:
        self.is_stopping = False
        self.app = app
        self._host = host
        self._settings = fill(native.NativeSettings(), values)
        self._listener: socket.socket | None = bind_listener(host, port, None, values["backlog"])
        name = self._listener.getsockname()
        self._path = name if isinstance(name, str) else None
        self._log = AccessLog(values["access_log"])
        self._server: native.NativeServer | None = None
        self._stop_seconds = self._settings.graceful_timeout_seconds
        self._end: float | None = None
        self._cut = 0

    def serve_forever(self) -> None:
        """Serve until `stop` is called, or Ctrl+C is pressed, which cuts what is being served."""
        listener = self._listener
        assert listener is not None, "it serves once"
        self._log.start()
        try:
            native.serve(
                self.app, [listener], self._settings, ready=self._begin, report=self._report, interrupt_seconds=0
            )
            if self._cut:
                self._log.warn(f"Time is up: {self._cut} requests were cut off")
        finally:
            self._log.close()

    def log_startup(self) -> None:
        """Say where the server can be reached and how it is stopped."""
        assert self._listener is not None, "it says so before it serves"
        name = self._listener.getsockname()
        port = 0 if self._path is not None else name[1]
        for line in describe_addresses(self._host, port, self._listener.family, False):
            access_logger().info(" * %s", line)
        access_logger().info("Press Ctrl+C to stop")

    def stop(self, seconds: float | None = None) -> None:
        """Accept nobody any more; `serve_forever` returns when what was accepted is answered.

        Returns at once; may be called in a signal handler and from any thread.

        Args:
            seconds: What takes longer is cut off and logged; by default the setting ``graceful_timeout``. A second
                call may shorten it.
        """
        self.is_stopping = True
        if seconds is not None:
            self._stop_seconds = seconds
        self._end = monotonic() + self._stop_seconds
        self._remove_path()
        if self._server is not None:
            self._server.stop(self._stop_seconds)

    def server_close(self) -> None:
        """Close the listening socket."""
        self._remove_path()
        if self._listener is not None:
            self._listener.close()

    def _begin(self, server: native.NativeServer) -> None:
        self._server = server
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.close()  # the server has one of its own, and is to be the last that closes it
        if self.is_stopping:
            server.stop(self._stop_seconds)

    def _report(self, report: native.Report) -> None:
        self._log.add(report.answers)
        for refused in report.refusals:
            self._log.refuse(refused.client, refused.status, refused.reason)
        self._log.leave_out(report.left_out_refusals, report.left_out_answers)
        if self._end is not None and monotonic() >= self._end:
            self._cut += len(report.refusals) + report.left_out_refusals
            self._cut += sum(not answer.is_complete for answer in report.answers)

    def _remove_path(self) -> None:
        """Remove the file of a Unix socket."""
        path, self._path = self._path, None
        if path:
            with suppress(OSError):
                os.unlink(path)
