"""The loop that accepts connections and waits for requests on all of them, with their deadlines."""

from __future__ import annotations

import selectors
import socket
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from hipflask.server.access_log import RejectionLog
from hipflask.server.connection import Connection
from hipflask.server.limits import Limits
from hipflask.server.parser import HeadError, RequestHead, peek_head, take_head
from hipflask.server.writer import plain_response

if TYPE_CHECKING:
    import ssl

__all__ = ["ConnectionLoop"]

_SWEEP_SECONDS = 0.25  # how late a time-out may be noticed
_ACCEPTS_PER_ROUND = 64  # then the clients that are connected already have their turn
_FULL_PAUSE_SECONDS = 0.5  # out of descriptors: no use to try again at once
_DESCRIPTOR_HEADROOM = 64  # descriptors left to the application
_PHRASES = {
    400: "Bad Request",
    408: "Request Timeout",
    413: "Content Too Large",
    414: "URI Too Long",
    431: "Request Header Fields Too Large",
    501: "Not Implemented",
    503: "Service Unavailable",
    505: "HTTP Version Not Supported",
}


class ConnectionLoop:
    """Owns every connection that waits: for its TLS handshake, for a request, or for its end.

    Args:
        listener: The listening socket.
        limits: Numbers and time-outs.
        ssl_context: Wraps each accepted socket, if given.
        serve: Called with each request whose head is complete; it gives the connection back by `give_back`,
            from any thread. It returns false if too many requests wait already.
    """

    def __init__(
        self,
        listener: socket.socket,
        limits: Limits,
        ssl_context: ssl.SSLContext | None,
        serve: Callable[[Connection, RequestHead], bool],
    ) -> None:
        self._listener = listener
        self._limits = limits
        self._ssl_context = ssl_context
        self._serve = serve
        self._max_connections = min(limits.max_connections, _descriptor_limit())
        self._selector = selectors.DefaultSelector()
        self._wake_reader, self._wake_writer = socket.socketpair()
        self._wake_reader.setblocking(False)
        self._wake_writer.setblocking(False)
        self._selector.register(self._wake_reader, selectors.EVENT_READ, self._wake_reader)
        self._waiting: set[Connection] = set()
        self._busy: set[Connection] = set()
        self._returned: deque[Connection] = deque()
        self._rejections = RejectionLog()
        self._is_accepting = False
        self._accept_at = 0.0
        self._is_stopped = False
        self._is_closed = False

    def run(self) -> None:
        """Serve until `stop`."""
        self._accept_as_possible(0.0)
        swept = time.monotonic()
        while not self._is_stopped:
            idle = not self._waiting and self._is_accepting
            for key, _ in self._selector.select(None if idle else _SWEEP_SECONDS):
                self._handle_event(key.data)
            self._take_back()
            now = time.monotonic()
            if now - swept >= _SWEEP_SECONDS:
                swept = now
                self._give_up_on_the_late(now)
                self._accept_as_possible(now)

    def stop(self) -> None:
        """Have `run` return soon; may be called from any thread and from a signal handler."""
        self._is_stopped = True
        self._wake()

    def take_next(self, connection: Connection, seconds: float) -> RequestHead | None:
        """Return the next request of a connection that its worker still owns, if it comes within a short time.

        What is not complete or not good enough by then is left to the loop.
        """
        if self._is_stopped or not connection.receive_soon(seconds):
            return None
        head, connection.scanned = peek_head(connection.buffer, connection.scanned, self._limits)
        if head is not None:
            connection.requests += 1
        return head

    def give_back(self, connection: Connection) -> None:
        """Take a connection again after its request; may be called from any thread."""
        self._returned.append(connection)
        if self._is_closed:
            self._close_returned()
        else:
            self._wake()

    def forget(self, connection: Connection) -> None:
        """Take note that a connection was closed by its worker; may be called from any thread."""
        self._busy.discard(connection)

    def close(self) -> None:
        """Close every connection that waits; those being served are closed when they are given back."""
        if self._is_closed:
            return
        self._is_closed = True
        self._close_returned()
        for connection in self._waiting:
            connection.close()
        self._waiting.clear()
        self._selector.close()
        self._wake_reader.close()
        self._wake_writer.close()

    def _wake(self) -> None:
        """Have the selector return; a full pipe wakes it too."""
        with suppress(OSError):
            self._wake_writer.send(b"\0")

    def _handle_event(self, data: Any) -> None:
        """Do what a ready descriptor asks for."""
        if data is self._listener:
            self._accept()
        elif data is self._wake_reader:
            with suppress(OSError):
                self._wake_reader.recv(4096)
        elif data in self._waiting:
            self._advance(data)

    # --- accepting

    def _accept_as_possible(self, now: float) -> None:
        """Listen or not, by the number of connections; the others wait in the system's queue."""
        wanted = len(self._waiting) + len(self._busy) < self._max_connections and now >= self._accept_at
        if wanted and not self._is_accepting:
            self._selector.register(self._listener, selectors.EVENT_READ, self._listener)
        elif self._is_accepting and not wanted:
            self._selector.unregister(self._listener)
        self._is_accepting = wanted

    def _accept(self) -> None:
        """Accept the connections that wait, up to a number a round."""
        for _ in range(_ACCEPTS_PER_ROUND):
            try:
                sock, address = self._listener.accept()
            except BlockingIOError:
                return
            except ConnectionError:
                continue  # gone before it was accepted
            except OSError:  # no descriptor or no memory
                self._accept_at = time.monotonic() + _FULL_PAUSE_SECONDS
                self._accept_as_possible(self._accept_at - _FULL_PAUSE_SECONDS)
                return
            self._adopt(sock, address)
            if len(self._waiting) + len(self._busy) >= self._max_connections:
                self._accept_as_possible(time.monotonic())
                return

    def _adopt(self, sock: socket.socket, address: Any) -> None:
        """Begin with a new connection."""
        sock.setblocking(False)
        if sock.family != getattr(socket, "AF_UNIX", None):
            with suppress(OSError):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        context = self._ssl_context
        if context is not None:
            try:
                sock = context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
            except OSError:  # reset meanwhile
                sock.close()
                return
        connection = Connection(sock, address, self._limits, is_handshaking=context is not None)
        self._waiting.add(connection)
        self._selector.register(sock, selectors.EVENT_READ, connection)

    # --- waiting

    def _advance(self, connection: Connection) -> None:
        """Use what has arrived on a connection."""
        if connection.is_handshaking and not self._shake_hands(connection):
            return
        is_open = connection.receive_available()
        if connection.is_lingering:
            if not is_open:
                self._discard(connection)
        elif not self._try_to_serve(connection) and not is_open:
            self._discard(connection)

    def _shake_hands(self, connection: Connection) -> bool:
        """Take one step of the TLS handshake; true when it is finished."""
        try:
            events = connection.handshake()
        except OSError:
            self._rejections.write(str(connection.address), 400, "no TLS handshake")
            self._discard(connection)
            return False
        self._selector.modify(connection.sock, events or selectors.EVENT_READ, connection)
        return not events

    def _try_to_serve(self, connection: Connection) -> bool:
        """Pass on the next request if its head is complete; true if the connection has found its way."""
        buffer = connection.buffer
        has_body = not buffer.startswith(b"HEAD ")
        try:
            head, connection.scanned = take_head(buffer, connection.scanned, self._limits)
        except HeadError as error:
            self._refuse(connection, error.status, error.reason, has_body=has_body)
            return True
        if head is None:
            if buffer and connection.is_idle:
                connection.is_idle = False
                connection.deadline = time.monotonic() + self._limits.head_timeout_seconds
            return False
        self._selector.unregister(connection.sock)
        self._waiting.discard(connection)
        self._busy.add(connection)
        connection.requests += 1
        connection.sock.settimeout(None)
        if not self._serve(connection, head):
            self._watch(connection)
            self._refuse(connection, 503, "too many requests wait", has_body=has_body)
        return True

    def _watch(self, connection: Connection) -> bool:
        """Wait for a connection that was being served; false if the application has closed its socket."""
        self._busy.discard(connection)
        try:
            connection.sock.setblocking(False)
            self._selector.register(connection.sock, selectors.EVENT_READ, connection)
        except (OSError, ValueError):
            connection.close()
            return False
        self._waiting.add(connection)
        return True

    def _take_back(self) -> None:
        """Wait again for the connections whose request was answered."""
        while self._returned:
            connection = self._returned.popleft()
            if not self._watch(connection) or connection.is_lingering:
                continue
            connection.is_idle = not connection.buffer
            timeout = self._limits.keep_alive_timeout_seconds
            if not connection.is_idle:
                timeout = self._limits.head_timeout_seconds
            connection.deadline = time.monotonic() + timeout
            # TLS may hold bytes that no selector sees, and the next request may be in the buffer already.
            if connection.buffer or hasattr(connection.sock, "pending"):
                self._advance(connection)

    def _give_up_on_the_late(self, now: float) -> None:
        """End the connections whose time is over."""
        for connection in [each for each in self._waiting if each.deadline <= now]:
            if connection.is_lingering or connection.is_handshaking or not connection.buffer:
                self._discard(connection)
            else:
                self._refuse(connection, 408, "the head did not arrive in time")

    # --- ending

    def _refuse(self, connection: Connection, status: int, reason: str, *, has_body: bool = True) -> None:
        """Answer a request that does not reach the application, and close."""
        address = connection.address
        self._rejections.write(str(address[0]) if isinstance(address, tuple) else "<local>", status, reason)
        retry_after = 1 if status == 503 else None
        answer = plain_response(status, _PHRASES[status], reason, retry_after=retry_after, has_body=has_body)
        connection.send_last(answer)

    def _discard(self, connection: Connection) -> None:
        """Close a connection that waits."""
        self._waiting.discard(connection)
        with suppress(KeyError, ValueError):
            self._selector.unregister(connection.sock)
        connection.close()

    def _close_returned(self) -> None:
        """Close what was given back to a closed loop."""
        with suppress(IndexError):
            while True:
                self._returned.popleft().close()


def _descriptor_limit() -> int:
    """Return how many connections the process may have, by its limit of open files."""
    try:
        import resource  # not on Windows
    except ImportError:
        return 512
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 2**31 if soft == resource.RLIM_INFINITY else max(soft - _DESCRIPTOR_HEADROOM, 16)
