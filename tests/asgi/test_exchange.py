from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import pytest

from hipflask import Flask, Response, abort, after_this_request, request, session, stream_with_context
from hipflask.asgi.answer import IncompleteBodyError
from tests.asgi.driver import Reply, ask, ask_once, call, here, run

variable: ContextVar[str] = ContextVar("variable", default="unset")


# Answers


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize(
    ("value", "status", "body"),
    [
        pytest.param("text", 200, b"text", id="text"),
        pytest.param(("text", 201, {"X-A": "b"}), 201, b"text", id="tuple"),
        pytest.param({"a": 1}, 200, b'{"a":1}\n', id="dict"),
        pytest.param(Response(["a", b"b"]), 200, b"ab", id="response"),
        pytest.param(Response("x" * 100_000), 200, b"x" * 100_000, id="large"),
        pytest.param(("", 204), 204, b"", id="no-content"),
        pytest.param(("", 304), 304, b"", id="not-modified"),
    ],
)
def test_what_a_view_returns_is_sent(app: Flask, is_async: bool, value: Any, status: int, body: bytes) -> None:
    if is_async:

        async def view() -> Any:
            return value

    else:

        def view() -> Any:  # type: ignore[misc]  # the other of two
            return value

    app.add_url_rule("/", "index", view)
    reply = ask_once(app)
    assert (reply.status, reply.body) == (status, body)
    head = ask_once(app, method="HEAD")
    assert (head.status, head.body) == (status, b"")


@pytest.mark.parametrize("error", [LookupError("x"), KeyboardInterrupt()], ids=["error", "interrupt"])
def test_async_view_that_fails(app: Flask, error: BaseException) -> None:
    torn: list[Any] = []
    app.teardown_request(torn.append)

    @app.route("/")
    async def index() -> str:
        raise error

    if isinstance(error, Exception):
        assert ask_once(app).status == 500
    else:
        with pytest.raises(RuntimeError, match="KeyboardInterrupt"):
            ask_once(app)
    assert torn == [error]


def test_error_handler_of_an_async_view_runs_on_a_worker(app: Flask) -> None:
    app.register_error_handler(404, lambda error: (here(), 404))

    @app.route("/")
    async def index() -> str:
        abort(404)

    assert ask_once(app).body.startswith(b"hipflask-worker")


def test_function_for_after_this_request_runs_on_a_worker(app: Flask) -> None:
    @app.route("/")
    async def index() -> str:
        after_this_request(lambda response: Response(here()))
        return "x"

    assert ask_once(app).body.startswith(b"hipflask-worker")


def test_session_of_an_async_view_is_saved(app: Flask) -> None:
    @app.route("/")
    async def index() -> str:
        session["user"] = "anna"
        return "x"

    assert "session=" in (ask_once(app).header("set-cookie") or "")


def test_error_that_leaves_the_application_reaches_the_server(app: Flask) -> None:
    app.testing = True
    app.add_url_rule("/", "index", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        ask_once(app)


def test_exit_of_a_view_does_not_end_the_server(app: Flask) -> None:
    def leave() -> str:
        raise SystemExit(3)

    app.add_url_rule("/", "index", leave)
    with pytest.raises(RuntimeError, match="SystemExit"):
        ask_once(app)


# Streams


def test_generator_is_pulled_and_closed_on_one_thread(app: Flask) -> None:
    threads: list[str] = []

    @app.route("/")
    def index() -> Any:
        threads.append(here())

        def parts() -> Iterator[str]:
            try:
                for part in "abc":
                    threads.append(here())
                    yield part
            finally:
                threads.append(here())

        response = Response(stream_with_context(parts()))
        response.call_on_close(lambda: threads.append(here()))
        return response

    assert ask_once(app).parts == [b"a", b"b", b"c", b""]
    assert len(threads) == 6
    assert len(set(threads)) == 1


def test_generator_of_an_async_view_is_pulled_on_a_worker(app: Flask) -> None:
    threads: list[str] = []

    @app.route("/")
    async def index() -> Any:
        def parts() -> Iterator[str]:
            threads.append(here())
            yield request.path

        return stream_with_context(parts())

    assert ask_once(app).body == b"/"
    assert threads[0].startswith("hipflask-worker")


def test_generator_is_pulled_only_when_more_can_be_sent(app: Flask) -> None:
    pulled: list[int] = []

    @app.route("/")
    def index() -> Any:
        def parts() -> Iterator[bytes]:
            for number in range(1000):
                pulled.append(number)
                yield b"x" * 100_000

        return parts()

    async def main() -> None:
        gate = asyncio.Event()
        async with call(app.asgi_app, gate=gate) as under_way:
            under_way.feed()
            await under_way.until(lambda reply: reply.is_started)
            # The server takes no more; a pull that should not be would come now.
            await ask(other.asgi_app)
            assert pulled == [0]
            gate.set()
            await under_way.until(lambda reply: len(reply.messages) > 10)
            gate.clear()
            under_way.disconnect()
            gate.set()
            await under_way.end()
        assert len(pulled) < 1000

    other = Flask("other")
    other.add_url_rule("/", "index", lambda: "x")
    run(main())


def fail(app: Flask, error: type[Exception], text: str) -> Reply:
    """Return what is sent of an answer whose error reaches the server."""

    async def main() -> Reply:
        async with call(app.asgi_app) as under_way:
            under_way.feed()
            with pytest.raises(error, match=text):
                await under_way.task
            return under_way.reply

    return run(main())


def test_generator_that_fails_at_once_is_answered_by_the_server(app: Flask) -> None:
    @app.route("/")
    def index() -> Any:
        def parts() -> Iterator[str]:
            raise LookupError("at once")
            yield

        return parts()

    assert not fail(app, LookupError, "at once").is_started


def test_generator_that_fails_later_breaks_the_answer_off(app: Flask) -> None:
    closed: list[bool] = []

    @app.route("/")
    def index() -> Any:
        def parts() -> Iterator[str]:
            yield "a"
            raise LookupError("later")

        response = Response(parts())
        response.call_on_close(lambda: closed.append(True))
        return response

    reply = fail(app, LookupError, "later")
    assert reply.body == b"a"
    assert not reply.is_complete
    assert closed == [True]


@pytest.mark.parametrize("length", ["1", "3"], ids=["longer", "shorter"])
def test_stream_of_another_length_than_announced_is_broken_off(app: Flask, length: str) -> None:
    app.add_url_rule("/", "index", lambda: (iter([b"a", b"b"]), {"Content-Length": length}))

    assert not fail(app, IncompleteBodyError, "Content-Length").is_complete


def test_error_of_close_comes_after_a_whole_answer(app: Flask) -> None:
    @app.route("/")
    def index() -> Any:
        response = Response(iter(["a"]))
        response.call_on_close(lambda: 1 / 0)
        return response

    assert fail(app, ZeroDivisionError, "division").is_complete
