"""Experiment 36: malformed requests without end, and logs that cannot be written."""

from __future__ import annotations

import fcntl
import os
import socket
import sys
import termios
import threading
import time
from contextlib import suppress

from support.options import parse_options
from support.server import ask, running, wait_until
from support.verdict import Verdict

MALFORMED = b"GET /\x1b[31m HTTP/1.1\r\nHost: a\r\n bad\x1b]0;title\x07\r\n\r\n"
LEAST_A_SECOND = 1000
"""Malformed requests, for it to be an attack."""
LEAST_WAITING_BYTES = 32768
"""In a pipe that nobody reads, for its being full to be what is tried."""


def flood(port: int, until: float, refused: list[int]) -> None:
    """Send malformed requests, one a connection; note how many were answered with 400."""
    count = 0
    while time.monotonic() < until:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as client:
            client.sendall(MALFORMED)
            count += client.recv(1024).startswith(b"HTTP/1.1 400 ")
    refused.append(count)


def main() -> int:
    options = parse_options(__doc__)
    verdict = Verdict("36 Log under attack", options)
    flood_seconds = 2.0 if options.is_quick else 5.0
    with running() as server:
        refused: list[int] = []
        until = time.monotonic() + flood_seconds
        threads = [threading.Thread(target=flood, args=(server.port, until, refused)) for _ in range(4)]
        for thread in threads:
            thread.start()
        statuses = []
        while time.monotonic() < until:
            statuses.append(ask(server.port)[0])
            time.sleep(0.05)
        for thread in threads:
            thread.join()
        lines = [line for line in server.log.splitlines() if " refused with " in line]
        verdict.mark("malformed requests that were refused", sum(refused), sum(refused) > 0)
        rate = sum(refused) / flood_seconds
        verdict.time(f"malformed requests a second, at least {LEAST_A_SECOND}", f"{rate:.0f}", rate >= LEAST_A_SECOND)
        verdict.mark(
            "good requests answered meanwhile",
            f"{statuses.count(200)} of {len(statuses)}",
            0 < statuses.count(200) == len(statuses),
        )
        most = 10 * (flood_seconds + 2)
        verdict.mark("lines about refused requests, some, at most 10 a second", len(lines), 0 < len(lines) <= most)
        verdict.mark("escape bytes in the log", server.log.count("\x1b"), "\x1b" not in server.log)
    for name in ("a full disk", "a closed pipe", "a pipe that nobody reads"):
        _serve_with(name, verdict)
    return verdict.status


def _serve_with(name: str, verdict: Verdict) -> None:
    """Serve with a log that cannot be written."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    reader, writer = os.pipe()
    if name == "a closed pipe":
        os.close(reader)
    stderr = os.open("/dev/full", os.O_WRONLY) if name == "a full disk" else writer
    with running("-p", str(port), stderr=stderr):
        wait_until(lambda: ask(port)[0] == 200)
        statuses = [ask(port, f"/?{'x' * 4000}")[0] for _ in range(300)]
        verdict.mark(f"{name}: requests answered", f"{statuses.count(200)} of 300", statuses.count(200) == 300)
    if name == "a pipe that nobody reads":
        waiting = int.from_bytes(fcntl.ioctl(reader, termios.FIONREAD, bytes(4)), sys.byteorder)
        verdict.mark(f"{name}: bytes that wait in it, at least", waiting, waiting >= LEAST_WAITING_BYTES)


if __name__ == "__main__":
    sys.exit(main())
