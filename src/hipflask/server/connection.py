"""One client's socket: bytes in and out, each wait bounded."""

from __future__ import annotations

import enum
import math
import socket
import struct
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from hipflask.server.limits import Limits

if TYPE_CHECKING:
    from hipflask.server.parser import RequestHead

__all__ = ["ClientGoneError", "ClientTooSlowError", "Connection", "Phase"]

_CHUNK = 64 * 1024
# Sends without waiting on a socket that blocks. TLS sockets take no flags, and Windows has not this one.
_DONT_WAIT = getattr(socket, "MSG_DONTWAIT", 0)


class ClientGoneError(ConnectionError):
    """The client closed the connection, or it broke."""


class ClientTooSlowError(ClientGoneError):
    """The client neither sends nor takes bytes at the least rate that is asked of it."""


class Phase(enum.Enum):
    """What the loop waits for on a connection."""

    HANDSHAKE = 0
    """TLS is not set up yet."""
    HEAD = 1
    """The next request's head, or its first byte."""
    BODY = 2
    """The body of a request whose head is there."""
    FLUSH = 3
    """The client has not taken what was sent."""
    LINGER = 4
    """The last answer was sent; what still arrives is thrown away."""


class _RateClock:
    """The longest time that the next wait may take.

    Only waiting counts: a slow application is not the client's fault.
    """

    __slots__ = ("grace", "moved", "rate", "silence", "until", "waited")

    def __init__(self, limits: Limits, silence_seconds: float) -> None:
        self.silence = silence_seconds
        self.rate = limits.min_rate_bytes
        self.grace = limits.rate_grace_seconds
        self.until = math.inf
        self.waited = 0.0
        self.moved = 0

    def patience(self) -> float:
        """Return the seconds that the client has for its next byte."""
        patience = min(self.silence, max(self.grace, self.moved / self.rate) - self.waited)
        return patience if self.until is math.inf else min(patience, self.until - time.monotonic())

    def note(self, began: float, size: int) -> None:
        """Count one wait that began at a monotonic time and moved *size* bytes."""
        self.waited += time.monotonic() - began
        self.moved += size


class Connection:
    """A client's socket with what has arrived and was not used yet, and what was not taken yet.

    At each moment one thread owns it: the server's loop while it waits for the client, a worker while it
    serves a request.

    Attributes:
        sock: The socket. In a worker it blocks without a time-out whenever the application can see it.
        address: The client's address as the socket gives it.
        buffer: Bytes that have arrived and belong to nothing yet.
        scanned: How far `take_head` has looked into the buffer.
        outgoing: What the socket did not take at once.
        requests: Number of requests begun on this connection.
        phase: What the loop waits for.
        deadline: Monotonic time at which the loop gives up on it.
        handler: The request handler made for it, if any.
        head: The request whose body is waited for.
        arrival: How far its body has come; made and used by the loop.
        job: The worker's job for the present request, if it has one.
        resume: Called by the loop when *outgoing* was sent, with ``None`` or the reason why it was not.
        is_idle: Nothing of the next request has arrived.
        is_last: No request follows the one whose answer is being sent.
    """

    __slots__ = (
        "_began",
        "_reading",
        "_writing",
        "address",
        "arrival",
        "buffer",
        "deadline",
        "handler",
        "head",
        "is_idle",
        "is_last",
        "job",
        "limits",
        "outgoing",
        "phase",
        "requests",
        "resume",
        "scanned",
        "sock",
    )

    def __init__(self, sock: socket.socket, address: Any, limits: Limits, *, is_handshaking: bool = False) -> None:
        self.sock = sock
        self.address = address
        self.limits = limits
        self.buffer = bytearray()
        self.scanned = 0
        self.outgoing: deque[memoryview] = deque()
        self.requests = 0
        self.phase = Phase.HANDSHAKE if is_handshaking else Phase.HEAD
        self.deadline = time.monotonic() + limits.head_timeout_seconds
        self.handler: Any = None
        self.head: RequestHead | None = None
        self.arrival: Any = None
        self.job: Any = None
        self.resume: Callable[[ClientGoneError | None], None] | None = None
        self.is_idle = False
        self.is_last = False
        self._began = 0.0
        self._restart_clocks()

    def begin_request(self) -> None:
        """Count one request more, and the client's speed anew."""
        self.requests += 1
        self._restart_clocks()

    def limit_reading(self, seconds: float) -> None:
        """Give the client this time for all that is still read of the present request."""
        self._reading.until = time.monotonic() + seconds

    def _restart_clocks(self) -> None:
        self._reading = _RateClock(self.limits, self.limits.body_timeout_seconds)
        self._writing = _RateClock(self.limits, self.limits.write_timeout_seconds)

    # --- the loop's side: never waits

    def handshake(self) -> int:
        """Take one step of the TLS handshake.

        Returns:
            0 when it is finished, else the event of `selectors` to wait for.

        Raises:
            OSError: The client does not speak TLS, or not ours.
        """
        from ssl import SSLWantReadError, SSLWantWriteError

        try:
            self.sock.do_handshake()  # type: ignore[attr-defined]  # it is an SSLSocket here
        except SSLWantReadError:
            return 1
        except SSLWantWriteError:
            return 2
        self.phase = Phase.HEAD
        return 0

    def await_client(self, phase: Phase) -> None:
        """Begin to wait for the next byte of a body, or for room for the next byte of an answer."""
        self.phase = phase
        self._began = time.monotonic()
        self.deadline = self._began + self._clock.patience()

    @property
    def _clock(self) -> _RateClock:
        return self._reading if self.phase is Phase.BODY else self._writing

    def _note_progress(self, size: int) -> None:
        """Count what has moved since `await_client`, and wait on."""
        self._clock.note(self._began, size)
        self.await_client(self.phase)

    def receive_available(self) -> bool:
        """Take what has arrived into the buffer without waiting.

        Returns:
            Whether the client may still send.
        """
        while True:
            try:
                data = self.sock.recv(_CHUNK)
            except BlockingIOError:
                return True
            except OSError as error:
                return _is_want(error)
            if not data:
                return False
            if self.phase is Phase.BODY:
                self._note_progress(len(data))
            if self.phase is not Phase.LINGER:
                self.buffer += data
            # TLS may hold the rest of a record, which no selector sees.
            pending = getattr(self.sock, "pending", None)
            if pending is None or not pending():
                return True

    def flush_available(self) -> bool:
        """Send what the socket takes without waiting; true when nothing is left.

        Raises:
            ClientGoneError: The client has gone.
        """
        while self.outgoing:
            data = self.outgoing[0]
            sent = self._send_now(data)
            if sent:
                self._note_progress(sent)
            if sent < len(data):
                self.outgoing[0] = data[sent:]
                return False
            self.outgoing.popleft()
        return True

    def send_last(self, data: bytes) -> None:
        """Send a short final answer, as far as the socket takes it at once, and end the sending."""
        with suppress(OSError):
            self.sock.setblocking(False)
            if data:
                self.sock.send(data)
            if hasattr(self.sock, "unwrap"):
                with suppress(OSError, ValueError):
                    self.sock.unwrap()  # TLS has a farewell of its own; the client's is not waited for
            self.sock.shutdown(socket.SHUT_WR)
        self.phase = Phase.LINGER
        self.buffer.clear()
        self.deadline = time.monotonic() + self.limits.linger_timeout_seconds

    # --- a worker's side: waits with a limit

    def receive_soon(self, seconds: float) -> bool:
        """Take what arrives within a short time into the buffer; true if there is something in it."""
        if not self.buffer:
            try:
                self.sock.settimeout(seconds)
                self.buffer += self.sock.recv(_CHUNK)
                self.sock.settimeout(None)
            except OSError:  # nothing came, or the loop will see what is wrong
                return False
        return bool(self.buffer)

    def receive(self, size: int) -> bytes:
        """Return at least one byte and at most *size*, from the buffer if it holds any.

        Raises:
            ClientGoneError: No more will come.
            ClientTooSlowError: It did not come in time.
        """
        buffer = self.buffer
        if buffer:
            data = bytes(buffer[:size])
            del buffer[:size]
            return data
        return self.receive_more(min(size, _CHUNK))

    def receive_more(self, size: int = _CHUNK) -> bytes:
        """Return at least one byte and at most *size* from the socket; the errors are those of `receive`."""
        clock = self._reading
        patience = clock.patience()
        if patience <= 0:
            raise ClientTooSlowError("the request body arrives too slowly")
        began = time.monotonic()
        try:
            self.sock.settimeout(patience)
            data = self.sock.recv(size)
            self.sock.settimeout(None)
        except TimeoutError as error:
            raise ClientTooSlowError("the request body arrives too slowly") from error
        except OSError as error:
            raise ClientGoneError("the connection broke") from error
        if not data:
            raise ClientGoneError("the client closed the connection")
        clock.note(began, len(data))
        return data

    def push(self, data: bytes) -> None:
        """Send what the socket takes at once, and keep the rest in *outgoing*.

        Raises:
            ClientGoneError: The client has gone.
        """
        view = memoryview(data)
        if not self.outgoing:
            view = view[self._send_now(view) :]
        if view:
            self.outgoing.append(view)

    def flush(self) -> None:
        """Send what was kept, and wait for the client if it must be.

        Raises:
            ClientGoneError: The client has gone.
            ClientTooSlowError: It does not take the bytes in time.
        """
        clock = self._writing
        while self.outgoing:
            patience = clock.patience()
            if patience <= 0:
                raise ClientTooSlowError("the client takes the answer too slowly")
            began = time.monotonic()
            data = self.outgoing[0]
            try:
                self.sock.settimeout(patience)
                sent = self.sock.send(data)
                self.sock.settimeout(None)
            except TimeoutError as error:
                raise ClientTooSlowError("the client takes the answer too slowly") from error
            except OSError as error:
                raise ClientGoneError("the connection broke") from error
            clock.note(began, sent)
            if sent < len(data):
                self.outgoing[0] = data[sent:]
            else:
                self.outgoing.popleft()

    def send(self, data: bytes) -> None:
        """Send all of the data; the errors are those of `flush`."""
        self.push(data)
        self.flush()

    def linger(self) -> None:  # pragma: no cover - in a child that ends by os._exit()
        """After `send_last`, wait a while until the client has closed: a reset could take the answer from it."""
        with suppress(OSError):
            while (patience := self.deadline - time.monotonic()) > 0:
                self.sock.settimeout(patience)
                if not self.sock.recv(_CHUNK):
                    return

    def _send_now(self, data: memoryview) -> int:
        """Return how many bytes the socket has taken without waiting."""
        sock = self.sock
        try:
            if _DONT_WAIT and not hasattr(sock, "pending"):
                return sock.send(data, _DONT_WAIT)
            before = sock.gettimeout()
            sock.setblocking(False)
            try:
                return sock.send(data)
            finally:
                sock.settimeout(before)
        except BlockingIOError:
            return 0
        except OSError as error:
            if _is_want(error):
                return 0
            raise ClientGoneError("the connection broke") from error

    def reset(self) -> None:
        """Close so that the client sees a broken connection, not the end of an answer."""
        with suppress(OSError):
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        """Close the socket."""
        with suppress(OSError):
            self.sock.close()


def _is_want(error: OSError) -> bool:
    """Tell whether a TLS socket merely waits for the other side."""
    return type(error).__name__ in {"SSLWantReadError", "SSLWantWriteError"}
