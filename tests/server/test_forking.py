from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import hipflask
from hipflask.server.forking import ForkingWSGIServer
from hipflask.server.limits import Limits
from hipflask.server.runner import make_server
from hipflask.server.workers import PoolSettings
from tests.server.raw_requests import app, get, split
from tests.server.running import WAIT_SECONDS, until

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork()"),
    # The tests' own threads; a program that forks from one thread is not warned.
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]


def pids(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [])
    return [str(os.getpid()).encode()]


@pytest.fixture
def serve_alone(serve: Callable[..., Any]) -> Callable[..., Any]:
    """Start servers that answer one request at a time, in a process of its own."""

    def start(application: Any, **options: Any) -> Any:
        running = serve(application, threaded=False, processes=2, **options)
        running.server.max_children = 1
        return running

    return start


def test_each_request_has_a_process(serve: Callable[..., Any]) -> None:
    running = serve(pids, threaded=False, processes=2)
    assert type(running.server) is ForkingWSGIServer
    assert (running.server.multiprocess, running.server.multithread, running.server.max_children) == (True, False, 2)
    answers = [split(running.ask(get("/", close=False))) for _ in range(3)]
    found = {int(body) for _, _, body in answers}
    assert len(found) == 3 and os.getpid() not in found
    assert {fields["connection"] for _, fields, _ in answers} == {"close"}


def test_body_arrives_in_the_process(serve_alone: Callable[..., Any]) -> None:
    running = serve_alone(app)
    assert running.ask(get("/a", "Content-Length: 5", method="POST") + b"hello").endswith(b"POST /a 5")
    long = get("/a", "Content-Length: 200000", "Expect: 100-continue", method="POST")
    client = running.connect()
    client.send(long)
    client.read_until(b"100 Continue\r\n\r\n")
    client.send(b"b" * 200_000)
    assert client.read_all().endswith(b"POST /a 200000")


def gate(folder: Path) -> Callable[..., Any]:
    """An application whose answers wait, in whatever process, until there is a file ``go``."""

    def wait(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        (folder / f"begun{environ['PATH_INFO'][1:]}").touch()
        until((folder / "go").exists)
        start_response("200 OK", [])
        return [b"done"]

    return wait


def test_requests_beyond_the_processes_wait_or_are_refused(serve_alone: Callable[..., Any], tmp_path: Path) -> None:
    running = serve_alone(gate(tmp_path), pool=PoolSettings(queue_size=1))
    first, second = running.connect(), running.connect()
    first.send(get("/1"))
    until((tmp_path / "begun1").exists)
    second.send(get("/2"))
    until(lambda: running.server._queue)
    assert running.ask(get("/3")).startswith(b"HTTP/1.1 503 ")
    (tmp_path / "go").touch()
    assert first.read_all().endswith(b"done")
    assert second.read_all().endswith(b"done")


def test_request_that_waits_too_long_is_refused(serve_alone: Callable[..., Any], tmp_path: Path) -> None:
    pool = PoolSettings(queue_timeout_seconds=0.05)
    running = serve_alone(gate(tmp_path), pool=pool)
    first = running.connect()
    first.send(get("/1"))
    until((tmp_path / "begun1").exists)
    assert running.ask(get("/2")).startswith(b"HTTP/1.1 503 ")
    (tmp_path / "go").touch()
    assert first.read_all().endswith(b"done")


def test_process_that_dies_ends_its_connection_only(serve_alone: Callable[..., Any]) -> None:
    def die(environ: dict[str, Any], start_response: Any) -> Any:
        if environ["PATH_INFO"] == "/die":
            os.kill(os.getpid(), signal.SIGKILL)
        return app(environ, start_response)

    running = serve_alone(die)
    with pytest.raises(ConnectionResetError, match="reset"):
        running.ask(get("/die"))
    assert running.ask(get("/a")).endswith(b"GET /a 0")


def test_failures_end_as_in_other_servers(serve: Callable[..., Any]) -> None:
    def fail(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        if environ["PATH_INFO"] == "/half":
            start_response("200 OK", [])
            yield b"half"
        raise RuntimeError("told in the log")

    running = serve(fail, threaded=False, processes=2)
    assert running.ask(get("/")).startswith(b"HTTP/1.1 500 ")
    assert running.ask(get("/half")).endswith(b"4\r\nhalf\r\n")
    client = running.connect()
    client.send(b"GET /half HTTP/1.0\r\n\r\n")
    with pytest.raises(ConnectionResetError, match="reset"):
        client.read_all()


def test_functions_of_the_lifespan_run_in_each_process(serve_alone: Callable[..., Any], tmp_path: Path) -> None:
    application = hipflask.Flask("forked")
    log = tmp_path / "log"

    def note(text: str) -> None:
        with log.open("a") as file:
            file.write(f"{text} {os.getpid() == parent}\n")

    parent = os.getpid()
    application.on_startup(lambda: note("up"))
    application.on_shutdown(lambda: note("down"))
    application.add_url_rule("/", "index", lambda: "index")
    assert serve_alone(application).ask(get("/")).endswith(b"index")
    until(lambda: log.read_text() == "up False\ndown False\n")


def test_stop_ends_processes_that_take_too_long(serve_alone: Callable[..., Any], tmp_path: Path) -> None:
    running = serve_alone(gate(tmp_path), limits=Limits())
    client = running.connect()
    client.send(get("/1"))
    until((tmp_path / "begun1").exists)
    running.server.stop(0.0)
    assert client.read_all() == b""
    running.thread.join(WAIT_SECONDS)
    assert not running.thread.is_alive()


def test_threads_and_processes_exclude_each_other() -> None:
    with pytest.raises(ValueError, match="several threads or several processes"):
        make_server("127.0.0.1", 0, app, threaded=True, processes=2)


def test_system_without_fork_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "fork")
    with pytest.raises(ValueError, match="cannot fork"):
        make_server("127.0.0.1", 0, app, processes=2)


def test_request_outlives_the_shutdown(serve_alone: Callable[..., Any], tmp_path: Path) -> None:
    running = serve_alone(gate(tmp_path))
    client = running.connect()
    client.send(get("/1"))
    until((tmp_path / "begun1").exists)
    running.server.shutdown()
    (tmp_path / "go").touch()
    assert client.read_all().endswith(b"done")
