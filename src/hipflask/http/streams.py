"""A stream that ends where the body of a request ends."""

from __future__ import annotations

from io import RawIOBase
from typing import IO, TYPE_CHECKING

from hipflask.http.exceptions import ClientDisconnected, RequestEntityTooLarge

if TYPE_CHECKING:
    from collections.abc import Buffer  # type: ignore[attr-defined]  # Python 3.12; only named here

__all__ = ["CappedStream", "LimitedStream"]

#: Most bytes asked of the server at once when a whole body is read: a client's Content-Length reserves no
#: memory.
READ_SIZE = 64 * 1024


class LimitedStream(RawIOBase):
    """The first *limit* bytes of another stream.

    Args:
        stream: Stream of the server. It stays open when this one is closed.
        limit: Bytes that may be read.
        is_max: *stream* ends by itself, and *limit* is only the most that is accepted. Otherwise the body has
            exactly *limit* bytes, and a stream that ends earlier was broken off.

    With *is_max*, reading on after *limit* bytes raises, even if there is nothing more; but reading all of a
    longer body returns its beginning. :class:`CappedStream` knows better, and is what requests use.

    Differs from Werkzeug: ``read(0)`` does nothing.
    """

    def __init__(self, stream: IO[bytes], limit: int, is_max: bool = False) -> None:
        self._stream = stream
        self._pos = 0
        self.limit = limit
        self._limit_is_max = is_max

    @property
    def is_exhausted(self) -> bool:
        """Whether *limit* bytes have been read."""
        return self._pos >= self.limit

    def on_exhausted(self) -> None:
        """Act on an attempt to read after the limit: if that is a maximum, refuse the request.

        Raises:
            RequestEntityTooLarge: The body is longer than it may be (status 413).
        """
        if self._limit_is_max:
            raise RequestEntityTooLarge()

    def on_disconnect(self, error: Exception | None = None) -> None:
        """Act on a body that ends too early.

        Args:
            error: What the stream raised, ``None`` if it just ended.

        Raises:
            ClientDisconnected: Always, unless a subclass decides otherwise (status 400).
        """
        raise ClientDisconnected() from error

    def _read_some(self, size: int) -> bytes:
        """Read up to *size* bytes from the stream, without a look at the limit."""
        try:
            return self._stream.read(size)
        except (OSError, ValueError) as error:
            self.on_disconnect(error=error)
            return b""

    def exhaust(self) -> bytes:
        """Read what is left, up to the limit, and return it."""
        return b"" if self.is_exhausted else self._read_rest()

    def _read_rest(self) -> bytes:
        parts: list[bytes] = []
        while self._pos < self.limit:
            data = self._read_some(min(READ_SIZE, self.limit - self._pos))
            if not data:
                if not self._limit_is_max:
                    self.on_disconnect()
                break
            self._pos += len(data)
            parts.append(data)
        return b"".join(parts)

    def read(self, size: int | None = -1) -> bytes:
        """Read up to *size* bytes, all that are left if it is negative; see :meth:`io.RawIOBase.read`.

        Raises:
            ClientDisconnected: The body ends too early (status 400).
            RequestEntityTooLarge: The limit is a maximum, and the body is longer (status 413).
        """
        # PERF: the method of RawIOBase calls readinto, which copies once more.
        if size is None or size < 0:
            return self.readall()
        if not size:
            return b""
        left = self.limit - self._pos
        if left <= 0:
            self.on_exhausted()
            return b""
        data = self._read_some(min(size, left))
        if not data and not self._limit_is_max:
            self.on_disconnect()
        self._pos += len(data)
        return data

    def readall(self) -> bytes:
        """Read what is left and return it.

        Raises:
            ClientDisconnected: The body ends too early (status 400).
            RequestEntityTooLarge: The limit is a maximum and had been reached before (status 413).
        """
        if self._pos >= self.limit:
            self.on_exhausted()
            return b""
        return self._read_rest()

    def readinto(self, b: Buffer) -> int | None:
        """Read into a buffer and return how many bytes; see :meth:`io.RawIOBase.readinto`."""
        view = memoryview(b).cast("B")
        if not len(view):
            return 0
        left = self.limit - self._pos
        if left <= 0:
            self.on_exhausted()
            return 0
        view = view[:left]
        size = self._fill(view)
        if not size and not self._limit_is_max:
            self.on_disconnect()
        self._pos += size
        return size

    def _fill(self, view: memoryview) -> int:
        """Read from the stream into *view*, directly if the stream can."""
        if not hasattr(self._stream, "readinto"):
            data = self._read_some(len(view))
            view[: len(data)] = data
            return len(data)
        try:
            return self._stream.readinto(view) or 0
        except (OSError, ValueError) as error:
            self.on_disconnect(error=error)
            return 0

    def readline(self, size: int | None = -1) -> bytes:
        """Read to the end of a line, at most *size* bytes.

        Raises:
            ClientDisconnected: The body ends too early (status 400).
        """
        # PERF: the method of RawIOBase reads byte by byte.
        if not hasattr(self._stream, "readline"):
            return super().readline(size)
        left = self.limit - self._pos
        if left <= 0 and size != 0:
            self.on_exhausted()
            return b""
        wanted = left if size is None or size < 0 else min(left, size)
        if wanted == 0:
            return b""
        try:
            line = self._stream.readline(wanted)
        except (OSError, ValueError) as error:
            self.on_disconnect(error=error)
            return b""
        self._pos += len(line)
        if len(line) < wanted and not line.endswith(b"\n") and not self._limit_is_max:
            self.on_disconnect()
        return line

    def tell(self) -> int:
        """Return how many bytes have been read."""
        return self._pos

    def readable(self) -> bool:
        """Return ``True``."""
        return True


class CappedStream(LimitedStream):
    """Another stream, which ends by itself, with a maximum: a body is read whole or is refused.

    Args:
        stream: Stream of the server.
        limit: Most bytes that are accepted.
    """

    def __init__(self, stream: IO[bytes], limit: int) -> None:
        super().__init__(stream, limit, is_max=True)

    def on_exhausted(self) -> None:
        """Act on an attempt to read after the limit: refuse the body if there is more of it.

        Raises:
            RequestEntityTooLarge: The body is longer than it may be (status 413).
        """
        if self._read_some(1):
            super().on_exhausted()

    def readall(self) -> bytes:
        """Read what is left and return it.

        Raises:
            RequestEntityTooLarge: The body is longer than it may be (status 413).
        """
        data = self.exhaust()
        if self.is_exhausted:
            self.on_exhausted()
        return data
