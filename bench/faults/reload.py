"""Experiment 11: a hundred reloads by SIGHUP, under 32 clients."""

from __future__ import annotations

import signal
import sys

from support.load import Load
from support.options import parse_options
from support.server import Server, running, wait_until
from support.verdict import Verdict


def reload(server: Server, times: int) -> None:
    """Have the server reload some times, each when the one before is done."""
    for _ in range(times):
        done = server.log.count(" Reloaded: ")
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda done=done: server.log.count(" Reloaded: ") > done)


def main() -> int:
    options = parse_options(__doc__)
    reloads = 4 if options.is_quick else 100
    verdict = Verdict(f"11 {reloads} reloads", options)
    with running("--workers", "2") as server:
        first = server.worker_pids(2)
        supervisor = server.supervisor()
        with Load(server.port, "/", connections=32) as load:
            reload(server, early := max(2, reloads // 10))
            before = supervisor.descriptors, supervisor.memory_kib
            reload(server, reloads - early)
            after = supervisor.descriptors, supervisor.memory_kib
        last = server.worker_pids(2)
    bad = [each for each in load.outcomes if each.status != 200]
    pids = {each.body for each in load.outcomes if each.status == 200}
    verdict.mark("errors", f"{len(bad)} of {len(load.outcomes)} requests", bool(load.outcomes) and not bad)
    # A reload takes longer than a request, so each generation answers some; not each of its two workers need get one.
    verdict.mark("processes that answered, at least one of each generation", len(pids), len(pids) >= reloads + 1)
    verdict.mark("workers, first and last, all others", (sorted(first), sorted(last)), not first & last)
    # Old workers that have not ended yet have a channel each.
    verdict.mark("descriptors, early and late", (before[0], after[0]), after[0] <= before[0] + 8)
    verdict.mark("KiB of memory, early and late", (before[1], after[1]), after[1] <= before[1] * 1.05 + 512)
    return verdict.status


if __name__ == "__main__":
    sys.exit(main())
