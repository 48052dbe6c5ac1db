"""The loop that waits for all connections: for their requests, and for clients that take their answers slowly."""

from __future__ import annotations

import selectors
import socket
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from hipflask.server.acceptor import Acceptor
from hipflask.server.access_log import LOCAL, RejectionLog
from hipflask.server.arrival import Arrival, BodyArrival
from hipflask.server.connection import ClientGoneError, ClientTooSlowError, Connection, Phase
from hipflask.server.limits import Limits
from hipflask.server.parser import HeadError, RequestHead, peek_head, take_head
from hipflask.server.workers import Filed
from hipflask.server.writer import plain_response

if TYPE_CHECKING:
    import ssl

__all__ = ["ConnectionLoop"]

_SWEEP_SECONDS = 0.25  # how late a time-out may be noticed
#: After a stop, idle connections may send one more request within this time; its answer closes them.
_LAST_CALL_SECONDS = 0.5
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
    """Owns every connection that waits for its client.

    Args:
        listener: The listening socket.
        limits: Numbers and time-outs.
        ssl_context: Wraps each accepted socket, if given.
        serve: Called with each request that can be served; it gives the connection back by `give_back`, from any
            thread. It says whether the request was begun, waits for a thread, or finds no room.
        max_streams: Requests that may be served while their body still arrives.
        queue_seconds: How long a request may wait for a thread, or to be one of those.
    """

    def __init__(
        self,
        listener: socket.socket,
        limits: Limits,
        ssl_context: ssl.SSLContext | None,
        serve: Callable[[Connection, RequestHead], Filed],
        max_streams: int,
        queue_seconds: float,
    ) -> None:
        self._listener = listener
        self._limits = limits
        self._serve = serve
        self._max_streams = max_streams
        self._queue_seconds = queue_seconds
        self._selector = selectors.DefaultSelector()
        self._wake_reader, self._wake_writer = socket.socketpair()
        self._wake_reader.setblocking(False)
        self._wake_writer.setblocking(False)
        self._selector.register(self._wake_reader, selectors.EVENT_READ, self._wake_reader)
        self._acceptor = Acceptor(listener, limits, ssl_context, self._selector, self.count)
        self._waiting: set[Connection] = set()
        self._busy: set[Connection] = set()
        self._streaming: set[Connection] = set()
        # With the time until which they wait: for a thread, and for their turn to stream.
        self._queued: deque[tuple[float, Connection, Any]] = deque()
        self._held: deque[tuple[float, Connection]] = deque()
        # Those whose long body is collected until there is a place for them.
        self._early: dict[Connection, None] = {}
        self._returned: deque[Connection] = deque()
        self.rejections = RejectionLog()
        self._is_stopped = False
        self._is_closed = False
        self._end_by: float | None = None

    def count(self) -> int:
        """Return the number of open connections."""
        return len(self._waiting) + len(self._busy)

    def run(self) -> None:
        """Serve until `stop`."""
        self._acceptor.listen_as_possible(0.0)
        swept = time.monotonic()
        while not self._is_stopped:
            swept = self._go_round(swept)

    @property
    def is_at_work(self) -> bool:
        """Whether a request has begun and is not answered."""
        waiting = (each.phase in {Phase.BODY, Phase.FLUSH} or each.buffer for each in self._waiting)
        return bool(self._busy or self._returned) or any(waiting)

    def end_accepting(self, *, is_shared: bool) -> None:
        """After `run`, take those who were connected by the system before the stop, and nobody else.

        Args:
            is_shared: Other processes accept on the same socket.
        """
        if self._is_closed:
            return
        if not is_shared:
            # The system lets nobody more into its queue, so that nobody is in it when it is closed.
            with suppress(OSError):
                self._listener.listen(0)
        while self._accept():
            pass
        self._acceptor.end()

    def drain(self) -> int:
        """After `end_accepting`, finish what was accepted until the time of `end_by`, and close.

        Returns:
            How many requests were cut off.
        """
        now = swept = time.monotonic()
        while self.count() and (self._end_by is None or now < self._end_by):
            self._close_idle(now + _LAST_CALL_SECONDS)
            swept = self._go_round(swept)
            now = time.monotonic()
        self._take_back()
        cut = len(self._busy) + sum(each.phase is Phase.FLUSH for each in self._waiting)
        for connection in list(self._busy):
            with suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)  # its worker closes it
        self.close()
        return cut

    def end_by(self, moment: float) -> None:
        """Have `drain` cut off what is left at a monotonic time; an earlier one counts."""
        if self._end_by is None or moment < self._end_by:
            self._end_by = moment
            self._wake()

    def stop(self) -> None:
        """Have `run` return soon; may be called from any thread and from a signal handler."""
        self._is_stopped = True
        self._wake()

    def take_next(self, connection: Connection, seconds: float) -> RequestHead | None:
        """Return the next request of a connection that its worker still owns, if it is there within a short time.

        What is not complete or not good enough by then is left to the loop.
        """
        if self._is_stopped or not connection.receive_soon(seconds):
            return None
        head, connection.scanned = peek_head(connection.buffer, connection.scanned, self._limits)
        if head is None:
            return None
        connection.begin_request()
        if BodyArrival(head, self._limits).look(connection.buffer) is Arrival.COMPLETE:
            return head
        connection.head = head
        return None

    def give_back(self, connection: Connection) -> None:
        """Take a connection again after its request, or while its client takes the answer; from any thread."""
        self._returned.append(connection)
        if self._is_closed:
            self._close_returned()
        else:
            self._wake()

    def forget(self, connection: Connection) -> None:
        """Take note that a connection was closed by its worker; may be called from any thread."""
        self._busy.discard(connection)
        self._streaming.discard(connection)
        self._wake()

    def close(self) -> None:
        """Close every connection that waits; those being served are closed when they are given back."""
        if self._is_closed:
            return
        self._is_closed = True
        self._close_returned()
        for connection in self._waiting:
            self._close_one(connection)
        self._waiting.clear()
        self.rejections.close()
        self._selector.close()
        self._wake_reader.close()
        self._wake_writer.close()

    def abandon(self, own: Connection) -> None:  # pragma: no cover - in a child that ends by os._exit()
        """In a forked child: close all that belongs to the parent, and tell nobody.

        Args:
            own: The connection that the child serves.
        """
        self._is_closed = self._is_stopped = True
        self._selector.close()
        for sock in (self._listener, self._wake_reader, self._wake_writer):
            sock.close()
        for connection in self._waiting | self._busy:
            if connection is not own:
                connection.close()

    def call_when_readable(self, fd: int, func: Callable[[], None]) -> None:
        """Have a function called, on the loop's thread, whenever a descriptor can be read."""
        self._selector.register(fd, selectors.EVENT_READ, func)

    def call_no_more(self, fd: int) -> None:
        """End what `call_when_readable` has begun."""
        self._selector.unregister(fd)

    def _wake(self) -> None:
        """Have the selector return; a full pipe wakes it too."""
        with suppress(OSError):
            self._wake_writer.send(b"\0")

    def _go_round(self, swept: float) -> float:
        """Do what there is to do; return when time-outs were looked at last."""
        idle = self._acceptor.is_accepting and not (self._waiting or self._queued or self._held)
        for key, _ in self._selector.select(None if idle else _SWEEP_SECONDS):
            self._handle_event(key.data)
        self._take_back()
        if self._held:
            self._admit_held()
        while self._early and self._may_begin_early():
            connection = next(iter(self._early))
            del self._early[connection]
            if connection in self._waiting and connection.phase is Phase.BODY:
                self._try_body(connection, is_open=True)
        now = time.monotonic()
        if now - swept < _SWEEP_SECONDS:
            return swept
        self._give_up_on_the_late(now)
        self._acceptor.listen_as_possible(now)
        return now

    def _handle_event(self, data: Any) -> None:
        """Do what a ready descriptor asks for."""
        if data is self._listener:
            self._accept()
        elif data is self._wake_reader:
            with suppress(OSError):
                self._wake_reader.recv(4096)
        elif callable(data):
            data()
        elif data in self._waiting:
            self._advance(data)

    def _accept(self) -> bool:
        """Take what waits to be accepted; true if there was something."""
        accepted = self._acceptor.accept()
        for connection in accepted:
            self._waiting.add(connection)
            self._selector.register(connection.sock, selectors.EVENT_READ, connection)
        self._acceptor.listen_as_possible(time.monotonic())
        return bool(accepted)

    # --- waiting

    def _advance(self, connection: Connection) -> None:
        """Use what has arrived on a connection, or the room that there is for its answer."""
        phase = connection.phase
        if phase is Phase.FLUSH:
            self._flush(connection)
            return
        if phase is Phase.HANDSHAKE and not self._shake_hands(connection):
            return
        is_open = connection.receive_available()
        if phase is Phase.LINGER:
            if not is_open:
                self._discard(connection)
        elif phase is Phase.BODY:
            self._try_body(connection, is_open)
        elif not self._try_head(connection, is_open) and not is_open:
            self._discard(connection)

    def _shake_hands(self, connection: Connection) -> bool:
        """Take one step of the TLS handshake; true when it is finished."""
        try:
            events = connection.handshake()
        except OSError:
            self.rejections.write(_address_of(connection), 400, "no TLS handshake")
            self._discard(connection)
            return False
        self._selector.modify(connection.sock, events or selectors.EVENT_READ, connection)
        return not events

    def _try_head(self, connection: Connection, is_open: bool) -> bool:
        """Go on with the next request if its head is complete; true if the connection has found its way."""
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
        connection.begin_request()
        connection.head = head
        self._begin_body(connection, is_open)
        return True

    def _begin_body(self, connection: Connection, is_open: bool) -> None:
        """Wait for the body of the connection's request."""
        assert connection.head is not None
        connection.is_idle = False
        connection.arrival = BodyArrival(connection.head, self._limits)
        connection.await_client(Phase.BODY)
        self._try_body(connection, is_open)

    def _try_body(self, connection: Connection, is_open: bool) -> None:
        """Pass a request on if nobody has to wait for its body, or if it is to be read as it comes."""
        arrived = connection.arrival.look(connection.buffer)
        if arrived is Arrival.PENDING and connection.arrival.is_long:
            if self._may_begin_early():
                arrived = Arrival.STREAMED  # so that an application may refuse it before it has come
            else:
                self._early[connection] = None
        if arrived is Arrival.PENDING and is_open:
            return
        if arrived is Arrival.STREAMED:
            if len(self._streaming) >= self._max_streams:
                self._selector.unregister(connection.sock)
                self._waiting.discard(connection)
                self._busy.add(connection)
                self._held.append((time.monotonic() + self._queue_seconds, connection))
                return
            self._streaming.add(connection)
        self._selector.unregister(connection.sock)
        self._waiting.discard(connection)
        self._busy.add(connection)
        self._pass_on(connection)

    def _may_begin_early(self) -> bool:
        """Tell whether a long body of which little has come may be streamed: slow ones get half of the places."""
        return 2 * len(self._streaming) < self._max_streams

    def _pass_on(self, connection: Connection) -> None:
        """Give a request to a worker."""
        head = connection.head
        assert head is not None
        connection.head = connection.arrival = None
        connection.sock.settimeout(None)
        filed = self._serve(connection, head)
        if filed is Filed.WAITING:
            self._queued.append((time.monotonic() + self._queue_seconds, connection, connection.job))
        elif filed is Filed.REFUSED:
            self._overload(connection, has_body=head.method != "HEAD")

    def _admit_held(self) -> None:
        """Pass on the requests that waited for their turn to stream."""
        while self._held and len(self._streaming) < self._max_streams:
            _, connection = self._held.popleft()
            self._streaming.add(connection)
            self._pass_on(connection)

    def _watch(self, connection: Connection, event: int = selectors.EVENT_READ) -> bool:
        """Wait for a connection that was being served; false if the application has closed its socket."""
        self._busy.discard(connection)
        try:
            connection.sock.setblocking(False)
            self._selector.register(connection.sock, event, connection)
        except (OSError, ValueError):
            self._streaming.discard(connection)
            self._close_one(connection)
            return False
        self._waiting.add(connection)
        return True

    def _take_back(self) -> None:
        """Wait again for the connections whose worker has done with them for now."""
        while self._returned:
            connection = self._returned.popleft()
            if connection.outgoing:
                if self._watch(connection, selectors.EVENT_WRITE):
                    connection.await_client(Phase.FLUSH)
            elif self._watch(connection):
                self._await_request(connection)

    def _await_request(self, connection: Connection) -> None:
        """Wait for the next request of a connection, or for its end after the last one."""
        self._streaming.discard(connection)
        connection.job = None
        if connection.phase is Phase.LINGER:
            return
        if connection.is_last:
            connection.send_last(b"")
            return
        if connection.head is not None:  # its worker has seen the head already
            self._begin_body(connection, is_open=True)
            return
        connection.phase = Phase.HEAD
        connection.is_idle = not connection.buffer
        timeout = self._limits.keep_alive_timeout_seconds
        if not connection.is_idle:
            timeout = self._limits.head_timeout_seconds
        connection.deadline = time.monotonic() + timeout
        # TLS may hold bytes that no selector sees, and the next request may be in the buffer already.
        if connection.buffer or hasattr(connection.sock, "pending"):
            self._advance(connection)

    # --- sending

    def _flush(self, connection: Connection) -> None:
        """Send more of an answer to a client that takes it slowly."""
        try:
            if connection.flush_available():
                self._end_flush(connection, None)
        except ClientGoneError as error:
            self._end_flush(connection, error)

    def _end_flush(self, connection: Connection, error: ClientGoneError | None) -> None:
        """Go on after an answer, or a part of it, was taken, or will not be."""
        if error is not None:
            connection.outgoing.clear()
        resume, connection.resume = connection.resume, None
        if resume is not None:
            self._selector.unregister(connection.sock)
            self._waiting.discard(connection)
            self._busy.add(connection)
            connection.sock.settimeout(None)
            resume(error)
        elif error is not None:
            self._discard(connection, is_broken=True)
        else:
            self._selector.modify(connection.sock, selectors.EVENT_READ, connection)
            self._await_request(connection)

    # --- time-outs

    def _give_up_on_the_late(self, now: float) -> None:
        """End the connections whose time is over."""
        for connection in [each for each in self._waiting if each.deadline <= now]:
            phase = connection.phase
            if phase is Phase.FLUSH:
                self._end_flush(connection, ClientTooSlowError("the client takes the answer too slowly"))
            elif phase is Phase.BODY:
                has_body = connection.head is None or connection.head.method != "HEAD"
                self._refuse(connection, 408, "the body did not arrive in time", has_body=has_body)
            elif phase is not Phase.HEAD or not connection.buffer:
                self._discard(connection)
            else:
                self._refuse(connection, 408, "the head did not arrive in time")
        while self._held and self._held[0][0] <= now:
            self._overload(self._held.popleft()[1])
        while self._queued and self._queued[0][0] <= now:
            _, connection, job = self._queued.popleft()
            if connection.job is job and job.withdraw():
                self._overload(connection)

    def _close_idle(self, last_call: float) -> None:
        """While the server ends, wait only a moment for requests that have not begun."""
        for connection in self._waiting:
            if connection.phase in {Phase.HEAD, Phase.LINGER} and not connection.buffer:
                connection.deadline = min(connection.deadline, last_call)

    # --- ending

    def _overload(self, connection: Connection, *, has_body: bool = True) -> None:
        """Tell a client that there is no room for its request."""
        connection.head = connection.job = None
        self._streaming.discard(connection)
        if self._watch(connection):
            self._refuse(connection, 503, "too many requests wait", has_body=has_body)

    def _refuse(self, connection: Connection, status: int, reason: str, *, has_body: bool = True) -> None:
        """Answer a request that does not reach the application, and close."""
        self.rejections.write(_address_of(connection), status, reason)
        retry_after = 1 if status == 503 else None
        answer = plain_response(status, _PHRASES[status], reason, retry_after=retry_after, has_body=has_body)
        connection.send_last(answer)

    def _discard(self, connection: Connection, *, is_broken: bool = False) -> None:
        """Close a connection that waits."""
        self._waiting.discard(connection)
        self._streaming.discard(connection)
        self._early.pop(connection, None)
        with suppress(KeyError, ValueError):
            self._selector.unregister(connection.sock)
        if is_broken:
            connection.reset()
        else:
            connection.close()

    def _close_returned(self) -> None:
        """Close what was given back to a closed loop."""
        with suppress(IndexError):
            while True:
                connection = self._returned.popleft()
                self._busy.discard(connection)
                self._close_one(connection)

    def _close_one(self, connection: Connection) -> None:
        """Close a connection; one whose answer was not taken is broken off, and its worker is told."""
        is_broken = bool(connection.outgoing)
        connection.outgoing.clear()
        if is_broken:
            connection.reset()
        else:
            connection.close()
        resume, connection.resume = connection.resume, None
        if resume is not None:
            resume(ClientGoneError("the server ends"))


def _address_of(connection: Connection) -> str:
    """Return a client's address for the log."""
    address = connection.address
    return str(address[0]) if isinstance(address, tuple) else LOCAL
