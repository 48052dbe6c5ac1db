from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
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


class StandInServer:
    """What `make_server` is asked for, without a socket."""

    def __init__(self, log: list[str]) -> None:
        self.log = log

    def log_startup(self) -> None: ...

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
