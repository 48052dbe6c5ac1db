"""What `server.py` measures beside requests: waiting beside sleepers, files, idle connections, start, workers."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import median

from support.measure import Claim
from support.rivals import environ_of, native, start_nginx
from support.serving import (
    CLIENT_CORE,
    SERVER_CORE,
    Load,
    Server,
    free_port,
    load,
    measure_in_turns,
    serving,
    usual_environ,
)

__all__ = ["measure_parts"]

SLEEPERS = 4
IDLE_CONNECTIONS = 5000
REQUEST = b"GET / HTTP/1.1\r\nHost: bench\r\n\r\n"
START_ROUNDS = 7


def measure_parts(rounds: int, seconds: float) -> list[Claim]:
    """Return a line for each part."""
    claims = [late_beside_sleepers(rounds, seconds), *large_file(rounds, seconds), idle_connections()]
    return [*claims, start_to_first_answer(), two_workers(rounds, seconds)]


def late_beside_sleepers(rounds: int, seconds: float) -> Claim:
    """Return p99 of a trivial view while half of the threads sleep in views, against p99 without them."""
    with ExitStack() as stack:
        server = native(stack)
        load(server, "/", 1)
        windows = {"idle": partial(load, server, "/", seconds), "beside": partial(load_beside, server, seconds)}
        found = measure_in_turns(windows, rounds)
    beside, idle = found["beside"].p99_ms, found["idle"].p99_ms
    return Claim(f"p99, {SLEEPERS} of 8 threads asleep: none asleep", beside, idle, "ms", beside / idle, 1.3)


def load_beside(server: Server, seconds: float) -> Load:
    """Put a server under load while some of its threads sleep from the beginning to the end."""
    milliseconds = int(seconds * 1000) + 700
    with ExitStack() as stack:
        for _ in range(SLEEPERS):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            client.sendall(b"GET /sleep/%d HTTP/1.1\r\nHost: bench\r\n\r\n" % milliseconds)
        time.sleep(0.2)
        found = load(server, "/", seconds)
        time.sleep(0.8)  # the threads are free again
    return found


def large_file(rounds: int, seconds: float) -> list[Claim]:
    """Return how a static file of 1 MB goes out, against nginx."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.chmod(0o755)
        (folder / "large.bin").write_bytes(os.urandom(1 << 20))
        nginx = start_nginx(stack, folder, folder)
        if isinstance(nginx, str):
            print(f"file of 1 MB: skipped, {nginx}")
            return []
        servers = {"ours": native(stack, static=folder), "nginx": nginx}
        windows = {name: partial(load, server, "/static/large.bin", seconds) for name, server in servers.items()}
        found = measure_in_turns(windows, rounds)
    ours, theirs = found["ours"], found["nginx"]
    rates = (ours.requests_per_second / 1000, theirs.requests_per_second / 1000)
    times = (ours.microseconds, theirs.microseconds)
    return [
        Claim("file of 1 MB, requests: nginx", *rates, "k/s", rates[0] / rates[1], 0.8, is_at_least=True),
        Claim("file of 1 MB, processor: nginx", *times, "us", times[0] / times[1], 1 / 0.8),
    ]


def idle_connections() -> Claim:
    """Return the memory of a connection that has been answered once and waits."""
    with ExitStack() as stack:
        server = native(stack)
        load(server, "/", 1)
        before, _ = server.memory_mib()
        for _ in range(IDLE_CONNECTIONS):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            client.sendall(REQUEST)
            client.recv(4096)
        after, _ = server.memory_mib()
    each = (after - before) * 1024 / IDLE_CONNECTIONS
    return Claim(f"one of {IDLE_CONNECTIONS} idle connections: bound", each, 20.0, "KB", each / 20, 1.0)


def start_to_first_answer() -> Claim:
    """Return the time to the first answer, against 1.1 times the application's import plus 250 ms."""
    answers, imports = [], []
    environ = {**usual_environ(), **environ_of("hipflask")}
    for _ in range(START_ROUNDS):
        began = time.monotonic()
        bare = ["taskset", "-c", SERVER_CORE, sys.executable, "-c", "import text_app"]
        subprocess.run(bare, check=True, env=environ)
        imports.append((time.monotonic() - began) * 1000)
        port = free_port()
        command = [sys.executable, "-m", "hipflask", "--app", "text_app", "run", "--port", str(port)]
        began = time.monotonic()
        with serving(command, port, environ_of("hipflask")), answering(port):
            answers.append((time.monotonic() - began) * 1000)
    # The first round may have compiled modules.
    ours, bound = median(answers[1:]), 1.1 * median(imports[1:]) + 250
    return Claim("start to first answer: 1.1 imports + 250 ms", ours, bound, "ms", ours / bound, 1.0)


@contextlib.contextmanager
def answering(port: int) -> Iterator[None]:
    """Ask once and wait for the answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        client.sendall(REQUEST)
        if not client.recv(4096).startswith(b"HTTP/1.1 200"):
            raise RuntimeError("The first answer was not what it should be.")
        yield


def two_workers(rounds: int, seconds: float) -> Claim:
    """Return how many times as many requests two workers on two cores answer as one on one core.

    The view takes 1 ms of processor time. With two cores, one worker uses 1.09 of them, since its input and output do
    not wait for its views; two workers share what is there, and the client's part of it.
    """
    cores = {1: SERVER_CORE, 2: f"{SERVER_CORE},{CLIENT_CORE}"}
    with ExitStack() as stack:
        servers = {count: native(stack, "--workers", str(count), cores=cores[count]) for count in cores}
        windows = {str(count): partial(load, server, "/burn/1000", seconds) for count, server in servers.items()}
        found = measure_in_turns(windows, rounds)
    two, one = found["2"].requests_per_second, found["1"].requests_per_second
    return Claim("1 ms of processor time, 2 workers: 1", two, one, "/s", two / one, 1.8, is_at_least=True)
