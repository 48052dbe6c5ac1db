"""Experiment 15: a view holds the interpreter's lock of one of two workers, and uses no processor time."""

from __future__ import annotations

import sys
import threading
import time

from support.load import Load, percentile
from support.options import parse_options
from support.server import ask, running, wait_until
from support.verdict import Verdict


def main() -> int:
    options = parse_options(__doc__)
    verdict = Verdict("15 Hang", options)
    hang_seconds = 3.0 if options.is_quick else 4.0
    with running("--workers", "2", "--hang-timeout", str(hang_seconds), "--access-log", "off") as server:
        pids = server.worker_pids(2)
        with Load(server.port, "/", connections=8) as load:
            time.sleep(1.5 if options.is_quick else 3)
            stuck_at = time.monotonic()
            idle = load.between(0, stuck_at)
            threading.Thread(target=ask, args=(server.port, "/stick/60", 1.0), daemon=True).start()
            wait_until(lambda: "gave no sign of life" in server.log)
            replaced_at = time.monotonic()
            time.sleep(0.5)
        answers = [each.body for each in load.between(stuck_at + 1, replaced_at) if each.status == 200]
        other = max(set(answers), key=answers.count, default=b"")
        verdict.mark("answers of the other worker meanwhile", answers.count(other), bool(answers))
        before = percentile([each.ended - each.sent for each in idle], 0.99)
        during = percentile(
            [each.ended - each.sent for each in load.between(stuck_at + 1, replaced_at) if each.body == other], 0.99
        )
        took = replaced_at - stuck_at
        verdict.time(
            "p99 of the other worker in ms, at most twice the idle one",
            f"{during * 1000:.1f} against {before * 1000:.1f}",
            during <= 2 * before,
        )
        verdict.time(
            f"seconds until the victim was replaced, {hang_seconds:g} to {hang_seconds + 2:g}",
            f"{took:.1f}",
            hang_seconds - 1.1 <= took <= hang_seconds + 2,
        )
        verdict.mark("the log says where", " in stick" in server.log, " in stick" in server.log)
        # The one that hung has been ended, so it is not among those that answer; the other one is the same.
        again = server.worker_pids(2)
        is_replaced = len(again) == 2 and pids & again == {int(other or b"0")}
        verdict.mark("both serve again, one of them new", (sorted(pids), sorted(again)), is_replaced)
    return verdict.status


if __name__ == "__main__":
    sys.exit(main())
