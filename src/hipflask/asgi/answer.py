"""A response on its way to an ASGI server: head, and a body that is pulled part by part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hipflask.async_body import AsyncBody
from hipflask.http.conditional import PartialBody
from hipflask.http.response import is_plain_sender
from hipflask.http.wsgi import FileWrapper

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = [
    "Answer",
    "IncompleteBodyError",
    "StartResponse",
    "answer_of_response",
    "encode_fields",
    "note_async_body",
    "run_wsgi",
]

_BODILESS = frozenset({204, 304})
# PERF: the commonest names, so that they need not be converted each time.
_NAMES = {
    name: name.lower().encode()
    for name in (
        "Content-Type",
        "Content-Length",
        "Set-Cookie",
        "Vary",
        "Cache-Control",
        "Date",
        "ETag",
        "Last-Modified",
        "Location",
    )
}


def encode_fields(headers: list[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """Return fields as ASGI has them.

    Args:
        headers: Names and values.

    Raises:
        ValueError: A line break in one of them would end the field before its time (not every server looks).
    """
    fields = [(_NAMES.get(name) or name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    for name, value in fields:
        if b"\n" in value or b"\r" in value or b"\n" in name or b"\r" in name:
            raise ValueError(f"The response's header {name.decode('latin-1')!r} has a line break in it.")
    return fields


class IncompleteBodyError(RuntimeError):
    """A body did not have the length that its ``Content-Length`` says."""


class Answer:
    """What an application has answered.

    Args:
        status: Status code, 200 or above.
        headers: Fields.
        body: Body; a list is taken as it is, anything else is pulled and closed.
        method: Method of the request; HEAD is answered without a body.
        first: Part of the body that has been pulled.
        sent_bytes: Size of what has been sent already.

    Attributes:
        status: Status code.
        headers: Fields as ASGI has them.
        first: The first part of the body that is not empty; all of it if there is nothing more to be pulled.
        is_open: There may be more parts, and the body has to be closed.
        async_body: What the parts come from, if the event loop can pull them by itself.
        may_block_at_end: There are functions to be called when such a body is closed.
    """

    __slots__ = (
        "_close",
        "_is_bodiless",
        "_left",
        "_parts",
        "async_body",
        "first",
        "headers",
        "is_open",
        "may_block_at_end",
        "status",
    )

    def __init__(
        self,
        status: int,
        headers: list[tuple[str, str]],
        body: Iterable[bytes],
        method: str,
        first: bytes = b"",
        sent_bytes: int = 0,
    ) -> None:
        if status < 200:
            raise ValueError(f"The response's status is {status}: interim answers are sent by the server itself.")
        self.status = status
        self.headers = encode_fields(headers)
        self._is_bodiless = method == "HEAD" or status in _BODILESS
        self._left: int | None = None
        self.first = b""
        self.async_body: AsyncBody | None = None
        self.may_block_at_end = False
        if type(body) is list:
            self._parts: Iterator[bytes] = iter(())
            self._close: Callable[[], object] | None = None
            self.is_open = False
            if not self._is_bodiless:
                self.first = body[0] if len(body) == 1 else b"".join(body)
                self._expect_length(sent_bytes)
                self._count(len(self.first))
                self._check_end()
            return
        self._parts = iter(body)
        self._close = getattr(body, "close", None)
        self.is_open = True
        self._expect_length(sent_bytes)
        if not self._is_bodiless:
            self.first = first
            self._count(len(first))

    def _expect_length(self, sent_bytes: int) -> None:
        for name, value in self.headers:
            if name == b"content-length" and value.isdigit():
                self._left = int(value) - sent_bytes

    def pull(self) -> bytes:
        """Return the next part of the body that is not empty, ``b""`` at the end.

        Raises:
            IncompleteBodyError: The body is shorter or longer than announced.
        """
        for part in self._parts:
            if part and not self._is_bodiless:
                self._count(len(part))
                return part
        if not self._is_bodiless:
            self._check_end()
        return b""

    async def pull_async(self) -> bytes:
        """Do as `pull` does with `async_body`."""
        body = self.async_body
        part = b"" if body is None or self._is_bodiless else await body.pull()
        if part:
            self._count(len(part))
        elif not self._is_bodiless:
            self._check_end()
        return part

    def _count(self, size: int) -> None:
        if self._left is not None:
            self._left -= size
            if self._left < 0:
                raise IncompleteBodyError(f"The body is {-self._left} bytes longer than its Content-Length says.")

    def _check_end(self) -> None:
        if self._left:
            raise IncompleteBodyError(f"The body is {self._left} bytes shorter than its Content-Length says.")

    def close(self) -> None:
        """Close the body, once."""
        close, self._close = self._close, None
        self.is_open = False
        if close is not None:
            close()


def answer_of_response(response: Any, head: Any) -> Answer:
    """Return the answer that a response of ours stands for; nothing of its body is pulled yet.

    Args:
        response: A response.
        head: The request.
    """
    method = head.method
    # As much of an environ as a response reads that leaves its URLs as they are.
    environ = head.to_environ() if response.autocorrect_location_header else {"REQUEST_METHOD": method}
    body, status, headers = response.get_wsgi_response(environ)
    return note_async_body(Answer(int(status[:3]), headers, body, method), response)


def note_async_body(answer: Answer, response: Any) -> Answer:
    """Have the event loop pull the answer's body if it can; return the answer.

    Args:
        answer: The answer that *response* stands for.
        response: A response.
    """
    body = response.response
    if type(body) is AsyncBody and is_plain_sender(type(response)):
        answer.async_body = body
        answer.may_block_at_end = bool(response._on_close)
    return answer


# Bodies that change nothing when they are iterated over.
_CALM = (list, FileWrapper, PartialBody)


class StartResponse:
    """PEP 3333's ``start_response``.

    Args:
        send_now: Sends status, fields and data at once, and waits until that is done: PEP 3333's ``write``.

    Attributes:
        status: Status code, 0 before the call.
        line: The same with the reason phrase.
        headers: Fields.
        is_sent: Something was sent through ``write``.
        sent_bytes: How much.
    """

    def __init__(self, send_now: Callable[[int, list[tuple[str, str]], bytes], None]) -> None:
        self._send_now = send_now
        self.status = 0
        self.line = ""
        self.headers: list[tuple[str, str]] = []
        self.is_sent = False
        self.sent_bytes = 0

    def __call__(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None, /) -> Callable[[bytes], None]:
        """Take status and fields.

        Raises:
            AssertionError: It is the second call, and there is no error to report.
        """
        if exc_info is not None:
            try:
                if self.is_sent:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None
        elif self.status:
            raise AssertionError("start_response() was called twice without exc_info; PEP 3333 has it called once.")
        self.status, self.line, self.headers = int(status[:3]), status, list(headers)
        return self._write

    def _write(self, data: bytes) -> None:
        self.is_sent = True
        self.sent_bytes += len(data)
        self._send_now(self.status, self.headers, data)


def run_wsgi(app: Any, environ: dict[str, Any], start: StartResponse) -> tuple[Iterable[bytes], bytes]:
    """Call a WSGI application, and pull its body up to the first part: until then it may change the status.

    Args:
        app: The application.
        environ: The environ.
        start: Takes status and fields.

    Returns:
        The rest of the body, and the first part of it that is not empty.

    Raises:
        RuntimeError: The application never called ``start_response``.
    """
    body = app(environ, start)
    if start.status and type(body) in _CALM:
        return body, b""
    parts = iter(body)
    close = getattr(body, "close", None)
    try:
        first = next(filter(None, parts), b"")
        if not start.status:
            raise RuntimeError(
                f"The WSGI application {app!r} gave a body, or ended, without calling start_response() first."
            )
    except BaseException:
        if close is not None:
            close()
        raise
    return _Rest(parts, close), first


class _Rest:
    """What is left of a body."""

    def __init__(self, parts: Iterator[bytes], close: Callable[[], object] | None) -> None:
        self._parts = parts
        self._close = close

    def __iter__(self) -> Iterator[bytes]:
        return self._parts

    def close(self) -> None:
        """Close the body that this is the rest of."""
        if self._close is not None:
            self._close()
