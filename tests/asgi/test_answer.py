from __future__ import annotations

import io
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import pytest

from hipflask import Flask
from hipflask.asgi import to_asgi
from tests.asgi.driver import Reply, ask_once, call, run

variable: ContextVar[str] = ContextVar("variable", default="unset")


def test_wsgi_application_that_writes(app: Flask) -> None:
    def write(environ: Any, start_response: Any) -> list[bytes]:
        send = start_response("201 Created", [("Content-Length", "3"), ("X-A", "b")])
        send(b"a")
        send(b"b")
        return [b"c"]

    reply = ask_once(to_asgi(write))
    assert (reply.status, reply.header("x-a"), reply.parts) == (201, "b", [b"a", b"b", b"c"])


def test_wsgi_application_may_change_its_mind_until_the_first_part() -> None:
    class Body(io.BytesIO): ...

    def generate(environ: Any, start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [])
        try:
            raise LookupError("early")
        except LookupError as error:
            start_response("500 Oops", [], (LookupError, error, None))
        yield b""
        yield b"sorry"

    reply = ask_once(to_asgi(generate))
    assert (reply.status, reply.body) == (500, b"sorry")


@pytest.mark.parametrize(
    ("body", "match"),
    [
        pytest.param(lambda start: [b"x"], "without calling", id="never"),
        pytest.param(lambda start: [start("200 OK", []), start("200 OK", [])], "twice", id="twice"),
        pytest.param(lambda start: [start("100 Continue", []) and b""], "interim", id="interim"),
        pytest.param(lambda start: [start("200 OK", [("X-A", "b\r\nX-C: d")]) and b""], "line break", id="injection"),
    ],
)
def test_wsgi_application_that_breaks_the_rules(body: Any, match: str) -> None:
    with pytest.raises((RuntimeError, AssertionError, ValueError), match=match):
        ask_once(to_asgi(lambda environ, start_response: body(start_response)))


def test_error_after_something_was_written_is_raised() -> None:
    def late(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [])(b"a")
        try:
            raise LookupError("late")
        except LookupError as error:
            start_response("500 Oops", [], (LookupError, error, error.__traceback__))
        return []

    async def main() -> Reply:
        async with call(to_asgi(late)) as under_way:
            under_way.feed()
            with pytest.raises(LookupError, match="late"):
                await under_way.task
            return under_way.reply

    reply = run(main())
    assert (reply.status, reply.is_complete) == (200, False)
