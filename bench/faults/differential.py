"""Experiment 38: the table of wire cases sent to several servers, all with the same application behind them.

Where a server answers otherwise than hipflask's, the case goes into build/differential.tsv, with the explanation that
differential_reasons.tsv gives for its kind. A server that is not installed is left out: those in Python are looked for
in .venv-servers, which `make conformance-servers` makes. The quick form asks two servers about framing only.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.options import Options
from support.verdict import Verdict

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parents[1]
VENV = PROJECT / ".venv-servers" / "bin"
QUICK_ONLY = "^HS-0[0-9][0-9] "
ANY = "*"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a kind of disagreement is as it is."""

    kind: str
    server: str
    cases: str
    text: str

    def explains(self, kind: str, server: str, case: str) -> bool:
        """Whether it is about this disagreement."""
        return (
            self.kind in {kind, ANY}
            and (self.server == ANY or server in self.server.split(","))
            and (self.cases == ANY or re.match(self.cases, case) is not None)
        )


def commands() -> dict[str, list[str]]:
    """Return the command of each server that is installed; hipflask's comes first."""
    python = [sys.executable, "-m", "hipflask", "--app", "probe_app", "run", "--access-log", "off"]
    found = {
        "hipflask": [*python, "--server", "native", "--port", "{port}"],
        "gunicorn": [
            str(VENV / "gunicorn"),
            "-k",
            "gthread",
            "--threads",
            "8",
            "-b",
            "127.0.0.1:{port}",
            "probe_app:app",
        ],
        "granian": [str(VENV / "granian"), "--interface", "wsgi", "--port", "{port}", "probe_app:app"],
        "uvicorn": [str(VENV / "uvicorn"), "--port", "{port}", "probe_app:app.asgi_app"],
        "pure": [*python, "--server", "pure", "--port", "{port}"],
        "nginx": [sys.executable, str(HERE / "support" / "behind_nginx.py"), "{port}", "probe_app"],
    }
    has_nginx = shutil.which("nginx")
    return {name: each for name, each in found.items() if (has_nginx if name == "nginx" else Path(each[0]).exists())}


def run_cases(table: Path, command: Sequence[str], only: str) -> dict[str, Any]:
    """Send the cases to a server; return what came of each."""
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.json"
        runner = [sys.executable, str(table / "run_wire.py"), "--cases", str(table / "cases.jsonl"), "--jobs", "4"]
        environ = {**os.environ, "PROBE_FRAMEWORK": "hipflask", "TMPDIR": scratch}
        environ["PYTHONPATH"] = str(PROJECT / "src")
        done = subprocess.run(
            [*runner, "--only", only, "--report", str(report), "--", *command],
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
        if not report.exists():
            raise RuntimeError(f"{command[0]}: the cases could not be run:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return {each["id"]: each for each in json.loads(report.read_text())["cases"]}


def kind_of(ours: dict[str, Any], theirs: dict[str, Any]) -> str:
    """Return what kind of disagreement two answers are; nothing if they agree."""
    first, second = (re.match(r"\d+", each["got"]) for each in (ours, theirs))
    if first is None or second is None:
        return "" if first is second is None else "silent" if second is None else "answers"
    if first[0] != second[0]:
        is_refused, is_refused_there = (int(each[0]) >= 400 for each in (first, second))
        if is_refused != is_refused_there:
            return "accepts" if is_refused else "refuses"
        return "status"
    if ours["strict"] != theirs["strict"]:
        return "as expected" if theirs["strict"] else "details"
    return ""


def read_reasons() -> list[Reason]:
    """Return the explanations; the first that fits counts."""
    lines = (HERE / "differential_reasons.tsv").read_text(encoding="utf-8").splitlines()
    return [Reason(*line.split("\t")) for line in lines if line and not line.startswith("#")]


def compare(found: dict[str, dict[str, Any]], reasons: Sequence[Reason]) -> list[tuple[str, ...]]:
    """Return a line for each disagreement: case, server, kind, both answers, title, explanation."""
    lines = []
    ours = found["hipflask"]
    for server, cases in found.items():
        for case, theirs in cases.items():
            kind = kind_of(ours[case], theirs)
            if kind:
                reason = next((each.text for each in reasons if each.explains(kind, server, case)), "")
                lines.append((case, server, kind, ours[case]["got"], theirs["got"], theirs["title"], reason))
    return sorted(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two servers, framing only")
    parser.add_argument("--untimed", action="store_true", help="changes nothing: there are no times here")
    parser.add_argument("--shared", type=Path, default=PROJECT.parent / "shared", help="where wire/ stands")
    given = parser.parse_args()
    verdict = Verdict("38 Differential", Options(given.quick, given.untimed))
    table = given.shared / "wire"
    if not (table / "run_wire.py").exists():
        verdict.note("left out", "the table of wire cases is not beside the project")
        return 0
    servers = commands()
    if given.quick:
        servers = dict(list(servers.items())[:2])
    only = QUICK_ONLY if given.quick else "^(?!CO-)"
    found = {}
    for name, command in servers.items():
        found[name] = run_cases(table, command, only)
        strict, least = (sum(bool(each[key]) for each in found[name].values()) for key in ("strict", "rfc_min"))
        verdict.note(f"{name}: of {len(found[name])} cases", f"{strict} strict, {least} meet the RFC's least")
    sizes = {name: len(cases) for name, cases in found.items()}
    is_whole = len(found) > 1 and min(sizes.values()) > 0 and len(set(sizes.values())) == 1
    verdict.mark("cases sent, at least one, the same number to two servers or more", sizes, is_whole)
    lines = compare(found, read_reasons())
    target = PROJECT / "build" / ("differential-quick.tsv" if given.quick else "differential.tsv")
    target.parent.mkdir(exist_ok=True)
    head = ("case", "server", "kind", "hipflask", "there", "title", "reason")
    target.write_text("".join("\t".join(line) + "\n" for line in (head, *lines)), encoding="utf-8")
    verdict.note("disagreements", dict(Counter(f"{line[1]} {line[2]}" for line in lines)))
    verdict.mark("disagreements without an explanation", bare := sum(not line[-1] for line in lines), not bare)
    worse = [case for case, each in found["hipflask"].items() if not each["rfc_min"]]
    verdict.mark("cases where hipflask does less than the RFC asks", worse or 0, not worse)
    died = [f"{name} {case}" for name in found for case, each in found[name].items() if each["worker_died"]]
    ours = [each for each in died if each.startswith(("hipflask ", "pure "))]
    verdict.mark("workers of ours that ended", ours or 0, not ours)
    verdict.note("workers that ended", died or 0)
    return verdict.status


if __name__ == "__main__":
    sys.exit(main())
