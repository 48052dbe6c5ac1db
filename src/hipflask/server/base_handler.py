"""What a request handler of the standard library's `http.server` offers to its subclasses, as far as it is ours."""

from __future__ import annotations

import socket
import sys
from typing import TYPE_CHECKING, Any

from hipflask.server.access_log import access_logger, printable, time_stamp
from hipflask.server.body import InputStream
from hipflask.server.connection import Connection
from hipflask.server.parser import RequestHead
from hipflask.server.writer import date_field, format_date

if TYPE_CHECKING:
    from email.message import Message

    from hipflask.server.pure import BaseWSGIServer

__all__ = ["BaseRequestHandler", "RawOutput"]


class RawOutput:
    """The file that a handler writes bytes of its own to; the connection closes after them.

    Args:
        handler: The handler.
    """

    def __init__(self, handler: BaseRequestHandler) -> None:
        self._handler = handler

    def write(self, data: bytes) -> int:
        """Send bytes as they are, and return how many they were."""
        handler = self._handler
        handler.close_connection = True
        handler._connection.send(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Do nothing: nothing is held back."""


class BaseRequestHandler:
    """A request as `http.server.BaseHTTPRequestHandler` shows it, the log, and bytes of one's own.

    Args:
        request: The client's socket.
        client_address: The client's address as the socket gives it.
        server: The server that accepted the connection.

    Attributes:
        connection: The client's socket; likewise *request*.
        command: The present request's method.
        path: The present request's target as sent.
        requestline: The present request's first line.
        request_version: ``"HTTP/1.1"`` or ``"HTTP/1.0"``.
        protocol_version: With ``"HTTP/1.0"``, each answer closes its connection.
        close_connection: No other request follows.
        wfile: A file for bytes of one's own.
    """

    server_version = "hipflask"
    sys_version = f"Python/{sys.version.split()[0]}"
    protocol_version = "HTTP/1.1"

    def __init__(self, request: socket.socket, client_address: Any, server: BaseWSGIServer) -> None:
        self.request = self.connection = request
        self.client_address = client_address
        self.server = server
        self.command = ""
        self.path = ""
        self.requestline = ""
        self.request_version = "HTTP/1.1"
        self.close_connection = False
        self.wfile = RawOutput(self)
        self._lines: list[str] = []
        self._connection: Connection
        self._head: RequestHead
        self._input: InputStream

    @property
    def rfile(self) -> InputStream:
        """The request's body."""
        return self._input

    @property
    def raw_requestline(self) -> bytes:
        """The request's first line as sent."""
        return f"{self.requestline}\r\n".encode("latin-1")

    @property
    def headers(self) -> Message:
        """The request's fields, made anew each time."""
        from http.client import HTTPMessage

        message = HTTPMessage()
        for name, value in self._head.fields:
            message[name] = value
        return message

    def send_response(self, code: int, message: str | None = None) -> None:
        """Begin an answer of one's own, which `send_header` and `end_headers` go on with.

        Args:
            code: The status code.
            message: The reason phrase; by default the usual one.
        """
        self.log_request(code)
        self.send_response_only(code, message)
        self.send_header("Server", self.version_string())
        self.send_header("Date", self.date_time_string())

    def send_response_only(self, code: int, message: str | None = None) -> None:
        """Begin an answer of one's own without log line, ``Server`` and ``Date``."""
        from http import HTTPStatus

        known = HTTPStatus._value2member_map_.get(code)
        phrase = message if message is not None else getattr(known, "phrase", "")
        self._lines.append(f"HTTP/1.1 {code} {phrase}")

    def send_header(self, keyword: str, value: str) -> None:
        """Add a field to an answer of one's own.

        Raises:
            ValueError: A line break would end the field.
        """
        line = f"{keyword}: {value}"
        if "\r" in line or "\n" in line:
            raise ValueError(f"The header {keyword!r} has a line break.")
        self._lines.append(line)

    def end_headers(self) -> None:
        """Send what `send_response` and `send_header` have begun; the body is written to `wfile`."""
        lines, self._lines = self._lines, []
        self.wfile.write("\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1"))

    def version_string(self) -> str:
        """Return what answers say in ``Server``."""
        return self.server_version

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Return a time, by default now, as HTTP has it."""
        return date_field() if timestamp is None else format_date(int(timestamp))

    def log_date_time_string(self) -> str:
        """Return the time as the log has it."""
        return time_stamp()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Write the access log's line.

        Args:
            code: The status code; ``"-"`` if none was sent.
            size: The size of the body that was sent.
        """
        self.log("info", '"%s" %s %s', printable(self.requestline), code, size)

    def log_error(self, format: str, *args: object) -> None:
        """Write a line of level error."""
        self.log("error", format, *args)

    def log_message(self, format: str, *args: object) -> None:
        """Write a line of level info."""
        self.log("info", format, *args)

    def log(self, type: str, message: str, *args: object) -> None:
        """Write a line with the client's address and the time.

        Args:
            type: Name of the level: ``"info"``, ``"warning"``, ``"error"``.
            message: The text, with ``%`` places for the arguments.
            *args: What is put into them.
        """
        write = getattr(access_logger(), type)
        write("%s - - [%s] " + message, self.address_string(), self.log_date_time_string(), *args)

    def address_string(self) -> str:
        """Return the client's address, ``"<local>"`` on a Unix socket."""
        address = self.client_address
        return str(address[0]) if isinstance(address, tuple) else "<local>"

    def port_integer(self) -> int:
        """Return the client's port, 0 on a Unix socket."""
        address = self.client_address
        return int(address[1]) if isinstance(address, tuple) else 0
