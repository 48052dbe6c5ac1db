"""Experiment 15: a view holds the interpreter's lock of one of two workers, and uses no processor time."""

from __future__ import annotations

import sys
import threading
import time

from support.load import Load, percentile
from support.server import ask, running, wait_until
from support.verdict import Verdict

HANG_SECONDS = 4.0


def main() -> int:
    verdict = Verdict("15 Hang")
    with running("--workers", "2", "--hang-timeout", str(HANG_SECONDS), "--access-log", "off") as server:
        server.worker_pids(2)
        with Load(server.port, "/", connections=8) as load:
            time.sleep(3)
            stuck_at = time.monotonic()
            idle = load.between(0, stuck_at)
            threading.Thread(target=ask, args=(server.port, "/stick/60", 1.0), daemon=True).start()
            wait_until(lambda: "gave no sign of life" in server.log)
            replaced_at = time.monotonic()
            time.sleep(2)
        answers = [each.body for each in load.between(stuck_at + 1, replaced_at) if each.status == 200]
        other = max(set(answers), key=answers.count)
        before = percentile([each.ended - each.sent for each in idle], 0.99)
        during = percentile(
            [each.ended - each.sent for each in load.between(stuck_at + 1, replaced_at) if each.body == other], 0.99
        )
        took = replaced_at - stuck_at
        verdict.mark(
            "p99 of the other worker in ms, at most twice the idle one",
            f"{during * 1000:.1f} against {before * 1000:.1f}",
            during <= 2 * before,
        )
        verdict.mark(
            f"seconds until the victim was replaced, {HANG_SECONDS:g} to {HANG_SECONDS + 2:g}",
            f"{took:.1f}",
            HANG_SECONDS - 1.1 <= took <= HANG_SECONDS + 2,
        )
        verdict.mark("the log says where", " in stick" in server.log, " in stick" in server.log)
        verdict.mark("both serve again", len(server.worker_pids(2)), True)
    return verdict.status


if __name__ == "__main__":
    sys.exit(main())
