from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import pytest

import hipflask
from hipflask import Flask, g, request
from hipflask.signals import request_finished
from tests.asgi.driver import WAIT_SECONDS, Reply, ask, ask_once, here, run

variable: ContextVar[str] = ContextVar("variable", default="unset")


# Where code runs


def test_sync_view_runs_on_a_worker(app: Flask) -> None:
    app.add_url_rule("/", "index", here)
    assert ask_once(app).body.startswith(b"hipflask-worker")


def test_async_view_without_sync_parts_stays_on_the_loop(app: Flask, loop_thread: str) -> None:
    @app.route("/")
    async def index() -> list[str]:
        await asyncio.sleep(0)
        return [here(), str(request.path)]

    assert ask_once(app).body == f'["{loop_thread}","/"]\n'.encode()
    assert app.asgi_app._pool.thread_count == 0  # type: ignore[attr-defined]  # ours, unwrapped


def add_hook(app: Flask) -> None:
    app.before_request(lambda: None)


def add_receiver(app: Flask) -> Any:
    def receiver(sender: Any, **extra: Any) -> None: ...

    request_finished.connect(receiver, app)
    return receiver  # kept alive by the test: signals hold receivers weakly


def override_stage(app: Flask) -> None:
    app.make_response = lambda value: Flask.make_response(app, value)  # type: ignore[method-assign]


def add_teardown(app: Flask) -> None:
    app.teardown_appcontext(lambda error: None)


def change_sessions(app: Flask) -> None:
    class Own(type(app.session_interface)):  # type: ignore[misc]  # a class of one's own
        def open_session(self, *args: Any) -> Any:
            return super().open_session(*args)

    app.session_interface = Own()


@pytest.mark.parametrize(
    "prepare",
    [add_hook, add_receiver, override_stage, add_teardown, change_sessions],
    ids=["hook", "receiver", "stage", "teardown", "session"],
)
def test_sync_parts_around_an_async_view_run_on_one_worker(
    app: Flask, loop_thread: str, prepare: Callable[[Flask], Any]
) -> None:
    kept = prepare(app)
    threads: list[str] = []
    app.json.default = lambda value: threads.append(here()) or "x"  # type: ignore[attr-defined, func-returns-value]

    @app.route("/")
    async def index() -> Any:
        threads.append(here())
        return {"a": object()}

    assert ask_once(app).status == 200
    assert threads[0] == loop_thread
    assert threads[1].startswith("hipflask-worker")
    del kept


def test_hooks_of_another_blueprint_do_not_matter(app: Flask) -> None:
    other = hipflask.Blueprint("other", __name__)
    other.before_request(lambda: None)
    mine = hipflask.Blueprint("mine", __name__)

    @mine.route("/mine")
    async def index() -> str:
        return here()

    app.register_blueprint(other)
    app.register_blueprint(mine)
    assert ask_once(app, "/mine").body.decode() == here()


@pytest.mark.parametrize("stage", ["full_dispatch_request", "dispatch_request", "ensure_sync"])
def test_overridden_stage_has_a_worker_wait_for_the_loop(stage: str, loop_thread: str) -> None:
    calls: list[str] = []

    def stand_in(self: Flask, *args: Any) -> Any:
        calls.append(here())
        return getattr(Flask, stage)(self, *args)

    app = type("Own", (Flask,), {stage: stand_in})("app_under_test")

    @app.route("/")
    async def index() -> str:
        return here()

    assert ask_once(app).body.decode() == loop_thread
    assert all(name.startswith("hipflask-worker") for name in calls)


def test_custom_converter_runs_on_a_worker(app: Flask) -> None:
    from hipflask.routing import BaseConverter

    class Own(BaseConverter):
        def to_python(self, value: str) -> str:
            return f"{value} {here()}"

    app.url_map.converters["own"] = Own

    @app.route("/<own:value>")
    async def index(value: str) -> str:
        return value

    assert ask_once(app, "/a").body.startswith(b"a hipflask-worker")


def test_middleware_around_wsgi_app_is_gone_through(app: Flask) -> None:
    seen: list[dict[str, Any]] = []
    inner = app.wsgi_app

    def middleware(environ: dict[str, Any], start_response: Any) -> Any:
        seen.append(environ)
        environ["SCRIPT_NAME"] = "/mounted"
        return inner(environ, start_response)

    app.wsgi_app = middleware  # type: ignore[method-assign]
    app.add_url_rule("/a", "a", lambda: request.script_root)
    assert ask_once(app, "/a?b=1").body == b"/mounted"
    assert seen[0]["QUERY_STRING"] == "b=1"


def test_overridden_call_is_gone_through() -> None:
    class Own(Flask):
        def __call__(self, environ: Any, start_response: Any) -> Any:
            environ["PATH_INFO"] = "/other"
            return super().__call__(environ, start_response)

    app = Own("app_under_test")
    app.add_url_rule("/other", "other", lambda: "other")
    assert ask_once(app).body == b"other"


# What a request is bound to


def test_connection_of_a_hook_works_around_an_async_view(app: Flask) -> None:
    closed: list[str] = []

    @app.before_request
    def connect() -> None:
        g.connection = sqlite3.connect(":memory:")
        g.connection.execute("CREATE TABLE t (n)")

    @app.after_request
    def use(response: Any) -> Any:
        g.connection.execute("INSERT INTO t VALUES (?)", (g.number,))
        response.headers["X-Sum"] = str(g.connection.execute("SELECT sum(n) FROM t").fetchone()[0])
        return response

    @app.teardown_request
    def close(error: BaseException | None) -> None:
        g.connection.close()  # raises in another thread than that of connect()
        closed.append(here())

    @app.route("/<int:number>")
    async def index(number: int) -> str:
        await asyncio.sleep(0)
        g.number = number
        return "done"

    async def main() -> list[Reply]:
        return await asyncio.gather(*[ask(app.asgi_app, f"/{number}") for number in range(20)])

    assert [reply.header("x-sum") for reply in run(main())] == [str(number) for number in range(20)]
    assert len(closed) == 20


def test_context_variables_hold_through_all_parts_and_do_not_leave(app: Flask) -> None:
    app.before_request(lambda: variable.set("before") and None)

    @app.route("/")
    async def index() -> str:
        seen = variable.get()
        await asyncio.sleep(0)
        variable.set("view")
        return seen

    @app.after_request
    def after(response: Any) -> Any:
        response.headers["X-Seen"] = variable.get()
        return response

    async def main() -> tuple[Reply, str]:
        return await ask(app.asgi_app), variable.get()

    reply, outside = run(main())
    assert (reply.body, reply.header("x-seen"), outside) == (b"before", "view", "unset")


def test_async_hooks_share_the_loop_of_the_view(app: Flask) -> None:
    loops: list[Any] = []

    @app.before_request
    async def before() -> None:
        loops.append(asyncio.get_running_loop())
        await asyncio.sleep(0)

    @app.route("/")
    async def index() -> str:
        loops.append(asyncio.get_running_loop())
        return "x"

    @app.route("/sync")
    def sync() -> str:
        return "sync"

    async def main() -> Any:
        assert (await ask(app.asgi_app)).body == b"x"
        assert (await ask(app.asgi_app, "/sync")).body == b"sync"
        return asyncio.get_running_loop()

    loop = run(main())
    assert loops == [loop] * 3


def test_sync_function_that_waits_for_the_loop_on_the_loop_is_an_error(app: Flask) -> None:
    async def number() -> int:
        return 1

    @app.route("/")
    async def index() -> str:
        with pytest.raises(RuntimeError, match="on the event loop itself"):
            app.ensure_sync(number)()
        return "told"

    assert ask_once(app).body == b"told"


def test_timeouts_and_threads_work_in_async_views(app: Flask) -> None:
    @app.route("/")
    async def index() -> list[Any]:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await asyncio.Event().wait()
        return [await asyncio.to_thread(lambda: request.path), asyncio.current_task() is not None]

    assert ask_once(app).body == b'["/",true]\n'


def test_hundred_async_requests_do_not_wait_for_a_slow_sync_view(app: Flask) -> None:
    go_on, began = threading.Event(), threading.Semaphore(0)
    before: list[str] = []

    @app.before_request
    def hook() -> None:
        before.append(here())

    @app.after_request
    def after(response: Any) -> Any:
        response.headers["X-Thread"] = here()
        return response

    @app.route("/slow")
    def slow() -> str:
        began.release()
        assert go_on.wait(WAIT_SECONDS)
        return "slow"

    gathered = asyncio.Event()

    @app.route("/fast")
    async def fast() -> str:
        before.append("view")
        if before.count("view") == 100:
            gathered.set()
        await gathered.wait()  # all hundred are suspended at once
        return "fast"

    async def main() -> None:
        slow_ones = [asyncio.create_task(ask(app.asgi_app, "/slow")) for _ in range(6)]
        for _ in slow_ones:
            assert await asyncio.to_thread(began.acquire, timeout=WAIT_SECONDS)
        replies = await asyncio.gather(*[ask(app.asgi_app, "/fast") for _ in range(100)])
        assert [reply.body for reply in replies] == [b"fast"] * 100
        assert not any(task.done() for task in slow_ones)
        assert len({reply.header("x-thread") for reply in replies}) <= 4
        go_on.set()
        assert {reply.body for reply in await asyncio.gather(*slow_ones)} == {b"slow"}

    run(main())
