"""Bodies that the native server sends part by part: pulled when the socket takes more, or sent from a file."""

from __future__ import annotations

import logging
import os
from io import BufferedReader, FileIO
from typing import TYPE_CHECKING, Any

from hipflask.http.wsgi import FileWrapper
from hipflask.server.access_log import access_logger, printable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextvars import Context

    from hipflask.server._native import Head

__all__ = ["SMALL_FILE_BYTES", "Stream", "fail"]

#: Files up to this size are read and sent like any other body: that takes fewer system calls.
SMALL_FILE_BYTES = 64 * 1024
_FAILURE = b"500 Internal Server Error: The application failed; its log says why.\n"


def fail(head: Head, error: BaseException) -> None:
    """Answer for an application that failed, as far as that is still possible, and log the error.

    Args:
        head: The request.
        error: What left the application.
    """
    access_logger().error("The application failed on %s %s", head.method, printable(head.target), exc_info=error)
    if not head.is_unanswered:
        head.abort()
        return
    head.start("500 INTERNAL SERVER ERROR", [("Content-Type", "text/plain; charset=utf-8"), ("Connection", "close")])
    head.answer(_FAILURE)


class Stream:
    """A body that is sent in parts.

    Args:
        head: The request; its answer was started.
        body: An iterable of bytes; it is closed at the end.
        context: Context of the request, in which the body runs.
        first: The first part, if it was pulled already.
    """

    def __init__(self, head: Head, body: Iterable[bytes], context: Context, first: bytes = b"") -> None:
        self.head = head
        self._context = context
        self._close = getattr(body, "close", None)
        self._parts = iter(body)
        self._file = _plain_file(body)
        self._waiting = first

    def begin(self, key: int) -> bool:
        """Send what can be sent without waiting; true if that was all.

        Args:
            key: What the server tells when it can take more.
        """
        head = self.head
        if head.is_unanswered:
            if head.has_body and self._file is not None and self._begin_file(key):
                return False
            first = self._waiting or (self.pull() if head.has_body else b"")
            left = head.bytes_left
            if not first or (left is not None and left <= len(first)):
                return self._answer(first)
            head.begin(key)
            head.send(first)
        elif self._waiting:
            head.send(self._waiting)
        else:
            return self.go_on()
        return False

    def go_on(self) -> bool:
        """Send the next part; true if that was all."""
        head = self.head
        if head.is_cut:
            self.close()
            return True
        part = self.pull()
        if part:
            head.send(part)
            return False
        self.close()  # a client that has seen the end can rely on that
        head.end()
        return True

    def pull(self) -> bytes:
        """Return the next part that is not empty, ``b""`` at the end."""
        if self._file is not None and self.head.bytes_left == 0:
            return b""
        return self._context.run(self._pull)

    def _pull(self) -> bytes:
        for part in self._parts:
            if part:
                return part
        return b""

    def close(self) -> None:
        """Close the body, once; an error is logged."""
        close, self._close = self._close, None
        if close is None:
            return
        try:
            self._context.run(close)
        except Exception:
            logging.getLogger(__name__).exception("Closing the body of the answer to %r failed", self.head)

    def _answer(self, data: bytes) -> bool:
        """Send an answer of which everything is known."""
        if data and self.pull():
            raise ValueError("The response's body is longer than its Content-Length says.")
        self.close()
        self.head.answer(data)
        return True

    def _begin_file(self, key: int) -> bool:
        """Have the server send the file, if it is worth it."""
        file: Any = self._file
        size, offset = self.head.bytes_left, file.tell()
        if size is None:
            size = os.fstat(file.fileno()).st_size - offset
        if size <= SMALL_FILE_BYTES:
            return False
        self.head.begin(key)
        self.head.send_file(file.fileno(), offset, size)
        file.seek(offset + size)
        return True


def _plain_file(body: Any) -> BufferedReader | None:
    """Return the file behind a body if what it reads is just what its descriptor has."""
    if type(body) is not FileWrapper:
        return None
    file = body.file
    return file if type(file) is BufferedReader and type(file.raw) is FileIO else None
