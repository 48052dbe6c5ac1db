"""Call a WSGI application once and keep what it answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any

from hipflask.http.datastructures import Headers
from hipflask.http.wsgi import ClosingIterator

__all__ = ["run_wsgi_app"]


class _Start:
    """The ``start_response`` of one call: status, headers, and what was sent through ``write``."""

    def __init__(self) -> None:
        self.status: str | None = None
        self.headers: list[tuple[str, str]] = []
        self.written: list[bytes] = []

    def __call__(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None, /) -> Callable[[bytes], Any]:
        # A server would turn this error into a page; a test wants to see it.
        if exc_info:
            raise exc_info[1].with_traceback(exc_info[2])
        self.status = status
        self.headers = headers
        return self.written.append


def run_wsgi_app(app: Any, environ: Any, buffered: bool = False) -> tuple[Iterable[bytes], str, Headers]:
    """Return ``(body, status, headers)`` as the application gives them for *environ*.

    Args:
        app: Any WSGI callable.
        environ: A WSGI environ, or an object that has one as ``environ``. The application gets a copy.
        buffered: Read the iterable into a list and close it; what went through ``write`` is not in the list.
            Otherwise the body is pulled
            only as far as its first chunk (generators call ``start_response`` then), and the rest is left to
            the caller, who closes it if it has ``close``.

    Raises:
        TypeError: The application never called ``start_response``.

    Source: PEP 3333.
    """
    start = _Start()
    result = app(dict(getattr(environ, "environ", environ)), start)
    close = getattr(result, "close", None)
    body: Iterable[bytes]
    if buffered:
        try:
            # Werkzeug leaves out here what was sent through ``write``, and tests were written with that.
            body = list(result)
        finally:
            if close is not None:
                close()
    else:
        body = _read_until_started(start, result)
        if close is not None and body is not result:
            body = ClosingIterator(body, close)
    if start.status is None:
        raise TypeError(
            f"The WSGI application {app!r} returned without calling start_response. "
            "Call start_response(status, headers) before the first chunk of the body."
        )
    return body, start.status, Headers(start.headers)


def _read_until_started(start: _Start, result: Iterable[bytes]) -> Iterator[bytes]:
    """Return the body, pulled up to the chunk by which ``start_response`` has been called."""
    chunks = iter(result)
    head = []
    for chunk in chunks:
        head.append(chunk)
        if start.status is not None:
            break
    written = start.written + head
    return chain(written, chunks) if written else chunks
