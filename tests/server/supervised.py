"""``hipflask run`` in a process of its own, with what tests need to see of it."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

WAIT_SECONDS = 30.0  # a deadline that only a hang reaches
_POLL_SECONDS = 0.02

APP = """
import ctypes, os, time
from hipflask import Flask, request

app = Flask(__name__)

@app.get("/")
def index():
    return f"{VERSION} {os.getpid()} {os.getppid()}"

@app.get("/slow/<float:seconds>")
def slow(seconds):
    open("begun", "a").write("x")
    time.sleep(seconds)
    return "slow"

@app.get("/stick")
def stick():
    ctypes.PyDLL(None).sleep(30)  # holds the interpreter's lock
    return "stuck"

@app.get("/die")
def die():
    os._exit(3)

@app.get("/told")
def told():
    return {"ip": request.remote_addr, "scheme": request.scheme, "gid": os.getgid(), "debug": app.debug,
            "multiprocess": request.environ["wsgi.multiprocess"], "multithread": request.environ["wsgi.multithread"]}
"""

# What `hipflask run` does, but the supervisor runs in this very program: the branches it takes are counted.
_MEASURED = """
import json, os, sys
from hipflask.server import launch, supervisor

def run_here(path, arguments):
    os.environ.pop("FLASK_RUN_FROM_CLI", None)
    settings = json.loads(arguments[-1])
    settings["command"][0] = os.environ.get("TEST_PYTHON", settings["command"][0])
    sys.exit(supervisor.Supervisor(settings).run())

os.execv = run_here
if "TEST_PYTHON" in os.environ:
    launch.can_fork = lambda: False
from hipflask.cli import main
main()
"""


def wait_until(is_done: Callable[[], Any], what: str) -> Any:
    """Return what *is_done* returns as soon as that is true."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        if found := is_done():
            return found
        time.sleep(_POLL_SECONDS)
    raise AssertionError(f"in vain: {what}")


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def python_path(folder: Path) -> str:
    """Return what ``PYTHONPATH`` is with one more folder."""
    return os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])


class Supervised:
    """A server and its supervisor.

    Args:
        folder: Working directory; ``hello.py`` is written into it if there is none.
        args: Arguments of ``hipflask run``.
        is_measured: Run the supervisor so that coverage sees it; otherwise all is as a person starts it.
        before: Arguments that stand before ``run``.
        environment: Further variables.
        options: Further arguments of `subprocess.Popen`.
    """

    def __init__(
        self,
        folder: Path,
        *args: str,
        is_measured: bool = True,
        before: tuple[str, ...] = (),
        environment: dict[str, str] | None = None,
        **options: Any,
    ) -> None:
        self.folder = folder
        if not (folder / "hello.py").exists():
            self.write()
        self._log = folder / "log"
        command = [sys.executable, *(["-c", _MEASURED] if is_measured else ["-m", "hipflask"])]
        if not {"-p", "--port", "--bind"} & set(args) and "LISTEN_FDS" not in (environment or {}):
            args = ("-p", "0", *args)
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [*command, *before, "--app", "hello", "run", *args],
                cwd=folder,
                env={**os.environ, **(environment or {})},
                stdin=options.pop("stdin", subprocess.DEVNULL),
                stdout=subprocess.DEVNULL,
                stderr=options.pop("stderr", log),
                start_new_session=True,
                **options,
            )

    def write(self, version: str = "one", more: str = "") -> None:
        """Write the application."""
        text = f"VERSION = {version!r}\n{APP}\n{more}\n"
        other = self.folder / "hello.new"
        other.write_text(text)
        other.replace(self.folder / "hello.py")

    @property
    def log(self) -> str:
        """What was written to stderr until now."""
        return self._log.read_text(errors="replace")

    def wait_for(self, pattern: str, count: int = 1) -> re.Match[str]:
        """Wait for the *count*-th match of a pattern in the log."""

        def look() -> re.Match[str] | None:
            has_ended = self.process.poll() is not None
            found = list(re.finditer(pattern, self.log))
            if len(found) >= count:
                return found[count - 1]
            assert not has_ended, f"ended before {pattern!r}:\n{self.log}"
            return None

        try:
            found: re.Match[str] = wait_until(look, pattern)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log}") from error
        return found

    @property
    def url(self) -> str:
        """The address; waits until the server is ready."""
        return self.wait_for(r"http://127\.0\.0\.1:\d+(?=\s)")[0]

    def get(self, path: str = "/", **headers: str) -> str:
        """Return the body of an answer."""
        request = urllib.request.Request(self.url + path, headers=headers)
        with urllib.request.urlopen(request, timeout=WAIT_SECONDS) as answer:
            text: str = answer.read().decode()
        return text

    def answers(self) -> bool:
        """Tell whether it serves at the moment."""
        try:
            return bool(self.get())
        except OSError:
            return False

    def drop(self, path: str) -> None:
        """Send a request whose answer never comes."""
        with contextlib.suppress(OSError, urllib.error.URLError):
            self.get(path)

    def send(self, path: str) -> socket.socket:
        """Send a request; its answer may be read from the socket."""
        host, _, port = self.url.removeprefix("http://").rpartition(":")
        client = socket.create_connection((host, int(port)), timeout=WAIT_SECONDS)
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        return client

    def begin_slow(self, seconds: float) -> socket.socket:
        """Send a request to the slow view, and wait until it runs."""
        mark = self.folder / "begun"
        before = mark.stat().st_size if mark.exists() else 0
        client = self.send(f"/slow/{float(seconds)}")
        wait_until(lambda: mark.exists() and mark.stat().st_size > before, "the slow view")
        return client

    def worker_pids(self, count: int) -> set[int]:
        """Return the workers' numbers, as soon as so many have answered."""
        found: set[int] = set()

        def ask() -> bool:
            # Several at a time, so that one worker alone cannot take them all.
            clients = [self.send("/") for _ in range(2 * count)]
            for client in clients:
                with client:
                    found.add(int(client.makefile("rb").read().split()[-2]))
            return len(found) >= count

        wait_until(ask, f"{count} workers")
        return found

    def signal(self, number: int) -> None:
        """Send the supervisor a signal."""
        self.process.send_signal(number)

    def wait(self) -> int:
        """Wait for the end and return the exit status."""
        return self.process.wait(timeout=WAIT_SECONDS)

    def end(self) -> None:
        """End whatever is left."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=10)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=10)


@contextlib.contextmanager
def supervised(folder: Path, *args: str, **options: Any) -> Iterator[Supervised]:
    """Run a server as long as the block lasts; see `Supervised`."""
    server = Supervised(folder, *args, **options)
    try:
        yield server
    finally:
        server.end()
        print(server.log)  # pytest shows it where a test failed
