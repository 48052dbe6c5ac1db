"""Asynchronous iterators as bodies under ASGI."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest

from hipflask import Flask, Response
from hipflask.async_body import AsyncBody
from tests.asgi.driver import ask_once, run


def _view(value: Any, is_async: bool) -> Any:
    async def async_view() -> Any:
        return value()

    return async_view if is_async else value


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("is_response", [False, True], ids=["iterator", "response"])
def test_parts_are_sent_from_the_loop(app: Flask, is_async: bool, is_response: bool) -> None:
    threads: set[int] = set()
    closed: list[str] = []

    async def parts() -> AsyncIterator[Any]:
        try:
            for part in ("grün", b"", b"bytes"):
                threads.add(threading.get_ident())
                yield part
        finally:
            closed.append("parts")

    def value() -> Any:
        if not is_response:
            return parts()
        response = Response(parts())
        response.call_on_close(lambda: closed.append("response"))
        return response

    app.add_url_rule("/", "index", _view(value, is_async))
    reply = ask_once(app)
    assert reply.body == "grünbytes".encode()
    assert threads == {threading.get_ident()}
    assert closed == ["parts", "response"][: 1 + is_response]


def test_stream_of_the_test_client_is_held_back_and_closed(app: Flask) -> None:
    closed = asyncio.Event()

    @app.get("/")
    async def index() -> AsyncIterator[str]:
        async def count() -> AsyncIterator[str]:
            try:
                for number in range(1_000_000):
                    yield f"{number} "
            finally:
                closed.set()

        return count()

    async def main() -> None:
        async with app.async_test_client() as client, client.stream("/") as response:
            chunks = response.iter_chunks()
            assert await anext(chunks) == b"0 "
            assert await anext(chunks) == b"1 "
            assert not closed.is_set()
        await closed.wait()

    run(main())


def test_iterator_of_another_kind_is_closed_if_it_can_be() -> None:
    class Parts:
        def __init__(self) -> None:
            self.left = ["a", "b"]

        def __aiter__(self) -> Parts:
            return self

        async def __anext__(self) -> str:
            if not self.left:
                raise StopAsyncIteration
            return self.left.pop(0)

    body = AsyncBody(Parts())
    assert list(body) == ["a", "b"]
    body.close()
    body.close()


def test_length_that_does_not_fit_breaks_the_answer_off(app: Flask) -> None:
    async def parts() -> AsyncIterator[str]:
        yield "abc"

    @app.get("/")
    async def index() -> Any:
        return parts(), {"Content-Length": "5"}

    with pytest.raises(RuntimeError, match="2 bytes shorter"):
        ask_once(app)
