"""A server under test: ``hipflask run`` as a person starts it, and what can be seen of it from outside."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from support.process import Process

__all__ = ["WAIT_SECONDS", "Server", "ask", "running", "wait_until"]

WAIT_SECONDS = 60.0
HERE = Path(__file__).parent


def wait_until(is_done: Callable[[], Any], seconds: float = WAIT_SECONDS) -> float:
    """Return how long it took until *is_done* was true.

    Raises:
        TimeoutError: It never was.
    """
    began = time.monotonic()
    while not is_done():
        if time.monotonic() - began > seconds:
            raise TimeoutError(f"not within {seconds} s")
        time.sleep(0.005)
    return time.monotonic() - began


def ask(port: int, path: str = "/", seconds: float = 10.0) -> tuple[int, bytes]:
    """Return status and body of an answer; status 0 if there was none."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=seconds) as client:
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
            answer = client.makefile("rb").read()
    except OSError:
        return 0, b""
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head[9:12] or b"0"), body


class Server:
    """A server process; see `running`."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self._log = log
        self._port = 0

    @property
    def log(self) -> str:
        """What it has written to stderr."""
        return self._log.read_text(errors="replace")

    @property
    def port(self) -> int:
        """Its port; waits until it is ready."""
        if not self._port:
            wait_until(lambda: re.search(r"Running on \S+:\d+\s", self.log) or self.process.poll() is not None)
            found = re.search(r"Running on \S+:(\d+)\s", self.log)
            if found is None:
                raise RuntimeError(f"The server did not start:\n{self.log}")
            self._port = int(found[1])
        return self._port

    def worker_pids(self, count: int) -> set[int]:
        """Return the numbers of all workers."""
        found: set[int] = set()

        def has_all() -> bool:
            status, body = ask(self.port)
            if status == 200:
                found.add(int(body))
            return len(found) >= count

        wait_until(has_all)
        return found

    def worker(self) -> Process:
        """Return the one worker."""
        (pid,) = self.worker_pids(1)
        return Process(pid)

    def supervisor(self) -> Process:
        """Return the process that was started."""
        return Process(self.process.pid)


@contextlib.contextmanager
def running(
    *args: str,
    stderr: Any = None,
    folder: Path | None = None,
    app: str = "app",
    scratch_folder: Path | None = None,
    descriptors: int = 0,
) -> Iterator[Server]:
    """Run ``hipflask run`` with some arguments, on a free port.

    Args:
        *args: The arguments.
        stderr: Where its log goes; by default to a file that `Server.log` reads.
        folder: Where the application is; by default this one.
        app: The application's module.
        scratch_folder: Where its temporary files go.
        descriptors: How many each of its processes may have open; 0 for what the system allows.
    """
    command = [sys.executable, "-m", "hipflask", "--app", app, "run", "-p", "0", *args]
    if descriptors:
        command = ["sh", "-c", f'ulimit -n {descriptors}; exec "$@"', "sh", *command]
    environ = {**os.environ, "TMPDIR": str(scratch_folder)} if scratch_folder else None
    with tempfile.TemporaryDirectory() as scratch:
        log = Path(scratch) / "log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                command,
                env=environ,
                cwd=folder or HERE,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=file if stderr is None else stderr,
                start_new_session=True,
            )
        try:
            yield Server(process, log)
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End whatever is left of a server."""
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=20)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
