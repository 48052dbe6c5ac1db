from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from hipflask.server import native
from hipflask.server.pure import BaseWSGIServer, ThreadedWSGIServer
from hipflask.server.runner import _stop_at_sigterm, make_server
from hipflask.server.workers import PoolSettings
from tests.server.raw_requests import app, get
from tests.server.running import WAIT_SECONDS, until


def test_server_stops_from_inside_a_request() -> None:
    def stop(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        server.shutdown()
        start_response("200 OK", [])
        return [b"bye"]

    server = BaseWSGIServer("127.0.0.1", 0, stop)
    with server, socket.create_connection(("127.0.0.1", server.port)) as client:
        client.settimeout(10)
        client.sendall(get("/", close=False))
        server.serve_forever()
        answer = client.recv(4096)
        assert answer.endswith(b"bye")
        assert b"Connection: close" in answer


def test_request_that_is_being_served_outlives_the_stop(serve: Callable[..., Any]) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        begun.set()
        assert go_on.wait(10)
        start_response("200 OK", [])
        return [b"done"]

    running = serve(slow)
    client = running.connect()
    client.send(get("/", close=False))
    assert begun.wait(10)
    running.server.shutdown()
    go_on.set()
    answer = client.read_all()
    assert answer.endswith(b"done")
    assert b"Connection: close\r\n" in answer


def test_stop_before_the_start_is_remembered() -> None:
    server = ThreadedWSGIServer("127.0.0.1", 0, app)
    server.shutdown()
    server.serve_forever()
    assert server.fileno() == -1


class Gate:
    """An application whose answers wait to be let go."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.go_on = threading.Event()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        self.begun.release()
        assert self.go_on.wait(WAIT_SECONDS)
        start_response("200 OK", [])
        return [b"done"]


def is_refused(address: Any) -> bool:
    try:
        socket.create_connection(address, timeout=WAIT_SECONDS).close()
    except OSError:
        return True
    return False


def test_stop_answers_what_was_accepted(serve: Callable[..., Any]) -> None:
    gate = Gate()
    running = serve(gate, pool=PoolSettings(threads=1, max_threads=1))
    begun, queued, idle, cut_head = (running.connect() for _ in range(4))
    begun.send(get("/", close=False))
    assert gate.begun.acquire(timeout=WAIT_SECONDS)
    queued.send(get("/", close=False))
    cut_head.send(b"GET / HTTP/1.1\r\nHo")
    running.server.stop()
    until(lambda: is_refused(running.server.server_address))
    cut_head.send(b"st: a\r\n\r\n")
    assert running.thread.is_alive()
    gate.go_on.set()
    for client in (begun, queued, cut_head):
        answer = client.read_all()
        assert answer.endswith(b"done")
        assert b"Connection: close\r\n" in answer
        client.sock.close()
    assert idle.read_all() == b""
    running.thread.join(WAIT_SECONDS)
    assert not running.thread.is_alive()


def test_stop_cuts_off_what_takes_too_long(serve: Callable[..., Any], caplog: pytest.LogCaptureFixture) -> None:
    gate = Gate()
    running = serve(gate)
    client = running.connect()
    client.send(get("/"))
    assert gate.begun.acquire(timeout=WAIT_SECONDS)
    with caplog.at_level(logging.WARNING, "hipflask.access"):
        running.server.stop(WAIT_SECONDS)
        running.server.stop(0.0)
        assert client.read_all() == b""
        running.thread.join(WAIT_SECONDS)
    assert not running.thread.is_alive()
    assert "1 requests were cut off" in caplog.text
    gate.go_on.set()


def test_stop_finishes_an_answer_that_is_taken_slowly(serve: Callable[..., Any]) -> None:
    body = b"a" * 20_000_000

    def large(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [("Content-Length", str(len(body)))])
        yield body[:1]
        yield body[1:]

    running = serve(large)
    client = running.connect()
    client.send(get("/", close=False))
    client.read_until(b"\r\n\r\n")
    running.server.stop()
    until(lambda: is_refused(running.server.server_address))
    assert len(client.read_all()) > len(body) - 100_000
    running.thread.join(WAIT_SECONDS)
    assert not running.thread.is_alive()


SCRIPT = """
import signal, sys, threading
signal.signal(signal.SIGTERM, signal.SIG_DFL)  # those who count coverage have set one
import hipflask
app = hipflask.Flask("stopped")
@app.on_shutdown
def tell():
    print("shut down", flush=True)
@app.get("/")
def index():
    print("begun", flush=True)
    sys.stdin.readline()
    return "answered"
app.run(port=0)
print("after run", flush=True)
"""


SERVERS = [
    "pure",
    pytest.param("native", marks=pytest.mark.skipif(not native.is_available(), reason="built without cargo")),
]


def start_script(server: str) -> tuple[subprocess.Popen[str], socket.socket]:
    """Start the script, and have a request to it begun."""
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "HIPFLASK_RUN_SERVER": server},
    )
    assert process.stderr is not None and process.stdout is not None
    while " * Running on " not in (line := process.stderr.readline()):
        assert line
    client = socket.create_connection(("127.0.0.1", int(line.rpartition(":")[2])), timeout=WAIT_SECONDS)
    client.sendall(get("/", close=False))
    while process.stdout.readline() != "begun\n":
        pass
    return process, client


@pytest.mark.parametrize("server", SERVERS)
def test_sigterm_answers_what_was_accepted_and_ends_with_status_0(server: str) -> None:
    process, client = start_script(server)
    assert process.stdin is not None
    with client, process:
        process.send_signal(signal.SIGTERM)
        until(lambda: is_refused(client.getpeername()))
        process.stdin.write("\n")
        process.stdin.flush()
        assert client.makefile("rb").read().endswith(b"answered")
        client.close()
        output, errors = process.communicate(timeout=WAIT_SECONDS)
    assert (process.returncode, output) == (0, "shut down\nafter run\n")
    assert '"GET / HTTP/1.1" 200' in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize("server", SERVERS)
def test_second_sigterm_ends_at_once(server: str) -> None:
    process, client = start_script(server)
    with client, process:
        process.send_signal(signal.SIGTERM)
        until(lambda: is_refused(client.getpeername()))
        process.send_signal(signal.SIGTERM)
        process.wait(WAIT_SECONDS)  # communicate() closes what the view waits for
        output, errors = process.communicate(timeout=WAIT_SECONDS)
    assert (process.returncode, output) == (0, "shut down\nafter run\n")
    assert "1 requests were cut off" in errors


@pytest.mark.parametrize("server", SERVERS)
def test_ctrl_c_cuts_what_is_being_served(server: str) -> None:
    process, client = start_script(server)
    with client, process:
        process.send_signal(signal.SIGINT)
        process.wait(WAIT_SECONDS)
        output, errors = process.communicate(timeout=WAIT_SECONDS)
    assert (process.returncode, output) == (0, "shut down\nafter run\n")
    assert "Traceback" not in errors


def test_handler_of_the_program_is_left_in_place() -> None:
    calls: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: calls.append(number))
    try:
        with make_server("127.0.0.1", 0, Gate()) as server, _stop_at_sigterm(server):
            signal.raise_signal(signal.SIGTERM)
            assert not server.is_stopping
    finally:
        signal.signal(signal.SIGTERM, before)
    assert calls == [signal.SIGTERM]
