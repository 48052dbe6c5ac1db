"""What the scripts of this folder share: one process for each measurement, in turns, and a table of claims.

A claim is a ratio, and both of its sides are measured in the same run: first one framework, then the other, and so on,
each time in a fresh process. Processor time is taken, not the clock's, so that a busy machine does less harm.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

__all__ = ["Claim", "in_turns", "parse_options", "report"]


@dataclass(frozen=True)
class Claim:
    """A line of the table: what was measured, and the bound that it has to keep."""

    name: str
    ours: float
    theirs: float
    unit: str
    ratio: float
    bound: float
    is_at_least: bool = False
    """Whether *ratio* must reach *bound*; otherwise it must not exceed it."""

    @property
    def holds(self) -> bool:
        return self.ratio >= self.bound if self.is_at_least else self.ratio <= self.bound


def parse_options(description: str) -> argparse.Namespace:
    """Return the command line's options: ``quick`` for fewer rounds, ``rounds`` for their number."""
    parser = argparse.ArgumentParser(description=description.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="few and short rounds: a look, not a measurement")
    parser.add_argument("--rounds", type=int, default=None, help="how often each side is measured")
    options = parser.parse_args()
    if options.rounds is None:
        options.rounds = 3 if options.quick else 9
    return options


def run_python(arguments: Sequence[str]) -> Any:
    """Run Python in a fresh process and return the JSON value that it prints."""
    environ = {key: value for key, value in os.environ.items() if not key.startswith(("COVERAGE_", "COV_", "FLASK_"))}
    done = subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.PIPE, text=True, env=environ)
    return json.loads(done.stdout)


def in_turns(commands: dict[str, Sequence[str]], rounds: int) -> dict[str, list[Any]]:
    """Run each command once in every round and return what each printed, by name.

    The order changes from round to round, so that none is always the first.
    """
    found: dict[str, list[Any]] = {name: [] for name in commands}
    names = list(commands)
    for number in range(rounds):
        for name in names if number % 2 == 0 else reversed(names):
            found[name].append(run_python(commands[name]))
    return found


def best_and_median(values: Sequence[float]) -> tuple[float, float]:
    """Return the smallest value, which noise has touched least, and the median."""
    return min(values), median(values)


def version_of(name: str) -> str:
    """Return the version of an installed distribution."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        return "(from source)"


def machine() -> str:
    """Return processor, cores, Python and the versions compared, in one line."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = names[0].partition(":")[2].strip() if names else model
    versions = ", ".join(f"{name} {version_of(name)}" for name in ("hipflask", "flask", "werkzeug"))
    return f"{model}, {os.cpu_count()} cores; {platform.system()}, Python {platform.python_version()}; {versions}"


def report(title: str, claims: Sequence[Claim], columns: tuple[str, str] = ("hipflask", "Flask")) -> int:
    """Print the table and return the exit status: 1 if a claim is missed."""
    print(f"{title}\n{machine()}\n")
    width = max(len(claim.name) for claim in claims)
    print(f"{'':{width}}  {columns[0]:>12}  {columns[1]:>12}  {'ratio':>7}  claim")
    for claim in claims:
        ours, theirs = (f"{value:.2f} {claim.unit}" for value in (claim.ours, claim.theirs))
        bound = f"{'>=' if claim.is_at_least else '<='} {claim.bound:g}"
        verdict = "" if claim.holds else "   MISSED"
        print(f"{claim.name:{width}}  {ours:>12}  {theirs:>12}  {claim.ratio:>7.2f}  {bound}{verdict}")
    return 0 if all(claim.holds for claim in claims) else 1
