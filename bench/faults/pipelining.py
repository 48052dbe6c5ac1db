"""Experiment 8: sixteen connections, each with a thousand requests in one piece, and others beside them."""

from __future__ import annotations

import socket
import sys
import time
from typing import BinaryIO

from support.load import Load, percentile
from support.options import parse_options
from support.process import Process
from support.server import ask, running
from support.slow import apart
from support.verdict import Verdict

CONNECTIONS = 16
REQUESTS = 1000
UNREAD = 100
"""Requests for 1 MiB each, of a client that takes nothing of their answers for a time."""
LARGE_KIB = 1024


def pipeline(port: int, rounds: int) -> str:
    """Send a thousand requests at a time on one connection; return what was wrong with the answers."""
    head = "GET /echo/{} HTTP/1.1\r\nHost: a\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client, client.makefile("rb") as answers:
        for number in range(rounds):
            numbers = range(number * REQUESTS, (number + 1) * REQUESTS)
            client.sendall("".join(map(head.format, numbers)).encode())
            found = [read_answer(answers) for _ in numbers]
            if found != [str(each).encode() for each in numbers]:
                return f"round {number}: {found[:3]} ..."
    return ""


def hold_unread(port: int, worker: Process, seconds: float) -> tuple[int, int]:
    """Ask for large answers, take nothing for a time, then all; return the most memory, and how many were right."""
    request = f"GET /large/{LARGE_KIB} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    most = 0
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client, client.makefile("rb") as answers:
        client.sendall(request * UNREAD)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            most = max(most, worker.memory_kib)
            time.sleep(0.02)
        whole = sum(len(read_answer(answers)) == LARGE_KIB * 1024 for _ in range(UNREAD))
    return most, whole


def read_answer(answers: BinaryIO) -> bytes:
    """Return the body of the next answer."""
    length = 0
    while (line := answers.readline()) not in {b"\r\n", b""}:
        if line.lower().startswith(b"content-length:"):
            length = int(line.partition(b":")[2])
    return answers.read(length) or b""


def main() -> int:
    options = parse_options(__doc__)
    verdict = Verdict("8 Pipelining", options)
    rounds = 2 if options.is_quick else 9  # --max-requests ends a connection after 10,000
    with running("--access-log", "off", app="traffic_app") as server, apart(4) as executor:
        worker, port = server.worker(), server.port
        executor.submit(pipeline, port, 1).result()
        memory = most = worker.memory_kib
        with Load(port, "/health", connections=2) as load:
            began = time.monotonic()
            jobs = [executor.submit(pipeline, port, rounds) for _ in range(CONNECTIONS)]
            while not all(each.done() for each in jobs):
                most = max(most, worker.memory_kib)
                time.sleep(0.05)
            took = time.monotonic() - began
        wrong = [each.result() for each in jobs if each.result()]
        verdict.note("requests a second", f"{CONNECTIONS * REQUESTS * rounds / took:.0f}")
        verdict.mark("connections with answers missing or out of order", wrong or 0, not wrong)
        grown = (most - memory) / 1024
        verdict.mark("MiB of memory more, at most 20", f"{grown:.1f}", grown <= 20)
        ask(port, f"/large/{LARGE_KIB}")
        memory = worker.memory_kib
        most, whole = hold_unread(port, worker, 2 if options.is_quick else 4)  # --rate-grace ends it after 5 s
        grown = (most - memory) / 1024
        verdict.mark("MiB of memory more beside a client that takes nothing, at most 20", f"{grown:.1f}", grown <= 20)
        verdict.mark("answers that it took whole in the end", f"{whole} of {UNREAD}", whole == UNREAD)
        bad = [each for each in load.outcomes if each.status != 200]
        asked = len(load.outcomes)
        verdict.mark("errors of clients beside", f"{len(bad)} of {asked} requests", asked > 0 and not bad)
        late = percentile([each.ended - each.sent for each in load.outcomes], 0.99)
        verdict.time("p99 of clients beside in ms, at most 250", f"{late * 1000:.1f}", late <= 0.25)
    return verdict.status


if __name__ == "__main__":
    sys.exit(main())
