from __future__ import annotations

import asyncio
import io
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import pytest

import hipflask
from hipflask import Flask, Response, abort, after_this_request, g, request, session, stream_with_context
from hipflask.asgi import to_asgi
from hipflask.asgi.answer import IncompleteBodyError
from hipflask.signals import request_finished
from tests.asgi.driver import WAIT_SECONDS, Reply, ask, call, run

variable: ContextVar[str] = ContextVar("variable", default="unset")


@pytest.fixture
def app() -> Flask:
    app = Flask("app_under_test")
    app.secret_key = "k"
    return app


@pytest.fixture
def loop_thread() -> str:
    """Name of the thread that `run` has its loop in."""
    return threading.current_thread().name


def here() -> str:
    return threading.current_thread().name


def ask_once(app: Any, *args: Any, **kwargs: Any) -> Reply:
    reply: Reply = run(ask(app.asgi_app if isinstance(app, Flask) else app, *args, **kwargs))
    assert reply.is_complete
    return reply


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


def test_generator_that_fails_at_once_is_answered_by_the_server(app: Flask) -> None:
    @app.route("/")
    def index() -> Any:
        def parts() -> Iterator[str]:
            raise LookupError("at once")
            yield

        return parts()

    async def main() -> Reply:
        async with call(app.asgi_app) as under_way:
            under_way.feed()
            with pytest.raises(LookupError, match="at once"):
                await under_way.task
            return under_way.reply

    assert not run(main()).is_started


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

    async def main() -> Reply:
        async with call(app.asgi_app) as under_way:
            under_way.feed()
            with pytest.raises(LookupError, match="later"):
                await under_way.task
            return under_way.reply

    reply = run(main())
    assert reply.body == b"a"
    assert not reply.is_complete
    assert closed == [True]


@pytest.mark.parametrize("length", ["1", "3"], ids=["longer", "shorter"])
def test_stream_of_another_length_than_announced_is_broken_off(app: Flask, length: str) -> None:
    app.add_url_rule("/", "index", lambda: (iter([b"a", b"b"]), {"Content-Length": length}))

    async def main() -> Reply:
        async with call(app.asgi_app) as under_way:
            under_way.feed()
            with pytest.raises(IncompleteBodyError, match="Content-Length"):
                await under_way.task
            return under_way.reply

    assert not run(main()).is_complete


def test_error_of_close_comes_after_a_whole_answer(app: Flask) -> None:
    @app.route("/")
    def index() -> Any:
        response = Response(iter(["a"]))
        response.call_on_close(lambda: 1 / 0)
        return response

    async def main() -> Reply:
        async with call(app.asgi_app) as under_way:
            under_way.feed()
            with pytest.raises(ZeroDivisionError):
                await under_way.task
            return under_way.reply

    assert run(main()).is_complete


# Clients that go


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


def test_server_that_cancels_a_sync_request_has_its_body_closed(app: Flask) -> None:
    begun, go_on, closed = threading.Event(), threading.Event(), threading.Event()

    @app.route("/")
    def index() -> Any:
        begun.set()
        assert go_on.wait(WAIT_SECONDS)
        response = Response(iter("ab"))
        response.call_on_close(closed.set)
        return response

    async def main() -> None:
        async with call(app.asgi_app) as under_way:
            under_way.feed()
            await asyncio.to_thread(begun.wait, WAIT_SECONDS)
            under_way.task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await under_way.task
            go_on.set()
            assert await asyncio.to_thread(closed.wait, WAIT_SECONDS)

    run(main())


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
            under_way.task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await under_way.task

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

    async def main() -> None:
        async with call(app.asgi_app) as under_way:
            under_way.feed()
            await asyncio.to_thread(begun.wait, WAIT_SECONDS)
            under_way.task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await under_way.task
            go_on.set()
            assert await asyncio.to_thread(torn.wait, WAIT_SECONDS)

    run(main())


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


# Too many


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


# Any WSGI application


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
