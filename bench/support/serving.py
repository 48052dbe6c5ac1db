"""Servers under load: each on one core, wrk on another, and what the servers' processes have used meanwhile.

Processor time is the number to trust on a busy machine: requests per second fall with whatever else runs there, the
processor time of a request hardly does.
"""

from __future__ import annotations

import contextlib
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "BENCH",
    "ROOT",
    "Load",
    "Server",
    "best",
    "free_port",
    "load",
    "measure_in_turns",
    "other_python",
    "raise_file_limit",
    "require_wrk",
    "serving",
    "usual_environ",
]

BENCH = Path(__file__).resolve().parents[1]
ROOT = BENCH.parent
SERVER_CORE, CLIENT_CORE = "0", "1"
START_SECONDS = 30.0
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}  # of wrk's times, in milliseconds


@dataclass(frozen=True)
class Load:
    """What one window of load has shown."""

    requests_per_second: float
    microseconds: float
    """Processor time of all of the server's processes for one request."""
    p99_ms: float


def require_wrk() -> str | None:
    """Return why there can be no load: the tool that is missing."""
    for name in ("wrk", "taskset"):
        if shutil.which(name) is None:
            package = {"wrk": "wrk", "taskset": "util-linux"}[name]
            return f"{name} was not found; it is Debian's package {package}"
    return "this needs two cores: one for the server, one for wrk" if (os.cpu_count() or 1) < 2 else None


def other_python(*modules: str) -> tuple[str, str | None]:
    """Return the Python that has other servers and frameworks, and which of *modules* it does not have, if any.

    It is that of the environment beside this one whose name ends in ``-bench``, or else this one;
    ``HIPFLASK_BENCH_PYTHON`` names another.
    """
    beside = Path(sys.prefix).with_name(Path(sys.prefix).name + "-bench") / "bin/python"
    python = os.environ.get("HIPFLASK_BENCH_PYTHON") or (str(beside) if beside.exists() else sys.executable)
    code = "import sys, importlib.util as u; print(*(n for n in sys.argv[1:] if u.find_spec(n) is None), sep=', ')"
    missing = subprocess.run([python, "-c", code, *modules], check=True, capture_output=True, text=True).stdout.strip()
    return python, f"{missing}: not installed (`make bench-servers`)" if missing else None


def raise_file_limit() -> None:
    """Allow this process and those that it starts as many open files as the system does."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """A running server; see `serving`."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.port = port

    def pids(self) -> list[int]:
        """Return its processes: the one started, and all that came of it."""
        parents = {int(path.name): fields[1] for path in Path("/proc").glob("[0-9]*") if (fields := _stat(path))}
        found = [self.process.pid]
        for pid in found:
            found += [child for child, parent in parents.items() if int(parent) == pid]
        return found

    def cpu_seconds(self) -> float:
        """Return the processor time that its processes have used."""
        stats = [fields for pid in self.pids() if (fields := _stat(Path(f"/proc/{pid}")))]
        return sum(int(fields[11]) + int(fields[12]) for fields in stats) / TICKS_PER_SECOND

    def memory_mib(self) -> tuple[float, float]:
        """Return the proportional memory of all its processes, and the resident memory of the largest."""
        shares, sizes = [], []
        for pid in self.pids():
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
            shares.append(_kib(rollup, "Pss"))
            sizes.append(_kib(rollup, "Rss"))
        return sum(shares) / 1024, max(sizes) / 1024


def _stat(path: Path) -> list[str]:
    """Return the fields of a process's ``stat`` behind its name; none if it has ended."""
    with contextlib.suppress(OSError):
        return (path / "stat").read_text().rpartition(")")[2].split()
    return []


def _kib(rollup: str, name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB", rollup, re.MULTILINE)
    return int(found[1]) if found else 0


def usual_environ() -> dict[str, str]:
    """Return the environment without what a server in use does not have in it.

    Without byte code, which pip makes of every package that it installs, each start would compile everything.
    """
    unusual = ("COVERAGE_", "COV_", "FLASK_", "PYTHONDONTWRITEBYTECODE")
    return {key: value for key, value in os.environ.items() if not key.startswith(unusual)}


@contextlib.contextmanager
def serving(
    command: Sequence[str], port: int, environ: Mapping[str, str] | None = None, cores: str = SERVER_CORE
) -> Iterator[Server]:
    """Run a server until it answers on *port*, and end it afterwards.

    Raises:
        RuntimeError: It does not answer.
    """
    process = subprocess.Popen(
        ["taskset", "-c", cores, *command],
        env={**usual_environ(), "PYTHONPATH": str(ROOT / "src"), **(environ or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=None if "HIPFLASK_BENCH_VERBOSE" in os.environ else subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait_for(process, port, command)
        yield Server(process, port)
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=10)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_for(process: subprocess.Popen[bytes], port: int, command: Sequence[str]) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.005)
    raise RuntimeError(f"Does not serve (HIPFLASK_BENCH_VERBOSE=1 shows why): {' '.join(command)}")


def load(server: Server, path: str, seconds: float, connections: int = 32, cores: str = CLIENT_CORE) -> Load:
    """Put a server under load for a while.

    Raises:
        RuntimeError: An answer was not a success.
    """
    client = ["taskset", "-c", cores, "wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "--latency"]
    before = server.cpu_seconds()
    url = f"http://127.0.0.1:{server.port}{path}"
    said = subprocess.run([*client, url], check=True, capture_output=True, text=True).stdout
    used = server.cpu_seconds() - before
    requests = re.search(r"(\d+) requests in", said)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    late = re.search(r"99%\s+([\d.]+)(us|ms|s|m)", said)
    if requests is None or rate is None or late is None or not int(requests[1]) or "Non-2xx" in said:
        raise RuntimeError(f"{url} was not answered as it should be:\n{said}")
    return Load(float(rate[1]), used / int(requests[1]) * 1e6, float(late[1]) * UNITS[late[2]])


def measure_in_turns(windows: Mapping[str, Callable[[], Load]], rounds: int) -> dict[str, Load]:
    """Measure each window once in every round, in changing order; return the best of each."""
    found: dict[str, list[Load]] = {name: [] for name in windows}
    names = list(windows)
    for number in range(rounds):
        for name in names if number % 2 == 0 else reversed(names):
            found[name].append(windows[name]())
    return {name: best(loads) for name, loads in found.items()}


def best(loads: Sequence[Load]) -> Load:
    """Return the best of each number: others make a measurement worse, never better."""
    return Load(
        max(one.requests_per_second for one in loads),
        min(one.microseconds for one in loads),
        min(one.p99_ms for one in loads),
    )
