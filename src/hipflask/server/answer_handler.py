"""The pure server's handler for access logs in other formats than that of `run_simple`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from hipflask.server.access_log import FORMATS, access_logger
from hipflask.server.handler import WSGIRequestHandler
from hipflask.server.native import Access

if TYPE_CHECKING:
    from hipflask.server.connection import Connection
    from hipflask.server.parser import RequestHead

__all__ = ["AnswerHandler"]


class AnswerHandler(WSGIRequestHandler):
    """Tells of each answer what the formats of the access log need."""

    _began = 0.0
    _began_clock = 0.0

    def begin(self, connection: Connection, head: RequestHead) -> None:
        """Take the time, and begin with a request.

        Args:
            connection: The connection.
            head: The request's head.
        """
        self._began = time.time()
        self._began_clock = time.monotonic()
        self.environ = {}
        super().begin(connection, head)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Tell of an answer.

        Args:
            code: Its status.
            size: Bytes of its body.
        """
        # The server answers `OPTIONS *` itself, without an environ.
        environ = self.environ or {f"HTTP_{name.upper().replace('-', '_')}": text for name, text in self._head.fields}
        address = environ.get("REMOTE_ADDR") or self.address_string()
        answer = Access(
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
        self.tell(answer)

    def tell(self, answer: Access) -> None:
        """Write the line of an answer at once, in the format that the server was told.

        Args:
            answer: What is known of it.
        """
        write = FORMATS.get(self.server.log_format)
        if write is not None:
            access_logger().info("%s", write(answer))
