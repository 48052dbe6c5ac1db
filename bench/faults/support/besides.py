"""What slow clients do to good ones: the same measurements before and beside them."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field

from support.options import Options
from support.process import Process
from support.server import Server, ask
from support.slow import Fate, Slowness, apart, run_slow
from support.steady import Figures, best, measure
from support.verdict import Verdict

__all__ = ["Availability", "Besides", "Memory", "beside_slow_clients", "repeatedly"]

SERVICE_SECONDS = 3.0
"""A page that takes longer counts as not available, as with slowhttptest."""


@contextmanager
def repeatedly(seconds: float, look: Callable[[], object]) -> Iterator[None]:
    """Call a function at an interval, on a thread of its own, while the block runs.

    Args:
        seconds: The interval.
        look: The function.
    """
    is_over = threading.Event()

    def run() -> None:
        while not is_over.wait(seconds):
            look()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


class Availability:
    """Asks for a page, on a new connection each time."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.asked = 0
        self.missed = 0

    def look(self) -> None:
        """Ask once."""
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

    def judge_ends(self, verdict: Verdict, count: int) -> float:
        """Print the marks of clients that are all to be ended by 408; return the seconds until the last was."""
        closed = [each for each in self.fates if each.is_closed]
        verdict.mark("slow clients that the server has ended", f"{len(closed)} of {count}", len(closed) == count)
        statuses = Counter(each.status for each in self.fates)
        verdict.mark("answers to them", dict(statuses), statuses == {408: count})
        return max(each.lived_seconds for each in self.fates)


class Memory:
    """The most memory that a process has had."""

    def __init__(self, worker: Process) -> None:
        self._worker = worker
        self.most_kib = worker.memory_kib

    def look(self) -> None:
        """Look once."""
        self.most_kib = max(self.most_kib, self._worker.memory_kib)


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
    memory, service = Memory(worker), Availability(server.port)
    memory_before_kib = memory.most_kib
    during: list[Figures] = []
    with apart() as executor, repeatedly(0.5, service.look), repeatedly(0.1, memory.look):
        fates: Future[list[Fate]] = executor.submit(run_slow, server.port, count, how, most_seconds)
        time.sleep(1)  # the first of them are there
        while not fates.done():
            during.append(measure(server.port, seconds=seconds))
    return Besides(
        before, best(during), memory_before_kib, memory.most_kib, service.asked, service.missed, fates.result()
    )
