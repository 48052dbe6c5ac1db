"""Run upstream test suites, unmodified, on the real Flask or on hipflask in compat mode.

    python -m tests.suites.run_suite NAME... | all [--target stock|compat] [--hipflask TREE_OR_WHEEL]
                                     [--report DIR] [--relock] [--save-baseline] [-- PYTEST_ARGS...]
    python -m tests.suites.run_suite --list
    python -m tests.suites.run_suite --compare A B        (JUnit files, or two report folders)

See README.md beside this file. Standard library only; uses uv for installs where it is on PATH.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.suites import harness
from tests.suites.outcomes import (
    KINDS,
    count,
    lost_tests,
    missed,
    read_deviations,
    read_junit,
    result_line,
    result_table,
)

__all__ = ["Options", "main", "run"]

PROJECT = harness.HERE.parent.parent


@dataclass(frozen=True)
class Options:
    """How suites are run."""

    target: str
    """``"stock"`` or ``"compat"``."""
    report: Path
    """The folder for logs and results."""
    hipflask: Path = PROJECT
    """A working tree or a wheel."""
    extra: tuple[str, ...] = ()
    """More arguments for pytest."""
    relock: bool = False
    """Whether requirements are resolved anew."""
    save: bool = False
    """Whether the result becomes the baseline."""


def _execute(name: str, entry: dict[str, Any], venv: Path, work: Path, options: Options) -> tuple[int, str]:
    """Run pytest on a suite; its status and what its processes ran on."""
    folder = harness.unpack_source(entry, work) / entry.get("cwd", ".")
    env, probe = harness.run_env(venv, options.target, work, entry.get("scripts", []), entry.get("env", {}))
    stem = options.report / f"{name}-{options.target}"
    junit, log = Path(f"{stem}.xml"), Path(f"{stem}.log")
    junit.unlink(missing_ok=True)
    command = [
        harness.python_of(venv),
        *(["-m", "hipflask.compat"] if options.target == "compat" else []),
        *("-m", "pytest", "-q", "-rfE", "--tb=short", "--continue-on-collection-errors"),
        *(f"--junitxml={junit}", f"--basetemp={work / 'tmp'}"),
        *shlex.split(entry.get("pytest", "tests")),
        *options.extra,
    ]
    with log.open("w") as file:
        status = harness.run_group(
            command,
            entry.get("timeout", 600),
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            preexec_fn=harness.isolate_network,
        )
    return status, harness.probe_verdict(probe)


def run(name: str, entry: dict[str, Any], options: Options) -> dict[str, Any]:
    """Run one suite and return its result, also written to the report folder as JSON.

    Args:
        name: The suite's.
        entry: Its table of ``suites.toml``.
        options: How to run it.

    Returns:
        Counts by outcome, ``not_passing`` (ids), ``impl`` (what it ran on), and, where there is a baseline,
        ``new_failures`` (ids that do pass on Flask) and ``missing`` (how many tests did not run at all).

    Raises:
        Unavailable: Sources or packages cannot be had.
    """
    venv = harness.ensure_venv(name, entry["pip"], options.relock)
    harness.prepare_target(venv, options.target, options.hipflask)
    work = harness.ROOT / "work" / f"{name}-{options.target}"
    start = time.monotonic()
    status, ran_on = _execute(name, entry, venv, work, options)
    wall = round(time.monotonic() - start, 1)
    junit = options.report / f"{name}-{options.target}.xml"
    outcomes = read_junit(junit) if junit.exists() else {}
    bad = sorted(test for test, outcome in outcomes.items() if outcome in ("failed", "errors"))
    result: dict[str, Any] = {"name": name, "target": options.target, **count(outcomes), "wall": wall}
    result |= {"impl": ran_on, "not_passing": bad}
    if status not in (0, 1):
        log = (options.report / f"{name}-{options.target}.log").read_text(errors="replace")
        tail = " | ".join(log.strip().splitlines()[-3:])[-300:]
        result["crash"] = "out of time" if status == 124 else f"pytest's status is {status}: {tail}"
    baseline = harness.HERE / "baseline" / f"{name}.json"
    if baseline.exists():
        base = json.loads(baseline.read_text())
        result["baseline"] = {kind: base[kind] for kind in KINDS}
        result["new_failures"] = sorted(set(bad) - set(base["not_passing"]))
        result["missing"] = 0 if options.extra else max(0, sum(base[kind] for kind in KINDS) - len(outcomes))
    (options.report / f"{name}-{options.target}.json").write_text(json.dumps(result, indent=1) + "\n")
    if options.save:
        kept = {key: result[key] for key in (*KINDS, "wall", "not_passing")}
        baseline.write_text(json.dumps(kept, indent=1) + "\n")
        harness.write_lock(name, venv)
    if not os.environ.get("SUITES_KEEP"):
        shutil.rmtree(work, ignore_errors=True)
    return result


def _run_all(names: list[str], suites: dict[str, dict[str, Any]], options: Options) -> list[dict[str, Any]]:
    results = []
    for name in names:
        try:
            with harness.locked(name):
                result = run(name, suites[name], options)
        except harness.Unavailable as error:
            result = {"name": name, "target": options.target, "unavailable": str(error)}
        results.append(result)
        print(result_line(result), flush=True)
        listed = read_deviations(harness.HERE / f"{name}_deviations.tsv") if options.target == "compat" else {}
        result["faults"] = _faults(result, listed, options)
        for fault in result["faults"]:
            print(f"  {fault}")
    return results


def _faults(result: dict[str, Any], listed: dict[str, str], options: Options) -> list[str]:
    if "baseline" not in result and "unavailable" not in result:
        return [f"does not pass: {name}" for name in result["not_passing"]]
    if options.extra:  # a part of the suite
        return [f"lost, and not listed: {name}" for name in result.get("new_failures", ()) if name not in listed]
    return missed(result, listed, options.target)


def _pairs(first: Path, second: Path) -> list[tuple[str, Path, Path]]:
    if not (first.is_dir() and second.is_dir()):
        return [(first.stem, first, second)]
    found = []
    for path in sorted(first.glob("*.xml")):
        suite = path.stem.rsplit("-", 1)[0]
        others = [second / f"{suite}-{target}.xml" for target in ("compat", "stock")]
        found += [(suite, path, other) for other in others if other.exists() and other != path][:1]
    return found


def _compare(first: Path, second: Path) -> int:
    """Print the tests that pass in the first run and not in the second; 1 if there are any."""
    worse = 0
    for name, one, other in _pairs(first, second):
        before, after = read_junit(one), read_junit(other)
        lost, gained = lost_tests(before, after), lost_tests(after, before)
        counts = f"{count(before)['passed']} pass in A, {count(after)['passed']} in B"
        print(f"{name}: {counts}; {len(lost)} lost, {len(gained)} gained")
        for test, outcome in lost.items():
            print(f"  {outcome:8} {test}")
        worse += len(lost)
    return int(worse > 0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--target", choices=("stock", "compat"), default="compat")
    parser.add_argument("--hipflask", type=Path, default=PROJECT, metavar="TREE_OR_WHEEL")
    parser.add_argument("--report", type=Path, default=harness.ROOT / "report", metavar="DIR")
    parser.add_argument("--skip", action="append", default=[], metavar="NAME", help="leave out of 'all'")
    parser.add_argument("--relock", action="store_true", help="resolve requirements anew, ignoring locks/")
    parser.add_argument("--save-baseline", action="store_true", help="write baseline/ and locks/ (stock only)")
    parser.add_argument("--compare", nargs=2, type=Path, metavar=("A", "B"))
    parser.add_argument("--list", action="store_true")
    return parser


def main(arguments: list[str]) -> int:
    """Do what the command line says and return the exit status: 1 if tests were lost that are not listed."""
    extra: list[str] = []
    if "--" in arguments:
        at = arguments.index("--")
        arguments, extra = arguments[:at], arguments[at + 1 :]
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.compare:
        return _compare(*given.compare)
    suites = harness.load_suites()
    if given.list or not given.names:
        for name, entry in suites.items():
            print(f"{name:24} {entry.get('archive') or entry['package'] + ' ' + entry['version']}")
        return 0
    names = list(suites) if given.names == ["all"] else given.names
    names = [name for name in names if name not in given.skip]
    if unknown := [name for name in names if name not in suites]:
        parser.error(f"there is no suite {', '.join(unknown)}")
    if given.save_baseline and (given.target != "stock" or extra):
        parser.error("--save-baseline is for a whole run on stock")
    report = given.report.resolve()
    report.mkdir(parents=True, exist_ok=True)
    hipflask = given.hipflask.resolve()
    options = Options(given.target, report, hipflask, tuple(extra), given.relock, given.save_baseline)
    results = _run_all(names, suites, options)
    if len(results) > 1:
        print("\n" + result_table(results))
    return int(any(result["faults"] for result in results))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
