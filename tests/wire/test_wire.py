"""The raw requests of the wire table, sent to the pure server: nothing fails but what deviations.txt lists."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

#: Areas that concern what is behind the server; those of the server itself are run with each door.
AREAS = "CK|MP|JS|QF|ST|RC|HO|TN|LG"


#: The areas whose parts are there: cross-origin requests need an extension that comes later.
BUILT = "^(?!CO-)"
PURE = (
    "import sys; from probe_app import app; from hipflask.server.runner import make_server; "
    "make_server('127.0.0.1', int(sys.argv[1]), app, threaded=True).serve_forever()"
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("only", "server"),
    [
        pytest.param(BUILT, ["-c", PURE, "{port}"], id="pure"),
        pytest.param(
            f"^(?:{AREAS})-|^HL-010 ", ["-m", "hipflask", "--app", "probe_app", "run", "--port", "{port}"], id="run"
        ),
    ],
)
def test_nothing_fails_but_what_is_listed(project_root: Path, tmp_path: Path, only: str, server: list[str]) -> None:
    table = project_root.parent / "shared/wire"
    if not (table / "run_wire.py").exists():
        pytest.skip("the table of wire cases is not beside the project")
    command = [
        *(sys.executable, str(table / "run_wire.py"), "--cases", str(table / "cases.jsonl")),
        *("--large", "--only", only, "--report", str(tmp_path / "report.json")),
        *("--deviations", str(Path(__file__).with_name("deviations.txt"))),
        *("--", sys.executable, *server),
    ]
    environ = {**os.environ, "PROBE_FRAMEWORK": "hipflask", "TMPDIR": str(tmp_path)}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "note:" not in done.stdout, "a deviation is listed that is none"
