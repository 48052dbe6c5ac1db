"""`DechunkedInput`: reads a body in chunks from any file, for code that uses it apart from the server.

The server itself reads bodies by `hipflask.server.body`.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = ["DechunkedInput"]

_SIZE = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\r\n]*)?\r?\n")
_MAX_LINE = 16 * 1024
_MAX_TRAILERS = 100


class DechunkedInput(io.RawIOBase):
    """The data of a body in chunks (RFC 9112, 7.1), without their framing.

    Chunk extensions and trailer fields are dropped.

    Args:
        rfile: The file that the body is read from; what follows the body is left in it.
    """

    def __init__(self, rfile: BinaryIO) -> None:
        self._rfile = rfile
        self._left_in_chunk = 0
        self._is_finished = False

    def readable(self) -> bool:
        """Return true."""
        return True

    def read_chunk_len(self) -> int:
        """Read the line before a chunk and return the chunk's size in bytes.

        Raises:
            OSError: The line is malformed, or the file has ended.
        """
        found = _SIZE.fullmatch(self._rfile.readline(_MAX_LINE))
        if found is None:
            raise OSError("The line with a chunk's size is malformed or missing.")
        return int(found[1], 16)

    def readinto(self, buf: WriteableBuffer) -> int:
        """Fill a buffer with what comes next and return how much that was; 0 at the end of the body.

        Raises:
            OSError: The framing is malformed, or the file has ended within the body.
        """
        view = memoryview(buf).cast("B")
        filled = 0
        while filled < len(view) and not self._is_finished:
            if not self._left_in_chunk:
                self._left_in_chunk = self.read_chunk_len()
                if not self._left_in_chunk:
                    self._skip_trailers()
                    self._is_finished = True
                    break
            data = self._rfile.read(min(self._left_in_chunk, len(view) - filled))
            if not data:
                raise OSError("The body ends within a chunk.")
            view[filled : filled + len(data)] = data
            filled += len(data)
            self._left_in_chunk -= len(data)
            if not self._left_in_chunk and self._rfile.readline(2) not in {b"\r\n", b"\n"}:
                raise OSError("The data of a chunk does not end with a line end.")
        return filled

    def _skip_trailers(self) -> None:
        """Read up to the empty line that ends the body."""
        for _ in range(_MAX_TRAILERS):
            line = self._rfile.readline(_MAX_LINE)
            if line in {b"\r\n", b"\n"}:
                return
            if not line.endswith(b"\n"):
                break
        raise OSError("The body has no end after its last chunk.")
