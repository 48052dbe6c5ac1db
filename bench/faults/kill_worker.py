"""Experiment 12: one of two workers is killed every five seconds, under 64 clients."""

from __future__ import annotations

import os
import signal
import sys
import time

from support.load import Load
from support.options import parse_options
from support.server import running, wait_until
from support.verdict import Verdict

CONNECTIONS = 64
KILLS = 3


def main() -> int:
    options = parse_options(__doc__)
    verdict = Verdict("12 SIGKILL of a worker", options)
    with running("--workers", "2", "--access-log", "off") as server:
        server.worker_pids(2)
        with Load(server.port, "/", connections=CONNECTIONS) as load:
            time.sleep(2 if options.is_quick else 3)
            wait_until(lambda: len(load.last) == CONNECTIONS)
            for number in range(1, (1 if options.is_quick else KILLS) + 1):
                now = time.monotonic()
                usual = len(load.between(now - 2, now)) / 2
                asked = [each.body for each in dict(load.last).values() if each.status == 200]
                victim = max(set(asked), key=asked.count)
                os.kill(int(victim), signal.SIGKILL)
                time.sleep(5)
                found = load.between(now, now + 5)
                errors = [each for each in found if each.status != 200]
                # The best second: what else the machine does is not the server's doing.
                rate = max(len(load.between(now + second, now + second + 1)) for second in (2, 3, 4))
                verdict.mark(
                    f"kill {number}: errors, at most the victim's {asked.count(victim)} connections",
                    f"{len(errors)} of {len(found)} requests",
                    len(found) > len(errors) <= asked.count(victim),
                )
                again = server.worker_pids(2)
                verdict.mark(
                    f"kill {number}: both serve again, one of them new",
                    (int(victim), sorted(again)),
                    len(again) == 2 and int(victim) not in again,
                )
                verdict.time(
                    f"kill {number}: requests a second 2 s later, before {usual:.0f}, at least 0.95 of it",
                    f"{rate:.0f}",
                    rate >= 0.95 * usual,
                )
    return verdict.status


if __name__ == "__main__":
    sys.exit(main())
