"""``import hipflask`` stays light: what is heavy is imported when it is first needed (design.md, 1)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

HEAVY = """
    asyncio concurrent.futures dataclasses decimal email email.message email.utils hashlib hmac http.client
    http.server importlib.metadata inspect logging multiprocessing random secrets selectors socketserver
    sqlite3 ssl subprocess tempfile unittest urllib.request uuid zipfile
    blinker click itsdangerous jinja2
    hipflask.cli hipflask.debug hipflask.middleware hipflask.server hipflask.testing
""".split()

# Run with -S: what site-packages' .pth files import is no weight of ours.
_SCRIPT = """
import json, sys
sys.path[:0] = json.loads(sys.argv[1])
before = set(sys.modules)
__import__(sys.argv[2])
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def imported_modules(name: str, folders: list[str]) -> set[str]:
    """Return what a fresh interpreter loads for ``import name``, with *folders* first on its path."""
    # Coverage of child processes is switched off: it would load the very modules that are looked for.
    environ = {key: value for key, value in os.environ.items() if not key.startswith(("COVERAGE_", "COV_"))}
    done = subprocess.run(
        [sys.executable, "-S", "-I", "-c", _SCRIPT, json.dumps(folders), name],
        env=environ,
        check=True,
        capture_output=True,
        text=True,
    )
    return set(json.loads(done.stdout))


def heavy_modules(name: str, folders: list[str]) -> list[str]:
    """Return the heavy modules among those that ``import name`` loads."""
    return sorted(imported_modules(name, folders) & set(HEAVY))


def test_import_of_package_loads_nothing_heavy(project_root: Path) -> None:
    folders = [str(project_root / "src"), *(path for path in sys.path if path.endswith("site-packages"))]
    assert heavy_modules("hipflask", folders) == []


def test_heavy_module_of_sample_is_found(tmp_path: Path) -> None:
    (tmp_path / "light_sample.py").write_text("import re\ndef f():\n    import uuid\n")
    (tmp_path / "heavy_sample.py").write_text("import light_sample, decimal, email.message\n")
    assert heavy_modules("light_sample", [str(tmp_path)]) == []
    assert {"decimal", "email.message"} <= set(heavy_modules("heavy_sample", [str(tmp_path)]))
