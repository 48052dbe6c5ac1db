"""The request body: what ``wsgi.input`` is.

A body that was cut short, is framed wrongly or comes too slowly never looks complete: reading it raises one
of the HTTP exceptions, which Flask turns into the answer, and the connection is closed after it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NoReturn

from hipflask.http.exceptions import (
    BadRequest,
    ClientDisconnected,
    HTTPException,
    RequestEntityTooLarge,
    RequestTimeout,
)
from hipflask.server.connection import ClientGoneError, ClientTooSlowError, Connection
from hipflask.server.parser import RequestHead

__all__ = ["CHUNK_LINE", "MAX_CHUNK_LINE", "TRAILER", "ChunkedBody", "InputStream", "LengthBody", "open_body"]

_PIECE = 64 * 1024
#: The most bytes of a chunk's line with its extensions; they mean nothing to us and are dropped.
MAX_CHUNK_LINE = 16 * 1024
_MAX_TRAILERS = 16 * 1024
#: No white space around the size, and at most 16 digits however many zeros they are (RFC 9112, 7.1).
CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,16})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?")
_WHOLE_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,8})\r\n")
#: A field after the last chunk.
TRAILER = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*")


class LengthBody:
    """A body of a known length.

    Attributes:
        remaining: Bytes that were not taken yet.
    """

    def __init__(self, connection: Connection, length: int) -> None:
        self._connection = connection
        self.remaining = length

    def next_piece(self, size: int) -> bytes:
        """Return the next bytes, at most *size*; ``b""`` at the end."""
        if not self.remaining:
            return b""
        data = self._connection.receive(min(size, self.remaining))
        self.remaining -= len(data)
        return data

    def is_drainable(self, limit: int) -> bool:
        """Tell whether the rest is short enough to be thrown away."""
        return self.remaining <= limit

    @property
    def is_finished(self) -> bool:
        """Whether the whole body was taken from the connection."""
        return not self.remaining


class ChunkedBody:
    """A body in chunks (RFC 9112, 7.1); extensions and trailers are checked and dropped."""

    def __init__(self, connection: Connection, max_bytes: int) -> None:
        self._connection = connection
        self._left_in_chunk = 0
        self._allowed = max_bytes
        self._is_at_line = True
        self.is_finished = False

    def next_piece(self, size: int) -> bytes:
        """Return the next bytes, at most *size*; ``b""`` at the end.

        Raises:
            BadRequest: The framing is malformed.
            RequestEntityTooLarge: The body is longer than the server's limit.
        """
        if self.is_finished:
            return b""
        if not self._left_in_chunk:
            if not self._is_at_line and self._read_line(2):
                raise BadRequest("The data of a chunk is longer than its size says.")
            self._is_at_line = True
            if data := self._take_whole_chunks(size):
                return data
            if not self._begin_chunk():
                return b""
        data = self._connection.receive(min(size, self._left_in_chunk))
        self._left_in_chunk -= len(data)
        return data

    def is_drainable(self, limit: int) -> bool:
        """Tell whether the rest may be short enough to be thrown away; `drain` counts what comes."""
        return self._left_in_chunk <= limit

    def _take_whole_chunks(self, size: int) -> bytes:
        """Return the data of chunks that are in the buffer, at most *size* bytes; none if the next is a special case.

        PERF: a body of one-byte chunks takes a fifth of the time that it takes chunk by chunk.
        """
        buffer = self._connection.buffer
        pieces = []
        at = 0
        while (found := _WHOLE_CHUNK_LINE.match(buffer, at)) is not None:
            begin = found.end()
            length = int(found[1], 16)
            if not 0 < length <= min(size, self._allowed):
                break
            if buffer[begin + length : begin + length + 2] != b"\r\n":
                break
            pieces.append(buffer[begin : begin + length])
            at = begin + length + 2
            size -= length
            self._allowed -= length
        del buffer[:at]
        return b"".join(pieces)

    def _begin_chunk(self) -> bool:
        """Read up to the next chunk's data; false after the last chunk."""
        found = CHUNK_LINE.fullmatch(self._read_line(MAX_CHUNK_LINE))
        if found is None:
            raise BadRequest("The size of a chunk is malformed.")
        self._left_in_chunk = int(found[1], 16)
        self._allowed -= self._left_in_chunk
        if self._allowed < 0:
            raise RequestEntityTooLarge()
        if self._left_in_chunk:
            self._is_at_line = False
            return True
        self._skip_trailers()
        self.is_finished = True
        return False

    def _skip_trailers(self) -> None:
        """Read the fields after the last chunk; none of them ever becomes a header."""
        left = _MAX_TRAILERS
        while line := self._read_line(left):
            if not TRAILER.fullmatch(line):
                raise BadRequest("A trailer field is malformed.")
            left -= len(line) + 2
            if left < 2:
                raise BadRequest("The trailer fields are too large.")

    def _read_line(self, limit: int) -> bytes:
        """Read one line of at most *limit* bytes with its CR LF, and return it without."""
        buffer = self._connection.buffer
        scanned = 0
        while (end := buffer.find(b"\n", scanned, limit)) < 0:
            scanned = len(buffer)
            if scanned >= limit:
                raise BadRequest("A line of the chunked body is too long or does not end.")
            buffer += self._connection.receive_more()
        line = bytes(buffer[: end + 1])
        del buffer[: end + 1]
        if not line.endswith(b"\r\n") or b"\r" in line[:-2]:
            raise BadRequest("A line of the chunked body does not end with CR LF.")
        return line[:-2]


class InputStream:
    """The file-like object that the application reads a body from (PEP 3333, "Input and Error Streams").

    Args:
        source: The framed body.
        before_first: Called once before the first bytes are taken: sends ``100 Continue``.
    """

    def __init__(self, source: LengthBody | ChunkedBody, before_first: Callable[[], None] | None = None) -> None:
        self.source = source
        self.is_broken = False
        self.before_first = before_first
        self._rest = b""  # taken from the source by readline; given out up to _at
        self._at = 0

    def read(self, size: int | None = -1) -> bytes:
        """Return *size* bytes, fewer only at the end of the body; all that is left without a size.

        Raises:
            ClientDisconnected: The client went away before the body was complete.
            RequestTimeout: The body comes too slowly.
            BadRequest: The chunks are malformed.
            RequestEntityTooLarge: The chunks exceed the server's limit.
        """
        if size is None or size < 0:
            pieces = [self._take_rest()]
            while piece := self._next_piece(_PIECE):
                pieces.append(piece)
            return b"".join(pieces)
        data = self._take_rest(size)
        if len(data) == size:
            return data
        pieces = [data]
        left = size - len(data)
        while left and (piece := self._next_piece(min(left, _PIECE))):
            pieces.append(piece)
            left -= len(piece)
        return b"".join(pieces)

    def readinto(self, buffer: bytearray | memoryview) -> int:
        """Fill a buffer with what comes next and return how much that was; 0 at the end of the body."""
        view = memoryview(buffer).cast("B")
        data = self._take_rest(len(view)) or self._next_piece(len(view)) if view else b""
        view[: len(data)] = data
        return len(data)

    def readline(self, size: int | None = -1) -> bytes:
        """Return the next line, at most *size* bytes of it; ``b""`` at the end of the body."""
        limit = -1 if size is None else size
        pieces: list[bytes] = []
        length = 0
        while limit < 0 or length < limit:
            if self._at == len(self._rest):
                self._rest, self._at = self._next_piece(_PIECE), 0
                if not self._rest:
                    break
            stop = self._rest.find(b"\n", self._at) + 1 or len(self._rest)
            if limit >= 0:
                stop = min(stop, self._at + limit - length)
            piece = self._rest[self._at : stop]
            self._at = stop
            pieces.append(piece)
            length += len(piece)
            if piece.endswith(b"\n"):
                break
        return b"".join(pieces)

    def readlines(self, hint: int | None = -1) -> list[bytes]:
        """Return lines: all that are left, or as many as hold about *hint* bytes."""
        lines: list[bytes] = []
        length = 0
        for line in self:
            lines.append(line)
            length += len(line)
            if hint is not None and 0 < hint <= length:
                break
        return lines

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    def readable(self) -> bool:
        """Return true, as `io.RawIOBase.readable` does for a stream to read from."""
        return True

    def can_end_within(self, limit: int) -> bool:
        """Tell whether, for all that is known, the connection can be used again after this body.

        Args:
            limit: The most bytes that may be thrown away for it.
        """
        if self.is_broken:
            return False
        if self.source.is_finished:
            return True
        # A client that waits for the interim answer may send the body or may not: nobody knows what comes
        # next.
        return self.before_first is None and self.source.is_drainable(limit)

    def drain(self, limit: int) -> bool:
        """Throw away what is left of the body.

        Args:
            limit: The most bytes to read for it.

        Returns:
            Whether the body ended within the limit, so that another request can follow.
        """
        if not self.can_end_within(limit):
            return False
        try:
            while limit >= 0 and (piece := self._next_piece(_PIECE)):
                limit -= len(piece)
        except HTTPException:
            return False
        return self.source.is_finished

    def _take_rest(self, size: int | None = None) -> bytes:
        """Return what a line left over, at most *size* bytes."""
        stop = len(self._rest) if size is None else self._at + size
        data = self._rest[self._at : stop]
        self._at += len(data)
        return data

    def _next_piece(self, size: int) -> bytes:
        """Return the next bytes of the source, in the terms of HTTP."""
        if self.is_broken:
            raise ClientDisconnected()
        if self.before_first is not None and not self.source.is_finished:
            before_first, self.before_first = self.before_first, None
            self._guard(before_first)
        try:
            return self.source.next_piece(size)
        except (ClientGoneError, BadRequest, RequestEntityTooLarge) as error:
            self._fail(error)

    def _guard(self, step: Callable[[], None]) -> None:
        """Run a step that talks to the client."""
        try:
            step()
        except ClientGoneError as error:
            self._fail(error)

    def _fail(self, error: Exception) -> NoReturn:
        """Remember that the body is not whole, and raise what the application is to answer."""
        self.is_broken = True
        if isinstance(error, ClientTooSlowError):
            raise RequestTimeout() from error
        if isinstance(error, ClientGoneError):
            raise ClientDisconnected() from error
        raise error


def open_body(head: RequestHead, connection: Connection, send_continue: Callable[[], None]) -> InputStream:
    """Return the stream for a request's body.

    Args:
        head: The request.
        connection: Where the body arrives.
        send_continue: Sends the interim answer; used only if the client waits for it.
    """
    source: LengthBody | ChunkedBody
    if head.is_chunked:
        source = ChunkedBody(connection, connection.limits.max_body_bytes)
    else:
        source = LengthBody(connection, head.content_length or 0)
    waits = head.expects_continue and not source.is_finished and not connection.buffer
    return InputStream(source, send_continue if waits else None)
