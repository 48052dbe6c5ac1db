"""Experiment 2: a thousand clients (200 in the quick form) that send their heads a line now and then (slowloris)."""

from __future__ import annotations

import sys

from support.besides import beside_slow_clients
from support.options import parse_options
from support.server import running
from support.slow import Slowness
from support.verdict import Verdict


def main() -> int:
    options = parse_options(__doc__)
    verdict = Verdict("2 Slow heads", options)
    deadline = 2 if options.is_quick else 15
    count = 200 if options.is_quick else 1000
    how = Slowness(b"GET / HTTP/1.1\r\nHost: a\r\n", b"X-a: bcdef\r\n", deadline / 4)
    with running("--head-timeout", str(deadline), "--access-log", "off", app="traffic_app") as server:
        found = beside_slow_clients(server, how, count, deadline * 2 + count / 200, options)
        found.judge(verdict, memory_mib=40)
    longest = found.judge_ends(verdict, count)
    # How long a client sees of it depends on when the machine lets it look.
    verdict.time(
        f"seconds until the last was ended, at most {deadline} and 1 to see it",
        f"{longest:.1f}",
        longest <= deadline + 1,
    )
    return verdict.status


if __name__ == "__main__":
    sys.exit(main())
