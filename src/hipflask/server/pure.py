"""The threaded HTTP/1.1 server over the standard library's sockets, for any WSGI application.

One thread, that of `serve_forever`, accepts connections and waits for requests on all of them, and for
clients that take their answers slowly: an idle or slow client costs a descriptor, not a thread. A request goes
to a worker thread when its head and, unless it is long, its body have arrived. A worker that is ahead of its
client leaves the rest to the loop, and pulls more of the body, on the same thread, when the client has caught
up.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextvars import Context
from functools import partial
from typing import Any

from hipflask.server.access_log import access_logger
from hipflask.server.connection import ClientGoneError, Connection
from hipflask.server.handler import WSGIRequestHandler
from hipflask.server.limits import Limits
from hipflask.server.listener import bind_listener, describe_addresses, remove_unix_socket
from hipflask.server.loop import ConnectionLoop
from hipflask.server.parser import RequestHead
from hipflask.server.settings import config_of, fill, resolve
from hipflask.server.tls import resolve_ssl_context
from hipflask.server.workers import Filed, Job, MemoryQueue, PoolSettings, Stay, WorkerPool

__all__ = ["LISTEN_QUEUE", "BaseWSGIServer", "ThreadedWSGIServer", "WSGIApplication"]

#: Connections that the system keeps until they are accepted.
LISTEN_QUEUE = 128
_STAY_SECONDS = 0.002  # as long as a client on the same machine needs for its next request

_NO_BOUND = 2**31
_NO_CONTEXT = Context()  # for jobs; each request has one of its own

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
        address_family: The socket's family.
        limits: Sizes, time-outs and numbers; see `hipflask.server.limits.Limits`.
        pool_settings: Numbers of threads and of waiting requests.
        is_stopping: No connection is kept for another request.
        log_format: As `set_log_format` was given it.
    """

    multithread = False
    multiprocess = False
    allow_reuse_address = True
    request_queue_size = LISTEN_QUEUE
    log_format = "plain"

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
        self.limits, self.pool_settings = self.read_settings(config_of(app))
        self.RequestHandlerClass = handler or WSGIRequestHandler
        self.passthrough_errors = passthrough_errors
        self.ssl_context = resolve_ssl_context(ssl_context)
        self.host = host
        self.socket = bind_listener(host, port, fd, self.request_queue_size)
        self.address_family = self.socket.family
        self.server_address = self.socket.getsockname()
        is_inet = isinstance(self.server_address, tuple)
        self.port: int = self.server_address[1] if is_inet else 0
        self.server_name: str = self.server_address[0] if is_inet else host
        self.server_port = self.port
        self.is_stopping = False
        self._is_shared = fd is not None
        self._is_graceful = False
        self._is_draining = False
        self._loop = ConnectionLoop(
            self.socket,
            self.limits,
            self.ssl_context,
            self._serve,
            self._max_streams(),
            self.pool_settings.queue_timeout_seconds,
        )
        self._loop_thread: int | None = None
        self._finished = threading.Event()
        self._finished.set()

    def read_settings(self, config: Mapping[str, Any] | None) -> tuple[Limits, PoolSettings]:
        """Return the limits and the numbers of threads, from the environment and the application's configuration.

        Args:
            config: The configuration, ``None`` for an application that has none.
        """
        values = resolve(None, config)
        return fill(Limits(), values), fill(PoolSettings(), values)

    def serve_forever(self, poll_interval: float = 0.5) -> None:
        """Serve until `shutdown` or `stop` is called or Ctrl+C is pressed, then close the server.

        Args:
            poll_interval: Taken for `socketserver`'s sake; the server is woken when there is something to do.
        """
        self._finished.clear()
        self._loop_thread = threading.get_ident()
        is_told = False
        try:
            self._loop.run()
            is_told = True
        except KeyboardInterrupt:
            pass
        finally:
            self._loop_thread = None
            if is_told:
                self._finish_requests()
            self.server_close()
            self._finished.set()

    def shutdown(self) -> None:
        """Stop `serve_forever` and wait for its end; requests that are being served end by themselves."""
        self._tell_to_stop()
        if self._loop_thread != threading.get_ident():
            self._finished.wait()

    def stop(self, seconds: float | None = None) -> None:
        """Accept nobody any more; `serve_forever` returns when what was accepted is answered.

        Returns at once; may be called from any thread and from a signal handler.

        Args:
            seconds: What takes longer is cut off and logged; by default as long as
                ``limits.graceful_timeout_seconds``. A second call may shorten it.
        """
        self._is_graceful = True
        self._tell_to_stop(seconds)

    def _tell_to_stop(self, seconds: float | None = None) -> None:
        self.is_stopping = True
        self._loop.end_by(time.monotonic() + (self.limits.graceful_timeout_seconds if seconds is None else seconds))
        self._loop.stop()

    def server_close(self) -> None:
        """Close the listening socket, and every connection unless requests are being finished."""
        self.is_stopping = True
        if not self._is_draining:
            self._loop.close()
            self._end_workers()
        if not self._is_shared:
            remove_unix_socket(self.socket)
        self.socket.close()

    def _finish_requests(self) -> None:
        """Answer what was accepted: here if somebody waits for that, else beside what comes next."""
        if not self._is_graceful and not self._loop.is_at_work:
            return
        self._is_draining = True
        if not self._is_shared:
            remove_unix_socket(self.socket)
        self._loop.end_accepting(is_shared=self._is_shared)
        self.socket.close()
        if self._is_graceful:
            self._drain()
        else:
            threading.Thread(target=self._drain, name=f"hipflask-{self.port}-end", daemon=True).start()

    def _drain(self) -> None:
        """Serve what was accepted, for as long as that may take."""
        try:
            cut = self._loop.drain()
            if cut:
                self.log("warning", "Time is up: %d requests were cut off", cut)
        except KeyboardInterrupt:
            pass
        finally:
            self._is_draining = False
            self._loop.close()
            self._end_workers()

    def _max_streams(self) -> int:
        """Return how many requests may be served while their body still arrives."""
        return _NO_BOUND

    def _end_workers(self) -> None:
        """End what serves requests beside this thread."""

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

    def set_log_format(self, log_format: str) -> None:
        """Choose the format of lines about requests that were refused, and of all those of an `AnswerHandler`.

        Args:
            log_format: A name of `hipflask.server.access_log.FORMATS`, or ``"off"``, which refusals do not heed.
        """
        self.log_format = log_format
        self._loop.rejections.log_format = log_format

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

    def _serve(self, connection: Connection, head: RequestHead) -> Filed:
        """Serve a request in this thread."""
        self._serve_now(connection, head)
        return Filed.STARTED

    def _resume(self, connection: Connection, error: ClientGoneError | None) -> None:
        """Go on with an answer that the client has taken so far."""
        self._serve_now(connection, None, error)

    def _next_at_once(self, connection: Connection) -> RequestHead | None:
        """Return the connection's next request if it is to be served before those of others."""
        return None

    def _serve_now(
        self, connection: Connection, head: RequestHead | None, error: ClientGoneError | None = None
    ) -> Stay:
        """Serve a request, or go on with one, and give its connection back to the loop, or close it."""
        is_returned = False
        try:
            is_returned = self._run_handler(connection, head, error)
            if is_returned:
                stay = Stay.STREAMING if connection.resume is not None else Stay.ENDED
                self._loop.give_back(connection)
                return stay
        except Exception:
            if self.passthrough_errors:
                raise
            self.handle_error(connection.sock, connection.address)
        finally:
            if not is_returned:
                self._loop.forget(connection)
                connection.reset()
        return Stay.ENDED

    def _run_handler(self, connection: Connection, head: RequestHead | None, error: ClientGoneError | None) -> bool:
        """Run the handler for as many requests as there are at once; false if the connection is to be reset."""
        handler = connection.handler
        if handler is None:
            handler = connection.handler = self.RequestHandlerClass(connection.sock, connection.address, self)
        if head is None:
            handler.context.run(handler.go_on, error)
        while True:
            if head is not None:
                handler.begin(connection, head)
                handler.context.run(handler.handle)
            if handler.is_paused:
                connection.resume = partial(self._resume, connection)
                return True
            if handler.close_connection or connection.outgoing:
                break
            head = self._next_at_once(connection)
            if head is None:
                break
        if handler.must_reset:
            return False
        connection.is_last = handler.close_connection
        if connection.is_last and not connection.outgoing:
            connection.send_last(b"")
        return True


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
        self._queue = _CountedQueue(self.pool_settings.queue_size)
        self._pool = WorkerPool(self.pool_settings, self._queue, f"hipflask-{self.port}")

    def _max_streams(self) -> int:
        """Return how many requests may be served while their body arrives: half of the threads are for others."""
        return max(1, self.pool_settings.most_threads // 2)

    def _end_workers(self) -> None:
        """End idle threads."""
        self._pool.close()

    def _serve(self, connection: Connection, head: RequestHead) -> Filed:
        """Have a thread serve a request."""
        job = connection.job = Job(lambda: self._serve_now(connection, head), _NO_CONTEXT)
        return self._pool.submit(job)

    def _resume(self, connection: Connection, error: ClientGoneError | None) -> None:
        """Have the request's thread go on with its answer."""
        connection.job.then(lambda: self._serve_now(connection, None, error))

    def _next_at_once(self, connection: Connection) -> RequestHead | None:
        """Return the connection's next request if it comes at once and nobody else waits for a thread.

        PERF: the way through the loop costs two changes of thread; a client that asks again at once gets half as many
        answers a second by it.
        """
        return self._loop.take_next(connection, _STAY_SECONDS) if self._queue.is_empty else None


class _CountedQueue(MemoryQueue):
    """A queue that can be asked, without the pool's lock, whether somebody waits in it."""

    @property
    def is_empty(self) -> bool:
        return not self._jobs
