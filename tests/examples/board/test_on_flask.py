"""The board runs unchanged on Flask, once the names of the imported packages are replaced; so do its tests."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from bench.support.board_on_flask import copy_board, rename_imports

TESTS = Path(__file__).parent
# These start servers, or are about bytes and numbers only.
LEFT_OUT = {"test_on_flask.py", "test_start.py", "test_served.py", "test_pictures.py", "test_rate_limit.py"}
# What hipflask refuses and Flask 3.1 does not: docs/compatibility.md has the reasons.
SAFER_HERE = [
    "test_bad_input.py::test_malformed_header_is_refused_or_ignored[/api/messages-authorization]",
    "test_uploads.py::test_form_that_was_cut_off_on_its_way_leaves_no_file",
]
WAIT_SECONDS = 600

pytestmark = pytest.mark.slow


def test_copy_names_flask_and_nothing_of_ours(tmp_path):
    pytest.importorskip("flask")
    folder = copy_board(tmp_path)
    texts = [path.read_text() for path in folder.rglob("*.py")]
    assert any(re.search(r"^from flask import", text, re.MULTILINE) for text in texts)
    assert any(re.search(r"^from werkzeug\.exceptions import", text, re.MULTILINE) for text in texts)
    assert not any(re.search("(import|from) hipflask", text) for text in texts)
    assert not (folder / "instance").exists()


def test_whole_suite_of_the_board_passes_on_flask(tmp_path):
    pytest.importorskip("flask")
    copy_board(tmp_path / "examples")
    tests = tmp_path / "tests" / "examples" / "board"
    shutil.copytree(TESTS, tests, ignore=shutil.ignore_patterns("__pycache__", *LEFT_OUT))
    for path in tests.glob("*.py"):
        path.write_text(rename_imports(path.read_text()))
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\npythonpath = .\naddopts = --import-mode=importlib\nmarkers = slow\nfilterwarnings = error\n"
    )
    # Nothing of this run's coverage or settings reaches the other framework.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "PYTEST", "BOARD"))}
    deselect = [f"--deselect=tests/examples/board/{name}" for name in SAFER_HERE]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not slow", *deselect, "tests"],
        check=False,
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    assert re.search(r"\b[3-9]\d\d passed", done.stdout), done.stdout[-500:]
