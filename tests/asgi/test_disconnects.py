from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import pytest

from hipflask import Flask, Response, request
from tests.asgi.driver import WAIT_SECONDS, Call, Reply, ask, ask_once, call, run

variable: ContextVar[str] = ContextVar("variable", default="unset")


@pytest.mark.parametrize("has_hooks", [False, True], ids=["loop", "host"])
def test_client_that_goes_cancels_an_async_view(app: Flask, has_hooks: bool) -> None:
    log: list[Any] = []
    if has_hooks:
        app.teardown_request(lambda error: log.append(type(error).__name__))

    async def main() -> None:
        begun = asyncio.Event()

        @app.route("/")
        async def index() -> str:
            try:
                begun.set()
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                log.append("cancelled")
                raise
            return "never"

        async with call(app.asgi_app) as under_way:
            under_way.feed()
            await begun.wait()
            under_way.disconnect()
            reply = await under_way.end()
            assert not reply.is_started
            assert not under_way.task.cancelling()

    run(main())
    assert log == ["cancelled", "CancelledError"][: 1 + has_hooks]


def test_view_that_catches_its_cancellation_is_answered_to_nobody(app: Flask) -> None:
    async def main() -> None:
        begun = asyncio.Event()

        @app.route("/")
        async def index() -> str:
            begun.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                return "stays"
            return "never"

        async with call(app.asgi_app) as under_way:
            under_way.feed()
            await begun.wait()
            under_way.disconnect()
            await under_way.end()
            assert not under_way.task.cancelling()

    run(main())


def test_sync_view_can_see_that_the_client_has_gone(app: Flask) -> None:
    begun, seen = threading.Event(), threading.Event()

    @app.route("/")
    def index() -> str:
        assert not request.is_disconnected
        begun.set()
        while not request.is_disconnected:
            pass
        seen.set()
        return "x"

    async def main() -> None:
        async with call(app.asgi_app) as under_way:
            under_way.feed()
            await asyncio.to_thread(begun.wait, WAIT_SECONDS)
            under_way.disconnect()
            await under_way.end()

    run(main())
    assert seen.is_set()


def test_middleware_and_requests_of_other_classes_see_it_too(app: Flask) -> None:
    app.wsgi_app = lambda *args, inner=app.wsgi_app: inner(*args)  # type: ignore[method-assign, misc]
    app.add_url_rule("/", "index", lambda: str(request.is_disconnected))
    assert ask_once(app).body == b"False"


@pytest.mark.parametrize("version", ["2.3", "2.4"])
def test_client_that_goes_ends_a_stream(app: Flask, version: str) -> None:
    closed = threading.Event()

    @app.route("/")
    def index() -> Any:
        def parts() -> Iterator[str]:
            while True:
                yield "x"

        response = Response(parts())
        response.call_on_close(closed.set)
        return response

    class Gone(OSError): ...

    async def main() -> None:
        sent: list[Any] = []
        receiving: asyncio.Queue[Any] = asyncio.Queue()
        receiving.put_nowait({"type": "http.request"})

        async def send(message: Any) -> None:
            sent.append(message)
            if len(sent) == 5:
                if version == "2.4":
                    raise Gone
                receiving.put_nowait({"type": "http.disconnect"})

        from tests.asgi.driver import make_scope

        scope = make_scope(asgi={"version": "3.0", "spec_version": version})
        await app.asgi_app(scope, receiving.get, send)
        assert sent[-1].get("more_body")

    run(main())
    assert closed.is_set()


def test_body_that_breaks_off_is_told_to_a_sync_view(app: Flask) -> None:
    @app.post("/")
    def index() -> bytes:
        return request.get_data()

    async def main() -> Reply:
        async with call(app.asgi_app, "/", "POST", [("Content-Length", "10")]) as under_way:
            under_way.feed(b"12345", more=True)
            under_way.disconnect()
            return await under_way.end()

    assert run(main()).status == 400


@pytest.mark.parametrize("has_hooks", [False, True], ids=["loop", "host"])
def test_async_view_does_not_run_with_half_a_body(app: Flask, has_hooks: bool) -> None:
    ran: list[bool] = []
    torn: list[Any] = []
    if has_hooks:
        app.teardown_request(torn.append)

    @app.post("/")
    async def index() -> str:
        ran.append(True)
        return "x"

    async def main() -> None:
        async with call(app.asgi_app, "/", "POST", [("Content-Length", "10")]) as under_way:
            under_way.feed(b"12345", more=True)
            under_way.disconnect()
            await under_way.end()

    run(main())
    assert ran == []
    assert len(torn) == has_hooks


async def cancel(under_way: Call) -> None:
    """Do what a server does that gives a request up."""
    under_way.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await under_way.task


def cancel_while_blocked(app: Flask, begun: threading.Event, go_on: threading.Event, ended: threading.Event) -> None:
    """Have a request cancelled while its sync part waits for *go_on*, and wait for its end."""

    async def main() -> None:
        async with call(app.asgi_app) as under_way:
            under_way.feed()
            await asyncio.to_thread(begun.wait, WAIT_SECONDS)
            await cancel(under_way)
            go_on.set()
            assert await asyncio.to_thread(ended.wait, WAIT_SECONDS)

    run(main())


def test_server_that_cancels_a_sync_request_has_its_body_closed(app: Flask) -> None:
    begun, go_on, closed = threading.Event(), threading.Event(), threading.Event()

    @app.route("/")
    def index() -> Any:
        begun.set()
        assert go_on.wait(WAIT_SECONDS)
        response = Response(iter("ab"))
        response.call_on_close(closed.set)
        return response

    cancel_while_blocked(app, begun, go_on, closed)


def test_server_that_cancels_an_async_request_has_it_torn_down(app: Flask) -> None:
    torn: list[Any] = []
    app.teardown_request(torn.append)

    async def main() -> None:
        begun = asyncio.Event()

        @app.route("/")
        async def index() -> str:
            begun.set()
            await asyncio.Event().wait()
            return "never"

        async with call(app.asgi_app) as under_way:
            under_way.feed()
            await begun.wait()
            await cancel(under_way)

    run(main())
    assert [type(error) for error in torn] == [asyncio.CancelledError]


def test_server_that_cancels_while_hooks_run_has_the_request_torn_down(app: Flask) -> None:
    begun, go_on, torn = threading.Event(), threading.Event(), threading.Event()

    @app.before_request
    def hook() -> None:
        begun.set()
        assert go_on.wait(WAIT_SECONDS)

    app.teardown_request(lambda error: torn.set())

    @app.route("/")
    async def index() -> str:
        return "never"

    cancel_while_blocked(app, begun, go_on, torn)


def test_server_that_cancels_a_waiting_request_has_it_withdrawn(app: Flask) -> None:
    app.config.update(SERVER_THREADS=1, SERVER_MAX_THREADS=1)
    begun, go_on = threading.Semaphore(0), threading.Event()
    ran: list[None] = []

    @app.route("/")
    def index() -> str:
        ran.append(None)
        begun.release()
        assert go_on.wait(WAIT_SECONDS)
        return "x"

    async def main() -> None:
        first = asyncio.create_task(ask(app.asgi_app))
        await asyncio.to_thread(begun.acquire, timeout=WAIT_SECONDS)
        waiting = app.asgi_app._pool._queue._jobs  # type: ignore[attr-defined]  # ours, unwrapped
        async with call(app.asgi_app) as second:
            second.feed()
            while not waiting:
                await asyncio.sleep(0)
            second.task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await second.task
            assert not waiting
        go_on.set()
        assert (await first).body == b"x"
        assert (await ask(app.asgi_app)).body == b"x"

    run(main())
    assert len(ran) == 2


def test_loop_that_is_gone_has_the_thread_close_what_is_open(app: Flask) -> None:
    begun, go_on, closed = threading.Event(), threading.Event(), threading.Event()

    @app.route("/")
    def index() -> Any:
        begun.set()
        assert go_on.wait(WAIT_SECONDS)
        response = Response(iter("ab"))
        response.call_on_close(closed.set)
        return response

    async def main() -> None:
        task = asyncio.create_task(ask(app.asgi_app))
        await asyncio.to_thread(begun.wait, WAIT_SECONDS)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(main())
    go_on.set()
    assert closed.wait(WAIT_SECONDS)


def test_hook_added_while_an_async_view_is_found_is_honoured(app: Flask) -> None:
    """A view that was async when the request was placed and is sync when it is called."""

    async def view() -> str:
        return "async"

    class Views(dict[str, Any]):
        """Changes its mind after it was asked once."""

        count = 0

        def get(self, key: str, default: Any = None) -> Any:
            self.count += 1
            return view if self.count == 1 else lambda: "sync"

        def __getitem__(self, key: str) -> Any:
            return lambda: "sync"

    app.add_url_rule("/", "index", view)
    app.view_functions = Views(app.view_functions)
    assert ask_once(app).body == b"sync"


def test_awaitable_that_is_no_coroutine_is_awaited(app: Flask) -> None:
    class Later:
        def __await__(self) -> Any:
            yield from asyncio.sleep(0).__await__()
            return "later"

    def view() -> Any:
        return Later()

    view._is_coroutine = asyncio.coroutines._is_coroutine  # type: ignore[attr-defined]  # a mark
    app.add_url_rule("/", "index", view)
    assert ask_once(app).body == b"later"


def test_options_of_an_async_view_are_answered(app: Flask) -> None:
    @app.route("/")
    async def index() -> str:
        return "x"

    assert ask_once(app, method="OPTIONS").header("allow") is not None
    assert ask_once(app, "/other").status == 404
