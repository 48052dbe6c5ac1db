"""The table of wire cases: its runner, started for a server, and the floors that hold for each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

#: Cross-origin requests need an extension that comes later. The runner itself leaves out WebSocket and HTTP/2.
BUILT = "^(?!CO-)"
#: Of all cases; each of the others is in deviations.txt with its reason.
STRICT_FLOOR = 0.98
#: What must not happen at all.
NEVER = ("5xx on bad input", "second request answered", "accepted broken body", "worker died", "failed")


def hold_against_table(project_root: Path, folder: Path, server: Sequence[str], mode: str) -> str:
    """Send every case to a server, and return a line with the counts.

    Args:
        project_root: The table stands beside it.
        folder: A temporary one.
        server: Arguments of Python that serve ``probe_app`` on ``{port}``.
        mode: How the bytes of a case are sent: ``whole``, ``split``, ``bytewise`` or ``pipelined``.
    """
    table = project_root.parent / "shared/wire"
    if not (table / "run_wire.py").exists():
        pytest.skip("the table of wire cases is not beside the project")
    report = folder / "report.json"
    command = [
        *(sys.executable, str(table / "run_wire.py"), "--cases", str(table / "cases.jsonl")),
        *("--large", "--only", BUILT, "--mode", mode, "--report", str(report)),
        *("--deviations", str(Path(__file__).with_name("deviations.txt"))),
        *("--", sys.executable, *server),
    ]
    environ = {**os.environ, "PROBE_FRAMEWORK": "hipflask", "TMPDIR": str(folder)}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "note:" not in done.stdout, f"a deviation is listed that is none:\n{done.stdout}"
    counts = json.loads(report.read_text(encoding="utf-8"))["summary"]
    assert counts["strict"] >= STRICT_FLOOR * counts["cases"], done.stdout
    assert counts["rfc-min"] == counts["cases"] > 400, done.stdout
    assert not any(counts[name] for name in NEVER), done.stdout
    share = counts["strict"] / counts["cases"]
    return (
        f"{mode}: {counts['cases']} cases, {counts['strict']} strict ({share:.1%}), {counts['rfc-min']} meet the RFC's "
        f"minimum, {counts['deviations used']} deviations with their reasons, {counts['worker died']} workers lost"
    )
