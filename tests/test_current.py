from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import hipflask
from hipflask import Flask, abort, make_response, redirect, request, stream_with_context, url_for
from hipflask.http.exceptions import Aborter, HTTPException, NotFound
from hipflask.http.response import Response as HttpResponse


@pytest.fixture
def app() -> Flask:
    app = Flask("x")
    app.add_url_rule("/item/<int:n>", "item", lambda n: "x")
    return app


def test_url_for_is_the_applications(app: Flask) -> None:
    with app.test_request_context():
        assert url_for("item", n=1, q="a", _anchor="top", _scheme="https") == "https://localhost/item/1?q=a#top"

    class Own(Flask):
        def url_for(self, /, endpoint: str, **values: Any) -> str:
            return f"own {endpoint} {sorted(values)}"

    with Own("x").app_context():
        assert url_for("e", a=1).startswith("own e ")


def test_redirect_is_the_applications(app: Flask) -> None:
    class Own(Flask):
        def redirect(self, location: str, code: int = 302) -> Any:
            return f"own {location} {code}"

    with Own("x").app_context():
        assert redirect("/a", 301) == "own /a 301"
    with app.app_context():
        assert type(redirect("/a")) is app.response_class
    response = redirect("/a", 303)
    assert (type(response), response.status_code, response.location) == (HttpResponse, 303, "/a")


def test_abort_is_the_applications(app: Flask) -> None:
    class Teapot(HTTPException):
        code = 499

    class OwnAborter(Aborter):
        def __init__(self) -> None:
            super().__init__(extra={499: Teapot})

    app.aborter = OwnAborter()
    with app.app_context(), pytest.raises(Teapot):
        abort(499)
    with pytest.raises(LookupError, match="499"):
        abort(499)
    with pytest.raises(NotFound, match="why"):
        abort(404, "why")


@pytest.mark.parametrize(
    ("arguments", "body", "status"),
    [((), b"", 200), (("x",), b"x", 200), (("x", 201), b"x", 201), (({"a": 1}, 400, {"X-A": "1"}), b'{"a":1}\n', 400)],
    ids=["none", "body", "status", "all"],
)
def test_make_response(app: Flask, arguments: tuple[Any, ...], body: bytes, status: int) -> None:
    with app.test_request_context():
        response = make_response(*arguments)
    assert (response.data, response.status_code) == (body, status)


def path_of_request() -> Iterator[str]:
    yield request.path


def test_stream_with_context_keeps_request_and_ends_again(app: Flask) -> None:
    ended: list[Any] = []
    app.teardown_request(ended.append)
    with app.test_request_context("/path"):
        stream = stream_with_context(path_of_request())
        decorated = stream_with_context(path_of_request)()
    assert len(ended) == 1
    assert list(stream) == ["/path"]
    assert list(decorated) == ["/path"]
    assert len(ended) == 3
    assert not hipflask.has_request_context()


def test_stream_with_context_closes_its_source(app: Flask) -> None:
    closed: list[bool] = []

    def parts() -> Iterator[str]:
        try:
            yield "a"
            yield "b"
        finally:
            closed.append(True)

    with app.test_request_context():
        stream: Any = stream_with_context(parts())
        assert next(stream) == "a"
        stream.close()
        assert closed == [True]


def test_stream_with_context_takes_any_iterator(app: Flask) -> None:
    with app.test_request_context():
        assert list(stream_with_context(iter(["a", "b"]))) == ["a", "b"]


def test_stream_with_context_needs_a_request() -> None:
    with pytest.raises(RuntimeError, match=r"stream_with_context\(\) was called without a request context"):
        stream_with_context(path_of_request())
