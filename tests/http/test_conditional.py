from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest

from hipflask.http.conditional import PartialBody
from hipflask.http.exceptions import RequestedRangeNotSatisfiable
from hipflask.http.request import Request
from hipflask.http.response import Response
from hipflask.http.wsgi import FileWrapper

DIGITS = b"0123456789"
DATE = "Tue, 14 Nov 2023 22:13:20 GMT"
LATER = "Wed, 15 Nov 2023 00:00:00 GMT"
EARLIER = "Mon, 13 Nov 2023 00:00:00 GMT"


def environ(method: str = "GET", **fields: str) -> dict[str, Any]:
    found: dict[str, Any] = {"REQUEST_METHOD": method, "wsgi.url_scheme": "http", "HTTP_HOST": "localhost"}
    return found | {f"HTTP_{name.upper()}": value for name, value in fields.items()}


CONDITIONS: list[dict[str, str]] = [
    {},
    {"if_none_match": '"tag"'},
    {"if_none_match": 'W/"tag"'},
    {"if_none_match": '"other"'},
    {"if_none_match": "*"},
    {"if_none_match": ""},
    {"if_match": '"tag"'},
    {"if_match": '"other"'},
    {"if_match": "*"},
    {"if_modified_since": DATE},
    {"if_modified_since": LATER},
    {"if_modified_since": EARLIER},
    {"if_modified_since": "nonsense"},
    {"if_none_match": '"other"', "if_modified_since": LATER},
    {"if_none_match": '"tag"', "if_modified_since": EARLIER},
    {"range": "bytes=0-3"},
    {"range": "bytes=5-"},
    {"range": "bytes=-3"},
    {"range": "bytes=0-100"},
    {"range": "bytes=10-"},
    {"range": "bytes=0-1,4-5"},
    {"range": "lines=0-1"},
    {"range": "nonsense"},
    {"range": ""},
    {"range": "bytes=0-3", "if_range": '"tag"'},
    {"range": "bytes=0-3", "if_range": '"other"'},
    {"range": "bytes=0-3", "if_range": DATE},
    {"range": "bytes=0-3", "if_range": EARLIER},
    {"range": "bytes=0-3", "if_none_match": '"tag"'},
]


def outcome(base: type[Any], method: str, fields: dict[str, str], options: dict[str, Any]) -> Any:
    response = base(DIGITS)
    response.set_etag("tag")
    response.headers["Last-Modified"] = DATE
    try:
        response.make_conditional(environ(method, **fields), **options)
    except Exception as error:
        return type(error).__name__, dict(error.get_headers()).get("Content-Range")  # type: ignore[attr-defined]
    started: list[Any] = []
    body = response(environ(method), lambda *arguments: started.append(arguments))
    headers = sorted(pair for pair in started[0][1] if pair[0] != "Date")
    return started[0][0], headers, b"".join(body)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize(
    "options",
    [{}, {"accept_ranges": True, "complete_length": 10}, {"accept_ranges": "none", "complete_length": 10}],
    ids=["no-ranges", "ranges", "own-unit"],
)
@pytest.mark.parametrize("fields", CONDITIONS, ids=str)
def test_answer_is_werkzeugs(fields: dict[str, str], options: dict[str, Any], method: str) -> None:
    wrappers = pytest.importorskip("werkzeug.wrappers")
    assert outcome(Response, method, fields, options) == outcome(wrappers.Response, method, fields, options)


def test_request_object_is_taken_too() -> None:
    response = Response(DIGITS)
    response.set_etag("tag")
    assert response.make_conditional(Request(environ(if_none_match='"tag"'))).status_code == 304


def test_date_is_set_once() -> None:
    response = Response("x", headers={"Date": DATE})
    response.make_conditional(environ())
    assert response.headers.getlist("Date") == [DATE]
    response = Response("x")
    response.make_conditional(environ())
    assert response.date is not None


def test_length_of_streams_is_left_out() -> None:
    response = Response(iter([b"x"]), direct_passthrough=True)
    response.make_conditional(environ())
    assert "Content-Length" not in response.headers
    counted = Response([b"ab"])
    counted.make_conditional(environ())
    assert counted.headers["Content-Length"] == "2"


def test_range_beyond_the_body_tells_the_length() -> None:
    with pytest.raises(RequestedRangeNotSatisfiable) as caught:
        Response(DIGITS).make_conditional(environ(range="bytes=20-"), accept_ranges=True, complete_length=10)
    assert caught.value.length == 10


def chunks() -> Iterator[str | bytes]:
    yield b"012"
    yield "345"
    yield b"6789"


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: [DIGITS], id="list"),
        pytest.param(chunks, id="generator"),
        pytest.param(lambda: FileWrapper(io.BytesIO(DIGITS), 4), id="file"),
        pytest.param(
            lambda: FileWrapper(type("Pipe", (io.BytesIO,), {"seekable": lambda self: False})(DIGITS), 4), id="pipe"
        ),
    ],
)
@pytest.mark.parametrize(("start", "length"), [(0, 10), (0, 4), (3, 5), (9, 1), (2, 20), (5, 3)])
def test_partial_body_is_cut_out(make: Any, start: int, length: int) -> None:
    body = PartialBody(make(), start, length)
    assert iter(body) is body
    assert b"".join(body) == DIGITS[start : start + length]
    body.close()


def test_partial_body_closes_what_it_reads() -> None:
    file = io.BytesIO(DIGITS)
    body = PartialBody(FileWrapper(file), 2, 3)
    assert next(body) == b"234"
    body.close()
    assert file.closed
    PartialBody([b"x"], 0, 1).close()
