"""What the linter warns of, and what it lets pass."""

from __future__ import annotations

import importlib
import io
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from hipflask.http.datastructures.headers import Headers
from hipflask.http.request import Request
from hipflask.http.response import Response
from hipflask.middleware import lint
from hipflask.middleware.lint import HTTPWarning, LintMiddleware, WSGIWarning
from hipflask.testing.builder import create_environ


def recorded(function: Callable[..., Any], *args: Any) -> tuple[Any, list[tuple[str, str, str]]]:
    """Call a function; return its result (the error's class if it raises) and category, text, file of warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = function(*args)
        except Exception as error:
            result = type(error)
    return result, [(one.category.__name__, str(one.message), one.filename) for one in caught]


def texts(function: Callable[..., Any], *args: Any) -> list[str]:
    return [text for _, text, _ in recorded(function, *args)[1]]


def module_of(name: str) -> Any:
    return importlib.import_module(name)


def both() -> tuple[Any, Any]:
    pytest.importorskip("werkzeug")
    return lint, module_of("werkzeug.middleware.lint")


def outcome(function: Callable[..., Any], *args: Any) -> Any:
    """Return what a function does, without the texts: these are our own."""
    result, found = recorded(function, *args)
    return result, [category for category, _, _ in found]


# Streams

INPUT_CALLS: list[tuple[str, tuple[Any, ...], int]] = [
    ("read", (), 1),
    ("read", (2,), 0),
    ("read", (1, 2), 1),
    ("readline", (), 1),
    ("readline", (2,), 1),
    ("readline", (1, 2), 0),
    ("__iter__", (), 0),
    ("close", (), 1),
]


@pytest.mark.parametrize(("method", "args", "number"), INPUT_CALLS)
def test_input_stream_warns_as_werkzeugs(method: str, args: tuple[Any, ...], number: int) -> None:
    results = []
    for module in both():
        stream = module.InputStream(io.BytesIO(b"abc\ndef\n"))

        def call(stream: Any = stream) -> Any:
            result = getattr(stream, method)(*args)
            return list(result) if method == "__iter__" else result

        results.append(outcome(call))
    assert results[0] == results[1]
    assert results[0][1] == ["WSGIWarning"] * number


def test_warning_points_at_the_caller() -> None:
    stream = lint.InputStream(io.BytesIO(b"abc"))
    assert recorded(stream.read)[1][0][2] == __file__  # `recorded` is in this file
    assert recorded(lambda: lint.check_type("x", 1))[1][0][2] == __file__


def test_lines_can_be_read_with_and_without_hint() -> None:
    assert recorded(lint.InputStream(io.BytesIO(b"a\nb\n")).readlines) == ([b"a\n", b"b\n"], [])
    assert recorded(lint.InputStream(io.BytesIO(b"a\nb\n")).readlines, 1) == ([b"a\n"], [])


def test_input_that_cannot_be_iterated_is_empty() -> None:
    stream = lint.InputStream(object())  # type: ignore[arg-type]
    assert outcome(lambda: list(stream)) == ([], ["WSGIWarning"])


def test_closing_the_input_closes_the_servers() -> None:
    server = io.BytesIO()
    assert texts(lint.InputStream(server).close) == ["The application closed wsgi.input, which is the server's."]
    assert server.closed


def test_error_stream_takes_text() -> None:
    server = io.StringIO()
    stream = lint.ErrorStream(server)
    assert texts(stream.write, "a") == texts(stream.writelines, ["b", "c"]) == texts(stream.flush) == []
    assert server.getvalue() == "abc"
    result, found = recorded(stream.writelines, [b"d"])
    assert result is TypeError
    assert found[0][1] == "What wsgi.errors.write() gets must be of type str, not bytes."
    assert texts(stream.close) == ["The application closed wsgi.errors, which is the server's."]
    assert server.closed


class Text(str):
    """A subclass, which PEP 3333 does not allow."""


@pytest.mark.parametrize(
    ("value", "need", "number"),
    [("a", str, 0), (Text("a"), str, 1), (b"a", str, 1), (b"a", bytes, 0), (True, int, 1)],
    ids=["str", "subclass", "bytes", "bytes-needed", "bool"],
)
def test_type_must_be_exact(value: object, need: type, number: int) -> None:
    for module in both():
        assert outcome(module.check_type, "value", value, need) == (None, ["WSGIWarning"] * number)


def test_write_takes_bytes_and_counts_them() -> None:
    written: list[Any] = []
    chunks: list[int] = []
    write = lint.GuardedWrite(written.append, chunks)
    assert texts(write, b"abc") == []
    assert texts(write, "de") == ["What write() gets must be of type bytes, not str."]
    assert (written, chunks) == ([b"abc", "de"], [3, 2])


# The body


class Body(list[Any]):
    closed = 0

    def close(self) -> None:
        self.closed += 1


def read(module: Any, body: Any, headers_set: Any, chunks: list[int], is_closed: bool = True) -> list[Any]:
    iterator = module.GuardedIterator(body, headers_set, chunks)
    assert iter(iterator) is iterator
    parts = list(iterator)
    if is_closed:
        iterator.close()
    return parts


ENTITY = {"Content-Type": "t", "Content-Length": "0", "Last-Modified": "x", "Allow": "x"}
BODIES: list[Any] = [
    pytest.param([b"a", b"b"], (200, {}), [], [], id="right"),
    pytest.param([], (200, {}), [], [], id="empty"),
    pytest.param(["a"], (200, {}), [], ["part of the body must be of type bytes"], id="text"),
    pytest.param([b"a"], (), [], ["began before"], id="not-started"),
    pytest.param([], (), [], [], id="not-started-and-empty"),
    pytest.param([b"a"], (200, {"Content-Length": "5"}), [], ["is 5, but the body has 1 bytes"], id="short"),
    pytest.param([b"abcdef"], (200, {"Content-Length": "5"}), [], ["the body has 6 bytes"], id="long"),
    pytest.param([b"abc"], (200, {"Content-Length": "5"}), [2], [], id="partly-written"),
    pytest.param([b"a"], (200, {"Content-Length": "abc"}), [], [], id="length-of-letters"),
    pytest.param([], (304, {"ETag": '"x"', "Expires": "x", "Content-Location": "/"}), [], [], id="304"),
    pytest.param([], (304, ENTITY), [], [f"304 answer has the header '{name}'" for name in ENTITY], id="304-entity"),
    pytest.param([b"a"], (304, {}), [], ["304 answer must not have a body"], id="304-body"),
    pytest.param([], (204, {"Content-Length": "0"}), [], [], id="204-length-0"),
    pytest.param([], (204, {"Content-Length": "5"}), [], ["204 answer has a Content-Length, 5"], id="204-length"),
    pytest.param([b"a"], (100, {"Content-Length": "0"}), [], ["100 answer must not have a body"], id="100-body"),
]


@pytest.mark.parametrize(("parts", "headers_set", "chunks", "expected"), BODIES)
def test_body_is_checked(parts: list[Any], headers_set: Any, chunks: list[int], expected: list[str]) -> None:
    body = Body(parts)
    started = headers_set and (headers_set[0], Headers(headers_set[1]))
    result, found = recorded(read, lint, body, started, chunks[:])
    assert result == parts
    assert body.closed == 1
    assert len(found) == len(expected)
    assert all(part in text for part, (_, text, _) in zip(expected, found, strict=True))


@pytest.mark.parametrize(("parts", "headers_set", "chunks", "expected"), BODIES)
def test_body_is_checked_as_by_werkzeug(
    parts: list[Any], headers_set: Any, chunks: list[int], expected: list[str]
) -> None:
    ours, theirs = both()
    outcomes = []
    for module, headers in ((ours, Headers), (theirs, module_of("werkzeug.datastructures").Headers)):
        started = headers_set and (headers_set[0], headers(headers_set[1]))
        outcomes.append(outcome(read, module, Body(parts), started, chunks[:]))
    assert outcomes[0] == outcomes[1]


def test_204_needs_no_length() -> None:
    assert texts(read, lint, [], (204, Headers()), []) == []


def test_body_that_is_not_closed_is_told() -> None:
    assert outcome(read, lint, [b"a"], (200, Headers()), [], False) == ([b"a"], ["WSGIWarning"])


def test_reading_a_closed_body_is_told() -> None:
    iterator = lint.GuardedIterator([b"a"], (200, Headers()), [])
    assert texts(iterator.close) == []
    assert iterator.closed
    assert outcome(next, iterator) == (b"a", ["WSGIWarning"])


def test_body_that_cannot_be_iterated_raises() -> None:
    assert outcome(lint.GuardedIterator, 5, (), []) == (TypeError, [])


# The environ


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, []),
        *(({key: None}, [f"The environ has no '{key}'."]) for key in lint._REQUIRED_KEYS),
        ({"QUERY_STRING": None, "PATH_INFO": None, "SCRIPT_NAME": None}, []),
        ({"wsgi.version": (2, 0)}, ["The environ is of WSGI (2, 0), not (1, 0)."]),
        ({"SCRIPT_NAME": "foo"}, ["The environ's SCRIPT_NAME does not begin with a slash: 'foo'."]),
        ({"PATH_INFO": "foo"}, ["The environ's PATH_INFO does not begin with a slash: 'foo'."]),
        ({"PATH_INFO": "", "SCRIPT_NAME": "/foo"}, []),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else "",
)
def test_environ_is_checked(change: dict[str, Any], expected: list[str]) -> None:
    environ = create_environ("/x") | change
    environ = {key: value for key, value in environ.items() if value is not None}
    middleware = LintMiddleware(lambda environ, start_response: [])
    assert texts(middleware.check_environ, environ) == expected
    theirs = both()[1].LintMiddleware(None)
    if "wsgi.version" in environ:  # a KeyError there
        assert outcome(theirs.check_environ, environ) == outcome(middleware.check_environ, environ)


def test_environ_of_another_class_is_told() -> None:
    class Environ(dict[str, Any]):
        pass

    assert outcome(LintMiddleware(None).check_environ, Environ(create_environ())) == (  # type: ignore[arg-type]
        None,
        ["WSGIWarning"],
    )


# start_response


@pytest.mark.parametrize(
    ("status", "headers", "exc_info", "expected"),
    [
        ("200 OK", [("Content-Type", "t")], None, []),
        ("200 ", [], None, []),
        ("600 X", [], None, []),
        ("200", [], None, ["a space and a reason"]),
        ("20 OK", [], None, ["is '20': it must be three digits", "a space and a reason", "100 or above"]),
        ("1000 OK", [], None, ["three digits", "a space and a reason"]),
        ("0200 OK", [], None, ["three digits", "a space and a reason"]),
        ("099 OK", [], None, ["is 99: it must be 100 or above"]),
        ("abc OK", [], None, ["three digits"]),
        ("200OK", [], None, ["three digits", "a space and a reason"]),
        ("200 OK", [], 5, ["exc_info must be a tuple, not int"]),
        ("200 OK", [], (ValueError, ValueError(), None), []),
        ("200 OK", (("a", "b"),), None, ["headers must be a list, not tuple"]),
        ("200 OK", [["a", "b"]], None, ["tuple of name and value"]),
        ("200 OK", [("a",)], None, ["tuple of name and value"]),
        ("200 OK", [("a", "b", "c")], None, ["tuple of name and value"]),
        ("200 OK", [("a", 5)], None, ["'a' must have a str"]),
        ("200 OK", [("Status", "200")], None, ["'Status' means something else in CGI"]),
        ("200 OK", [("a", "x\ny")], None, []),
        ("200 OK", [("ETag", "foo")], None, ["'foo' is not in quotes"]),
        ("200 OK", [("ETag", "")], None, ["is not in quotes"]),
        ("200 OK", [("ETag", '"')], None, []),
        ("200 OK", [("ETag", '"foo"')], None, []),
        ("200 OK", [("ETag", 'W/"foo"')], None, []),
        ("200 OK", [("ETag", "W/foo")], None, ["is not in quotes"]),
        ("200 OK", [("ETag", 'w/"foo"')], None, ["'W/', not 'w/'"]),
        ("302 F", [("Location", "/foo")], None, ["Location header has no host"]),
        ("302 F", [("Location", "//host/")], None, []),
        ("302 F", [("Location", "http://host/")], None, []),
    ],
)
def test_start_response_is_checked(status: Any, headers: Any, exc_info: Any, expected: list[str]) -> None:
    middleware = LintMiddleware(None)  # type: ignore[arg-type]
    result, found = recorded(middleware.check_start_response, status, headers, exc_info)
    assert len(found) == len(expected)
    assert all(part in text for part, (_, text, _) in zip(expected, found, strict=True))
    theirs = both()[1].LintMiddleware(None)
    their_result, their_categories = outcome(theirs.check_start_response, status, headers, exc_info)
    assert [category for category, _, _ in found] == their_categories
    if isinstance(result, tuple):
        assert (result[0], list(result[1])) == (their_result[0], list(their_result[1]))
    else:
        assert result is their_result is ValueError


@pytest.mark.parametrize("status", [b"200 OK", 200])
def test_status_that_is_no_text_is_told_and_fails(status: Any) -> None:
    result, found = recorded(LintMiddleware(None).check_start_response, status, [], None)  # type: ignore[arg-type]
    assert issubclass(result, (AttributeError, TypeError))
    assert found[0][1].startswith("The status must be of type str, not ")


@pytest.mark.parametrize("status", ["", "  "])
def test_empty_status_is_told_and_fails(status: str) -> None:
    result, found = recorded(LintMiddleware(None).check_start_response, status, [], None)  # type: ignore[arg-type]
    assert result is ValueError
    assert len(found) == 2


def test_location_with_an_open_bracket_is_told() -> None:
    middleware = LintMiddleware(None)  # type: ignore[arg-type]
    assert outcome(middleware.check_headers, Headers({"Location": "http://["})) == (None, ["HTTPWarning"])


# All of it


def ok(environ: Any, start_response: Any) -> Any:
    start_response("200 OK", [("Content-Length", "1")])
    return [b"x"]


def write(environ: Any, start_response: Any) -> Any:
    start_response("200 OK", [("Content-Length", "3")], None)(b"abc")
    return []


def never_started(environ: Any, start_response: Any) -> Any:
    return [b"x"]


def started_late(environ: Any, start_response: Any) -> Any:
    yield b""
    start_response("200 OK", [])
    yield b"x"


def keywords(environ: Any, start_response: Any) -> Any:
    start_response(status="200 OK", headers=[])


def one_argument(environ: Any, start_response: Any) -> Any:
    start_response("200 OK")


def extra_keyword(environ: Any, start_response: Any) -> Any:
    start_response("200 OK", [], headers=[])
    return []


def four_arguments(environ: Any, start_response: Any) -> Any:
    start_response("200 OK", [], None, 4)
    return []


def text(environ: Any, start_response: Any) -> Any:
    start_response("200 OK", [])
    return "x"


def wrapped(environ: Any, start_response: Any) -> Any:
    start_response("200 OK", [])
    keys = ("wsgi.input", "wsgi.errors")
    return [type(environ[key]).__name__.encode() for key in keys] + [environ["wsgi.file_wrapper"].__name__.encode()]


def nothing(environ: Any, start_response: Any) -> Any:
    start_response("200 OK", [])


def run(middleware: Any, *args: Any, **kwargs: Any) -> Any:
    started: list[Any] = []

    def start_response(*args: Any) -> Any:
        started.append(args)
        return started.append

    args = args or (create_environ("/x"), start_response)
    body = middleware(*args, **kwargs)
    parts = list(body)
    body.close()
    return parts, started


@pytest.mark.parametrize(
    "app",
    [
        *(ok, write, never_started, started_late, keywords, one_argument, extra_keyword, four_arguments, text),
        wrapped,
    ],
    ids=lambda app: app.__name__,
)
def test_application_is_checked_as_by_werkzeug(app: Any) -> None:
    ours, theirs = (outcome(run, module.LintMiddleware(app)) for module in both())
    assert ours == theirs


def test_body_of_none_raises() -> None:
    assert outcome(run, LintMiddleware(nothing)) == (TypeError, [])


def test_call_with_other_arguments_is_told() -> None:
    middleware = LintMiddleware(ok)
    assert outcome(run, middleware, create_environ("/x")) == (IndexError, ["WSGIWarning"])
    environ = create_environ("/x")
    assert outcome(lambda: run(middleware, environ, lambda *args: None, 5)) == (([b"x"], []), ["WSGIWarning"])
    assert outcome(lambda: run(middleware, x=1)[0]) == ([b"x"], ["WSGIWarning"])


def test_warning_points_at_the_application() -> None:
    def wrong(environ: Any, start_response: Any) -> Any:
        start_response("20 x", [("etag", "x"), ("status", "1")])
        return []

    found = recorded(run, LintMiddleware(wrong))[1]
    assert len(found) == 5
    assert {filename for _, _, filename in found} == {__file__}


@pytest.mark.parametrize(
    ("method", "response"),
    [
        ("GET", Response("hello")),
        ("HEAD", Response("hello")),
        ("GET", Response(status=204)),
        ("GET", Response(status=304)),
    ],
    ids=["GET", "HEAD", "204", "304"],
)
def test_our_own_responses_are_right(method: str, response: Any) -> None:
    environ = create_environ("/x", method=method)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(LintMiddleware(response), environ, lambda *args: None)


@pytest.mark.parametrize("is_terminated", [True, False])
def test_reading_to_the_end_needs_a_server_that_ends_the_stream(is_terminated: bool) -> None:
    def app(environ: Any, start_response: Any) -> Any:
        body = environ["wsgi.input"].readline() + environ["wsgi.input"].read()
        return Response(body)(environ, start_response)

    environ = create_environ("/x", method="POST", data=b"a\nb")
    environ["wsgi.input_terminated"] = is_terminated
    result, found = recorded(lambda: run(LintMiddleware(app), environ, lambda *args: None)[0])
    assert result == [b"a\nb"]
    assert len(found) == (0 if is_terminated else 2)


def test_our_own_requests_read_as_they_should() -> None:
    def app(environ: Any, start_response: Any) -> Any:
        return Response(Request(environ).get_data())(environ, start_response)

    environ = create_environ("/x", method="POST", data=b"body")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert run(LintMiddleware(app), environ, lambda *args: None)[0] == [b"body"]


def test_warnings_are_of_two_kinds() -> None:
    assert issubclass(HTTPWarning, Warning)
    assert issubclass(WSGIWarning, Warning)
    assert not issubclass(HTTPWarning, WSGIWarning)
