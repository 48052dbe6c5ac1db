"""Experiment 35: how long it takes to start and to stop, and how a start fails."""

from __future__ import annotations

import signal
import socket
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from support.options import parse_options
from support.server import ask, running, wait_until
from support.verdict import Verdict

ROUNDS = 7


def measure_once() -> tuple[float, float, int]:
    """Return the seconds from the start to the first answer, those from SIGTERM to the end, and the exit status."""
    began = time.monotonic()
    with running() as server:
        wait_until(lambda: ask(server.port)[0] == 200)
        started = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        status = server.process.wait()
        return started - began, time.monotonic() - started, status


def main() -> int:
    options = parse_options(__doc__)
    verdict = Verdict("35 Start and stop", options)
    times = [measure_once() for _ in range(2 if options.is_quick else ROUNDS)]
    for number, what in enumerate(("start to the first answer", "SIGTERM to the end")):
        seconds = median(each[number] for each in times)
        verdict.time(f"{what}, median in seconds, below 1", f"{seconds:.2f}", seconds < 1)
    ends = [each[2] for each in times]
    verdict.mark("exit statuses after SIGTERM", ends, not any(ends))
    with socket.create_server(("127.0.0.1", 0)) as other, tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "broken.py").write_text("import no_such_module\n")
        (folder / "empty.py").write_text("")
        (folder / "fine.py").write_text("from hipflask import Flask\napp = Flask(__name__)\n")
        cases = {
            "port in use": ("fine", ("-p", str(other.getsockname()[1]))),
            "broken import": ("broken", ()),
            "no application": ("empty", ()),
            "bad option": ("fine", ("--workers", "none")),
        }
        for name, (app, args) in cases.items():
            began = time.monotonic()
            with running(*args, folder=folder, app=app) as server:
                status = server.process.wait(timeout=30)
                took = time.monotonic() - began
                errors = [line for line in server.log.splitlines() if line.startswith("Error: ")]
            verdict.mark(
                f"{name}: seconds below 1, status not 0, one line",
                f"{took:.2f} s, status {status}, {errors}",
                (took < 1 or options.is_untimed) and status != 0 and len(errors) == 1,
            )
    return verdict.status


if __name__ == "__main__":
    sys.exit(main())
