"""How a native server begins, is kept, and ends."""

from __future__ import annotations

import gc
import signal
import socket
import subprocess
import sys
import threading
import weakref
from pathlib import Path
from typing import Any

import pytest

import hipflask
from hipflask.server import native
from tests.native.conftest import WAIT_SECONDS, Serve, receive_all


@pytest.fixture
def app() -> hipflask.Flask:
    app = hipflask.Flask(__name__)
    app.add_url_rule("/", view_func=lambda: "Hello")
    return app


def test_functions_of_the_lifespan_run_around_serving(app: hipflask.Flask, serve: Serve) -> None:
    seen: list[str] = []
    app.on_startup(lambda: seen.append("startup"))
    app.on_shutdown(lambda: seen.append("shutdown"))
    serving = serve(app)
    assert serving.get("/")[1] == b"Hello"
    assert seen == ["startup"]
    serving.close()
    assert seen == ["startup", "shutdown"]


def test_start_up_that_fails_leaves_serve(app: hipflask.Flask) -> None:
    app.on_startup(lambda: 1 // 0)
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(ZeroDivisionError, match="division"):
        native.serve(app, [listener])


def test_answer_does_not_wait_for_the_next_view(app: hipflask.Flask, serve: Serve) -> None:
    begun, released, ended = (threading.Event() for _ in range(3))

    @app.get("/first")
    def first() -> str:
        begun.set()
        released.wait(WAIT_SECONDS)
        return "first"

    @app.get("/last")
    def last() -> str:
        ended.wait(WAIT_SECONDS)
        return "last"

    serving = serve(app, threads=1, max_threads=1)
    connections = []
    for path in ("/first", "/", "/last"):
        connections.append(serving.connect())
        connections[-1].sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        assert begun.wait(WAIT_SECONDS)
    # The thread of input and output answers this itself, and has read the others by then.
    assert b" 204 " in serving.ask(b"OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    released.set()
    assert receive_all(connections[0]).endswith(b"first")
    assert receive_all(connections[1]).endswith(b"Hello")
    assert not ended.is_set()
    ended.set()
    assert receive_all(connections[2]).endswith(b"last")
    for connection in connections:
        connection.close()


def test_descriptor_that_is_no_listener_is_an_error(app: hipflask.Flask) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.detach()
        with pytest.raises(OSError, match="Bad file descriptor"):
            native.serve(app, [listener])


def test_heart_beats_in_the_calling_thread(app: hipflask.Flask) -> None:
    beaten: list[threading.Thread] = []
    servers: list[native.NativeServer] = []

    def beat() -> None:
        beaten.append(threading.current_thread())
        servers[0].stop(0)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        native.serve(app, [listener], ready=servers.append, heartbeat=beat)
    assert beaten[0] is threading.current_thread()


def test_reports_are_left_alone_without_a_reader(app: hipflask.Flask) -> None:
    def ask(server: native.NativeServer, address: Any) -> None:
        with socket.create_connection(address, WAIT_SECONDS) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            receive_all(connection)
        server.stop(0)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        native.serve(
            app,
            [listener],
            native.NativeSettings(),
            ready=lambda server: threading.Thread(target=ask, args=(server, address)).start(),
        )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["interrupt", "terminate"])
def test_signal_ends_the_server_in_order(tmp_path: Path, number: int) -> None:
    (tmp_path / "served.py").write_text(
        "import hipflask\n"
        "app = hipflask.Flask(__name__)\n"
        "app.add_url_rule('/', view_func=lambda: 'Hello')\n"
        "app.on_startup(lambda: print('begun', flush=True))\n"
        "app.on_shutdown(lambda: print('ended', flush=True))\n",
        encoding="utf-8",
    )
    command = [sys.executable, str(Path(__file__).with_name("start.py")), "served:app", "0"]
    with subprocess.Popen(command, cwd=tmp_path, env=_with_path(tmp_path), stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert [child.stdout.readline(), child.stdout.readline()] == ["begun\n", "ready\n"]
        child.stdout.readline()  # the port
        child.send_signal(number)
        assert child.wait(WAIT_SECONDS) == 0
        assert child.stdout.read() == "ended\n"


def _with_path(path: Path) -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": str(path)}


def test_switch_interval_is_the_servers_while_it_serves(app: hipflask.Flask, serve: Serve) -> None:
    before = sys.getswitchinterval()
    serving = serve(app)
    assert sys.getswitchinterval() == pytest.approx(native.SWITCH_SECONDS)
    serving.close()
    assert sys.getswitchinterval() == before


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_nothing_of_a_request_is_left_to_the_collector(app: hipflask.Flask, serve: Serve, is_async: bool) -> None:
    kept: list[weakref.ref[Any]] = []

    def view() -> str:
        kept.append(weakref.ref(hipflask.request._get_current_object()))  # type: ignore[attr-defined]
        return str(len(hipflask.request.environ))

    async def async_view() -> str:
        return view()

    app.add_url_rule("/view", "view", async_view if is_async else view)
    serving = serve(app)
    gc.collect()
    gc.disable()
    try:
        for _ in range(3):
            serving.get("/view")
        serving.close()
        assert [each() for each in kept] == [None, None, None]
    finally:
        gc.enable()


def test_idle_connection_may_still_ask_for_a_moment(app: hipflask.Flask, serve: Serve) -> None:
    serving = serve(app)
    with serving.connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b"Connection: close" not in connection.recv(4096)
        serving.server.stop(WAIT_SECONDS)
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        received = receive_all(connection)
    assert b"\r\nConnection: close\r\n" in received
    assert received.endswith(b"Hello")


def test_server_without_descriptors_recovers(app: hipflask.Flask, tmp_path: Path) -> None:
    program = (
        "import resource, runpy, sys\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))\n"
        "sys.argv = ['start.py', 'served:app', '0']\n"
        f"runpy.run_path({str(Path(__file__).with_name('start.py'))!r}, run_name='__main__')\n"
    )
    (tmp_path / "served.py").write_text(
        "import hipflask\napp = hipflask.Flask(__name__)\napp.add_url_rule('/', view_func=lambda: 'Hello')\n",
        encoding="utf-8",
    )
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, cwd=tmp_path, env=_with_path(tmp_path), stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        port = int(child.stdout.readline())
        connections = [socket.create_connection(("127.0.0.1", port), WAIT_SECONDS) for _ in range(100)]
        for connection in connections:
            connection.close()
        with socket.create_connection(("127.0.0.1", port), WAIT_SECONDS) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            assert receive_all(connection).endswith(b"Hello")
        child.terminate()
        assert child.wait(WAIT_SECONDS) == 0
