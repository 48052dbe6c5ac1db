"""The board of `examples/` on hipflask and on Flask, behind four servers: pages per second, processor time, memory.

Claims: behind each server hipflask answers more pages than Flask, for less processor time a page, and takes at most
1.25 times its memory; one worker of the native server takes at most 1.1 times the memory of Flask's under gunicorn.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from support.board_on_flask import BOARD, copy_board
from support.measure import Claim, parse_options, report
from support.serving import Load, Server, free_port, load, measure_in_turns, other_python, require_wrk, serving

PAGES = {"list": "/", "thread": "/messages/3", "API": "/api/messages/3"}
SERVERS = {
    "pure / flask run": [],
    "native / gunicorn": [],
    "gunicorn": ["gunicorn"],
    "Granian": ["granian"],
}
CONNECTIONS = 8


@dataclass(frozen=True)
class Found:
    """What one side has shown behind one server."""

    loads: dict[str, Load]
    memory_mib: float
    largest_mib: float


def command_for(server: str, framework: str, port: int, python: str) -> list[str]:
    """Return the command that starts the board on a framework behind a server."""
    gunicorn = [python, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--worker-class", "gthread", "--threads", "8"]
    granian = [python, "-m", "granian", "--interface", "wsgi", "--factory", "--port", str(port), "--no-ws"]
    granian += ["--blocking-threads", "8", "--log-level", "error"]
    if server == "gunicorn" or (server == "native / gunicorn" and framework == "flask"):
        return [*gunicorn, "--log-level", "error", "board:create_app()"]
    if server == "Granian":
        return [*granian, "board:create_app"]
    if framework == "flask":
        return [python, "-m", "flask", "--app", "board", "run", "--port", str(port)]
    kind = ["--server", "pure"] if server.startswith("pure") else ["--server", "native", "--access-log", "off"]
    return [sys.executable, "-m", "hipflask", "--app", "board", "run", "--port", str(port), *kind]


def start(stack: ExitStack, server: str, framework: str, python: str, folder: Path) -> Server:
    """Start the board with its own new database in *folder*, where the copy on Flask is too."""
    port = free_port()
    data = Path(tempfile.mkdtemp(dir=folder))
    packages = BOARD.parent if framework == "hipflask" else folder
    environ = {
        "PYTHONPATH": os.pathsep.join([str(packages), str(BOARD.parents[1] / "src")]),
        "BOARD_DATABASE": str(data / "board.sqlite3"),
        "BOARD_SECRET_KEY": "of the measurement, and of nothing else",
        "BOARD_LOG_LEVEL": "WARNING",
    }
    return stack.enter_context(serving(command_for(server, framework, port, python), port, environ))


def measure(server: str, python: str, folder: Path, rounds: int, seconds: float) -> dict[str, Found]:
    """Return what hipflask and Flask do behind one server, in turns."""
    with ExitStack() as stack:
        running = {name: start(stack, server, name, python, folder) for name in ("hipflask", "flask")}
        for each in running.values():
            load(each, PAGES["list"], 1, CONNECTIONS)
        windows = {
            f"{name} {page}": partial(load, each, path, seconds, CONNECTIONS)
            for page, path in PAGES.items()
            for name, each in running.items()
        }
        loads = measure_in_turns(windows, rounds)
        return {
            name: Found({page: loads[f"{name} {page}"] for page in PAGES}, *each.memory_mib())
            for name, each in running.items()
        }


def claims_of(server: str, found: dict[str, Found]) -> list[Claim]:
    """Return the lines of the table for one server."""
    ours, theirs = found["hipflask"], found["flask"]
    claims = []
    for page in PAGES:
        one, other = ours.loads[page], theirs.loads[page]
        rates = (one.requests_per_second, other.requests_per_second)
        times = (one.microseconds, other.microseconds)
        claims.append(Claim(f"{server}: {page}, pages", *rates, "/s", rates[0] / rates[1], 1.0, is_at_least=True))
        claims.append(Claim(f"{server}: {page}, processor", *times, "us", times[0] / times[1], 1.0))
    memory = (ours.memory_mib, theirs.memory_mib)
    claims.append(Claim(f"{server}: memory", *memory, "MB", memory[0] / memory[1], 1.25))
    if server.startswith("native"):
        largest = (ours.largest_mib, theirs.largest_mib)
        claims.append(Claim(f"{server}: memory of the worker", *largest, "MB", largest[0] / largest[1], 1.1))
    return claims


def measure_all(names: Sequence[str], python: str, rounds: int, seconds: float) -> list[Claim]:
    """Return the whole table."""
    claims = []
    with tempfile.TemporaryDirectory() as scratch:
        copy_board(Path(scratch))
        for name in names:
            claims += claims_of(name, measure(name, python, Path(scratch), rounds, seconds))
    return claims


def main() -> int:
    options = parse_options(__doc__ or "")
    missing = require_wrk()
    if missing:
        print(f"Skipped: {missing}.")
        return 0
    rounds, seconds = (3, 1.0) if options.quick else (5, 1.0)  # wrk takes whole seconds
    names = []
    for name, modules in SERVERS.items():
        python, missing = other_python("flask", "jinja2", *(modules or ["gunicorn"]))
        if missing:
            print(f"{name}: skipped, {missing}")
        else:
            names.append(name)
    if not names:
        return 0
    claims = measure_all(names, python, rounds, seconds)
    title = f"The board: server on one core, wrk on another with {CONNECTIONS} connections, best of {rounds} rounds"
    return report(title, claims)


if __name__ == "__main__":
    sys.exit(main())
