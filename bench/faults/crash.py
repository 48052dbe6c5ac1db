"""Experiment 14: views that panic in Rust, end the process or touch memory that is not there.

Panics need a build of the native module with functions that panic, which takes a minute the first time; ``--quick``
leaves them out. A panic during another panic, or for want of memory, aborts: that is a worker that has died.
"""

from __future__ import annotations

import sys

from support.options import parse_options
from support.panicking import panicking_package
from support.server import ask, running, wait_until
from support.verdict import Verdict


def main() -> int:
    options = parse_options(__doc__)
    verdict = Verdict("14 Crash of a worker", options)
    if options.is_quick:
        print("Panics are left out.")
    else:
        panics(verdict)
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


def panics(verdict: Verdict) -> None:
    """Panic in a view, and in the thread of input and output."""
    with panicking_package() as missing:
        if missing:
            print(f"Panics are left out: {missing}.")
            return
        with running("--threads", "1") as server:
            before = ask(server.port, "/thread")
            statuses = [ask(server.port, "/panic")[0] for _ in range(10)]
            verdict.mark("panic in a view: 500", statuses, statuses == [500] * 10)
            after = ask(server.port, "/thread")
            verdict.mark("panic in a view: process and thread are the same", (before, after), before == after)
            (pid,) = server.worker_pids(1)
            status, _ = ask(server.port, "/panic-io")
            verdict.mark("panic in the I/O thread: no answer", status, status == 0)
            took = wait_until(lambda: ask(server.port)[0] == 200)
            (next_pid,) = server.worker_pids(1)
            verdict.mark("panic in the I/O thread: another worker", (pid, next_pid), pid != next_pid)
            verdict.time("panic in the I/O thread: seconds until it answers, at most 1", f"{took:.2f}", took <= 1)
            said = "the I/O thread panicked: on purpose, too" in server.log
            verdict.mark("panic in the I/O thread: the log says so", said, said)


if __name__ == "__main__":
    sys.exit(main())
