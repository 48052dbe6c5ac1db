"""Experiment 36: malformed requests without end, and logs that cannot be written."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from contextlib import suppress

from support.options import parse_options
from support.server import ask, running, wait_until
from support.verdict import Verdict

MALFORMED = b"GET /\x1b[31m HTTP/1.1\r\nHost: a\r\n bad\x1b]0;title\x07\r\n\r\n"


def flood(port: int, until: float, sent: list[int]) -> None:
    """Send malformed requests, one a connection."""
    count = 0
    while time.monotonic() < until:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as client:
            client.sendall(MALFORMED)
            client.recv(1024)
            count += 1
    sent.append(count)


def main() -> int:
    options = parse_options(__doc__)
    verdict = Verdict("36 Log under attack", options)
    flood_seconds = 2.0 if options.is_quick else 5.0
    with running() as server:
        sent: list[int] = []
        until = time.monotonic() + flood_seconds
        threads = [threading.Thread(target=flood, args=(server.port, until, sent)) for _ in range(4)]
        for thread in threads:
            thread.start()
        statuses = []
        while time.monotonic() < until:
            statuses.append(ask(server.port)[0])
            time.sleep(0.05)
        for thread in threads:
            thread.join()
        lines = [line for line in server.log.splitlines() if " refused with " in line]
        verdict.note("malformed requests a second", f"{sum(sent) / flood_seconds:.0f}")
        verdict.mark(
            "good requests answered meanwhile",
            f"{statuses.count(200)} of {len(statuses)}",
            statuses.count(200) == len(statuses),
        )
        most = 10 * (flood_seconds + 2)
        verdict.mark("lines about refused requests, at most 10 a second", len(lines), len(lines) <= most)
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


if __name__ == "__main__":
    sys.exit(main())
