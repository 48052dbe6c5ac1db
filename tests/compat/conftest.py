"""Runs Python in a process of its own: compat mode cannot be taken back in this one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs ``python ARGUMENTS`` in an empty folder, with further environment variables as keywords."""

    def run_python(*arguments: str, status: int = 0, **environ: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env={**os.environ, **environ},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done

    return run_python


@pytest.fixture
def run_compat(run: Run) -> Run:
    """Runs ``python -m hipflask.compat ARGUMENTS``."""

    def run_python(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
        return run("-m", "hipflask.compat", *arguments, **options)

    return run_python
