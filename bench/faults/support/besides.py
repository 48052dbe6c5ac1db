"""What slow clients do to good ones: the same measurements before and beside them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field

from support.options import Options
from support.process import Process
from support.server import Server, ask
from support.slow import Fate, Slowness, apart, run_slow
from support.steady import Figures, best, measure
from support.verdict import Verdict

__all__ = ["Availability", "Besides", "beside_slow_clients"]

SERVICE_SECONDS = 3.0
"""A page that takes longer counts as not available, as with slowhttptest."""


class Availability:
    """Asks for a page twice a second, on a new connection each time."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.asked = 0
        self.missed = 0

    def __enter__(self) -> Availability:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._is_over.wait(0.5):
            self.asked += 1
            self.missed += ask(self._port, "/", SERVICE_SECONDS)[0] != 200


@dataclass(slots=True)
class Besides:
    """What was seen beside slow clients."""

    before: Figures
    during: Figures
    memory_before_kib: int
    memory_kib: int
    """The most while they were there."""
    asked: int
    missed: int
    fates: list[Fate] = field(default_factory=list)

    def judge(self, verdict: Verdict, memory_mib: int) -> None:
        """Print the marks that all slow clients have in common."""
        verdict.note("good clients before", self.before)
        verdict.note("good clients beside", self.during)
        verdict.mark(
            "the service is available",
            f"{self.asked - self.missed} of {self.asked} times",
            self.asked > self.missed == 0,
        )
        is_served = self.during.requests > 0 and not self.during.errors
        verdict.mark("errors of good clients", self.during.errors, is_served)
        verdict.time(
            "p99 of good clients in ms, at most twice that before",
            f"{self.during.p99 * 1000:.2f} against {self.before.p99 * 1000:.2f}",
            is_served and self.during.p99 <= 2 * self.before.p99,
        )
        grown = (self.memory_kib - self.memory_before_kib) / 1024
        verdict.mark(f"MiB of memory more, at most {memory_mib}", f"{grown:.1f}", grown <= memory_mib)


@contextmanager
def watched_memory(worker: Process, most: list[int]) -> Iterator[None]:
    """Note the most memory that a process has while the block runs."""
    is_over = threading.Event()

    def run() -> None:
        while not is_over.wait(0.1):
            most[0] = max(most[0], worker.memory_kib)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def beside_slow_clients(server: Server, how: Slowness, count: int, most_seconds: float, options: Options) -> Besides:
    """Measure good clients, then again while slow clients come and until the last of them has gone.

    Args:
        server: The server.
        how: What the slow clients do.
        count: How many there are.
        most_seconds: How long they stay at most.
        options: How the experiment is made.
    """
    worker = server.worker()
    seconds = 1 if options.is_quick else 5
    measure(server.port, seconds=1)
    before = best([measure(server.port, seconds=seconds) for _ in range(2)])
    memory = worker.memory_kib
    most = [memory]
    during: list[Figures] = []
    with apart() as executor, Availability(server.port) as service, watched_memory(worker, most):
        fates: Future[list[Fate]] = executor.submit(run_slow, server.port, count, how, most_seconds)
        time.sleep(1)  # the first of them are there
        while not fates.done():
            during.append(measure(server.port, seconds=seconds))
    return Besides(before, best(during), memory, most[0], service.asked, service.missed, fates.result())
