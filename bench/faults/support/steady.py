"""Good clients: what they get, and how fast. By ``wrk`` where it is installed, else by threads in this process."""

from __future__ import annotations

import math
import re
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass

from support.load import Load, percentile

__all__ = ["Figures", "best", "measure"]

_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}


@dataclass(frozen=True, slots=True)
class Figures:
    """What some connections saw; times in seconds."""

    requests: int
    requests_per_second: float
    p50: float
    p99: float
    errors: int
    """Connections and answers that failed, and answers that were not 2xx or 3xx."""

    def __str__(self) -> str:
        return (
            f"{self.requests_per_second:.0f} a second, p50 {self.p50 * 1000:.2f} ms, "
            f"p99 {self.p99 * 1000:.2f} ms, {self.errors} errors"
        )


def measure(
    port: int, path: str = "/", *, connections: int = 16, seconds: int = 5, headers: Sequence[str] = ()
) -> Figures:
    """Return what some connections saw, each with one request at a time."""
    wrk = shutil.which("wrk")
    if wrk is None:
        return _measure_by_threads(port, path, connections, seconds, headers)
    fields = [part for line in headers for part in ("-H", line)]
    command = [wrk, "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "--latency", *fields]
    found = subprocess.run([*command, f"http://127.0.0.1:{port}{path}"], capture_output=True, text=True, check=True)
    return _read(found.stdout)


def best(found: Sequence[Figures]) -> Figures:
    """Return the measurement that the machine disturbed least, with the errors of all."""
    least = min(found, key=lambda each: each.p99 if each.requests else math.inf)
    errors = sum(each.errors for each in found)
    return Figures(least.requests, least.requests_per_second, least.p50, least.p99, errors)


def _read(text: str) -> Figures:
    """Read what ``wrk`` prints."""
    shares = re.findall(r"^ +(50|99)% +([\d.]+)(us|ms|s|m)$", text, re.M)
    times = {share: float(value) * _UNITS[unit] for share, value, unit in shares}
    broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    errors = (sum(map(int, broken.groups())) if broken else 0) + (int(refused[1]) if refused else 0)
    total = re.search(r"(\d+) requests in", text)
    rate = re.search(r"Requests/sec: +([\d.]+)", text)
    if total is None or rate is None or len(times) < 2:
        raise RuntimeError(f"wrk printed something else:\n{text}")
    return Figures(int(total[1]), float(rate[1]), times["50"], times["99"], errors)


def _measure_by_threads(port: int, path: str, connections: int, seconds: int, headers: Sequence[str]) -> Figures:
    with Load(port, path, connections, headers=headers) as load:
        time.sleep(seconds)
    times = [each.ended - each.sent for each in load.outcomes if each.status]
    errors = sum(not 200 <= each.status < 400 for each in load.outcomes)
    rate = len(times) / seconds
    return Figures(len(times), rate, percentile(times, 0.5), percentile(times, 0.99), errors)
