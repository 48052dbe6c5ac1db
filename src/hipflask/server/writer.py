"""The answer on the wire: status line, header fields and the framing of the body.

The body ends where its framing says so, or the connection is broken off: a client can always tell a whole
answer from one that failed half-way.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from types import TracebackType
from typing import Any

from hipflask.server.connection import Connection
from hipflask.server.parser import RequestHead

__all__ = ["AnswerError", "ResponseWriter", "date_field", "format_date", "plain_response"]

_STATUS = re.compile(r"[2-9][0-9][0-9](?: [\t\x20-\x7e\x80-\xff]*)?")
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_NOT_IN_VALUE = re.compile(r"[^\t\x20-\x7e\x80-\xff]")
_DIGITS = re.compile(r"[0-9]{1,19}")
#: What belongs to one connection is the server's business (RFC 9110, 7.6.1; PEP 3333, "Other HTTP Features").
_HOP_BY_HOP = frozenset(
    {"proxy-authenticate", "proxy-authorization", "te", "trailer", "trailers", "transfer-encoding", "upgrade"}
)
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


class AnswerError(ValueError):
    """The application answers with something that cannot be sent."""


def date_field() -> str:
    """Return the present time as a ``Date`` field's value; made once a second."""
    return format_date(int(time.time()))


@lru_cache(maxsize=1)
def format_date(now: int) -> str:
    """Return a time as RFC 9110, 5.6.7 has it."""
    part = time.gmtime(now)
    return (
        f"{_DAYS[part.tm_wday]}, {part.tm_mday:02} {_MONTHS[part.tm_mon - 1]} {part.tm_year} "
        f"{part.tm_hour:02}:{part.tm_min:02}:{part.tm_sec:02} GMT"
    )


def plain_response(
    status: int, phrase: str, text: str, *, retry_after: int | None = None, has_body: bool = True
) -> bytes:
    """Return a whole answer of the server itself, after which the connection closes."""
    body = f"{status} {phrase}: {text}\n".encode()
    retry = f"Retry-After: {retry_after}\r\n" if retry_after is not None else ""
    head = (
        f"HTTP/1.1 {status} {phrase}\r\nServer: hipflask\r\nDate: {date_field()}\r\n"
        f"Content-Type: text/plain; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
        f"{retry}Connection: close\r\n\r\n"
    )
    return head.encode("ascii") + (body if has_body else b"")


class ResponseWriter:
    """Sends one answer: PEP 3333's ``start_response`` and what follows it.

    Attributes:
        status: The status as given by the application; "" before `start_response`.
        is_head_sent: Something was sent already, so the status is final.
        is_complete: The whole answer was sent.
        is_keep_alive: Another request can follow this answer.
        sent_bytes: Size of the body so far, for the log.
    """

    def __init__(
        self, connection: Connection, head: RequestHead, server_name: str, can_continue: Callable[[], bool]
    ) -> None:
        self._connection = connection
        self._head = head
        self._server_name = server_name
        self._can_continue = can_continue
        self._fields: list[tuple[str, str]] = []
        self._pieces: Iterator[bytes] = iter(())
        self._size: int | None = 0
        self._left: int | None = None
        self._is_chunked = False
        self._has_body = True
        self._ends_by_closing = False
        self.status = ""
        self.is_head_sent = False
        self.is_complete = False
        self.is_keep_alive = head.is_keep_alive
        self.sent_bytes = 0

    def start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: ExcInfo | None = None, /
    ) -> Callable[[bytes], None]:
        """Take status and header fields; they are sent with the first bytes of the body.

        Args:
            status: Code and reason, e.g. ``"200 OK"``; the code is 200 or above.
            headers: Names and values.
            exc_info: Given when an error changes an answer that was begun already.

        Returns:
            PEP 3333's ``write`` function.

        Raises:
            AnswerError: Status or fields cannot be sent.
        """
        if exc_info is not None:
            try:
                if self.is_head_sent:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None  # no cycle through the traceback
        elif self.status:
            raise AnswerError("start_response() was called a second time without exc_info.")
        if not _STATUS.fullmatch(status):
            raise AnswerError(
                f"The response's status is {status!r}: it must begin with three digits, 200 or above. "
                "Interim answers are sent by the server itself."
            )
        for name, value in headers:
            _check_field(name, value)
        self.status = status
        self._fields = list(headers)
        return self.write

    def write(self, data: bytes) -> None:
        """Send a piece of the body; empty ones are left out."""
        if not self.status:
            raise AnswerError("The application wrote before it called start_response().")
        if not isinstance(data, bytes):
            raise AnswerError(f"A WSGI body consists of bytes, not of {type(data).__name__}.")
        if data:
            self._send_body(data, None)
            self._connection.flush()

    def send(self, iterable: Iterable[bytes]) -> None:
        """Send the body, or what of it the kind of answer allows, and its end."""
        self.begin(iterable)
        while not self.advance():
            self._connection.flush()

    def begin(self, iterable: Iterable[bytes]) -> None:
        """Take the body; `advance` sends it."""
        self._size = _known_size(iterable)
        self._pieces = iter(iterable)

    def advance(self) -> bool:
        """Send the body, or what of it the kind of answer allows, and its end.

        A body that is in memory goes to the connection whole, which keeps what the client does not take. Others are
        pulled only while the client takes them.

        Returns:
            False if the connection has to be flushed before more of it is pulled.
        """
        size = self._size
        for data in self._pieces:
            if not self.status:
                raise AnswerError("The application's body came before it called start_response().")
            if not isinstance(data, bytes):
                raise AnswerError(f"A WSGI body consists of bytes, not of {type(data).__name__}.")
            if data:
                self._send_body(data, size)
                if not self._has_body:
                    break  # the rest of it is not sent either
                if size is None and self._connection.outgoing:
                    return False
        if not self.status:
            raise AnswerError("The application returned without a call of start_response().")
        self._finish()
        return True

    @property
    def ends_by_closing(self) -> bool:
        """Whether nothing but the end of the connection marks the end of this answer."""
        return self._ends_by_closing

    def _send_body(self, data: bytes, size: int | None) -> None:
        """Send one piece, before the first one the head."""
        head = b"" if self.is_head_sent else self._make_head(size)
        if not self._has_body:
            data = b""
        elif self._left is not None:
            if len(data) > self._left:
                self._overflow(head, data)
            self._left -= len(data)
        self.sent_bytes += len(data)
        if self._is_chunked and data:
            data = b"%x\r\n%b\r\n" % (len(data), data)
        self.is_head_sent = True
        if head or data:
            self._connection.push(head + data if len(data) < 65536 else head)
            if len(data) >= 65536:
                self._connection.push(data)

    def _overflow(self, head: bytes, data: bytes) -> None:
        """End an answer longer than its Content-Length: the rest would pass for the next answer."""
        self.is_head_sent = True
        self.is_keep_alive = False
        assert self._left is not None
        self._connection.push(head + data[: self._left])
        self.sent_bytes += self._left
        self._left = 0
        raise AnswerError("The response's body is longer than its Content-Length says.")

    def _finish(self) -> None:
        """Send what is still owed: the head of an empty answer, the last chunk."""
        if not self.is_head_sent:
            head = self._make_head(0)
            self.is_head_sent = True
            self._connection.push(head + b"0\r\n\r\n" if self._is_chunked else head)
        elif self._is_chunked:
            self._connection.push(b"0\r\n\r\n")
        if self._left and self._has_body:
            raise AnswerError("The response's body is shorter than its Content-Length says.")
        self.is_complete = True

    def _make_head(self, size: int | None) -> bytes:
        """Decide how the body is framed, and return status line and fields."""
        lines = [f"HTTP/1.1 {self.status if len(self.status) > 3 else self.status + ' '}"]
        names = self._collect_fields(lines)
        self._frame(lines, names, size)
        if "server" not in names:
            lines.append(f"Server: {self._server_name}")
        if "date" not in names:
            lines.append(f"Date: {date_field()}")
        if not self._can_continue():
            self.is_keep_alive = False
        if not self.is_keep_alive:
            lines.append("Connection: close")
        elif not self._head.minor_version:
            lines.append("Connection: keep-alive")
        lines.append("\r\n")
        return "\r\n".join(lines).encode("latin-1")

    def _collect_fields(self, lines: list[str]) -> set[str]:
        """Append the application's fields and return their names in lower case."""
        names: set[str] = set()
        code = self.status[:3]
        for name, value in self._fields:
            lower = name.lower()
            if lower == "connection":
                if "close" in value.lower():
                    self.is_keep_alive = False
            elif lower == "content-length":
                if "content-length" not in names and code not in {"204", "205"}:
                    self._left = int(value)
                    lines.append(f"{name}: {value}")
                names.add(lower)
            elif lower != "keep-alive":
                names.add(lower)
                lines.append(f"{name}: {value}")
        return names

    def _frame(self, lines: list[str], names: set[str], size: int | None) -> None:
        """Choose the framing (RFC 9112, 6.3)."""
        code = self.status[:3]
        if code in {"204", "205", "304"} or self._head.method == "HEAD":
            self._has_body = False
            if code == "205":
                lines.append("Content-Length: 0")
        elif "content-length" in names:
            pass
        elif size is not None:
            self._left = size
            lines.append(f"Content-Length: {size}")
        elif self._head.minor_version:
            self._is_chunked = True
            lines.append("Transfer-Encoding: chunked")
        else:
            self._ends_by_closing = True
            self.is_keep_alive = False


def _known_size(iterable: Any) -> int | None:
    """Return the size of a body that is there already."""
    if type(iterable) in {list, tuple} and all(type(data) is bytes for data in iterable):
        return sum(map(len, iterable))
    return None


def _check_field(name: object, value: object) -> None:
    """Refuse a field that would break the head or the framing."""
    if not isinstance(name, str) or not isinstance(value, str):
        raise AnswerError(f"The response's header {name!r} must be text, as must its value.")
    if not _NAME.fullmatch(name):
        raise AnswerError(f"The response's header name {name!r} has a character that names must not have.")
    if _NOT_IN_VALUE.search(value):
        raise AnswerError(f"The response's header {name!r} has a line end, a control or a non-latin-1 character.")
    lower = name.lower()
    if lower in _HOP_BY_HOP:
        raise AnswerError(f"The response's header {name!r} is the server's to set. Remove it from the response.")
    if lower == "content-length" and not _DIGITS.fullmatch(value):
        raise AnswerError(f"The response's Content-Length is {value!r}: it must be a whole number.")
