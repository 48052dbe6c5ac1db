from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
import threading
from contextvars import copy_context
from types import SimpleNamespace
from typing import Any

import pytest

from hipflask import Flask, current_app, g, has_request_context
from hipflask.server import runner

WAIT_SECONDS = 20.0


def make_app(log: list[str]) -> Flask:
    app = Flask("app_under_test")
    app.on_startup(lambda: log.append("start"))
    app.on_shutdown(lambda: log.append("stop"))
    app.add_url_rule("/", "index", lambda: "x")
    return app


def run_program(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
        check=False,
    )


WSGI = """
    import sys, hipflask
    app = hipflask.Flask("x")
    app.add_url_rule("/", "index", lambda: "x")
    def ask():
        environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "HTTP_HOST": "localhost", "wsgi.url_scheme": "http"}
        return b"".join(app(environ, lambda *args: None)).decode()
"""


def test_test_client_in_a_block_starts_and_stops() -> None:
    log: list[str] = []
    app = make_app(log)
    for _ in range(2):
        with app.test_client() as client:
            assert log[-1] == "start"
            client.get("/")
    assert log == ["start", "stop"] * 2


def test_test_client_without_a_block_starts_with_the_first_request() -> None:
    log: list[str] = []
    app = make_app(log)
    client = app.test_client()
    assert log == []
    client.get("/")
    client.get("/")
    with app.test_client() as other:  # did not start it, and so does not stop it
        other.get("/")
    assert log == ["start"]


def test_test_client_raises_what_a_startup_function_raises() -> None:
    app = Flask("app_under_test")
    app.on_startup(lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        app.test_client().get("/")
    with pytest.raises(ZeroDivisionError), app.test_client():
        pass


def test_functions_run_in_an_application_context_without_request() -> None:
    seen: list[Any] = []
    app = Flask("app_under_test")
    app.teardown_appcontext(lambda error: seen.append(f"torn {g.value}"))

    @app.on_startup
    async def start() -> None:
        g.value = "mine"
        seen.append((current_app.name, has_request_context()))

    app._get_lifespan().start()
    assert seen == [("app_under_test", False), "torn mine"]


def test_functions_run_once_for_many_threads() -> None:
    log: list[str] = []
    app = make_app(log)
    lifespan = app._get_lifespan()
    threads = [threading.Thread(target=lifespan.start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_SECONDS)
    assert log == ["start"]
    lifespan.stop()
    lifespan.stop()
    assert log == ["start", "stop"]


def test_all_shutdown_functions_run_and_the_first_error_is_raised(caplog: pytest.LogCaptureFixture) -> None:
    log: list[str] = []
    app = make_app(log)

    @app.on_shutdown
    def second() -> None:
        raise LookupError("second")

    @app.on_shutdown
    def first() -> None:
        raise LookupError("first")

    app._get_lifespan().start()
    with pytest.raises(LookupError, match="first"):
        app._get_lifespan().stop()
    assert log == ["start", "stop"]
    assert "on_shutdown function failed" in caplog.text


def test_registering_after_the_first_request_is_an_error() -> None:
    app = make_app([])
    app.test_client().get("/")
    with pytest.raises(AssertionError, match="on_startup"):
        app.on_startup(lambda: None)


def test_wsgi_server_starts_with_the_first_request_and_stops_with_the_process() -> None:
    done = run_program(
        WSGI
        + """
    app.on_startup(lambda: print("start"))
    async def stop(): print("stop")
    app.on_shutdown(stop)
    print(ask(), ask())
    """
    )
    assert (done.returncode, done.stdout.split()) == (0, ["start", "x", "x", "stop"]), done.stderr


@pytest.mark.parametrize("where", ["main", "thread"])
def test_wsgi_server_ends_with_status_1_if_the_start_fails(where: str) -> None:
    done = run_program(
        WSGI
        + f"""
    import threading
    app.on_startup(lambda: 1 / 0)
    app.on_shutdown(lambda: print("never"))
    if {where!r} == "main":
        ask()
    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    print("never")
    """
    )
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    assert "ZeroDivisionError" in done.stderr


def test_error_at_the_end_of_the_process_is_logged() -> None:
    done = run_program(
        WSGI
        + """
    app.on_shutdown(lambda: 1 / 0)
    ask()
    """
    )
    assert "on_shutdown function failed" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="no fork")
def test_forked_child_starts_itself_and_does_not_stop_its_parent() -> None:
    done = run_program(
        WSGI
        + """
    import os, warnings
    warnings.simplefilter("ignore")
    app.on_startup(lambda: print("start", flush=True))
    app.on_shutdown(lambda: print("stop", flush=True))
    ask()
    if not os.fork():
        ask()
        sys.exit()
    os.wait()
    """
    )
    assert done.stdout.split() == ["start", "start", "stop", "stop"], done.stderr


def test_own_wsgi_app_that_does_flasks_steps_starts_too() -> None:
    done = run_program(
        WSGI
        + """
    def wsgi_app(environ, start_response):
        with app.request_context(environ):
            return app.full_dispatch_request()(environ, start_response)
    app.wsgi_app = wsgi_app
    app.on_startup(lambda: print("start"))
    print(ask())
    """
    )
    assert done.stdout.split() == ["start", "x"], done.stderr


# A function that asks its own application


def test_sync_functions_may_ask_their_own_application() -> None:
    log: list[Any] = []
    app = make_app(log)

    @app.on_startup
    @app.on_shutdown
    def warm() -> None:
        log.append(app.test_client().get("/").status_code)
        with app.test_client() as client:
            log.append(client.get("/").text)

    with app.test_client() as client:
        log.append("block")
        assert client.get("/").text == "x"
    assert log == ["start", 200, "x", "block", 200, "x", "stop"]


def test_async_functions_may_ask_their_own_application() -> None:
    log: list[Any] = []
    app = make_app(log)

    @app.route("/async")
    async def view() -> str:
        return "async"

    @app.on_startup
    @app.on_shutdown
    async def warm() -> None:
        log.append((await app.async_test_client().get("/")).text)
        async with app.async_test_client() as client:
            log.append((await client.get("/async")).text)
            log.append((await asyncio.to_thread(app.test_client().get, "/")).text)

    with app.test_client():
        log.append("block")
    assert log == ["start", "x", "async", "x", "block", "x", "async", "x", "stop"]


def test_wsgi_server_whose_startup_asks_its_own_application() -> None:
    done = run_program(
        WSGI
        + """
    app.on_startup(lambda: print("start", ask()))
    app.on_shutdown(lambda: print("stop", ask()))
    print(ask())
    """
    )
    assert (done.returncode, done.stdout.split()) == (0, ["start", "x", "x", "stop", "x"]), done.stderr


def test_applications_that_start_one_another_do_not_wait_for_themselves() -> None:
    log: list[str] = []
    first, second = make_app(log), make_app(log)
    first.on_startup(lambda: log.append("first " + second.test_client().get("/").text))
    second.on_startup(lambda: log.append("second " + first.test_client().get("/").text))
    assert first.test_client().get("/").text == "x"
    assert log == ["start", "start", "second x", "first x"]


def test_other_threads_wait_for_the_end_of_the_start() -> None:
    app = make_app([])
    begun, may_end = threading.Event(), threading.Event()
    log: list[str] = []
    context = copy_context()

    @app.on_startup
    def slow() -> None:
        begun.set()
        may_end.wait(WAIT_SECONDS)
        log.append("started")

    def ask() -> None:
        log.append(app.test_client().get("/").text)

    threads = [threading.Thread(target=ask)]
    threads[0].start()
    assert begun.wait(WAIT_SECONDS)
    threads.append(threading.Thread(target=context.run, args=(ask,)))
    threads[1].start()
    assert not app._get_lifespan().is_inside
    may_end.set()
    for thread in threads:
        thread.join(WAIT_SECONDS)
    assert log == ["started", "x", "x"]


def test_what_a_function_leaves_behind_is_not_inside_later() -> None:
    contexts: list[Any] = []
    app = make_app([])
    app.on_startup(lambda: contexts.append(copy_context()))
    lifespan = app._get_lifespan()
    lifespan.start()
    seen: list[bool] = []
    app.on_shutdown(lambda: seen.append(lifespan.is_inside))
    app.on_shutdown(lambda: seen.append(contexts[0].run(lambda: lifespan.is_inside)))
    lifespan.stop()
    assert seen == [False, True]


# Functions that end the process

LEAVES = [
    pytest.param("sys.exit(3)", 3, "SystemExit: 3", id="status"),
    pytest.param("sys.exit('no database')", 1, "\nno database", id="message"),
    pytest.param("sys.exit()", 1, "SystemExit", id="nothing"),
    pytest.param("sys.exit(0)", 1, "SystemExit: 0", id="success"),
    pytest.param("sys.exit(256)", 1, "SystemExit: 256", id="success-for-the-system"),
    pytest.param("raise asyncio.CancelledError('gone')", 1, "CancelledError", id="cancelled"),
]


@pytest.mark.parametrize("where", ["main", "thread"])
@pytest.mark.parametrize("kind", ["def", "async def"], ids=["sync", "async"])
@pytest.mark.parametrize(("code", "status", "message"), LEAVES)
def test_function_that_ends_the_process(code: str, status: int, message: str, kind: str, where: str) -> None:
    done = run_program(
        WSGI
        + f"""
    import asyncio, threading
    @app.on_startup
    {kind} leave():
        {code}
    app.on_shutdown(lambda: print("never"))
    if {where!r} == "main":
        ask()
    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    print("never")
    """
    )
    assert (done.returncode, done.stdout) == (status, ""), done.stderr
    assert message in done.stderr
    assert "on_startup function" in done.stderr


@pytest.mark.parametrize("error", [KeyboardInterrupt, GeneratorExit])
def test_interrupt_of_a_start_stays_one(error: type[BaseException]) -> None:
    app = Flask("app_under_test")

    @app.on_startup
    def fail() -> None:
        raise error

    with pytest.raises(error):
        app._get_lifespan().start_without_door()


def test_shutdown_functions_run_though_one_ends_the_process() -> None:
    log: list[str] = []
    app = make_app(log)
    app.on_shutdown(lambda: sys.exit(3))
    app._get_lifespan().start()
    with pytest.raises(SystemExit) as caught:
        app._get_lifespan().stop()
    assert caught.value.code == 3
    assert log == ["start", "stop"]


def test_interrupted_shutdown_ends_at_once() -> None:
    log: list[str] = []
    app = make_app(log)

    @app.on_shutdown
    def interrupt() -> None:
        raise KeyboardInterrupt

    app._get_lifespan().start()
    with pytest.raises(KeyboardInterrupt):
        app._get_lifespan().stop()
    assert log == ["start"]


class StandInServer:
    """What `make_server` is asked for, without a socket."""

    app: Any = None

    def __init__(self, log: list[str]) -> None:
        self.log = log
        self.socket = SimpleNamespace(listen=lambda backlog: None)

    def log_startup(self) -> None: ...

    def set_log_format(self, log_format: str) -> None: ...

    def serve_forever(self) -> None:
        self.log.append("serve")

    def server_close(self) -> None: ...


def test_run_simple_starts_before_it_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    log: list[str] = []
    app = make_app(log)
    monkeypatch.setattr(runner, "make_server", lambda *args, **kwargs: StandInServer(log))
    runner.run_simple("127.0.0.1", 0, app, static_files={"/s": "."})
    assert log == ["start", "serve", "stop"]


def test_run_simple_ends_with_status_1_if_the_start_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    log: list[str] = []
    app = make_app(log)
    app.on_startup(lambda: 1 / 0)
    monkeypatch.setattr(runner, "make_server", lambda *args, **kwargs: StandInServer(log))
    with pytest.raises(SystemExit) as caught:
        runner.run_simple("127.0.0.1", 0, app)
    assert caught.value.code == 1
    assert log == ["start"]


def test_run_simple_ends_with_the_status_that_the_start_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app([])

    @app.on_startup
    async def leave() -> None:
        sys.exit(3)

    monkeypatch.setattr(runner, "make_server", lambda *args, **kwargs: StandInServer([]))
    with pytest.raises(SystemExit) as caught:
        runner.run_simple("127.0.0.1", 0, app)
    assert caught.value.code == 3
