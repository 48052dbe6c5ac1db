"""What an ASGI server receives of one request: its body, and the news that the client has gone."""

from __future__ import annotations

import sys
import threading
from collections import deque
from io import RawIOBase
from tempfile import SpooledTemporaryFile
from time import monotonic
from typing import TYPE_CHECKING, Any

from hipflask.http.exceptions import ClientDisconnected, HTTPException, RequestEntityTooLarge, RequestTimeout

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Buffer, Callable  # type: ignore[attr-defined]  # Buffer is of Python 3.12

__all__ = ["AsgiBody", "Incoming"]

#: Bytes that are read ahead of the application; more are asked for when it has taken some.
BUFFER_BYTES = 64 * 1024
#: A body that is collected for an async view is kept in memory up to this size, then in a temporary file.
SPOOL_BYTES = 512 * 1024
#: Bytes that are taken at once out of the temporary file.
PIECE_BYTES = 64 * 1024
_LOOK_SECONDS = 1.0  # how often a waiting thread looks whether the loop is still there


class Incoming:
    """The one reader of a request's ``receive``.

    On the loop, messages are taken while somebody wants them: the body while fewer than :data:`BUFFER_BYTES` wait, what
    follows it while somebody watches for the client's going. Threads read by :meth:`read_some`.

    Args:
        receive: ASGI's callable.
        loop: The loop that it belongs to.
        max_body_bytes: A longer body is refused.
        timeout_seconds: Silence after which a body counts as given up.

    Attributes:
        is_ended: The whole body has arrived.
        is_disconnected: The client is known to have gone.
        is_watched: Somebody looks out for that.
    """

    def __init__(
        self,
        receive: Callable[[], Awaitable[Any]],
        loop: asyncio.AbstractEventLoop,
        max_body_bytes: int,
        timeout_seconds: float,
    ) -> None:
        self._receive = receive
        self._loop = loop
        self._left = max_body_bytes
        self._timeout_seconds = timeout_seconds
        self._changed = threading.Condition()
        self._parts: deque[bytes] = deque()
        self._size = 0
        self._error: HTTPException | None = None
        self._spool: SpooledTemporaryFile[bytes] | None = None
        self._pump: asyncio.Task[None] | None = None
        self._arrival: asyncio.Future[None] | None = None
        self.is_watched = False
        self._on_disconnect: Callable[[], object] | None = None
        self.is_ended = False
        self.is_disconnected = False

    # On the loop

    def watch(self, on_disconnect: Callable[[], object] | None = None) -> None:
        """Look out for the client's going.

        Args:
            on_disconnect: Called when it has gone, at once if it is gone already; the latest function counts.
        """
        self.is_watched = True
        self._on_disconnect = on_disconnect
        if self.is_disconnected and on_disconnect is not None:
            on_disconnect()
        self._start()

    def unwatch(self) -> None:
        """Call no function any more when the client goes."""
        self._on_disconnect = None

    def lose(self) -> None:
        """Take note that the client has gone."""
        with self._changed:
            self.is_disconnected = True
            self._changed.notify_all()
        if self._on_disconnect is not None:
            self._on_disconnect()

    def close(self) -> None:
        """End all reading; a thread that still reads is told that the client has gone."""
        self._on_disconnect = None
        if self._pump is not None:
            self._pump.cancel()
        with self._changed:
            self.is_disconnected = True
            self._changed.notify_all()
        if self._spool is not None:
            self._spool.close()

    async def collect(self, limit: int | None) -> None:
        """Take the whole body, for an async view: it can read without waiting then.

        Args:
            limit: Bytes after which the body is refused anyway.
        """
        spool = self._spool = SpooledTemporaryFile(max_size=SPOOL_BYTES)  # noqa: SIM115  # closed by close()
        taken = 0
        while limit is None or taken <= limit:
            with self._changed:
                data = b"".join(self._parts)
                self._parts.clear()
                self._size = 0
            taken += spool.write(data)
            if self.is_ended or self.is_disconnected or self._error is not None:
                break
            self._arrival = self._loop.create_future()
            self._start()
            await self._arrival
        spool.seek(0)

    def _start(self) -> None:
        if self._pump is None and self._wants():
            self._pump = self._loop.create_task(self._take_messages())

    def _wants(self) -> bool:
        if self.is_disconnected or self._error is not None:
            return False
        return self.is_watched if self.is_ended else self._size < BUFFER_BYTES

    async def _take_messages(self) -> None:
        try:
            while self._wants():
                self._take(await self._receive())
        except Exception:
            self.lose()  # a server that cannot receive has lost the client
        finally:
            self._pump = None
            self._tell_collector()

    def _take(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.disconnect":
            self.lose()
            return
        data = message.get("body", b"")
        with self._changed:
            self._left -= len(data)
            if self._left < 0:
                self._error = RequestEntityTooLarge()
            elif data:
                self._parts.append(data)
                self._size += len(data)
            self.is_ended = not message.get("more_body", False)
            self._changed.notify_all()
        self._tell_collector()

    def _tell_collector(self) -> None:
        arrival = self._arrival
        if arrival is not None and not arrival.done():
            arrival.set_result(None)

    # On any thread

    def ask_disconnected(self) -> bool:
        """Return whether the client is known to have gone; from now on, look out for that."""
        if not self.is_watched and not self.is_disconnected:
            self.is_watched = True
            self._call(self._start)
        return self.is_disconnected

    def read_some(self) -> bytes:
        """Return the next bytes of the body, ``b""`` at the end; wait until there are some.

        Raises:
            ClientDisconnected: The client has gone before the end (status 400).
            RequestEntityTooLarge: The body is longer than the server takes (status 413).
            RequestTimeout: Nothing has come for too long (status 408).
        """
        spool = self._spool
        if spool is not None and not spool.closed:
            data = spool.read(PIECE_BYTES)
            if data:
                return data
        with self._changed:
            if not self._parts:
                self._wait()
            if not self._parts:
                return b""
            data = self._parts.popleft()
            self._size -= len(data)
        return data

    def _wait(self) -> None:
        """Wait, the lock held, until there is a part or the end."""
        deadline = monotonic() + self._timeout_seconds
        while not (self._parts or self.is_ended):
            if self._error is not None:
                raise self._error
            if self.is_disconnected or self._loop.is_closed():
                raise ClientDisconnected()
            if self._spool is not None:
                raise RequestEntityTooLarge()  # collect() has not gone on
            if monotonic() > deadline:
                raise RequestTimeout()
            self._call(self._start)
            self._changed.wait(_LOOK_SECONDS)
        if self._error is not None and not self._parts:
            raise self._error

    def _call(self, func: Callable[[], object]) -> None:
        try:
            self._loop.call_soon_threadsafe(func)
        except RuntimeError:  # the loop is closed
            self.is_disconnected = True


class AsgiBody(RawIOBase):
    """A request's body as a stream for sync code: ``wsgi.input``.

    Args:
        incoming: Where it comes from.
    """

    def __init__(self, incoming: Incoming) -> None:
        self._next = incoming.read_some
        self._buffer = b""
        self._at = 0

    def readable(self) -> bool:
        """Return ``True``."""
        return True

    def _fill(self) -> bool:
        """Have at least one byte in the buffer; false at the end of the body."""
        if self._at < len(self._buffer):
            return True
        self._buffer, self._at = self._next(), 0
        return self._buffer != b""

    def _take(self, size: int) -> bytes:
        """Return at most *size* bytes, ``b""`` at the end."""
        if not self._fill():
            return b""
        data = self._buffer[self._at : self._at + size]
        self._at += len(data)
        return data

    def read(self, size: int | None = -1) -> bytes:
        """Return the next *size* bytes, fewer only at the end; all that are left if it is negative."""
        if size is None or size < 0:
            return self.readall()
        data = self._take(size) if size else b""
        if not data or len(data) == size:
            return data
        parts = [data]
        size -= len(data)
        while size and (data := self._take(size)):
            parts.append(data)
            size -= len(data)
        return b"".join(parts)

    def readall(self) -> bytes:
        """Return all bytes that are left."""
        parts: list[bytes] = []
        while self._fill():
            parts.append(self._buffer[self._at :])
            self._buffer = b""
        return b"".join(parts)

    def readinto(self, buffer: Buffer) -> int:
        """Read into a buffer and return how many bytes; 0 at the end."""
        view = memoryview(buffer).cast("B")
        data = self._take(len(view)) if len(view) else b""
        view[: len(data)] = data
        return len(data)

    def readline(self, size: int | None = -1) -> bytes:
        """Return the next line with its line feed, at most *size* bytes of it if that is not negative."""
        left = sys.maxsize if size is None or size < 0 else size
        parts: list[bytes] = []
        while left and self._fill():
            end = self._buffer.find(b"\n", self._at) + 1
            part = self._take(min(left, end - self._at if end else left))
            parts.append(part)
            left -= len(part)
            if part.endswith(b"\n"):
                break
        return b"".join(parts)
