"""Each test has its own environment, import path and working directory."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner


@pytest.fixture(autouse=True)
def isolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    environment, path, modules = dict(os.environ), list(sys.path), set(sys.modules)
    for name in [each for each in os.environ if each.startswith(("FLASK_", "HIPFLASK_"))]:
        del os.environ[name]
    yield
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.fixture
def write() -> Callable[..., None]:
    """Write files into the working directory: ``write(hello="...")`` or ``write({"a/b.py": "..."})``."""

    def write_files(files: dict[str, str] | None = None, **modules: str) -> None:
        for name, text in {**(files or {}), **{f"{key}.py": value for key, value in modules.items()}}.items():
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_text(text, encoding="utf-8")

    return write_files


@pytest.fixture
def runner() -> CliRunner:
    return CliRunner()
