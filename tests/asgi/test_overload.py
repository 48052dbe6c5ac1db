from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar

from hipflask import Flask
from tests.asgi.driver import WAIT_SECONDS, ask, call, run

variable: ContextVar[str] = ContextVar("variable", default="unset")


def test_full_queue_and_long_wait_are_503(app: Flask) -> None:
    app.config.update(SERVER_THREADS=1, SERVER_MAX_THREADS=1, SERVER_QUEUE_SIZE=1, SERVER_QUEUE_TIMEOUT=0.05)
    begun, go_on = threading.Event(), threading.Event()

    @app.route("/")
    def index() -> str:
        begun.set()
        assert go_on.wait(WAIT_SECONDS)
        return "x"

    async def main() -> None:
        first = asyncio.create_task(ask(app.asgi_app))
        await asyncio.to_thread(begun.wait, WAIT_SECONDS)
        replies = await asyncio.gather(ask(app.asgi_app), ask(app.asgi_app))
        assert [(reply.status, reply.header("retry-after")) for reply in replies] == [(503, "1")] * 2
        go_on.set()
        assert (await first).body == b"x"

    run(main())


def test_request_that_waited_in_time_is_served(app: Flask) -> None:
    app.config.update(SERVER_THREADS=1, SERVER_MAX_THREADS=1, SERVER_QUEUE_SIZE=1)
    begun, go_on = threading.Event(), threading.Event()

    @app.route("/")
    def index() -> str:
        begun.set()
        assert go_on.wait(WAIT_SECONDS)
        return "x"

    async def main() -> None:
        first = asyncio.create_task(ask(app.asgi_app))
        await asyncio.to_thread(begun.wait, WAIT_SECONDS)
        async with call(app.asgi_app) as second:
            second.feed()
            while not app.asgi_app._pool._queue._jobs:  # type: ignore[attr-defined]  # ours, unwrapped
                await asyncio.sleep(0)
            go_on.set()
            assert (await second.end()).body == b"x"
        await first

    run(main())
