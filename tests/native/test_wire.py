"""The raw requests of the wire table, sent to the native server: nothing fails but what deviations.txt lists."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["whole", "pipelined"])
def test_nothing_fails_but_what_is_listed(project_root: Path, tmp_path: Path, mode: str) -> None:
    table = project_root.parent / "shared/wire"
    if not (table / "run_wire.py").exists():
        pytest.skip("the table of wire cases is not beside the project")
    command = [
        *(sys.executable, str(table / "run_wire.py"), "--cases", str(table / "cases.jsonl")),
        *("--large", "--only", "^(?!CO-)", "--mode", mode, "--report", str(tmp_path / "report.json")),
        *("--deviations", str(project_root / "tests/wire/deviations.txt")),
        *("--", sys.executable, str(Path(__file__).with_name("start.py")), "probe_app:app", "{port}"),
    ]
    environ = {**os.environ, "PROBE_FRAMEWORK": "hipflask", "TMPDIR": str(tmp_path)}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
