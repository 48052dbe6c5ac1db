"""A server that answers each request in a process of its own, where the system can fork."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from hipflask.server.connection import ClientGoneError, Connection
from hipflask.server.handler import WSGIRequestHandler
from hipflask.server.parser import RequestHead
from hipflask.server.pure import BaseWSGIServer, WSGIApplication
from hipflask.server.workers import Filed

__all__ = ["ForkingWSGIServer"]


class _Waiting:
    """A request that waits for a process."""

    __slots__ = ("_queue", "connection", "head")

    def __init__(self, connection: Connection, head: RequestHead, queue: deque[_Waiting]) -> None:
        self.connection = connection
        self.head = head
        self._queue = queue

    def withdraw(self) -> bool:
        """Take the request out of the queue; false if it is not there any more."""
        with suppress(ValueError):
            self._queue.remove(self)
            return True
        return False


class ForkingWSGIServer(BaseWSGIServer):
    """A server that forks a process for each request.

    What a request changes in memory is lost with its process. The start-up functions of an application run in
    each process, as what they open must not be shared. Each answer closes its connection.

    Args:
        host: Name or address to listen on, or ``unix://`` and a path.
        port: Port; 0 for any free one.
        app: The WSGI application.
        processes: Requests that are answered at a time.
        handler: `WSGIRequestHandler` or a subclass.
        passthrough_errors: Let errors of the application pass out of the server; they end its process.
        ssl_context: An `ssl.SSLContext`, a pair of paths (certificate, key), or ``"adhoc"``.
        fd: Descriptor of a socket that is listening already.

    Raises:
        ValueError: The system cannot fork.
        BindError: The address cannot be listened on; a `SystemExit`.

    Attributes:
        max_children: Requests that are answered at a time.
    """

    multiprocess = True

    def __init__(
        self,
        host: str,
        port: int,
        app: WSGIApplication,
        processes: int = 40,
        handler: type[WSGIRequestHandler] | None = None,
        passthrough_errors: bool = False,
        ssl_context: Any = None,
        fd: int | None = None,
    ) -> None:
        if not hasattr(os, "fork"):
            raise ValueError(f"processes is {processes}: this system cannot fork. Use threaded=True.")
        super().__init__(host, port, app, handler, passthrough_errors, ssl_context, fd)
        self.max_children = processes
        self._children: dict[int, Connection] = {}
        self._queue: deque[_Waiting] = deque()

    def _serve(self, connection: Connection, head: RequestHead) -> Filed:
        """Have a new process serve a request."""
        if len(self._children) < self.max_children:
            self._fork(connection, head)
            return Filed.STARTED
        if len(self._queue) >= self.pool_settings.queue_size:
            return Filed.REFUSED
        waiting = connection.job = _Waiting(connection, head, self._queue)
        self._queue.append(waiting)
        return Filed.WAITING

    def _fork(self, connection: Connection, head: RequestHead) -> None:
        """Start the process; the end of a pipe tells that it has ended."""
        reader, writer = os.pipe()
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()  # else what waits in them is written twice
        pid = os.fork()
        if not pid:
            self._be_child(connection, head)
        os.close(writer)
        self._children[pid] = connection
        self._loop.call_when_readable(reader, partial(self._reap, pid, reader, connection))

    def _reap(self, pid: int, reader: int, connection: Connection) -> None:
        """Take note that a process has ended, and start the next."""
        self._loop.call_no_more(reader)
        os.close(reader)
        status = 1
        with suppress(ChildProcessError):
            status = os.waitpid(pid, 0)[1]
        del self._children[pid]
        if status:
            connection.reset()
        elif self.ssl_context is not None:
            connection.close()  # what TLS has to say now is known to the child only
        else:
            connection.send_last(b"")
        self._loop.give_back(connection)
        if self._queue:
            waiting = self._queue.popleft()
            self._fork(waiting.connection, waiting.head)

    # Coverage cannot look into a process that ends by os._exit(); tests/server/test_forking.py sees what it does.

    def _be_child(self, connection: Connection, head: RequestHead) -> None:  # pragma: no cover
        """Serve one request, and end the process."""
        status = 1
        try:
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
            self.is_stopping = True
            self._loop.abandon(connection)
            status = self._serve_here(connection, head)
        except ClientGoneError:
            pass
        except BaseException:
            self.handle_error(connection.sock, connection.address)
        finally:
            _run_quietly(getattr(getattr(self.app, "_lifespan", None), "stop", None))
            for stream in (sys.stdout, sys.stderr):
                _run_quietly(getattr(stream, "flush", None))
            os._exit(status)

    def _serve_here(self, connection: Connection, head: RequestHead) -> int:  # pragma: no cover
        """Serve a request to its end; the process's status tells whether the connection has to be reset."""
        handler = self.RequestHandlerClass(connection.sock, connection.address, self)
        handler.begin(connection, head)
        handler.handle()
        connection.flush()
        if handler.must_reset:
            return 1
        if self.ssl_context is not None:
            connection.send_last(b"")
            connection.linger()
        return 0

    def _end_workers(self) -> None:
        """End the processes that are left."""
        for pid in self._children:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        for pid, connection in self._children.items():
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)
            connection.reset()
        self._children.clear()


def _run_quietly(func: Callable[[], Any] | None) -> None:  # pragma: no cover
    """Call a function at the end of a process, where nobody could do anything about its errors."""
    if func is not None:
        with suppress(Exception):
            func()
