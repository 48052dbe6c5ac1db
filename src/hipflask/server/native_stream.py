"""Bodies that the native server sends part by part: pulled when the socket takes more, or sent from a file."""

from __future__ import annotations

import logging
import os
from io import BufferedReader, FileIO
from typing import TYPE_CHECKING, Any

from hipflask.http.conditional import PartialBody
from hipflask.http.wsgi import FileWrapper
from hipflask.server.access_log import access_logger, printable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextvars import Context

    from hipflask.server._native import Head

__all__ = ["FILES", "SMALL_FILE_BYTES", "Stream", "answer_with_file", "check_client", "fail"]

#: Files up to this size are read and sent like any other body: that takes fewer system calls.
SMALL_FILE_BYTES = 64 * 1024
#: Types of bodies that may be files.
FILES = frozenset({FileWrapper, PartialBody})
_FAILURE = b"500 Internal Server Error: The application failed; its log says why.\n"


def fail(head: Head, error: BaseException) -> None:
    """Answer for an application that failed, as far as that is still possible, and log the error.

    Args:
        head: The request.
        error: What left the application; one of `check_client` is no failure of its.
    """
    from hipflask.server.connection import ClientGoneError

    if isinstance(error, ClientGoneError):
        head.abort()
        return
    access_logger().error("The application failed on %s %s", head.method, printable(head.target), exc_info=error)
    if not head.is_unanswered:
        head.abort()
        return
    head.start("500 INTERNAL SERVER ERROR", [("Content-Type", "text/plain; charset=utf-8"), ("Connection", "close")])
    head.answer(_FAILURE)


def check_client(head: Head) -> None:
    """Have an application that goes on sending stop when nothing reaches its client any more.

    Args:
        head: The request.

    Raises:
        ClientGoneError: The connection is over.
    """
    if head.is_cut:
        from hipflask.server.connection import ClientGoneError

        raise ClientGoneError("The client has gone; nothing more can be sent to it.")


def answer_with_file(head: Head, body: Any) -> bool:
    """Answer with a file, or a part of it, that the server can send by itself; false if it is none: nothing was done.

    Args:
        head: The request; its answer was started.
        body: The body, one of `FILES`; it is closed if it is sent: the server has the file open for itself.
    """
    left, start = head.bytes_left, None
    if type(body) is PartialBody:
        if body.left != left:
            return False
        start, body = body.start, body.body
    if type(body) is not FileWrapper or not head.has_body:
        return False
    file: Any = body.file
    if type(file) is not BufferedReader or type(file.raw) is not FileIO:
        return False
    try:
        offset = file.tell() if start is None else file.seek(start)
    except OSError:  # a pipe
        return False
    size = os.fstat(file.fileno()).st_size - offset if left is None else left
    if size <= 0:
        return False  # empty, or one that does not tell its size, as those of /proc
    if left is None or size > SMALL_FILE_BYTES:
        head.answer_file(file.fileno(), offset, size)
    else:
        head.answer(file.read(size))
    file.close()
    return True


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
        self._waiting = first

    def begin(self, key: int) -> bool:
        """Send what can be sent without waiting; true if that was all.

        Args:
            key: What the server tells when it can take more.
        """
        head = self.head
        if head.is_cut:
            self.close()
            return True
        if head.is_unanswered:
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
