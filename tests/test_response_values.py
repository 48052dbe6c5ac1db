from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hipflask import Flask, Response
from hipflask.http.base_response import BaseResponse
from hipflask.http.datastructures import Headers
from hipflask.http.exceptions import NotFound
from hipflask.http.response import Response as HttpResponse


@pytest.fixture
def make() -> Any:
    app = Flask("x")
    app.add_url_rule("/", "index", lambda: "")
    with app.test_request_context("/"):
        yield app.make_response


@pytest.mark.parametrize(
    ("value", "body", "mimetype"),
    [
        pytest.param("é", "é".encode(), "text/html", id="str"),
        pytest.param(b"x", b"x", "text/html", id="bytes"),
        pytest.param(bytearray(b"x"), b"x", "text/html", id="bytearray"),
        pytest.param({"a": 1}, b'{"a":1}\n', "application/json", id="dict"),
        pytest.param([1], b"[1]\n", "application/json", id="list"),
        pytest.param(type("S", (str,), {})("x"), b"x", "text/html", id="subclass-of-str"),
        pytest.param(type("D", (dict,), {})(a=1), b'{"a":1}\n', "application/json", id="subclass-of-dict"),
        pytest.param(HttpResponse("x", mimetype="a/b"), b"x", "a/b", id="other-response"),
        pytest.param(NotFound("gone"), None, "text/html", id="exception"),
    ],
)
def test_value_becomes_response(make: Callable[..., Any], value: Any, body: bytes | None, mimetype: str) -> None:
    response = make(value)
    assert type(response) is Response
    assert response.mimetype == mimetype
    assert body is None or response.data == body


def test_iterator_is_streamed(make: Callable[..., Any]) -> None:
    response = make(iter(["a", "b"]))
    assert response.is_streamed
    assert response.data == b"ab"


def test_response_is_the_same_object(make: Callable[..., Any]) -> None:
    response = Response("x")
    assert make(response) is response
    assert make((response, 201)) is response
    assert response.status_code == 201


def test_response_without_body_is_forced(make: Callable[..., Any]) -> None:
    assert type(make(BaseResponse(202))) is Response


def test_wsgi_callable_is_run(make: Callable[..., Any]) -> None:
    def foreign(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("299 Own", [("X-Path", environ["PATH_INFO"])])
        return [b"foreign"]

    response = make((foreign, {"X-More": "1"}))
    assert (response.status, response.data) == ("299 Own", b"foreign")
    assert (response.headers["X-Path"], response.headers["X-More"]) == ("/", "1")


class Mapping:
    """Not a dict, but it has keys."""

    def keys(self) -> list[str]:
        return ["X-A"]

    def items(self) -> list[tuple[str, str]]:
        return [("X-A", "1")]

    def __getitem__(self, name: str) -> str:
        return "1"


@pytest.mark.parametrize(
    ("value", "status", "headers"),
    [
        pytest.param(("x", 201), "201 CREATED", {}, id="code"),
        pytest.param(("x", "299 Own"), "299 Own", {}, id="line"),
        pytest.param(("x", {"X-A": "1"}), "200 OK", {"X-A": "1"}, id="dict"),
        pytest.param(("x", [("X-A", "1")]), "200 OK", {"X-A": "1"}, id="list"),
        pytest.param(("x", (("X-A", "1"),)), "200 OK", {"X-A": "1"}, id="tuple"),
        pytest.param(("x", Headers([("X-A", "1")])), "200 OK", {"X-A": "1"}, id="headers"),
        pytest.param(("x", 202, {"Content-Type": "a/b"}), "202 ACCEPTED", {"Content-Type": "a/b"}, id="all"),
        pytest.param(({"a": 1}, 400), "400 BAD REQUEST", {"Content-Type": "application/json"}, id="json"),
        pytest.param(("x", None, None), "200 OK", {}, id="nones"),
        pytest.param((Response("x", 404), 201, {"X-A": "2"}), "201 CREATED", {"X-A": "2"}, id="over-response"),
        pytest.param((Response("x", 404), "202 Own"), "202 Own", {}, id="line-over-response"),
    ],
)
def test_tuple_sets_status_and_headers(
    make: Callable[..., Any], value: Any, status: str, headers: dict[str, str]
) -> None:
    response = make(value)
    assert response.status == status
    assert {name: response.headers[name] for name in headers} == headers
    assert response.headers.getlist("Content-Type")[1:] == []


@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param(None, "returned None", id="none"),
        pytest.param((None, 200), "returned None", id="none-in-tuple"),
        pytest.param(5, "returned 5", id="number"),
        pytest.param({1, 2}, "returned", id="set"),
        pytest.param(("a",), "tuple of 1", id="short-tuple"),
        pytest.param(("a", 200, {}, "x"), "tuple of 4", id="long-tuple"),
        pytest.param(lambda: None, "returned", id="callable-that-is-no-application"),
    ],
)
def test_other_values_are_refused(make: Callable[..., Any], value: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message) as caught:
        make(value)
    assert "'index'" in str(caught.value)


def test_message_outside_of_a_request_names_no_endpoint() -> None:
    with pytest.raises(TypeError, match="returned None"):
        Flask("x").make_response(None)  # type: ignore[arg-type]


def test_own_response_class_is_used() -> None:
    class Own(Response):
        default_mimetype = "text/own"

    app = Flask("x")
    app.response_class = Own
    with app.test_request_context():
        assert type(app.make_response("x")) is Own
        assert type(app.make_response(Response("x"))) is Own
        assert type(app.make_response({"a": 1})) is Own


def test_a_reason_alone_keeps_its_body() -> None:
    app = Flask("reasons", static_folder=None)
    app.add_url_rule("/", "index", lambda: ("kept", "Fine"))
    answer = app.test_client().get("/")
    assert (answer.status, answer.data) == ("0 Fine", b"kept")


def test_a_wsgi_application_without_a_media_type_is_text() -> None:
    def application(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [b"<b>"]

    app = Flask("foreign", static_folder=None)
    app.add_url_rule("/", "index", lambda: application)
    answer = app.test_client().get("/")
    assert answer.content_type == "text/plain; charset=utf-8"
    assert type(app.response_class.force_type(application, {"REQUEST_METHOD": "GET"})) is app.response_class
