"""Conditional and range answers: 304, 412, 206, 416 (RFC 9110, 13 and 14)."""

from __future__ import annotations

import typing as t

from hipflask.http.datastructures.range import Range
from hipflask.http.exceptions import RequestedRangeNotSatisfiable
from hipflask.http.ranges import is_resource_modified, parse_etags, parse_range_header

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hipflask.http.datastructures.headers import Headers
    from hipflask.http.request import Request
    from hipflask.http.response import Response

__all__ = ["PartialBody", "has_conditions", "make_conditional"]

Environ = dict[str, t.Any]


def make_conditional(
    response: Response,
    request_or_environ: Environ | Request,
    accept_ranges: bool | str,
    complete_length: int | None,
) -> None:
    """Change *response* to what the request's conditions and range ask for.

    Args:
        response: Answer to an unconditional request; changed in place.
        request_or_environ: The request; only GET and HEAD have conditions that matter here.
        accept_ranges: Whether ranges are honoured; the value of ``Accept-Ranges`` if it is a str.
        complete_length: Length of the whole body in bytes; needed for ranges.

    Raises:
        RequestedRangeNotSatisfiable: The range is malformed or lies beyond the body (status 416).
    """
    environ = request_or_environ if isinstance(request_or_environ, dict) else request_or_environ.environ
    if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
        return
    headers = response.headers
    if "date" not in headers:
        import time

        response.date = time.time()
    unit = accept_ranges if isinstance(accept_ranges, str) else ("bytes" if accept_ranges else None)
    if unit is not None and complete_length and _wants_range(response, environ):
        _take_range(response, environ["HTTP_RANGE"], unit, complete_length)
    else:
        if unit is not None:
            headers["Accept-Ranges"] = unit
        if has_conditions(environ) and not _is_modified(headers, environ):
            response.status_code = 412 if parse_etags(environ.get("HTTP_IF_MATCH")) else 304
    if response.automatically_set_content_length and "content-length" not in headers:
        length = response.calculate_content_length()
        if length is not None:
            headers["Content-Length"] = str(length)


def has_conditions(environ: Environ) -> bool:
    """Return whether a request for a whole body may be answered with anything else.

    Args:
        environ: Environ of the request.
    """
    return (
        "HTTP_IF_NONE_MATCH" in environ
        or "HTTP_IF_MODIFIED_SINCE" in environ
        or "HTTP_RANGE" in environ
        or "HTTP_IF_MATCH" in environ
    )


def _wants_range(response: Response, environ: Environ) -> bool:
    """Return whether a range was asked for and ``If-Range``, where given, names the body as it is now."""
    if "HTTP_RANGE" not in environ:
        return False
    return "HTTP_IF_RANGE" not in environ or not _is_modified(response.headers, environ, ignore_if_range=False)


def _is_modified(headers: Headers, environ: Environ, ignore_if_range: bool = True) -> bool:
    return is_resource_modified(environ, headers.get("etag"), None, headers.get("last-modified"), ignore_if_range)


def _take_range(response: Response, value: str, unit: str, complete_length: int) -> None:
    asked = parse_range_header(value)
    if asked is not None and len(asked.ranges) == 1 and asked.ranges[0][0] < -complete_length:
        asked = Range(asked.units, [(0, None)])  # RFC 9110, 14.1.2: a longer suffix means the whole
    span = None if asked is None else asked.range_for_length(complete_length)
    content_range = None if asked is None else asked.to_content_range_header(complete_length)
    if span is None or content_range is None:
        raise RequestedRangeNotSatisfiable(complete_length)
    start, stop = span
    response.headers["Content-Length"] = str(stop - start)
    response.headers["Accept-Ranges"] = unit
    response.headers["Content-Range"] = content_range
    response.status_code = 206
    response.response = PartialBody(response.response, start, stop - start)


class PartialBody:
    """The part of a body that a range asks for.

    Args:
        body: Whole body: an iterable of bytes or text, or an iterator over a seekable file.
        start: First byte, counted from 0.
        length: Number of bytes.

    Attributes:
        body: As given.
        start: As given.
        left: How many bytes of the part have not been given yet.
    """

    def __init__(self, body: Iterable[bytes | str], start: int, length: int) -> None:
        self.body = body
        self.start = start
        self.left = length
        self._parts = self._cut()

    def _skip(self) -> int:
        """Move a seekable file to the start; return how many bytes are still to be skipped."""
        seekable = getattr(self.body, "seekable", None)
        seek = getattr(self.body, "seek", None)
        if seekable is not None and seek is not None and seekable():
            seek(self.start)
            return 0
        return self.start

    def _cut(self) -> Iterator[bytes]:
        skip = self._skip()
        if not self.left:
            return
        for part in self.body:
            data = part.encode() if isinstance(part, str) else part
            if skip >= len(data):
                skip -= len(data)
                continue
            data = data[skip : skip + self.left]
            skip = 0
            self.left -= len(data)
            yield data
            if not self.left:
                return

    def __iter__(self) -> PartialBody:
        return self

    def __next__(self) -> bytes:
        return next(self._parts)

    def close(self) -> None:
        """Close the whole body."""
        close = getattr(self.body, "close", None)
        if close is not None:
            close()
