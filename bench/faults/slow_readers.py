"""Experiment 4: 500 clients (100 in the quick form) ask for 5 MiB three times and take 32 bytes now and then."""

from __future__ import annotations

import sys
import time
from collections import Counter
from contextlib import suppress

from support.besides import beside_slow_clients
from support.options import parse_options
from support.server import ask, running, wait_until
from support.slow import Slowness
from support.verdict import Verdict


def main() -> int:
    options = parse_options(__doc__)
    verdict = Verdict("4 Slow readers", options)
    grace = 1 if options.is_quick else 5
    count = 100 if options.is_quick else 500
    how = Slowness(b"GET /file/5120 HTTP/1.1\r\nHost: a\r\n\r\n" * 3, pause_seconds=grace / 2, takes=32)
    # What fits into the client's window at once is to its credit: 2 KiB are eight seconds at the usual rate.
    rate = ("--min-rate", "2400") if options.is_quick else ()
    args = ("--rate-grace", str(grace), *rate, "--access-log", "off")
    with running(*args, app="traffic_app") as server:
        status, body = ask(server.port, "/file/5120")
        verdict.mark("the file alone", (status, len(body)), (status, len(body)) == (200, 5120 * 1024))
        worker = server.worker()
        before = worker.descriptors
        began = time.monotonic()
        found = beside_slow_clients(server, how, count, grace * 4 + count / 200, options)
        found.judge(verdict, memory_mib=100)
        with suppress(TimeoutError):
            wait_until(lambda: worker.descriptors <= before, 10)
        verdict.mark(
            "the worker's descriptors, before and after", (before, worker.descriptors), worker.descriptors <= before
        )
    closed = [each for each in found.fates if each.is_closed]
    verdict.mark("slow clients that the server has ended", f"{len(closed)} of {count}", len(closed) == count)
    statuses = Counter(each.status for each in found.fates)
    verdict.mark("answers that they took the begin of", dict(statuses), statuses == {200: count})
    longest = max(each.lived_seconds for each in found.fates)
    verdict.time(
        f"seconds until the last was ended, at most {grace * 2} and a pause", f"{longest:.1f}", longest <= grace * 3
    )
    verdict.note("seconds in all", f"{time.monotonic() - began:.1f}")
    return verdict.status


if __name__ == "__main__":
    sys.exit(main())
