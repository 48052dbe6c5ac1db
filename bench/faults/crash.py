"""Experiment 14: views that end the process or touch memory that is not there."""

from __future__ import annotations

import sys

from support.options import parse_options
from support.server import ask, running, wait_until
from support.verdict import Verdict


def main() -> int:
    options = parse_options(__doc__)
    verdict = Verdict("14 Crash of a worker", options)
    with running() as server:
        for path in ("/exit", "/null"):
            (before,) = server.worker_pids(1)
            ask(server.port, path)
            took = wait_until(lambda: ask(server.port)[0] == 200)
            (after,) = server.worker_pids(1)
            verdict.mark(f"{path}: another worker", (before, after), before != after)
            verdict.time(f"{path}: seconds until it answers, at most 1", f"{took:.2f}", took <= 1)
            wait_until(lambda: ask(server.port, "/slow/2500")[0] == 200)  # it is steady: the next starts at once too
        verdict.mark(
            "the log names each end",
            server.log.count("another one starts at once"),
            server.log.count("another one starts at once") == 2,
        )
    return verdict.status


if __name__ == "__main__":
    sys.exit(main())
