"""Parsers of what clients send."""

from __future__ import annotations

import io
import resource
import time
from collections.abc import Callable
from typing import Any

ACCEPT = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
COOKIES = "; ".join(f"cookie{number}=value{number}" for number in range(6)) + '; quoted="a \\"b\\" c"'
QUERY = "q=search+words&page=2&sort=name&tag=a&tag=b&name=caf%C3%A9&empty="
FORM = "&".join(f"field{number}=some+text+%C3%A9+and+more" for number in range(20)).encode()
DATE = "Sun, 06 Nov 1994 08:49:37 GMT"
BOUNDARY = b"----WebKitFormBoundary7MA4YWxkTrZu0gW"


def multipart_head(name: str, filename: str | None) -> bytes:
    """Return what stands before the data of a part."""
    disposition = f'form-data; name="{name}"' + (f'; filename="{filename}"' if filename else "")
    return b"--%b\r\nContent-Disposition: %b\r\n\r\n" % (BOUNDARY, disposition.encode())


SMALL_FORM = (
    b"".join(multipart_head(f"field{number}", None) + b"some text\r\n" for number in range(10))
    + multipart_head("file", "a.txt")
    + b"line of text\r\n" * 80
    + b"\r\n--%b--\r\n" % BOUNDARY
)


class Upload:
    """A stream with an upload of many megabytes, which is nowhere as a whole."""

    def __init__(self, megabytes: int) -> None:
        block = bytes((number * 7919 + number // 251) % 256 for number in range(1 << 16))
        self._pieces = [multipart_head("file", "large.bin"), *[block] * (megabytes * 16), b"\r\n--%b--\r\n" % BOUNDARY]
        self._rest = io.BytesIO()
        self._next = 0

    def read(self, size: int = -1) -> bytes:
        """Return up to *size* bytes."""
        data = self._rest.read(size)
        while not data and self._next < len(self._pieces):
            self._rest = io.BytesIO(self._pieces[self._next])
            self._next += 1
            data = self._rest.read(size)
        return data


def upload_measure(names: Any, megabytes: int) -> Callable[[], dict[str, float]]:
    """Return what parses a large upload, and tells time and growth of memory."""
    options = {"boundary": BOUNDARY.decode()}

    def parse_once() -> float:
        stream = Upload(megabytes)
        start = time.process_time_ns()
        _, _, files = names.forms.FormDataParser().parse(stream, "multipart/form-data", None, options)
        spent = time.process_time_ns() - start
        files["file"].close()
        return spent

    def measure() -> dict[str, float]:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        spent = min(parse_once() for _ in range(4))  # the first finds a disk cache that is cold
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        return {"multipart, large file": spent, "memory for it, kB": grown}

    measure.measures_itself = True  # type: ignore[attr-defined]  # told apart by it
    return measure


def make_calls(names: Any, megabytes: int) -> dict[str, Callable[[], object]]:
    """Return the calls to measure, by name."""
    forms, http, data = names.forms, names.http, names.data
    environ = {"REQUEST_METHOD": "GET", "QUERY_STRING": QUERY, "HTTP_COOKIE": COOKIES, "HTTP_HOST": "localhost"}
    environ["wsgi.url_scheme"] = "http"
    request = names.flask.Request
    options = {"boundary": BOUNDARY.decode()}

    def urlencoded() -> object:
        return forms.FormDataParser().parse(io.BytesIO(FORM), "application/x-www-form-urlencoded", len(FORM), {})

    def multipart() -> object:
        stream = io.BytesIO(SMALL_FORM)
        parsed = forms.FormDataParser().parse(stream, "multipart/form-data", len(SMALL_FORM), options)
        parsed[2]["file"].close()
        return parsed

    accept = http.parse_accept_header(ACCEPT, data.MIMEAccept)
    return {
        "upload": upload_measure(names, megabytes),  # first: memory is compared with what was there before
        "multipart, 10 fields and a file": multipart,
        "form, 20 fields": urlencoded,
        "query, 7 pairs": lambda: request(environ).args,
        "cookies, 7": lambda: names.cookies.parse_cookie(COOKIES),
        "Accept": lambda: http.parse_accept_header(ACCEPT, data.MIMEAccept),
        "Accept, best match": lambda: accept.best_match(["application/json", "text/html"]),
        "Content-Type": lambda: names.options.parse_options_header("text/html; charset=utf-8"),
        "Content-Disposition": lambda: names.options.parse_options_header('form-data; name="a"; filename="b c.txt"'),
        "Cache-Control": lambda: http.parse_cache_control_header("max-age=0, no-cache"),
        "list field": lambda: http.parse_list_header('token, "quoted value", other'),
        "ETags": lambda: names.ranges.parse_etags('"abc", W/"def", "ghi"'),
        "Range": lambda: names.ranges.parse_range_header("bytes=0-99"),
        "Authorization": lambda: data.Authorization.from_header("Basic dXNlcjpwYXNz"),
        "date, read": lambda: names.dates.parse_date(DATE),
        "date, written": lambda: names.dates.http_date(784111777),
        "Set-Cookie": lambda: names.cookies.dump_cookie("name", "value", max_age=3600, httponly=True),
    }
