"""What ``make conformance`` runs on this working tree: Flask's suites, the behaviour suite, the record of the API.

    python -m tests.suites.conformance [SUITE...] [--shared DIR] [--doors DOOR...]

The behaviour suite and the record stand beside the project, in the folder that ``--shared`` names; what is not there is
skipped. Exit status 0 if nothing is lost but what the files of deviations list, and all they list is lost.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.suites import harness
from tests.suites.outcomes import missed, read_deviations, result_line
from tests.suites.run_suite import PROJECT, Options, run

__all__ = [
    "Part",
    "check_api",
    "check_behaviour",
    "check_suite",
    "deviations_of_door",
    "judge_api",
    "judge_behaviour",
    "main",
]

#: Those that have to pass with each change; the others take longer.
SUITES = ("flask", "flask-tutorial", "flask-javascript")
#: How the behaviour suite reaches its applications: test client, ``wsgiref.validate``, a server each (minutes).
DOORS = ("client", "wsgi", "server")
#: Of the names and parameters of Werkzeug's modules that are there; Flask's have to be complete.
API_FLOOR = 0.97
#: How many faults are told; where there are more, something fundamental is broken.
SHOWN = 40


@dataclass(frozen=True)
class Part:
    """What one part of the run came to."""

    summary: str
    """A few words with counts."""
    faults: tuple[str, ...] = ()
    """A line for each thing that is not as it has to be."""


def check_suite(name: str, report: Path) -> Part:
    """Run an upstream suite and hold its result against its file of deviations."""
    listed = read_deviations(harness.HERE / f"{name}_deviations.tsv")
    report.mkdir(parents=True, exist_ok=True)
    try:
        with harness.locked(name):
            result = run(name, harness.load_suites()[name], Options("compat", report))
    except harness.Unavailable as error:
        result = {"name": name, "target": "compat", "unavailable": str(error)}
    print(result_line(result), flush=True)
    passed, wanted = result.get("passed", 0), result.get("baseline", {}).get("passed", "?")
    return Part(f"{name} {passed}/{wanted}", tuple(f"{name}: {fault}" for fault in missed(result, listed)))


def _output(*command: str | Path) -> tuple[int, str]:
    done = subprocess.run(
        [str(part) for part in command], cwd=PROJECT, capture_output=True, text=True, timeout=1200, check=False
    )
    return done.returncode, done.stdout + done.stderr


def deviations_of_door(text: str, door: str) -> str:
    """Return the lines of a file of deviations that hold for one door: ``id``, or ``id@door,door``.

    Without doors a line holds for all; the result names none, as the runner expects it.
    """
    kept = []
    for line in text.splitlines():
        case, tab, reason = line.partition("\t")
        name, _, doors = case.partition("@")
        if not doors or door in doors.split(","):
            kept.append(name + tab + reason)
    return "\n".join(kept) + "\n"


def check_behaviour(shared: Path, door: str) -> Part:
    """Run the behaviour suite through a door: the same small applications on Flask and on hipflask."""
    runner = shared / "behaviour/run_behaviour.py"
    if not runner.exists():
        return Part(f"behaviour/{door} skipped (its cases are not beside the project)")
    options = ["--reference", "flask", "--subject", "hipflask", "--messages", "any", "--lines", "3", "--door", door]
    listed = (harness.HERE / "behaviour_deviations.tsv").read_text(encoding="utf-8")
    with tempfile.NamedTemporaryFile("w", suffix=".tsv", encoding="utf-8") as deviations:
        deviations.write(deviations_of_door(listed, door))
        deviations.flush()
        status, told = _output(sys.executable, runner, *options, "--deviations", deviations.name)
    return judge_behaviour(status, told, door)


def judge_behaviour(status: int, told: str, door: str) -> Part:
    """Return what a run of the behaviour suite came to, from its exit status and what it printed."""
    name = f"behaviour/{door}"
    lines = told.splitlines()
    faults = [line for line in lines if line.startswith(("FAIL ", "NOTE "))]
    counts = re.fullmatch(r"(\d+) passed, (\d+) failed", lines[-1] if lines else "")
    if counts is None or (status and not faults):
        return Part(f"{name} broken off", (f"{name}: the runner broke off:", *lines[-5:]))
    passed, failed = int(counts[1]), int(counts[2])
    return Part(f"{name} {passed}/{passed + failed}", tuple(f"{name}: {line}" for line in faults))


def check_api(shared: Path) -> Part:
    """Compare the names and parameters of ``flask`` and ``werkzeug`` in compat mode with their record."""
    checker = shared / "api/check_api.py"
    if not checker.exists():
        return Part("API skipped (its record is not beside the project)")
    status, told = _output(sys.executable, "-m", "hipflask.compat", checker, "--missing")
    return judge_api(status, told)


def judge_api(status: int, told: str) -> Part:
    """Return what the comparison with the record came to; modules that are not there at all do not count.

    Args:
        status: The exit status of the checker.
        told: What it printed with ``--missing``.
    """
    counts = re.search(r"^(\d+) of (\d+) present, \d+ missing$", told, re.MULTILINE)
    if counts is None:
        return Part("API broken off", (f"API: status {status}:", *told.splitlines()[-5:]))
    absent = sum(int(size) for size in re.findall(r"^ {4}werkzeug[\w.]* \((\d+) names\)$", told, re.MULTILINE))
    present, total = int(counts[1]), int(counts[2]) - absent
    faults = [f"API: {line}" for line in told.splitlines() if line.startswith(("flask", "instance "))]
    if present < API_FLOOR * total:
        faults.append(f"API: {present} of {total} names of the modules that are there, at least {API_FLOOR:.0%}")
    return Part(f"API {present}/{total} ({present / total:.1%})", tuple(faults))


def main(arguments: list[str]) -> int:
    """Run every part, print the faults and a line with the counts, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suites", nargs="*", default=SUITES, metavar="SUITE")
    parser.add_argument("--shared", type=Path, default=PROJECT.parent / "shared", metavar="DIR")
    parser.add_argument("--doors", nargs="*", default=DOORS, choices=DOORS, help="of the behaviour suite")
    given = parser.parse_args(arguments)
    shared = given.shared.resolve()
    parts = [check_suite(name, harness.ROOT / "report") for name in given.suites]
    parts += [check_behaviour(shared, door) for door in given.doors]
    parts.append(check_api(shared))
    faults = [fault for part in parts for fault in part.faults]
    for fault in faults[:SHOWN]:
        print(f"  {fault}")
    if len(faults) > SHOWN:
        print(f"  and {len(faults) - SHOWN} more")
    print(f"conformance: {', '.join(part.summary for part in parts)}; {len(faults)} faults")
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
