"""Servers of other make, each started as its users start it, in a process of its own."""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.conformance.asgi_doors import ask_connection
from tests.conformance.exchange import CASE_FIELD, Answer, Ask, Door
from tests.ports import free_port

__all__ = ["SERVERS", "Server", "running"]

ROOT = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 30.0  # deadlines that only a hang reaches
ANSWER_SECONDS = 20.0


@dataclass(frozen=True)
class Server:
    """How a server is started."""

    distribution: str
    """The module that tells whether it is installed; the group ``servers`` of pyproject.toml has them."""
    command: Callable[[int], list[str]]
    """Arguments for a port; the first is a script beside the interpreter."""
    is_asgi: bool = False
    is_compared_with_flask: bool = True
    """Whether real Flask can be behind it too."""
    takes_chunks: bool = True
    """Whether it gives an application a body that comes in chunks."""

    def missing(self) -> str:
        """Return why it cannot be started here, or nothing."""
        if shutil.which(self.command(0)[0], path=_scripts()):
            return ""
        return f"{self.distribution} is not installed (make conformance-servers installs it)"


def _scripts() -> str:
    return sysconfig.get_path("scripts")


def _gunicorn(*options: str) -> Callable[[int], list[str]]:
    return lambda port: [
        *("gunicorn", "--bind", f"127.0.0.1:{port}", "--log-level", "critical", "--no-control-socket"),
        *options,
        "tests.conformance.served:application",
    ]


def _granian(interface: str, application: str) -> Callable[[int], list[str]]:
    return lambda port: [
        *("granian", "--host", "127.0.0.1", "--port", str(port), "--interface", interface, "--no-ws"),
        *("--log-level", "critical", f"tests.conformance.served:{application}"),
    ]


SERVERS = {
    "gunicorn-sync": Server("gunicorn", _gunicorn("--worker-class", "sync")),
    "gunicorn-gthread": Server("gunicorn", _gunicorn("--worker-class", "gthread", "--threads", "4")),
    "gunicorn-preload": Server("gunicorn", _gunicorn("--preload", "--threads", "2")),
    "waitress": Server(
        "waitress",
        lambda port: ["waitress-serve", f"--listen=127.0.0.1:{port}", "tests.conformance.served:application"],
    ),
    "uwsgi": Server(
        "uwsgi",
        lambda port: [
            *("uwsgi", "--http-socket", f"127.0.0.1:{port}", "--module", "tests.conformance.served:application"),
            *("--master", "--die-on-term", "--need-app", "--enable-threads", "--disable-logging"),
            *("--home", sys.prefix, "--buffer-size", "65535", "--so-keepalive", "--add-header", "Connection: close"),
        ],
        takes_chunks=False,
    ),
    "granian-wsgi": Server("granian", _granian("wsgi", "application")),
    "granian-asgi": Server("granian", _granian("asgi", "asgi_application"), is_asgi=True, is_compared_with_flask=False),
}


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", "/")
        return connection.getresponse().read() == b"ready"
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _is_ready(port):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{process.args!r} did not start:\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.05)  # polls to the deadline


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a server and its workers: they are a process group of their own."""
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        process.wait(ANSWER_SECONDS)
    except subprocess.TimeoutExpired:
        pass
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextmanager
def running(server: Server, framework: str, files: str, log: Path) -> Iterator[Callable[[str], Any]]:
    """Start a server of all cases, and end it.

    Args:
        server: What to start.
        framework: ``"flask"`` or ``"hipflask"``.
        files: The folder with the static files of the cases.
        log: Where what it prints goes.

    Yields:
        A function from a case's id to a context manager of its door.
    """
    port = free_port()
    script, *arguments = server.command(port)
    command = [str(shutil.which(script, path=_scripts())), *arguments]
    paths = [str(ROOT), str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]
    env = os.environ | {
        "CONFORMANCE_FRAMEWORK": framework,
        "CONFORMANCE_FILES": files,
        "PYTHONPATH": os.pathsep.join(reversed(list(filter(None, paths)))),
    }
    with open(log, "wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    try:
        _wait_until_ready(process, port, log)
        yield lambda case_id: _talk(port, case_id)
    finally:
        _end(process)


@contextmanager
def _talk(port: int, case_id: str) -> Iterator[Door]:
    """Ask for one case, on one connection as long as the server keeps it."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)

    def send(_: Any, ask: Ask) -> Answer:
        named = replace(ask, headers=(*ask.headers, (CASE_FIELD, case_id)))
        try:
            return ask_connection(connection, named)
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            return Answer(0, type(error).__name__, [], b"")

    try:
        yield send
    finally:
        connection.close()
