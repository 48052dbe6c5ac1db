"""Whether a request's body has arrived, so that no thread has to wait for a slow client.

The loop collects a body up to `Limits.max_collected_bytes` before it gives the request to a worker. Bytes are
only looked at here; what they mean, and whether they are right, is for `hipflask.server.body`.
"""

from __future__ import annotations

import enum

from hipflask.server.body import CHUNK_LINE, MAX_CHUNK_LINE, TRAILER
from hipflask.server.limits import Limits
from hipflask.server.parser import RequestHead

__all__ = ["Arrival", "BodyArrival"]

_CARRIAGE_RETURN = 13


class Arrival(enum.Enum):
    """How far a body has come."""

    PENDING = 0
    """More of it is to be collected."""
    COMPLETE = 1
    """Nobody will have to wait for it."""
    STREAMED = 2
    """The application reads it as it comes: it is long, or the client waits to be asked for it."""


class BodyArrival:
    """Follows one body as it comes into a connection's buffer.

    Args:
        head: The request.
        limits: Up to which size a body is collected, and from which on it is refused.
    """

    __slots__ = ("_at", "_data_end", "_head", "_is_trailing", "_limits")

    def __init__(self, head: RequestHead, limits: Limits) -> None:
        self._head = head
        self._limits = limits
        self._at = 0  # where the next line begins
        self._data_end = 0  # where the data of a chunk ends, while it arrives
        self._is_trailing = False

    @property
    def is_long(self) -> bool:
        """Whether it is known that the body will not be collected whole."""
        return (self._head.content_length or 0) > self._limits.max_collected_bytes

    def look(self, buffer: bytearray) -> Arrival:
        """Look at what has arrived since the last time.

        Args:
            buffer: Everything after the head; nothing was taken from it.
        """
        head = self._head
        if head.is_chunked:
            found = self._look_at_chunks(buffer)
        elif len(buffer) >= (head.content_length or 0):
            return Arrival.COMPLETE
        else:
            found = Arrival.PENDING
        if found is Arrival.PENDING:
            if len(buffer) >= self._limits.max_collected_bytes or (head.expects_continue and not buffer):
                return Arrival.STREAMED
        return found

    def _look_at_chunks(self, buffer: bytearray) -> Arrival:
        """Go from line to line; with a malformed one the body is complete, as reading it ends there."""
        while True:
            if self._data_end:
                # The line end after the data of a chunk, as far as it is there.
                found = buffer[self._data_end : self._data_end + 2]
                if found != b"\r\n":
                    return Arrival.PENDING if b"\r\n".startswith(found) else Arrival.COMPLETE
                self._at, self._data_end = self._data_end + 2, 0
            end = buffer.find(b"\n", self._at, self._at + MAX_CHUNK_LINE)
            if end < 0:
                is_too_long = len(buffer) - self._at >= MAX_CHUNK_LINE
                return Arrival.COMPLETE if is_too_long else Arrival.PENDING
            if buffer[end - 1] != _CARRIAGE_RETURN or self._ends_body(buffer, end - 1):
                return Arrival.COMPLETE
            self._at = end + 1

    def _ends_body(self, buffer: bytearray, end: int) -> bool:
        """Tell whether a line is the last of the body, or would be refused."""
        if self._is_trailing:
            return end == self._at or not TRAILER.fullmatch(buffer, self._at, end)
        found = CHUNK_LINE.fullmatch(buffer, self._at, end)
        size = int(found[1], 16) if found is not None else -1
        if not 0 <= size <= self._limits.max_body_bytes:
            return True
        if size:
            self._data_end = end + 2 + size
        else:
            self._is_trailing = True
        return False
