"""Experiment 6: 5,000 connections (1,000 in the quick form) that have had an answer and stay."""

from __future__ import annotations

import asyncio
import socket
import sys
from contextlib import suppress

from support.options import parse_options
from support.server import running, wait_until
from support.slow import allow_descriptors, apart, connect
from support.steady import best, measure
from support.verdict import Verdict

WINDOWS = 3


def stay(port: int, count: int, seconds: float) -> tuple[int, int]:
    """Keep connections open after one request each; return how many got a 200, and how many the server has ended."""
    allow_descriptors()
    return asyncio.run(_stay(port, count, seconds))


async def _stay(port: int, count: int, seconds: float) -> tuple[int, int]:
    answered = 0
    clients: list[socket.socket] = []
    loop = asyncio.get_running_loop()
    for _ in range(count):
        client = await connect(port)
        await loop.sock_sendall(client, b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
        answered += (await loop.sock_recv(client, 65536)).startswith(b"HTTP/1.1 200 ")
        clients.append(client)
    await asyncio.sleep(seconds)
    ended = 0
    for client in clients:
        try:
            ended += client.recv(1) == b""
        except BlockingIOError:
            pass
        except OSError:
            ended += 1
        client.close()
    return answered, ended


def main() -> int:
    options = parse_options(__doc__)
    verdict = Verdict("6 Idle connections", options)
    count = 1000 if options.is_quick else 5000
    seconds = 1 if options.is_quick else 5
    allow_descriptors()
    with (
        running("--keep-alive-timeout", "120", "--access-log", "off", app="traffic_app") as server,
        apart() as executor,
    ):
        worker, port = server.worker(), server.port
        descriptors = worker.descriptors
        measure(port, seconds=seconds)
        before = best([measure(port, seconds=seconds) for _ in range(WINDOWS)])
        memory = worker.memory_kib
        stayed = executor.submit(stay, port, count, seconds * WINDOWS + 1)
        wait_until(lambda: stayed.done() or worker.descriptors >= descriptors + count)
        each = (worker.memory_kib - memory) / count
        during = best([measure(port, seconds=seconds) for _ in range(WINDOWS)])
        answered, ended = stayed.result()
        verdict.mark("connections that had an answer", f"{answered} of {count}", answered == count)
        verdict.mark("connections that the server has ended", ended, not ended)
        verdict.mark("KiB of memory for each, at most 20", f"{each:.1f}", each <= 20)
        verdict.mark("errors of good clients", during.errors, during.requests > 0 and not during.errors)
        verdict.time(
            "p99 of good clients in ms, at most 1.2 times that before",
            f"{during.p99 * 1000:.2f} against {before.p99 * 1000:.2f}",
            during.p99 <= 1.2 * before.p99,
        )
        with suppress(TimeoutError):
            wait_until(lambda: worker.descriptors <= descriptors, 10)
        verdict.mark("descriptors after, as before", worker.descriptors, worker.descriptors <= descriptors)
    return verdict.status


if __name__ == "__main__":
    sys.exit(main())
