"""Experiment 9: 512 clients ask for a view of 200 ms that 8 threads run, which is over ten times what they can do."""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter

from support.load import Load, percentile
from support.options import parse_options
from support.server import running, wait_until
from support.slow import allow_descriptors, apart, connect
from support.verdict import Verdict

CLIENTS = 512
PAUSE_SECONDS = 0.1
"""What a client waits after a refusal: it asks ten times more often than Retry-After allows."""


def insist(port: int, seconds: float) -> list[tuple[int, float, bool]]:
    """Ask with many clients; return each answer's status, its seconds, and whether it had Retry-After."""
    allow_descriptors()
    return asyncio.run(_insist(port, seconds))


async def _insist(port: int, seconds: float) -> list[tuple[int, float, bool]]:
    until = time.monotonic() + seconds
    answers: list[tuple[int, float, bool]] = []
    await asyncio.gather(*(_ask(port, until, answers) for _ in range(CLIENTS)))
    return answers


async def _ask(port: int, until: float, answers: list[tuple[int, float, bool]]) -> None:
    loop = asyncio.get_running_loop()
    client = await connect(port)
    while time.monotonic() < until:
        sent = time.monotonic()
        try:
            await loop.sock_sendall(client, b"GET /busy/200 HTTP/1.1\r\nHost: a\r\n\r\n")
            answer = await loop.sock_recv(client, 65536)
        except ConnectionError:
            answer = b""
        status = int(answer[9:12] or b"0")
        answers.append((status, time.monotonic() - sent, b"\nretry-after:" in answer.lower()))
        if status != 200:
            await asyncio.sleep(PAUSE_SECONDS)
        if not answer or b"\nconnection: close" in answer.lower():
            client.close()
            client = await connect(port)
    client.close()


def main() -> int:
    options = parse_options(__doc__)
    verdict = Verdict("9 Overload", options)
    queue_seconds, seconds = (2, 4) if options.is_quick else (5, 30)
    threads = ("--threads", "8", "--max-threads", "8", "--queue-timeout", str(queue_seconds))
    with running(*threads, "--access-log", "off", app="traffic_app") as server, apart() as executor:
        worker, port = server.worker(), server.port
        answers = executor.submit(insist, port, seconds)
        wait_until(lambda: answers.running() and worker.descriptors > CLIENTS)
        with Load(port, "/health", connections=2) as load:
            time.sleep(seconds - 1)
        found = answers.result()
        statuses = Counter(status for status, _, _ in found)
        verdict.note("answers", dict(statuses))
        verdict.mark("answers are 200 and 503 only", set(statuses) <= {200, 503}, set(statuses) == {200, 503})
        bare = sum(status == 503 and not has_retry for status, _, has_retry in found)
        verdict.mark("503 without Retry-After", bare, not bare)
        least, most = seconds * 40 * 0.8, (seconds + queue_seconds) * 40 * 1.3
        verdict.time(
            f"accepted requests, {least:.0f} to {most:.0f}: what 8 threads can do",
            statuses[200],
            least <= statuses[200] <= most,
        )
        accepted = percentile([took for status, took, _ in found if status == 200], 0.99)
        verdict.time(
            f"p99 of accepted requests in seconds, at most {queue_seconds + 0.3}",
            f"{accepted:.2f}",
            accepted <= queue_seconds + 0.3,
        )
        bad = [each for each in load.outcomes if each.status != 200]
        asked = len(load.outcomes)
        verdict.mark("errors of an async view", f"{len(bad)} of {asked} requests", asked > 0 and not bad)
        late = percentile([each.ended - each.sent for each in load.outcomes], 0.99)
        verdict.time("p99 of an async view in ms, at most 100", f"{late * 1000:.1f}", late <= 0.1)
        verdict.mark("the worker is the same", server.worker() == worker, server.worker() == worker)
    return verdict.status


if __name__ == "__main__":
    sys.exit(main())
