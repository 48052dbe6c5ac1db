from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from hipflask.http.base_response import BaseResponse
from hipflask.http.datastructures import Headers
from hipflask.http.response import Response, ResponseStream


def environ(method: str = "GET", **more: Any) -> dict[str, Any]:
    found = {
        "REQUEST_METHOD": method,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "PATH_INFO": "/folder/page",
        "QUERY_STRING": "a=1",
        "wsgi.url_scheme": "http",
    }
    return found | more


def send(response: Any, method: str = "GET") -> tuple[str, dict[str, str], bytes]:
    """Return status line, fields and body as a server gets them."""
    started: list[Any] = []
    body = response(environ(method), lambda *arguments: started.append(arguments))
    content = b"".join(body)
    if hasattr(body, "close"):
        body.close()
    return started[0][0], dict(started[0][1]), content


def parts() -> Iterator[str | bytes]:
    yield "é"
    yield b"x"


@pytest.mark.parametrize(
    ("body", "content", "length"),
    [
        pytest.param(None, b"", "0", id="none"),
        pytest.param("é", "é".encode(), "2", id="text"),
        pytest.param(b"x", b"x", "1", id="bytes"),
        pytest.param(bytearray(b"x"), b"x", "1", id="bytearray"),
        pytest.param(["a", b"b"], b"ab", "2", id="list"),
        pytest.param(("a", "b"), b"ab", "2", id="tuple"),
        pytest.param([], b"", "0", id="empty-list"),
        pytest.param(parts, "éx".encode(), None, id="generator"),
    ],
)
def test_body_of_arguments(body: Any, content: bytes, length: str | None) -> None:
    response = Response(body() if callable(body) else body)
    status, headers, sent = send(response)
    assert (status, sent, headers.get("Content-Length")) == ("200 OK", content, length)
    wrappers = pytest.importorskip("werkzeug.wrappers")
    assert send(wrappers.Response(body() if callable(body) else body)) == (status, headers, sent)


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"status": 404},
        {"status": "404"},
        {"status": "299 Own"},
        {"headers": {"X-A": "1"}},
        {"headers": [("X-A", "1"), ("X-A", "2")]},
        {"headers": {}},
        {"headers": {"Content-Type": "a/b"}},
        {"headers": {"Content-Length": "77"}},
        {"mimetype": "image/png"},
        {"mimetype": "text/x"},
        {"content_type": "a/b"},
        {"content_type": "a/b", "mimetype": "c/d"},
        {"content_type": "a/b", "headers": {"Content-Type": "c/d"}},
        {"status": 204},
        {"status": 304, "headers": {"ETag": '"x"', "Last-Modified": "x"}},
        {"status": 100},
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_arguments_are_understood_as_werkzeug_does(arguments: dict[str, Any], method: str) -> None:
    wrappers = pytest.importorskip("werkzeug.wrappers")
    ours, theirs = Response("body", **arguments), wrappers.Response("body", **arguments)
    assert list(ours.headers) == list(theirs.headers)
    assert send(ours, method) == send(theirs, method)


def test_headers_object_is_used_as_it_is() -> None:
    headers = Headers([("X-A", "1")])
    response = Response("x", headers=headers)
    assert response.headers is headers
    assert headers["Content-Length"] == "1"


def test_class_may_leave_the_length_out() -> None:
    own = type("Own", (Response,), {"automatically_set_content_length": False, "default_mimetype": None})
    response = own("x")
    assert list(response.headers) == []
    response.data = "yy"
    assert send(response) == ("200 OK", {}, b"yy")


def test_repr_tells_the_size() -> None:
    assert repr(Response("abc")) == "<Response 3 bytes [200 OK]>"
    assert repr(Response(parts())) == "<Response streamed [200 OK]>"
    sized = type("Sized", (), {"__iter__": lambda self: iter([b"x"]), "__len__": lambda self: 1})()
    assert repr(Response(sized)) == "<Response likely-streamed [200 OK]>"


def test_force_type_changes_the_class_of_a_response() -> None:
    own = type("Own", (Response,), {})
    response = Response("x")
    assert own.force_type(response) is response
    assert type(response) is own
    assert type(own.force_type(BaseResponse())) is own


def foreign(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
    start_response("299 Own", [("X-A", "1")])
    yield b"a"
    yield b"b"


def test_force_type_runs_an_application() -> None:
    response = Response.force_type(foreign, environ())
    assert (response.status, response.headers["X-A"], response.get_data()) == ("299 Own", "1", b"ab")
    assert Response.from_app(foreign, environ(), buffered=True).response == [b"a", b"b"]


def test_force_type_of_an_application_needs_an_environ() -> None:
    with pytest.raises(TypeError, match="Pass environ="):
        Response.force_type(foreign)


def test_data_is_read_once_and_kept() -> None:
    response = Response(parts())
    assert response.is_streamed and not response.is_sequence
    assert response.get_data() == response.data == "éx".encode()
    assert response.get_data(as_text=True) == "éx"
    assert response.is_sequence and not response.is_streamed
    response.data = "neu"
    assert (response.response, response.headers["Content-Length"]) == ([b"neu"], "3")
    response.data = b"ab"
    assert response.headers["Content-Length"] == "2"


def test_body_that_is_passed_through_is_not_read() -> None:
    response = Response(parts(), direct_passthrough=True)
    with pytest.raises(RuntimeError, match="direct_passthrough"):
        response.get_data()
    assert response.calculate_content_length() is None


def test_iterator_is_not_read_where_the_class_forbids() -> None:
    own = type("Own", (Response,), {"implicit_sequence_conversion": False})
    response = own(parts())
    with pytest.raises(RuntimeError, match="make_sequence"):
        response.get_data()
    response.make_sequence()
    assert response.get_data() == "éx".encode()
    assert response.calculate_content_length() == 3


def test_make_sequence_keeps_close_for_later() -> None:
    closed: list[bool] = []

    class Body:
        def __iter__(self) -> Iterator[bytes]:
            return iter([b"x"])

        def close(self) -> None:
            closed.append(True)

    response = Response(Body())
    response.make_sequence()
    response.make_sequence()
    assert closed == []
    response.close()
    assert closed == [True]


def test_close_closes_body_and_calls_functions() -> None:
    log: list[str] = []

    class Body(list[bytes]):
        def close(self) -> None:
            log.append("body")

    with Response(Body()) as response:
        response.call_on_close(lambda: log.append("first"))
        response.call_on_close(lambda: log.append("second"))
    assert log == ["body", "first", "second"]


@pytest.mark.parametrize(("method", "status"), [("GET", 200), ("HEAD", 200), ("GET", 204), ("GET", 304)])
@pytest.mark.parametrize("body", [["a"], parts], ids=["list", "generator"])
def test_functions_are_called_when_the_server_closes(body: Any, method: str, status: int) -> None:
    log: list[str] = []
    response = Response(body() if callable(body) else body, status)
    response.call_on_close(lambda: log.append("closed"))
    send(response, method)
    assert log == ["closed"]


@pytest.mark.parametrize(
    ("overridden", "expected"),
    [
        pytest.param({"close": lambda self: None}, b"ab", id="close"),
        pytest.param({"iter_encoded": lambda self: iter([b"own"])}, b"own", id="iter_encoded"),
        pytest.param({"get_app_iter": lambda self, environ: [b"iter"]}, b"iter", id="get_app_iter"),
    ],
)
def test_overridden_methods_have_a_say(overridden: dict[str, Any], expected: bytes) -> None:
    response = type("Own", (Response,), overridden)(["ab"])
    assert send(response)[2] == expected


def test_overridden_get_wsgi_headers_has_a_say() -> None:
    class Own(Response):
        def get_wsgi_headers(self, environ: dict[str, Any]) -> Headers:
            headers = super().get_wsgi_headers(environ)
            headers["X-Method"] = environ["REQUEST_METHOD"]
            return headers

    assert send(Own("x"), "PUT")[1]["X-Method"] == "PUT"


def test_headers_that_are_sent_are_a_copy() -> None:
    response = Response("x")
    started: list[Any] = []
    response(environ(), lambda status, headers: started.append(headers))
    started[0].append(("X-Added", "1"))
    assert "X-Added" not in response.headers


@pytest.mark.parametrize("autocorrect", [False, True])
@pytest.mark.parametrize("url", ["/é?ü=1", "next", "../up", "http://a.org/b c", "//host/x", "?q=1", "/a%20b", ""])
def test_location_is_sent_as_werkzeug_sends_it(url: str, autocorrect: bool) -> None:
    wrappers = pytest.importorskip("werkzeug.wrappers")
    sent = []
    for base in (Response, wrappers.Response):
        own = type("Own", (base,), {"autocorrect_location_header": autocorrect})
        response = own("x", 302)
        response.location = url
        response.headers["Content-Location"] = url
        sent.append(send(response))
    assert sent[0] == sent[1]


def test_json() -> None:
    response = Response('{"a": 1}', mimetype="application/json")
    assert response.json == response.get_json() == {"a": 1}
    assert Response("[1]").get_json() is None
    assert Response("[1]").get_json(force=True) == [1]
    broken = Response("{", mimetype="application/json")
    assert broken.get_json(silent=True) is None
    with pytest.raises(ValueError, match="."):
        broken.get_json()


def test_etag_is_of_the_body() -> None:
    wrappers = pytest.importorskip("werkzeug.wrappers")
    response = Response("body")
    response.add_etag()
    theirs = wrappers.Response("body")
    theirs.add_etag()
    assert response.headers["ETag"] == theirs.headers["ETag"]
    response.set_etag("own")
    response.add_etag()
    assert response.get_etag() == ("own", False)
    response.add_etag(overwrite=True, weak=True)
    assert response.get_etag() == (theirs.get_etag()[0], True)


def test_freeze_reads_everything() -> None:
    response = Response(parts())
    response.freeze()
    assert response.response == ["é".encode(), b"x"]
    assert response.headers["Content-Length"] == "3"
    assert "ETag" in response.headers


def test_stream_appends_to_the_body() -> None:
    response = Response(("a",), headers={"Content-Length": "1"})
    stream = response.stream
    assert type(stream) is ResponseStream and response.stream is stream
    assert stream.write("bc") == 2
    stream.writelines([b"d", b"e"])
    assert (stream.tell(), stream.isatty(), stream.encoding, stream.mode) == (5, False, "utf-8", "wb+")
    stream.flush()
    assert send(response)[2] == b"abcde"
    assert "Content-Length" not in response.headers


def test_parts_of_a_replaced_body_are_those_of_the_old_one() -> None:
    response = Response(iter(["a", b"b"]))
    response.response = (part.upper() for part in response.iter_encoded())
    assert response.data == b"AB"


@pytest.mark.parametrize("name", ["write", "flush", "isatty"])
def test_closed_stream_refuses(name: str) -> None:
    stream = Response().stream
    stream.close()
    with pytest.raises(ValueError, match="closed"):
        getattr(stream, name)(*([b"x"] if name == "write" else []))


def test_head_of_a_stream_does_not_read_it() -> None:
    read: list[bool] = []

    def body() -> Iterator[bytes]:
        read.append(True)
        yield b"x"

    assert send(Response(body()), "HEAD")[2] == b""
    assert read == []


def test_bodiless_answer_has_no_length() -> None:
    status, headers, body = send(Response("x", 204))
    assert (status, body, "Content-Length" in headers) == ("204 NO CONTENT", b"", False)
