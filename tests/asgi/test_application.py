from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import textwrap
import weakref
from typing import Any

import pytest

import hipflask
from hipflask import Flask, current_app, lifespan
from hipflask.asgi import AsgiApp, to_asgi
from tests.asgi.driver import WAIT_SECONDS, ask, run


class Server:
    """The lifespan of a server."""

    def __init__(self, app: Any) -> None:
        self.sent: list[dict[str, Any]] = []
        self._messages: asyncio.Queue[Any] = asyncio.Queue()
        self._answers: asyncio.Queue[Any] = asyncio.Queue()
        self.task = asyncio.create_task(app({"type": "lifespan"}, self._messages.get, self._answers.put))

    async def tell(self, event: str) -> dict[str, Any]:
        self._messages.put_nowait({"type": f"lifespan.{event}"})
        answer: dict[str, Any] = await self._answers.get()
        return answer


def test_lifespan_runs_the_functions_in_order(app: Flask) -> None:
    log: list[Any] = []
    loops: list[Any] = []

    @app.on_startup
    async def first() -> None:
        await asyncio.sleep(0)
        loops.append(asyncio.get_running_loop())
        log.append(f"first {current_app.name}")

    app.on_startup(lambda: log.append("second"))
    app.on_shutdown(lambda: log.append("last but one"))

    @app.on_shutdown
    async def early() -> None:
        log.append(f"early {current_app.name}")

    @app.route("/")
    async def index() -> str:
        loops.append(asyncio.get_running_loop())
        return "x"

    async def main() -> None:
        for _ in range(2):  # it can begin again
            server = Server(app.asgi_app)
            assert await server.tell("startup") == {"type": "lifespan.startup.complete"}
            assert (await ask(app.asgi_app)).body == b"x"
            assert await server.tell("shutdown") == {"type": "lifespan.shutdown.complete"}
            await server.task
        assert set(loops) == {asyncio.get_running_loop()}

    run(main())
    assert log == ["first app_under_test", "second", "early app_under_test", "last but one"] * 2


def test_lifespan_of_an_application_without_functions(app: Flask) -> None:
    async def main() -> None:
        server = Server(app.asgi_app)
        assert (await server.tell("startup"))["type"] == "lifespan.startup.complete"
        assert (await server.tell("shutdown"))["type"] == "lifespan.shutdown.complete"

    run(main())


def test_startup_that_fails_is_told_to_the_server(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    ran: list[str] = []
    app.on_startup(lambda: 1 / 0)
    app.on_startup(lambda: ran.append("after"))
    app.on_shutdown(lambda: ran.append("shutdown"))

    async def main() -> None:
        server = Server(app.asgi_app)
        answer = await server.tell("startup")
        assert answer["type"] == "lifespan.startup.failed"
        assert "ZeroDivisionError" in answer["message"]
        await server.task

    run(main())
    assert ran == []
    assert "on_startup function failed" in caplog.text


def test_shutdown_that_fails_is_told_after_the_others_have_run(app: Flask) -> None:
    ran: list[str] = []
    app.on_shutdown(lambda: ran.append("other"))
    app.on_shutdown(lambda: 1 / 0)

    async def main() -> None:
        server = Server(app.asgi_app)
        await server.tell("startup")
        assert (await server.tell("shutdown"))["type"] == "lifespan.shutdown.failed"
        await server.task

    run(main())
    assert ran == ["other"]


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize(
    ("code", "message"),
    [("no database", "no database"), (3, "SystemExit: 3"), (None, "SystemExit: ")],
    ids=["message", "status", "nothing"],
)
@pytest.mark.parametrize("event", ["startup", "shutdown"])
def test_function_that_ends_the_process_is_told_to_the_server(
    app: Flask, event: str, code: Any, message: str, is_async: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def leave() -> None:
        sys.exit(code)

    register: Any = app.on_startup if event == "startup" else app.on_shutdown
    register(leave if is_async else lambda: sys.exit(code))

    async def main() -> None:
        server = Server(app.asgi_app)
        answer = await server.tell("startup")
        if event == "shutdown":
            answer = await server.tell("shutdown")
        assert answer == {"type": f"lifespan.{event}.failed", "message": message}
        await server.task

    run(main())
    assert f"on_{event} function ended the process" in caplog.text


def test_interrupt_of_a_start_ends_the_servers_loop(app: Flask) -> None:
    @app.on_startup
    async def interrupt() -> None:
        raise KeyboardInterrupt

    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "lifespan.startup"}

    async def send(message: Any) -> None:
        sent.append(message)

    with pytest.raises(KeyboardInterrupt):
        run(app.asgi_app({"type": "lifespan"}, receive, send))
    assert [message["type"] for message in sent] == ["lifespan.startup.failed"]


@pytest.mark.parametrize("has_lifespan", [True, False], ids=["lifespan", "first-request"])
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_functions_may_ask_their_own_application(app: Flask, is_async: bool, has_lifespan: bool) -> None:
    log: list[str] = []

    def warm() -> None:
        log.append(app.test_client().get("/").text)
        log.append(app.test_client().get("/async").text)

    async def warm_async() -> None:
        async with app.async_test_client() as client:
            log.append((await client.get("/")).text)
        log.append((await app.async_test_client().get("/async")).text)

    app.on_startup(warm_async if is_async else warm)
    app.on_shutdown(warm_async if is_async else warm)
    app.add_url_rule("/", "index", lambda: "sync")

    @app.route("/async")
    async def view() -> str:
        return "async"

    async def main() -> None:
        if not has_lifespan:
            assert (await ask(app.asgi_app)).body == b"sync"
            return
        server = Server(app.asgi_app)
        assert await server.tell("startup") == {"type": "lifespan.startup.complete"}
        assert await server.tell("shutdown") == {"type": "lifespan.shutdown.complete"}

    run(main())
    assert log == ["sync", "async"] * (2 if has_lifespan else 1)
    app._lifespan.forget()  # type: ignore[union-attr]  # there is one; not at the end of the tests


def test_server_without_lifespan_has_the_first_request_start(app: Flask) -> None:
    log: list[str] = []

    @app.on_startup
    async def start() -> None:
        log.append("start")

    @app.route("/")
    async def index() -> str:
        return "x"

    async def main() -> None:
        replies = await asyncio.gather(*[ask(app.asgi_app) for _ in range(5)])
        assert {reply.body for reply in replies} == {b"x"}

    run(main())
    assert log == ["start"]
    app._lifespan.forget()  # type: ignore[union-attr]  # there is one; not at the end of the tests


def test_server_without_lifespan_ends_if_the_start_fails() -> None:
    program = """
        import asyncio, hipflask
        app = hipflask.Flask("x")
        app.on_startup(lambda: 1 / 0)
        scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
        async def main():
            try:
                await app.asgi_app(scope, None, None)
            finally:
                await asyncio.sleep(60)
        asyncio.run(main())
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
        check=False,
    )
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr


def test_closed_pool_cannot_start_an_application(app: Flask) -> None:
    app.on_startup(lambda: None)

    async def main() -> None:
        await ask(app.asgi_app)
        pool = app.asgi_app._find_pool()  # type: ignore[attr-defined]  # ours, unwrapped
        pool.close(WAIT_SECONDS)
        assert (await ask(app.asgi_app)).status == 503
        server = Server(app.asgi_app)
        assert (await server.tell("startup"))["type"] == "lifespan.startup.failed"

    run(main())
    app._lifespan.forget()  # type: ignore[union-attr]  # there is one; not at the end of the tests


def test_start_that_fails_late_raises_what_ends_the_process(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def leave(error: BaseException) -> None:
        raise SystemExit(1)

    app.on_startup(lambda: 1 / 0)
    monkeypatch.setattr(lifespan, "exit_process", leave)

    async def main() -> None:
        task = asyncio.create_task(ask(app.asgi_app))
        with pytest.raises(RuntimeError, match="could not be started"):
            await task

    with pytest.raises(SystemExit):
        run(main())


def test_websocket_is_refused(app: Flask) -> None:
    async def main() -> None:
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "websocket.connect"}

        async def send(message: Any) -> None:
            sent.append(message)

        await app.asgi_app({"type": "websocket", "path": "/"}, receive, send)
        assert [message["type"] for message in sent] == ["websocket.close"]

    run(main())


def test_unknown_scope_is_an_error(app: Flask) -> None:
    with pytest.raises(ValueError, match="'other'"):
        run(app.asgi_app({"type": "other"}, None, None))


def test_callable_is_made_once_and_can_be_wrapped(app: Flask) -> None:
    app.add_url_rule("/", "index", lambda: "x")
    inner = app.asgi_app
    assert isinstance(inner, AsgiApp)
    assert app.asgi_app is inner
    assert "app_under_test" in repr(inner)

    async def middleware(scope: Any, receive: Any, send: Any) -> None:
        await inner(scope | {"method": "OPTIONS"}, receive, send)

    app.asgi_app = middleware
    assert run(ask(app.asgi_app)).header("allow") is not None


def test_middleware_around_an_application_is_served(app: Flask) -> None:
    from hipflask.middleware.proxy_fix import ProxyFix

    app.add_url_rule("/", "index", lambda: hipflask.request.scheme)
    wrapped = to_asgi(ProxyFix(app))
    assert run(ask(wrapped, headers=[("X-Forwarded-Proto", "https")])).body == b"https"

    async def main() -> None:
        server = Server(wrapped)
        assert (await server.tell("startup"))["type"] == "lifespan.startup.complete"
        assert (await server.tell("shutdown"))["type"] == "lifespan.shutdown.complete"

    run(main())


def test_views_added_later_are_seen(app: Flask) -> None:
    async def view() -> str:
        return "async"

    async def main() -> None:
        assert (await ask(app.asgi_app)).status == 404
        app._got_first_request = False
        app.add_url_rule("/", "index", view)
        assert (await ask(app.asgi_app)).body == b"async"

    run(main())


def test_threads_end_with_the_callable() -> None:
    wsgi: Any = lambda environ, start: [start("200 OK", []) and b"x" or b"x"]  # noqa: E731  # short
    served = to_asgi(wsgi)
    assert run(ask(served)).body == b"x"
    pool = served._pool
    assert pool is not None
    gone = weakref.ref(served)
    del served
    gc.collect()
    assert gone() is None
    assert pool.close(WAIT_SECONDS)
