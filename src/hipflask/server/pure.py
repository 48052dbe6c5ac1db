"""The threaded HTTP/1.1 server over the standard library's sockets, for any WSGI application.

One thread, that of `serve_forever`, accepts connections and waits for requests on all of them: an idle or
slow client costs a descriptor, not a thread. A request whose head is complete goes to a worker thread, which
owns the connection until the answer is sent.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

from hipflask.server.access_log import access_logger
from hipflask.server.connection import Connection
from hipflask.server.handler import WSGIRequestHandler
from hipflask.server.limits import read_limits
from hipflask.server.listener import bind_listener, describe_addresses, remove_unix_socket
from hipflask.server.loop import ConnectionLoop
from hipflask.server.parser import RequestHead
from hipflask.server.threads import ThreadPool
from hipflask.server.tls import resolve_ssl_context

__all__ = ["LISTEN_QUEUE", "BaseWSGIServer", "ThreadedWSGIServer", "WSGIApplication"]

#: Connections that the system keeps until they are accepted.
LISTEN_QUEUE = 128
_STAY_SECONDS = 0.002  # as long as a client on the same machine needs for its next request

WSGIApplication = Callable[[dict[str, Any], Any], Iterable[bytes]]


class BaseWSGIServer:
    """A server that answers one request at a time, in the thread of `serve_forever`.

    Args:
        host: Name or address to listen on, or ``unix://`` and a path.
        port: Port; 0 for any free one.
        app: The WSGI application.
        handler: `WSGIRequestHandler` or a subclass.
        passthrough_errors: Let errors of the application pass out of the server, for debuggers.
        ssl_context: An `ssl.SSLContext`, a pair of paths (certificate, key), or ``"adhoc"``.
        fd: Descriptor of a socket that is listening already.

    Raises:
        BindError: The address cannot be listened on. It is a `SystemExit` with one clear line, as it ends a
            program that does not handle it.

    Attributes:
        host: As given.
        port: The port in fact listened on.
        server_address: The address in fact listened on.
        socket: The listening socket.
        limits: Sizes, time-outs and numbers; see `hipflask.server.limits.Limits`.
        is_stopping: No connection is kept for another request.
    """

    multithread = False
    multiprocess = False
    allow_reuse_address = True
    request_queue_size = LISTEN_QUEUE

    def __init__(
        self,
        host: str,
        port: int,
        app: WSGIApplication,
        handler: type[WSGIRequestHandler] | None = None,
        passthrough_errors: bool = False,
        ssl_context: Any = None,
        fd: int | None = None,
    ) -> None:
        self.app = app
        self.limits = read_limits(getattr(app, "config", None))
        self.RequestHandlerClass = handler or WSGIRequestHandler
        self.passthrough_errors = passthrough_errors
        self.ssl_context = resolve_ssl_context(ssl_context)
        self.host = host
        self.socket = bind_listener(host, port, fd, self.request_queue_size)
        self.server_address = self.socket.getsockname()
        is_inet = isinstance(self.server_address, tuple)
        self.port: int = self.server_address[1] if is_inet else 0
        self.server_name: str = self.server_address[0] if is_inet else host
        self.server_port = self.port
        self.is_stopping = False
        self._loop = ConnectionLoop(self.socket, self.limits, self.ssl_context, self._serve)
        self._loop_thread: int | None = None
        self._finished = threading.Event()
        self._finished.set()

    def serve_forever(self, poll_interval: float = 0.5) -> None:
        """Serve until `shutdown` is called or Ctrl+C is pressed, then close the server.

        Args:
            poll_interval: Taken for `socketserver`'s sake; the server is woken when there is something to do.
        """
        self._finished.clear()
        self._loop_thread = threading.get_ident()
        try:
            self._loop.run()
        except KeyboardInterrupt:
            pass
        finally:
            self._loop_thread = None
            self.server_close()
            self._finished.set()

    def shutdown(self) -> None:
        """Stop `serve_forever` and wait for its end; requests that are being served end by themselves."""
        self.is_stopping = True
        self._loop.stop()
        if self._loop_thread != threading.get_ident():
            self._finished.wait()

    def server_close(self) -> None:
        """Close the listening socket and every connection that waits for a request."""
        self.is_stopping = True
        self._loop.close()
        remove_unix_socket(self.socket)
        self.socket.close()

    def fileno(self) -> int:
        """Return the listening socket's descriptor."""
        return self.socket.fileno()

    def log(self, type: str, message: str, *args: object) -> None:
        """Write a line to the access log.

        Args:
            type: Name of the level, e.g. ``"info"``.
            message: The text, with ``%`` places for the arguments.
            *args: What is put into them.
        """
        getattr(access_logger(), type)(message, *args)

    def log_startup(self) -> None:
        """Say where the server can be reached and how it is stopped."""
        for line in describe_addresses(self.host, self.port, self.socket.family, self.ssl_context is not None):
            self.log("info", " * %s", line)
        self.log("info", "Press Ctrl+C to stop")

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log an error of the server itself while it served a client; called in the ``except`` block."""
        access_logger().exception("Serving %s failed", client_address)

    def __enter__(self) -> BaseWSGIServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.server_close()

    def _serve(self, connection: Connection, head: RequestHead) -> bool:
        """Serve a request in this thread."""
        self._serve_now(connection, head)
        return True

    def _next_at_once(self, connection: Connection) -> RequestHead | None:
        """Return the connection's next request if it is to be served before those of others."""
        return None

    def _serve_now(self, connection: Connection, head: RequestHead) -> None:
        """Serve a request and give its connection back to the loop, or close it."""
        handler = connection.handler
        is_returned = False
        try:
            if handler is None:
                handler = connection.handler = self.RequestHandlerClass(connection.sock, connection.address, self)
            upcoming: RequestHead | None = head
            while upcoming is not None:
                handler.begin(connection, upcoming)
                handler.handle()
                upcoming = None if handler.close_connection else self._next_at_once(connection)
            if not handler.must_reset:
                if handler.close_connection:
                    connection.send_last(b"")
                self._loop.give_back(connection)
                is_returned = True
        except Exception:
            if self.passthrough_errors:
                raise
            self.handle_error(connection.sock, connection.address)
        finally:
            if not is_returned:
                self._loop.forget(connection)
                connection.reset()


class ThreadedWSGIServer(BaseWSGIServer):
    """A server that answers each request in a thread of a pool.

    The threads do not keep the process alive.
    """

    multithread = True
    daemon_threads = True

    def __init__(
        self,
        host: str,
        port: int,
        app: WSGIApplication,
        handler: type[WSGIRequestHandler] | None = None,
        passthrough_errors: bool = False,
        ssl_context: Any = None,
        fd: int | None = None,
    ) -> None:
        super().__init__(host, port, app, handler, passthrough_errors, ssl_context, fd)
        self._pool = ThreadPool(self.limits.max_threads, self.limits.max_queue, f"hipflask-{self.port}")

    def server_close(self) -> None:
        """Close the listening socket and every connection that waits for a request; end idle threads."""
        super().server_close()
        self._pool.close()

    def _serve(self, connection: Connection, head: RequestHead) -> bool:
        """Have a thread serve a request; false if too many wait already."""
        return self._pool.submit(lambda: self._serve_now(connection, head))

    def _next_at_once(self, connection: Connection) -> RequestHead | None:
        """Return the connection's next request if it comes at once and nobody else waits for a thread.

        PERF: the way through the loop costs two changes of thread; a client that asks again at once gets half as many
        answers a second by it.
        """
        return None if self._pool.is_crowded else self._loop.take_next(connection, _STAY_SECONDS)
