"""Experiment 13: the supervisor is killed, idle and while a worker is in a slow view."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
from contextlib import suppress
from pathlib import Path

from support.options import parse_options
from support.server import ask, running, wait_until
from support.verdict import Verdict


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def views(port: int) -> int:
    """Return how many views run in the worker that is asked, which may be the other one."""
    status, body = ask(port, "/counts")
    return int(json.loads(body)["views"]) if status == 200 else 0


def main() -> int:
    options = parse_options(__doc__)
    verdict = Verdict("13 SIGKILL of the supervisor", options)
    for name, path in (("idle", None), ("in a slow view", "/busy/20000")):
        with running("--workers", "2", app="traffic_app") as server:
            workers, port = server.worker_pids(2), server.port
            if path is not None:
                threading.Thread(target=ask, args=(port, path), daemon=True).start()
                wait_until(lambda port=port: views(port) == 1)
            os.kill(server.process.pid, signal.SIGKILL)
            took = wait_until(lambda workers=workers: all(map(is_gone, workers)))
            verdict.time(f"{name}: seconds until the workers are gone, at most 2", f"{took:.2f}", took <= 2)
            verdict.mark(f"{name}: they are gone before any view is done", f"{took:.1f} s", took < 15)
            # What a process had open may be closed a moment after its main thread has ended.
            with suppress(TimeoutError):
                wait_until(lambda port=port: is_free(port), 5)
            verdict.mark(f"{name}: the port is free", is_free(port), is_free(port))
    return verdict.status


if __name__ == "__main__":
    sys.exit(main())
