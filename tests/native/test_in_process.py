"""The native server as `run_simple` starts it, in this process."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hipflask import Flask
from hipflask.server import native
from hipflask.server.listener import BindError
from hipflask.server.native_in_process import InProcessServer
from hipflask.server.settings import PROGRAM_DEFAULTS, resolve

WAIT_SECONDS = 20.0  # a deadline that only a hang reaches
GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Gate:
    """An application whose answers wait to be let go."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.go_on = threading.Event()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        self.begun.release()
        assert self.go_on.wait(WAIT_SECONDS)
        start_response("200 OK", [("Content-Length", "4")])
        return [b"done"]


class Running:
    """A server in a thread.

    Attributes:
        server: The server.
        address: Where it listens.
    """

    def __init__(self, app: Any, host: str, config: dict[str, Any]) -> None:
        self.server = InProcessServer(host, 0, app, resolve(None, config, defaults=PROGRAM_DEFAULTS))
        assert self.server._listener is not None
        self.address = self.server._listener.getsockname()
        self.server.log_startup()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        try:
            self.server.serve_forever()
        finally:
            self.server.server_close()

    def connect(self) -> socket.socket:
        client = socket.socket(socket.AF_UNIX if isinstance(self.address, str) else socket.AF_INET)
        client.settimeout(WAIT_SECONDS)
        try:
            client.connect(self.address)
        except OSError:
            client.close()
            raise
        return client

    def is_refused(self) -> bool:
        try:
            self.connect().close()
        except OSError:
            return True
        return False

    def join(self) -> None:
        self.thread.join(WAIT_SECONDS)
        assert not self.thread.is_alive()


def until(is_done: Callable[[], Any]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not is_done():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.fixture
def run(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[..., Running]]:
    """Start servers; ``run(app, host, **configuration)``."""
    caplog.set_level(logging.INFO, "hipflask.access")
    found: list[Running] = []

    def start(app: Any, host: str = "127.0.0.1", **config: Any) -> Running:
        found.append(Running(app, host, config))
        return found[-1]

    yield start
    for running in found:
        running.server.stop(0)
        running.join()


def read_answer(client: socket.socket) -> bytes:
    with client, client.makefile("rb") as file:
        return file.read()


def test_answers_are_logged_as_the_pure_server_does(
    run: Callable[..., Running], caplog: pytest.LogCaptureFixture
) -> None:
    app = Flask("hello")
    app.add_url_rule("/", "index", lambda: "hello")
    running = run(app)
    with running.connect() as client:
        client.sendall(GET)
        assert client.recv(4096).endswith(b"hello")
    with running.connect() as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n")
        assert client.recv(4096).startswith(b"HTTP/1.1 400 ")
    until(lambda: "refused" in caplog.text)
    lines = [record.getMessage() for record in caplog.records if record.name == "hipflask.access"]
    assert lines[:2] == [f" * Running on http://127.0.0.1:{running.address[1]}", "Press Ctrl+C to stop"]
    assert any(line.endswith('] "GET / HTTP/1.1" 200 5') for line in lines)
    assert any("refused with 400" in line for line in lines)


def test_stop_answers_what_was_accepted_and_closes_the_port(run: Callable[..., Running]) -> None:
    gate = Gate()
    running = run(gate)
    client = running.connect()
    client.sendall(GET)
    assert gate.begun.acquire(timeout=WAIT_SECONDS)
    running.server.stop()
    until(running.is_refused)
    gate.go_on.set()
    assert read_answer(client).endswith(b"done")
    running.join()


def test_stop_cuts_what_takes_too_long(run: Callable[..., Running], caplog: pytest.LogCaptureFixture) -> None:
    gate = Gate()
    running = run(gate)
    with running.connect() as client:
        client.sendall(GET)
        assert gate.begun.acquire(timeout=WAIT_SECONDS)
        running.server.stop(WAIT_SECONDS)
        assert running.server.is_stopping
        running.server.stop(0)
        until(lambda: "1 requests were cut off" in caplog.text)
    gate.go_on.set()
    running.join()


def test_application_that_wants_the_socket_is_told(run: Callable[..., Running]) -> None:
    errors: list[str] = []

    def take(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        found = environ["werkzeug.socket"]
        assert not hasattr(found, "__deepcopy__")
        try:
            found.recv(1)
        except RuntimeError as error:
            errors.append(str(error))
        start_response("200 OK", [])
        return [b"told"]

    with run(take).connect() as client:
        client.sendall(GET)
        assert client.recv(4096).endswith(b"told")
    assert "set HIPFLASK_RUN_SERVER=pure" in errors[0]


@pytest.mark.parametrize(("most", "is_multithread"), [(1, b"False"), (2, b"True")])
def test_application_is_told_of_threads(run: Callable[..., Running], most: int, is_multithread: bytes) -> None:
    def tell(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [b"%r" % environ["wsgi.multithread"]]

    with run(tell, SERVER_THREADS=1, SERVER_MAX_THREADS=most).connect() as client:
        client.sendall(GET)
        assert client.recv(4096).endswith(is_multithread)


def test_stop_before_the_start_is_remembered(caplog: pytest.LogCaptureFixture) -> None:
    server = InProcessServer("127.0.0.1", 0, Gate(), resolve(defaults=PROGRAM_DEFAULTS))
    server.stop(0)
    server.serve_forever()
    server.server_close()


def test_unix_socket_is_removed_at_the_stop(
    run: Callable[..., Running],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.chdir(tmp_path)
    gate = Gate()
    gate.go_on.set()
    running = run(gate, "unix://a.sock")
    assert " * Running on unix://a.sock" in caplog.messages
    client = running.connect()
    client.sendall(GET)
    assert client.recv(4096).endswith(b"done")
    client.close()
    until(lambda: any(line.startswith("<local> - - [") for line in caplog.messages))
    running.server.stop()
    assert not Path("a.sock").exists()
    running.join()


def test_address_of_version_6_is_served(run: Callable[..., Running], caplog: pytest.LogCaptureFixture) -> None:
    gate = Gate()
    gate.go_on.set()
    try:
        running = run(gate, "::1")
    except BindError:
        pytest.skip("there is no ::1 here")
    assert f" * Running on http://[::1]:{running.address[1]}" in caplog.messages
    with socket.create_connection(running.address[:2], timeout=WAIT_SECONDS) as client:
        client.sendall(GET)
        assert client.recv(4096).endswith(b"done")


def test_socket_of_a_server_that_never_served_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    server = InProcessServer("unix://a.sock", 0, Gate(), resolve(defaults=PROGRAM_DEFAULTS))
    server.server_close()
    assert not Path("a.sock").exists()


IN_A_THREAD = """
import logging, threading, urllib.request
from hipflask import Flask
app = Flask("thread")
app.add_url_rule("/", "index", lambda: "served")
app.on_shutdown(lambda: print("shut down", flush=True))
lines, has_started = [], threading.Event()
class Keep(logging.Handler):
    def emit(self, record):
        lines.append(record.getMessage())
        has_started.set()
logging.getLogger("hipflask.access").addHandler(Keep())
threading.Thread(target=app.run, kwargs={"port": 0}, daemon=True).start()
assert has_started.wait(20)
print(urllib.request.urlopen(lines[0].partition("on ")[2]).read().decode())
"""


def test_server_in_a_thread_ends_with_the_process() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IN_A_THREAD],
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
        env={**os.environ, "HIPFLASK_RUN_SERVER": "native"},
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-2:] == ["served", "shut down"]


MODULES = """
import sys
from hipflask import Flask
app = Flask("modules")
app.add_url_rule("/", "index", lambda: " ".join({"asyncio", "ssl", "email", "importlib.metadata"} & set(sys.modules)))
app.run(port=0)
"""


def test_application_without_async_views_needs_no_asyncio(without_coverage: dict[str, str]) -> None:
    environment = {**without_coverage, "HIPFLASK_RUN_SERVER": "native"}
    with subprocess.Popen(
        [sys.executable, "-c", MODULES], stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stderr is not None
        port = int(process.stderr.readline().rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=WAIT_SECONDS) as client:
            client.sendall(GET)
            answer = client.recv(4096)
        process.terminate()
        process.communicate(timeout=WAIT_SECONDS)
    assert answer.endswith(b"\r\n\r\n")


def test_servers_whose_lives_overlap_leave_the_switch_interval_as_it_was(
    run: Callable[..., Running],
) -> None:
    before = sys.getswitchinterval()
    app = Flask("hello")
    app.add_url_rule("/", "index", lambda: repr(sys.getswitchinterval()))
    servers = [run(app), run(app)]
    seen = [read_interval(each) for each in servers]
    servers[0].server.stop(0)
    servers[0].join()
    seen.append(read_interval(servers[1]))
    servers[1].server.stop(0)
    servers[1].join()
    assert seen == [native.SWITCH_SECONDS] * 3
    assert sys.getswitchinterval() == before


def read_interval(running: Running) -> float:
    with running.connect() as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return float(read_answer(client).rpartition(b"\r\n\r\n")[2])
