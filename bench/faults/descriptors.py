"""Experiment 16: 400 clients at a server that may open 128 files."""

from __future__ import annotations

import socket
import sys
import time
from contextlib import suppress

from support.options import parse_options
from support.server import ask, running, wait_until
from support.verdict import Verdict

DESCRIPTORS = 128
CLIENTS = 400


def main() -> int:
    options = parse_options(__doc__)
    verdict = Verdict("16 Descriptors run out", options)
    seconds = 3 if options.is_quick else 60
    with running("--head-timeout", str(seconds + 20), descriptors=DESCRIPTORS) as server:
        worker, port = server.worker(), server.port
        before = worker.descriptors
        clients = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(CLIENTS)]
        for client in clients:
            client.sendall(b"GET / HTTP/1.1\r\n")
        time.sleep(0.5)
        full = worker.descriptors
        verdict.mark(
            "the worker's descriptors, idle and full, at least half of what is allowed",
            (before, full),
            full >= DESCRIPTORS / 2,
        )
        share = worker.cpu_share(seconds)
        verdict.time("part of a core while full, at most 0.2", f"{share:.3f}", share <= 0.2)
        verdict.mark("descriptors, at most what is allowed", worker.descriptors, worker.descriptors <= DESCRIPTORS)
        # One that was there from the beginning is served although nobody else can come in.
        clients[0].sendall(b"Host: a\r\n\r\n")
        answer = b""
        with suppress(TimeoutError):
            answer = clients[0].recv(1024)
        verdict.mark("a client that is in is answered", answer[9:12].decode(), answer[9:12] == b"200")
        for client in clients:
            client.close()
        took = wait_until(lambda: ask(port, "/", 5)[0] == 200)
        verdict.time("seconds until it answers again, at most 1", f"{took:.2f}", took <= 1)
        verdict.mark("the worker is the same", server.worker() == worker, server.worker() == worker)
        lines = len(server.log.splitlines())
        verdict.mark("lines in the log, at most one a second and 20", lines, lines <= seconds + 20)
        with suppress(TimeoutError):
            wait_until(lambda: worker.descriptors <= before, 10)
        verdict.mark("descriptors after, as before", worker.descriptors, worker.descriptors <= before)
    return verdict.status


if __name__ == "__main__":
    sys.exit(main())
