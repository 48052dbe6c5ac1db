"""What tests of an upstream suite came to: read from JUnit files, compared, and set against the listed deviations."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

__all__ = ["KINDS", "count", "lost_tests", "missed", "read_deviations", "read_junit", "result_line", "result_table"]

#: From best to worst: a test with several entries counts as its worst.
KINDS = ("passed", "skipped", "xfailed", "failed", "errors")


def _kind(entry: ElementTree.Element) -> str:
    if entry.tag == "skipped":
        return "xfailed" if entry.get("type") == "pytest.xfail" else "skipped"
    return {"failure": "failed", "error": "errors"}.get(entry.tag, "passed")


def read_junit(path: Path) -> dict[str, str]:
    """Return each test's id (``module.Class::name[parameters]``) with its outcome, one of KINDS."""
    outcomes: dict[str, str] = {}
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        kinds = [outcomes.get(name, "passed"), *map(_kind, case)]
        outcomes[name] = max(kinds, key=KINDS.index)
    return outcomes


def count(outcomes: dict[str, str]) -> dict[str, int]:
    """Return how many tests came to each of KINDS."""
    return {kind: sum(outcome == kind for outcome in outcomes.values()) for kind in KINDS}


def lost_tests(before: dict[str, str], after: dict[str, str]) -> dict[str, str]:
    """Return the tests that pass before and do not afterwards, with what they come to then."""
    return {
        name: after.get(name, "absent")
        for name, outcome in before.items()
        if outcome == "passed" and after.get(name) != "passed"
    }


def read_deviations(path: Path) -> dict[str, str]:
    """Return the ids of a file of deviations with their reasons; empty if there is no such file.

    A line is an id, a tab and the reason; lines that begin with ``#`` are comments.
    """
    if not path.exists():
        return {}
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return dict(line.split("\t", 1) for line in lines)


def missed(result: dict[str, Any], listed: dict[str, str], target: str = "compat") -> list[str]:
    """Return a line for each way in which a suite's result is not what is expected of it.

    A module that cannot be imported is one listed name (``::tests.test_x``); how many tests it has is not known.

    Args:
        result: Of a whole run, as ``run_suite`` gives it back.
        listed: The suite's deviations.
        target: What it was to run on, ``"compat"`` or ``"stock"``.
    """
    if "unavailable" in result:
        return [f"the suite cannot be run: {result['unavailable'].splitlines()[0][:200]}"]
    found = [f"lost, and not listed: {name}" for name in result["new_failures"] if name not in listed]
    found += [f"listed as a deviation, but passes: {name}" for name in listed if name not in result["new_failures"]]
    lost = result["new_failures"]
    uncounted = result["baseline"]["passed"] - result["passed"] - len(lost)
    if uncounted > 0 and not any(name.startswith("::") for name in lost):
        found.append(f"{uncounted} tests that pass on Flask are skipped or absent")
    if result["impl"] != ("hipflask" if target == "compat" else "stock"):
        found.append(f"ran on {result['impl']}")
    if "crash" in result:
        found.append(result["crash"])
    return found


def result_line(result: dict[str, Any]) -> str:
    """Return a suite's result in a line."""
    start = f"{result['name']} {result['target']}"
    if "unavailable" in result:
        return f"{start} UNAVAILABLE: {result['unavailable'].splitlines()[0][:200]}"
    counts = ", ".join(f"{result[kind]} {kind}" for kind in KINDS if result[kind])
    base = result.get("baseline", {}).get("passed", "?")
    line = f"{start}: {counts or 'nothing ran'}; {base} pass on Flask [{result['wall']} s, ran on {result['impl']}]"
    return f"{line} CRASH {result['crash']}" if "crash" in result else line


def result_table(results: list[dict[str, Any]]) -> str:
    """Return the results as a Markdown table."""
    rows = [f"| suite | {' | '.join(KINDS)} | pass on Flask | new failures | seconds | ran on |", "|---" * 10 + "|"]
    for result in results:
        if "unavailable" in result:
            rows.append(f"| {result['name']} |{' - |' * 8} unavailable |")
            continue
        counts = " | ".join(str(result[kind]) for kind in KINDS)
        base = result.get("baseline", {}).get("passed", "?")
        note = " (crash)" if "crash" in result else ""
        rows.append(
            f"| {result['name']} | {counts} | {base} | {len(result.get('new_failures', []))} "
            f"| {result['wall']:.0f} | {result['impl']}{note} |"
        )
    return "\n".join(rows)
