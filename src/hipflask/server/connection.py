"""One client's socket: bytes in and out, each wait bounded."""

from __future__ import annotations

import math
import socket
import struct
import time
from contextlib import suppress
from typing import Any

from hipflask.server.limits import Limits

__all__ = ["ClientGoneError", "ClientTooSlowError", "Connection"]

_CHUNK = 64 * 1024


class ClientGoneError(ConnectionError):
    """The client closed the connection, or it broke."""


class ClientTooSlowError(ClientGoneError):
    """The client neither sends nor takes bytes at the least rate that is asked of it."""


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
    """A client's socket with what has arrived and was not used yet.

    At each moment one thread owns it: the server's loop while it waits for a request, a worker while it
    serves one.

    Attributes:
        sock: The socket. In a worker it blocks without a time-out whenever the application can see it.
        address: The client's address as the socket gives it.
        buffer: Bytes that have arrived and belong to nothing yet.
        scanned: How far `take_head` has looked into the buffer.
        requests: Number of requests begun on this connection.
        deadline: Monotonic time at which the loop gives up on it.
        handler: The request handler made for it, if any.
        is_handshaking: TLS is not set up yet.
        is_idle: Nothing of the next request has arrived.
        is_lingering: The last answer was sent; what still arrives is thrown away.
    """

    __slots__ = (
        "_reading",
        "_writing",
        "address",
        "buffer",
        "deadline",
        "handler",
        "is_handshaking",
        "is_idle",
        "is_lingering",
        "limits",
        "requests",
        "scanned",
        "sock",
    )

    def __init__(self, sock: socket.socket, address: Any, limits: Limits, *, is_handshaking: bool = False) -> None:
        self.sock = sock
        self.address = address
        self.limits = limits
        self.buffer = bytearray()
        self.scanned = 0
        self.requests = 0
        self.deadline = time.monotonic() + limits.head_timeout_seconds
        self.handler: Any = None
        self.is_handshaking = is_handshaking
        self.is_idle = False
        self.is_lingering = False
        self.restart_clocks()

    def restart_clocks(self) -> None:
        """Begin to count the client's speed anew; called for each request."""
        self._reading = _RateClock(self.limits, self.limits.body_timeout_seconds)
        self._writing = _RateClock(self.limits, self.limits.write_timeout_seconds)

    def limit_reading(self, seconds: float) -> None:
        """Give the client this time for all that is still read of the present request."""
        self._reading.until = time.monotonic() + seconds

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
        self.is_handshaking = False
        return 0

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
                return _is_want_read(error)
            if not data:
                return False
            if not self.is_lingering:
                self.buffer += data
            # TLS may hold decrypted bytes that no selector sees, so it is read until it wants more.
            if not hasattr(self.sock, "pending"):
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
        self.is_lingering = True
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

    def send(self, data: bytes) -> None:
        """Send all of the data.

        Raises:
            ClientGoneError: The client has gone.
            ClientTooSlowError: It does not take the bytes in time.
        """
        clock = self._writing
        view = memoryview(data)
        while view:
            patience = clock.patience()
            if patience <= 0:
                raise ClientTooSlowError("the client takes the answer too slowly")
            began = time.monotonic()
            try:
                self.sock.settimeout(patience)
                sent = self.sock.send(view)
                self.sock.settimeout(None)
            except TimeoutError as error:
                raise ClientTooSlowError("the client takes the answer too slowly") from error
            except OSError as error:
                raise ClientGoneError("the connection broke") from error
            clock.note(began, sent)
            view = view[sent:]

    def reset(self) -> None:
        """Close so that the client sees a broken connection, not the end of an answer."""
        with suppress(OSError):
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        """Close the socket."""
        with suppress(OSError):
            self.sock.close()


def _is_want_read(error: OSError) -> bool:
    """Tell whether a TLS socket merely has no complete record yet."""
    return type(error).__name__ in {"SSLWantReadError", "SSLWantWriteError"}
