"""Serving one request: the environ, the call of the application, the log line."""

from __future__ import annotations

import socket
import sys
import traceback
from collections.abc import Callable, Iterable
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from hipflask.http.exceptions import HTTPException
from hipflask.server.access_log import printable
from hipflask.server.base_handler import BaseRequestHandler
from hipflask.server.body import open_body
from hipflask.server.connection import ClientGoneError, Connection
from hipflask.server.parser import RequestHead
from hipflask.server.writer import ResponseWriter

if TYPE_CHECKING:
    from hipflask.server.pure import BaseWSGIServer

__all__ = ["WSGIRequestHandler"]


class WSGIRequestHandler(BaseRequestHandler):
    """Serves the requests of one connection, one after another.

    A subclass given as ``request_handler`` may change the log (`log_request`, `log`), the environ
    (`make_environ`), `address_string`, or do more before and after an answer (`run_wsgi`).

    Args:
        request: The client's socket.
        client_address: The client's address as the socket gives it.
        server: The server that accepted the connection.

    Attributes:
        environ: The environ of the present request.
        is_broken: The answer failed half-way, so the connection has to be broken off.
        is_paused: The client has to take what it was sent before the rest of the answer is asked for.
        context: The present request's context variables.
    """

    def __init__(self, request: socket.socket, client_address: Any, server: BaseWSGIServer) -> None:
        super().__init__(request, client_address, server)
        self.environ: dict[str, Any] = {}
        self.is_broken = False
        self.is_paused = False
        self.context: Context
        self._writer: ResponseWriter

    def begin(self, connection: Connection, head: RequestHead) -> None:
        """Take the next request of the connection."""
        self._connection = connection
        self._head = head
        self._input = open_body(head, connection, self._send_continue)
        self._writer = self._new_writer()
        self._iterable: Iterable[bytes] = ()
        self.context = copy_context()
        self.is_paused = False
        self.is_broken = False
        self.close_connection = False
        self.command = head.method
        self.path = head.target
        self.requestline = head.request_line
        self.request_version = f"HTTP/1.{head.minor_version}"

    def handle(self) -> None:
        """Serve the request that was begun; where `is_paused` is true after it, `go_on` serves the rest."""
        if self._head.path == "*":
            self._answer(204, "No Content", "")  # OPTIONS * asks about the server (RFC 9110, 9.3.7)
            self.close_connection = self.is_broken or not self._writer.is_keep_alive
            self.log_request(204, 0)
        else:
            self.run_wsgi()
            if not self._writer.is_complete and not self.is_paused:
                self.close_connection = True  # a subclass has answered in its own way, or not at all
        if not self.is_paused:
            self._skip_input()

    def go_on(self, error: ClientGoneError | None) -> None:
        """Go on with an answer whose client did not take it at once.

        Args:
            error: Why it will take no more, if that is so.
        """
        self.is_paused = False
        self._attempt(lambda: self._pull(error))
        if not self.is_paused:
            self._skip_input()

    def _skip_input(self) -> None:
        """Read what the application has left of the body, so that another request can follow."""
        if not self.close_connection:
            limits = self._connection.limits
            self._connection.limit_reading(limits.linger_timeout_seconds)
            self.close_connection = not self._input.drain(limits.max_drain_bytes)

    def make_environ(self) -> dict[str, Any]:
        """Return the environ of the present request.

        Source: PEP 3333; ``REQUEST_URI``, ``RAW_URI`` and ``werkzeug.socket`` as Flask's development server
        sets them.
        """
        head = self._head
        server = self.server
        environ: dict[str, Any] = {
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "https" if server.ssl_context is not None else "http",
            "wsgi.input": self._input,
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": server.multithread,
            "wsgi.multiprocess": server.multiprocess,
            "wsgi.run_once": False,
            "werkzeug.socket": self.request,
            "SERVER_SOFTWARE": self.server_version,
            "SERVER_PROTOCOL": self.request_version,
            "SERVER_NAME": server.server_name,
            "SERVER_PORT": str(server.server_port),
            "REQUEST_METHOD": head.method,
            "SCRIPT_NAME": "",
            # Latin-1 text of the decoded bytes, as PEP 3333 says; most paths have nothing to decode.
            "PATH_INFO": unquote_to_bytes(head.path.encode("latin-1")).decode("latin-1")
            if "%" in head.path
            else head.path,
            "QUERY_STRING": head.query,
            "REQUEST_URI": head.target,
            "RAW_URI": head.target,
            "REMOTE_ADDR": self.address_string(),
            "REMOTE_PORT": str(self.port_integer()),  # text, as PEP 3333 asks of all such variables
        }
        if server.ssl_context is not None:
            certificate = getattr(self.request, "getpeercert", lambda _: None)(True)
            if certificate is not None:
                from ssl import DER_cert_to_PEM_cert

                environ["SSL_CLIENT_CERT"] = DER_cert_to_PEM_cert(certificate)
        _add_fields(environ, head)
        return environ

    def run_wsgi(self) -> None:
        """Call the application and send its answer, or one of our own if it fails before it has begun one."""
        self.environ = self.make_environ()
        self._attempt(self._call_application)

    def connection_dropped(self, error: BaseException, environ: dict[str, Any] | None = None) -> None:
        """Take note that the client went away; does nothing, for clients may."""

    @property
    def must_reset(self) -> bool:
        """Whether only a reset shows the client that the answer is not whole."""
        return self.is_broken and self._writer.ends_by_closing

    def _attempt(self, step: Callable[[], bool]) -> None:
        """Take a step of the application's; what comes after the last one is done in any case."""
        try:
            self.is_paused = not step()
        except ConnectionRefusedError as error:  # not the client's: it is the one that has connected
            self._fail(error)
        except ConnectionError as error:  # also how WebSocket extensions say that they have used up the socket
            self.is_broken = True
            self._connection.outgoing.clear()
            self.connection_dropped(error, self.environ)
        except (Exception, SystemExit) as error:
            self._fail(error)
        if not self.is_paused:
            writer = self._writer
            self.close_connection = self.is_broken or not writer.is_keep_alive
            self.log_request(writer.status[:3] or "-", writer.sent_bytes)

    def _call_application(self) -> bool:
        """Run the application and send its body, as `_pull` does."""
        iterable = self._iterable = self.server.app(self.environ, self._writer.start_response)
        try:
            self._writer.begin(iterable)
        except BaseException:
            self._close_iterable()
            raise
        return self._pull(None)

    def _pull(self, error: ClientGoneError | None) -> bool:
        """Send of the body what the client takes; the iterable is closed in any case (PEP 3333).

        Returns:
            False if the rest is to be sent when the client has taken what it was sent.
        """
        is_over = True
        try:
            if error is not None:
                raise error
            while not (is_over := self._writer.advance()):
                if self._can_pause:
                    return False
                is_over = True
                self._connection.flush()
        finally:
            if is_over:
                self._close_iterable()
        return True

    def _close_iterable(self) -> None:
        iterable, self._iterable = self._iterable, ()
        close = getattr(iterable, "close", None)
        if close is not None:
            close()

    @property
    def _can_pause(self) -> bool:
        """Whether nobody waits for the answer's end: a subclass's method may do something after it."""
        cls = type(self)
        ours = WSGIRequestHandler
        return self.server.multithread and cls.run_wsgi is ours.run_wsgi and cls.handle is ours.handle

    def _fail(self, error: BaseException) -> None:
        """Answer for an application that failed, as far as that is still possible."""
        if self.server.passthrough_errors or (isinstance(error, SystemExit) and not self.server.multithread):
            self.is_broken = True
            raise error
        if self._input.is_broken and isinstance(error, HTTPException):
            status, phrase, text = error.code or 400, error.name, "The request body could not be read."
        else:
            status, phrase, text = 500, "Internal Server Error", "The application failed; its log says why."
            report = "".join(traceback.format_exception(error)).rstrip()
            self.log_error("The application failed on %s %s\n%s", self.command, printable(self.path), report)
        if self._writer.is_head_sent:
            self.is_broken = self.is_broken or not self._writer.is_complete
            self._writer.is_keep_alive = self._writer.is_complete and self._writer.is_keep_alive
        else:
            self._answer(status, phrase, text)

    def _answer(self, status: int, phrase: str, text: str) -> None:
        """Send an answer of the server's own."""
        writer = self._writer = self._new_writer()
        writer.is_keep_alive = writer.is_keep_alive and status < 400
        fields = [("Content-Type", "text/plain; charset=utf-8")] if text else []
        writer.start_response(f"{status} {phrase}", fields)
        try:
            writer.send([f"{status} {phrase}: {text}\n".encode()] if text else [])
        except ClientGoneError as error:
            self.is_broken = True
            self._connection.outgoing.clear()
            self.connection_dropped(error, self.environ)

    def _new_writer(self) -> ResponseWriter:
        """Return a writer for the present request."""
        return ResponseWriter(self._connection, self._head, self.server_version, self._can_continue)

    def _can_continue(self) -> bool:
        """Tell whether another request may follow on this connection."""
        connection = self._connection
        if self.protocol_version < "HTTP/1.1" or self.server.is_stopping:
            return False
        if connection.requests >= connection.limits.max_requests:
            return False
        return self._input.can_end_within(connection.limits.max_drain_bytes)

    def _send_continue(self) -> None:
        """Tell the client to send the body (RFC 9110, 10.1.1)."""
        if not self._writer.is_head_sent:
            self._connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")


def _add_fields(environ: dict[str, Any], head: RequestHead) -> None:
    """Add the header fields under CGI's names; those sent more than once are joined."""
    for name, value in head.fields:
        key = name.upper().replace("-", "_")
        if key not in {"CONTENT_TYPE", "CONTENT_LENGTH"}:
            key = "HTTP_" + key
            if key in environ:
                joint = "; " if key == "HTTP_COOKIE" else ","
                environ[key] = f"{environ[key]}{joint}{value}"
                continue
        environ[key] = value
    if head.host:
        environ["HTTP_HOST"] = head.host  # the target's where it has one
    if head.is_chunked:
        environ["wsgi.input_terminated"] = True
