"""What clients do to break a server: afterwards it answers, and nothing of theirs is left in it."""

from __future__ import annotations

import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hipflask.server.limits import Limits
from tests.server.raw_requests import app, get
from tests.server.running import WAIT_SECONDS, Running, until

GOOD = [
    get("/a", close=False),
    get("/stream", close=False),
    get("/b", "Content-Length: 5", method="POST", close=False) + b"hello",
    get("/c", "Transfer-Encoding: chunked", method="POST", close=False) + b"3\r\nabc\r\n0\r\n\r\n",
    get("/unread", "Content-Length: 100000", method="POST", close=False) + b"a" * 100_000,
    get("/d", "Content-Length: 3", "Expect: 100-continue", method="POST", close=False) + b"abc",
]
STATUS_LINE = re.compile(rb"HTTP/1\.1 (?:100|200|400|408|413|414|431|501|505) ")
QUICK = Limits(head_timeout_seconds=1.0, body_timeout_seconds=1.0, keep_alive_timeout_seconds=1.0)


@pytest.fixture(scope="module")
def target() -> Iterator[Running]:
    """A server that all examples of this module go to."""
    from hipflask.server.pure import ThreadedWSGIServer
    from hipflask.server.workers import PoolSettings

    class Server(ThreadedWSGIServer):
        def read_settings(self, config: Any) -> tuple[Limits, PoolSettings]:
            return QUICK, PoolSettings()

    running = Running(Server("127.0.0.1", 0, app))
    yield running
    running.stop()


def assert_well(running: Running) -> None:
    assert running.ask(get("/well")).endswith(b"GET /well 0")
    assert running.thread.is_alive()


def reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


bad_bytes = st.one_of(
    st.binary(max_size=200),
    st.text("GETPOS /HTP1.:\r\n\t 0aF;,", max_size=200).map(str.encode),
    # Good requests with some bytes replaced, taken out or put in.
    st.builds(
        lambda data, at, size, new: data[: at % len(data)] + new + data[at % len(data) + size :],
        st.sampled_from([data[:2000] for data in GOOD]),
        st.integers(0, 2000),
        st.integers(0, 5),
        st.binary(max_size=5),
    ),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(bad_bytes, min_size=1, max_size=4), st.data())
def test_any_bytes_get_a_proper_answer_or_none(target: Running, parts: list[bytes], data: st.DataObject) -> None:
    client = target.connect()
    with suppress(ConnectionError), client.sock:
        for part in parts:
            client.send(part)
        client.end_sending()
        answer = client.read_all()
        assert not answer or STATUS_LINE.match(answer), answer[:200]
        assert b"500 Internal" not in answer
    target.clients.remove(client)
    assert_well(target)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(GOOD), st.sampled_from(GOOD), st.integers(0, 2000), st.booleans())
def test_cut_requests_leave_nothing_behind(
    target: Running, first: bytes, second: bytes, cut: int, is_reset: bool
) -> None:
    client = target.connect()
    with suppress(ConnectionError):
        client.send((first + second)[:cut])
        if not is_reset:
            client.end_sending()
            client.read_all()
        reset(client.sock)
    target.clients.remove(client)
    assert_well(target)


def test_everything_is_given_back_afterwards(target: Running) -> None:
    until(lambda: target.server._loop.count() == 0)
    assert not target.server._loop._streaming
    assert not target.server._loop._returned


def test_churn_leaves_descriptors_and_threads_as_they_were(serve: Callable[..., Any]) -> None:
    running = serve(app)
    assert_well(running)
    until(lambda: running.server._loop.count() == 0)
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("needs /proc")
    before = len(os.listdir("/proc/self/fd"))
    for number in range(1000):
        with socket.create_connection(("127.0.0.1", running.server.port)) as sock:
            with suppress(ConnectionError):
                sock.sendall(GOOD[number % len(GOOD)][: number * 7 % 300])
            if number % 3:
                reset(sock)
    assert_well(running)
    until(lambda: running.server._loop.count() == 0)
    assert len(os.listdir("/proc/self/fd")) <= before
    assert running.server._pool.thread_count <= running.server.pool_settings.most_threads


SCRIPT = """
import resource, signal, sys
signal.signal(signal.SIGTERM, signal.SIG_DFL)  # those who count coverage have set one
if len(sys.argv) > 1:
    resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]), int(sys.argv[1])))
import threading
from hipflask.server.runner import run_simple
go_on = threading.Event()
def app(environ, start_response):
    if environ["PATH_INFO"] == "/slow":
        go_on.wait(0.05)
    start_response("200 OK", [])
    return [b"hello"]
run_simple("127.0.0.1", 0, app, threaded=True)
"""


def start_script(*arguments: str, log: Path) -> tuple[subprocess.Popen[bytes], int]:
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, *arguments], stderr=file, env={**os.environ, "HIPFLASK_RUN_SERVER": "pure"}
        )
    until(lambda: b"Press Ctrl+C" in log.read_bytes())
    found = re.search(rb"http://127\.0\.0\.1:([0-9]+)", log.read_bytes())
    assert found is not None
    return process, int(found[1])


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")
def test_server_without_descriptors_goes_on_when_there_are_some(tmp_path: Path) -> None:
    process, port = start_script("128", log=tmp_path / "log")
    clients = []
    try:
        for _ in range(160):
            clients.append(socket.create_connection(("127.0.0.1", port), timeout=WAIT_SECONDS))
        # The first of them are served, the others wait in the system's queue; nobody turns in circles.
        clients[0].sendall(get("/", close=False))
        assert clients[0].recv(1000).endswith(b"hello")
        before = cpu_seconds(process.pid)
        clients[-1].sendall(get("/", close=False))
        clients[-1].settimeout(1.0)
        with pytest.raises(TimeoutError):
            clients[-1].recv(1000)
        assert cpu_seconds(process.pid) - before < 0.2
        for client in clients[:-1]:
            client.close()
        clients[-1].settimeout(WAIT_SECONDS)
        assert clients[-1].recv(1000).endswith(b"hello")
    finally:
        for client in clients:
            client.close()
        process.send_signal(signal.SIGINT)
        assert process.wait(WAIT_SECONDS) == 0
    assert b"Traceback" not in (tmp_path / "log").read_bytes()


def ask_once(sock: socket.socket, is_kept: bool) -> bytes:
    """Ask, and return the answer as far as it comes."""
    answer = b""
    with suppress(ConnectionError):
        sock.sendall(get("/slow", close=not is_kept))
        while not answer.endswith(b"hello") and (part := sock.recv(1000)):
            answer += part
    return answer


def ask_until_refused(port: int, faults: list[bytes], answers: list[bytes], is_kept: bool) -> None:
    """Ask request after request; a server that ends may refuse a connection, but no request on one that it has."""

    def ask_until_closed(sock: socket.socket) -> None:
        answer = b""
        while b"Connection: close" not in answer and not faults:
            answer = ask_once(sock, is_kept)
            is_whole = answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"hello")
            (answers if is_whole else faults).append(answer)

    with suppress(ConnectionRefusedError):
        while not faults:
            with socket.create_connection(("127.0.0.1", port), timeout=WAIT_SECONDS) as sock:
                ask_until_closed(sock)


@pytest.mark.parametrize("is_kept", [True, False])
def test_sigterm_under_load_loses_nothing(tmp_path: Path, is_kept: bool) -> None:
    process, port = start_script(log=tmp_path / "log")
    faults: list[bytes] = []
    answers: list[bytes] = []
    threads = [
        threading.Thread(target=ask_until_refused, args=(port, faults, answers, is_kept), daemon=True)
        for _ in range(24)
    ]
    for thread in threads:
        thread.start()
    until(lambda: (tmp_path / "log").read_bytes().count(b" 200 ") > 100)
    process.send_signal(signal.SIGTERM)
    assert process.wait(WAIT_SECONDS) == 0
    for thread in threads:
        thread.join(WAIT_SECONDS)
        assert not thread.is_alive()
    # The system may have let somebody in between the last look into its queue and its end.
    assert faults in ([], [b""])
    log = (tmp_path / "log").read_bytes()
    assert log.count(b" 200 ") == len(answers)
    assert b"Traceback" not in log and b"cut off" not in log
