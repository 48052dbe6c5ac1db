"""Experiment 11: a hundred reloads by SIGHUP, under 32 clients."""

from __future__ import annotations

import signal
import sys

from support.load import Load
from support.options import parse_options
from support.server import running, wait_until
from support.verdict import Verdict


def main() -> int:
    options = parse_options(__doc__)
    reloads = 4 if options.is_quick else 100
    verdict = Verdict(f"11 {reloads} reloads", options)
    with running("--workers", "2") as server, Load(server.port, "/", connections=32) as load:
        before = (0, 0)
        supervisor = server.supervisor()
        for number in range(1, reloads + 1):
            server.process.send_signal(signal.SIGHUP)
            wait_until(lambda number=number: server.log.count(" Reloaded: ") >= number)
            if number == max(2, reloads // 10):
                before = supervisor.descriptors, supervisor.memory_kib
        after = supervisor.descriptors, supervisor.memory_kib
    bad = [each for each in load.outcomes if each.status != 200]
    pids = {each.body for each in load.outcomes if each.status == 200}
    verdict.note("requests", f"{len(load.outcomes)}, answered by {len(pids)} processes")
    verdict.mark("errors", len(bad), not bad)
    # Old workers that have not ended yet have a channel each.
    verdict.mark("descriptors, early and late", (before[0], after[0]), after[0] <= before[0] + 8)
    verdict.mark("KiB of memory, early and late", (before[1], after[1]), after[1] <= before[1] * 1.05 + 512)
    return verdict.status


if __name__ == "__main__":
    sys.exit(main())
