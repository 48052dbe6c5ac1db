"""Slow heads, slow bodies and slow readers on the pure-Python server, and what a plain request pays for them.

Passes (exit status 0) if every plain request is answered, their 99th percentile stays below twice that without slow
clients plus 20 ms, and the server has no more threads than its pool may have.
"""

from __future__ import annotations

import os
import re
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from support.options import parse_options

SERVER = """
from hipflask.server.runner import make_server
import hipflask, logging
logging.getLogger("hipflask.access").setLevel(logging.INFO)
app = hipflask.Flask("slow")
app.add_url_rule("/", "index", lambda: "quick")
app.add_url_rule("/large", "large", lambda: (b"a" * 65536 for _ in range(200)))
app.add_url_rule("/form", "form", lambda: str(len(hipflask.request.data)), methods=["POST"])
server = make_server("127.0.0.1", 0, app, threaded=True)
server.log_startup()
server.serve_forever()
"""
HEAD = b"HTTP/1.1\r\nHost: a\r\n"
SLOW = (
    b"GET / " + HEAD,
    b"POST /form " + HEAD + b"Content-Length: 1000\r\n\r\n",
    b"POST /form " + HEAD + b"Content-Length: 10000000\r\n\r\n",
    b"POST /form " + HEAD + b"Content-Length: 1000\r\nExpect: 100-continue\r\n\r\n",
    b"GET /large " + HEAD + b"\r\n",
)
MOST_THREADS = 32 + 2


def ask(port: int) -> float:
    """Return the seconds that a plain request takes, connecting included."""
    began = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port), timeout=20) as sock:
        sock.sendall(b"GET / " + HEAD + b"Connection: close\r\n\r\n")
        answer = b"".join(iter(lambda: sock.recv(65536), b""))
    if not answer.endswith(b"quick"):
        raise SystemExit(f"FAIL: a plain request got {answer[:200]!r}")
    return time.perf_counter() - began


def percentile(port: int, samples: int, drip: Iterator[None] | None = None) -> float:
    """Return the 99th percentile of plain requests in seconds."""
    times = []
    for _ in range(samples):
        if drip is not None:
            next(drip)
        times.append(ask(port))
    return sorted(times)[samples * 99 // 100]


def connect(port: int, kind: int) -> socket.socket:
    """Return a slow client that has begun its request."""
    sock = socket.create_connection(("127.0.0.1", port), timeout=20)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.sendall(SLOW[kind])
    return sock


def move(sock: socket.socket, kind: int) -> bool:
    """Have a slow client send or take one byte; false if the server has turned it away."""
    try:
        if kind < len(SLOW) - 1:
            sock.send(b"a")
        elif select.select([sock], [], [], 0)[0]:
            sock.recv(1)
    except OSError:
        sock.close()
        return False
    return True


def drip_forever(port: int, count: int) -> Iterator[None]:
    """Keep slow clients: each turn gives some of them a byte, and replaces those that were turned away."""
    clients: list[tuple[socket.socket, int]] = []
    at = 0
    while True:
        for number in range(len(clients), min(count, len(clients) + 10)):
            clients.append((connect(port, number % len(SLOW)), number % len(SLOW)))
        for _ in range(5):
            at = (at + 1) % len(clients)
            if not move(*clients[at]):
                clients.pop(at)
                at = 0
        yield


def main() -> None:
    options = parse_options(__doc__)
    count, samples = (50, 50) if options.is_quick else (500, 400)
    source = Path(__file__).resolve().parents[2] / "src"
    environment = {**os.environ, "PYTHONPATH": str(source)}
    process = subprocess.Popen([sys.executable, "-c", SERVER], stderr=subprocess.PIPE, text=True, env=environment)
    assert process.stderr is not None
    try:
        found = None
        while found is None:
            found = re.search(r"http://127\.0\.0\.1:([0-9]+)", process.stderr.readline())
        port = int(found[1])
        # Nobody reads the log from here on: it goes to a pipe that a thread empties.
        threading.Thread(target=process.stderr.read, daemon=True).start()
        before = percentile(port, samples)
        drip = drip_forever(port, count)
        for _ in range(count // 10):  # until all are there; beginning their answers is work as any other
            next(drip)
        while_slow = max(percentile(port, samples, drip) for _ in range(1 if options.is_quick else 3))
        threads = len(os.listdir(f"/proc/{process.pid}/task"))
    finally:
        process.terminate()
        process.wait()
    print("== Slow clients of the pure server")
    print(f"p99 of a plain request: {before * 1000:.1f} ms, with {count} slow clients {while_slow * 1000:.1f} ms")
    print(f"threads: {threads}")
    passed = (options.is_untimed or while_slow <= 2 * before + 0.02) and threads <= MOST_THREADS
    print("PASS" if passed else "FAIL")
    sys.exit(not passed)


if __name__ == "__main__":
    main()
