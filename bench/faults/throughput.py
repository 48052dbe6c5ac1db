"""Experiment 1: 64 connections ask for a small page without a pause. Its speed is compared in bench/, not here."""

from __future__ import annotations

import sys

from support.options import parse_options
from support.server import running
from support.steady import measure
from support.verdict import Verdict


def main() -> int:
    options = parse_options(__doc__)
    verdict = Verdict("1 Throughput", options)
    with running("--access-log", "off") as server:
        worker = server.worker()
        measure(server.port, connections=64, seconds=1 if options.is_quick else 10)
        found = measure(server.port, connections=64, seconds=4 if options.is_quick else 30)
        verdict.note("seen", found)
        verdict.mark("errors", found.errors, found.requests > 0 and not found.errors)
        after = server.worker()
        verdict.mark("the worker is the same", after == worker, after == worker)
    return verdict.status


if __name__ == "__main__":
    sys.exit(main())
