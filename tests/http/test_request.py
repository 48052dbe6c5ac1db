from __future__ import annotations

import io
import json
from typing import Any

import pytest

from hipflask.http.datastructures import FileStorage, MultiDict
from hipflask.http.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType
from hipflask.http.forms import FormDataParser
from hipflask.http.head import WsgiHead
from hipflask.http.request import Request
from hipflask.http.response import Response


def environ(body: bytes = b"", content_type: str | None = None, method: str = "POST", **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": "/path",
        "QUERY_STRING": "q=1",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "CONTENT_LENGTH": str(len(body)),
    }
    if content_type is not None:
        found["CONTENT_TYPE"] = content_type
    return found | more


FORM = "application/x-www-form-urlencoded"


def upload(name: str = "f", content: bytes = b"data") -> dict[str, Any]:
    body = (
        b"--b\r\nContent-Disposition: form-data; name=%s; filename=a.txt\r\n\r\n%s\r\n"
        b'--b\r\nContent-Disposition: form-data; name="t"\r\n\r\ntext\r\n--b--\r\n' % (name.encode(), content)
    )
    return environ(body, "multipart/form-data; boundary=b")


def test_request_is_put_into_the_environ() -> None:
    source = environ()
    request = Request(source)
    assert source["werkzeug.request"] is request
    assert request.environ is source
    other = environ()
    Request(other, populate_request=False)
    assert "werkzeug.request" not in other


def test_from_head_reads_the_head() -> None:
    source = environ(b"x")
    request = Request.from_head(WsgiHead(source))
    assert (request.method, request.path, request.environ, request.data) == ("POST", "/path", source, b"x")


def test_from_values_takes_what_the_builder_takes() -> None:
    request = Request.from_values("/x?a=1", method="PUT", data={"b": "2"})
    assert (request.path, request.method, request.values.to_dict()) == ("/x", "PUT", {"a": "1", "b": "2"})


def test_form_and_files_are_parsed_once() -> None:
    with Request(upload()) as request:
        assert request.form.to_dict() == {"t": "text"}
        assert request.files["f"].read() == b"data"
        assert request.files is request.files
        assert request.data == b""
        assert request.stream.read() == b""


def test_files_first_then_form() -> None:
    with Request(upload()) as request:
        assert list(request.files) == ["f"]
        assert list(request.form) == ["t"]


def test_body_without_type_is_no_form() -> None:
    request = Request(environ(b"a=1"))
    assert not request.want_form_data_parsed
    assert (request.form.to_dict(), request.files.to_dict(), request.data) == ({}, {}, b"a=1")


def test_data_that_was_read_first_can_be_parsed_as_form() -> None:
    request = Request(environ(b"a=1", FORM))
    assert request.get_data() == b"a=1"
    assert request.form["a"] == "1"


def test_form_that_was_parsed_first_leaves_no_data() -> None:
    request = Request(environ(b"a=1", FORM))
    assert request.form["a"] == "1"
    assert request.get_data() == b""


@pytest.mark.parametrize(
    ("body", "options", "expected"),
    [
        pytest.param(b"x", {}, b"x", id="bytes"),
        pytest.param("é".encode(), {"as_text": True}, "é", id="text"),
        pytest.param(b"\xff", {"as_text": True}, "\ufffd", id="broken-text"),
        pytest.param(b"x", {"parse_form_data": True}, b"x", id="no-form"),
    ],
)
def test_get_data(body: bytes, options: dict[str, Any], expected: Any) -> None:
    assert Request(environ(body)).get_data(**options) == expected


def test_get_data_without_cache_reads_once() -> None:
    request = Request(environ(b"x"))
    assert request.get_data(cache=False) == b"x"
    assert request.get_data(cache=False) == b""


def test_get_data_with_cache_reads_again() -> None:
    request = Request(environ(b"x"))
    assert request.get_data() == request.get_data() == request.data == b"x"


@pytest.mark.parametrize(
    ("method", "expected"), [("GET", {"q": ["1"]}), ("POST", {"q": ["1", "2"]}), ("DELETE", {"q": ["1", "2"]})]
)
def test_values_join_query_and_form(method: str, expected: dict[str, list[str]]) -> None:
    request = Request(environ(b"q=2", FORM, method))
    assert request.values.to_dict(flat=False) == expected


def test_limits_are_enforced() -> None:
    request = Request(environ(b"12345"))
    request.max_content_length = 4
    with pytest.raises(RequestEntityTooLarge):
        request.get_data()
    request = Request(upload())
    request.max_form_memory_size = 3
    with pytest.raises(RequestEntityTooLarge):
        _ = request.form
    request = Request(upload())
    request.max_form_parts = 1
    with pytest.raises(RequestEntityTooLarge):
        _ = request.form


def test_form_that_was_refused_is_refused_again() -> None:
    request = Request(environ(b"a=12345", FORM))
    request.max_content_length = 4
    for name in ("form", "files", "form"):
        with pytest.raises(RequestEntityTooLarge):
            getattr(request, name)


@pytest.mark.parametrize("content_type", [None, FORM])
@pytest.mark.parametrize("name", ["data", "form", "files", "stream", "values"])
def test_shallow_request_does_not_read(name: str, content_type: str | None) -> None:
    source = environ(b"x", content_type)
    request = Request(source, shallow=True)
    assert "werkzeug.request" not in source
    with pytest.raises(RuntimeError, match="shallow=True"):
        getattr(request, name)


def test_own_classes_and_streams_are_used() -> None:
    streams: list[Any] = []

    class Parser(FormDataParser):
        pass

    class Own(Request):
        form_data_parser_class = Parser
        parameter_storage_class = MultiDict

        def _get_file_stream(self, *args: Any, **kwargs: Any) -> Any:
            streams.append(super()._get_file_stream(*args, **kwargs))
            return streams[-1]

    with Own(upload()) as request:
        assert type(request.make_form_data_parser()) is Parser
        assert type(request.form) is MultiDict
        assert request.files["f"].stream is streams[0]
    assert Request(environ()).form_data_parser_class is FormDataParser


def test_closing_closes_the_files_that_were_parsed() -> None:
    with Request(upload()) as request:
        file: FileStorage = request.files["f"]
    assert file.stream.closed
    with Request(upload()) as unread:
        pass
    assert "files" not in unread.__dict__


@pytest.mark.parametrize(
    ("body", "content_type", "options", "expected"),
    [
        pytest.param(b'{"a": 1}', "application/json", {}, {"a": 1}, id="json"),
        pytest.param(b"null", "application/json", {}, None, id="null"),
        pytest.param(b"[1]", "application/x+json", {}, [1], id="suffix"),
        pytest.param(b"[1]", "text/plain", {"force": True}, [1], id="forced"),
        pytest.param(b"[1]", None, {"silent": True}, None, id="silent-type"),
        pytest.param(b"{", "application/json", {"silent": True}, None, id="silent-body"),
        pytest.param(b"{", "application/json", {"silent": True, "cache": False}, None, id="silent-uncached"),
        pytest.param(b"{", None, {}, UnsupportedMediaType, id="no-type"),
        pytest.param(b"{", "application/json", {}, BadRequest, id="malformed"),
        pytest.param(b"", "application/json", {}, BadRequest, id="empty"),
        pytest.param(b"\xff", "application/json", {}, BadRequest, id="not-utf-8"),
        pytest.param(b"[" * 100_000, "application/json", {}, BadRequest, id="too-deep"),
        pytest.param(b"[" * 100_000, "application/json", {"silent": True}, None, id="silent-too-deep"),
    ],
)
def test_get_json(body: bytes, content_type: str | None, options: dict[str, Any], expected: Any) -> None:
    request = Request(environ(body, content_type))
    if isinstance(expected, type):
        with pytest.raises(expected):
            request.get_json(**options)
    else:
        assert request.get_json(**options) == expected


def test_json_is_kept() -> None:
    request = Request(environ(b"[1]", "application/json"))
    assert request.json is request.json
    uncached = Request(environ(b"[1]", "application/json"))
    assert uncached.get_json(cache=False) == [1]
    with pytest.raises(BadRequest):
        uncached.get_json(cache=False)


def test_silent_failure_does_not_hide_a_later_loud_one() -> None:
    request = Request(environ(b"{", "application/json"))
    assert request.get_json(silent=True) is None
    with pytest.raises(BadRequest, match="."):
        request.get_json()
    assert request.get_json(silent=True) is None


def test_overridden_failure_is_kept_for_loud_calls() -> None:
    class Own(Request):
        def on_json_loading_failed(self, e: ValueError | None) -> Any:
            return {"failed": type(e).__name__}

    request = Own(environ(b"{", "application/json"))
    assert request.get_json() == {"failed": "JSONDecodeError"}
    assert request.get_json(silent=True) is None
    assert request.get_json() == {"failed": "JSONDecodeError"}
    assert Own(environ(b"{")).get_json() == {"failed": "NoneType"}


def test_json_module_may_be_replaced() -> None:
    class Upper:
        @staticmethod
        def loads(data: bytes) -> Any:
            return json.loads(data.upper())

    request = Request(environ(b'["a"]', "application/json"))
    request.json_module = Upper
    assert request.json == ["A"]


def test_environ_attributes() -> None:
    more = {"REMOTE_USER": "anna", "SCRIPT_NAME": "/app", "wsgi.multithread": True, "wsgi.run_once": False}
    request = Request(environ(**more, **{"wsgi.multiprocess": False}))
    assert (request.remote_user, request.script_root, request.url_root) == ("anna", "/app", "http://localhost/app/")
    assert (request.is_multithread, request.is_multiprocess, request.is_run_once) == (True, False, False)
    assert request.input_stream is request.environ["wsgi.input"]


class Owner:
    @Request.application
    def method(self, request: Request) -> Response:
        return Response(f"{type(self).__name__} {request.path}")


@Request.application
def refuse(request: Request) -> Response:
    raise BadRequest("no")


@pytest.mark.parametrize(
    ("application", "status", "content"),
    [(Owner().method, "200 OK", b"Owner /path"), (refuse, "400 BAD REQUEST", b"no")],
)
def test_application_is_a_wsgi_callable(application: Any, status: str, content: bytes) -> None:
    started: list[str] = []
    body = b"".join(application(environ(), lambda line, headers: started.append(line)))
    assert started == [status]
    assert content in body


BODIES = [
    (b"a=1&b=2", FORM),
    (b"a=1", "multipart/form-data"),
    (b"a=1", "multipart/form-data; boundary=x"),
    (b"a=\xff", FORM),
    (b"", None),
    (b"x" * 100, "text/plain"),
]


@pytest.mark.parametrize(("body", "content_type"), BODIES)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_body_is_read_as_werkzeug_reads_it(body: bytes, content_type: str | None, method: str) -> None:
    wrappers = pytest.importorskip("werkzeug.wrappers")

    def look(cls: Any) -> Any:
        request = cls(environ(body, content_type, method))
        return [
            request.form.to_dict(flat=False),
            request.values.to_dict(flat=False),
            list(request.files),
            request.data,
            request.content_length,
        ]

    assert look(Request) == look(wrappers.Request)
