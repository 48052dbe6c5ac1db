"""Experiment 7: a connection for each request, then clients that connect and break off at once."""

from __future__ import annotations

import socket
import struct
import sys
from contextlib import suppress

from support.options import parse_options
from support.server import ask, running, wait_until
from support.slow import apart
from support.steady import measure
from support.verdict import Verdict

BREAK_OFF = struct.pack("ii", 1, 0)
"""SO_LINGER of no time: closing sends RST."""


def connect_and_break_off(port: int, count: int) -> int:
    """Connect and break off many times; return how often nobody listened."""
    refused = 0
    for number in range(count):
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, BREAK_OFF)
            refused += bool(client.connect_ex(("127.0.0.1", port)))
            with suppress(OSError):
                client.send(b"GET / HT"[: number % 2 * 8])
    return refused


def main() -> int:
    options = parse_options(__doc__)
    verdict = Verdict("7 Connection churn", options)
    count = 10_000 if options.is_quick else 100_000
    with running("--access-log", "off") as server, apart() as executor:
        worker, port = server.worker(), server.port
        ask(port)
        measure(port, seconds=1)
        before = worker.descriptors, worker.threads
        memory = worker.memory_kib
        lines = len(server.log.splitlines())
        found = measure(port, connections=64, seconds=3 if options.is_quick else 60, headers=["Connection: close"])
        verdict.note("a connection each", found)
        verdict.mark("errors", found.errors, found.requests > 0 and not found.errors)
        refused = executor.submit(connect_and_break_off, port, count).result()
        verdict.mark(f"of {count} connections broken off, those that nobody took", refused, not refused)
        with suppress(TimeoutError):
            wait_until(lambda: worker.descriptors <= before[0], 10)
        after = worker.descriptors, worker.threads
        verdict.mark(
            "descriptors and threads, before and after",
            (before, after),
            after[0] <= before[0] and after[1] <= before[1],
        )
        grown = (worker.memory_kib - memory) / 1024
        verdict.mark("MiB of memory more, at most 10", f"{grown:.1f}", grown <= 10)
        written = len(server.log.splitlines()) - lines
        verdict.mark("lines in the log about it, at most 20", written, written <= 20)
        verdict.mark("it answers", ask(port)[0], ask(port)[0] == 200)
    return verdict.status


if __name__ == "__main__":
    sys.exit(main())
