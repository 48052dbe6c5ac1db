"""Processes that a program starts as ``sys.executable ...`` are in compat mode too."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from hipflask.compat import children

CHILD = "import flask; print(flask.Flask.__module__, flask.__file__.split('/')[-2:])"
START = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {CHILD!r}], check=True)"
OURS = "flask.app ['compat', '__init__.py']\n"


def test_child_and_grandchild_are_in_compat_mode(run_compat) -> None:
    assert run_compat("-c", START).stdout == OURS
    nested = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {START!r}], check=True)"
    assert run_compat("-c", nested).stdout == OURS


def test_spawned_process_is_in_compat_mode(run_compat, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(
        "import multiprocessing\n"
        "def work():\n    import flask; print(flask.Flask.__module__, flush=True)\n"
        "if __name__ == '__main__':\n"
        "    process = multiprocessing.get_context('spawn').Process(target=work)\n"
        "    process.start(); process.join()\n"
    )
    assert run_compat("program.py").stdout == "flask.app\n"
    assert run_compat("-m", "program").stdout == "flask.app\n"


def test_child_without_the_variable_is_not(run_compat) -> None:
    pytest.importorskip("flask")
    code = f"import os; del os.environ['HIPFLASK_COMPAT']\n{START}"
    assert run_compat("-c", code).stdout == "flask.app ['flask', '__init__.py']\n"


def test_other_sitecustomize_runs_as_well(run_compat, tmp_path: Path) -> None:
    folder = tmp_path / "site"
    folder.mkdir()
    text = (
        "import os, sys\nif os.environ.get('HIPFLASK_COMPAT'):\n    import flask\n    flask.customized_by = __file__\n"
    )
    (folder / "sitecustomize.py").write_text(text)
    child = (
        "import flask, sys; print(flask.customized_by == sys.modules['sitecustomize'].__file__, flask.customized_by)"
    )
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}], check=True)"
    done = run_compat("-c", code, PYTHONPATH=str(folder))
    assert done.stdout == f"True {folder / 'sitecustomize.py'}\n"


def test_python_without_hipflask_starts_undisturbed(run) -> None:
    done = run("-S", "-c", "import sys; sys.path[:0] = [sys.argv[1]]; import sitecustomize", children.STARTUP_FOLDER)
    assert (done.stdout, done.stderr) == ("", "")


@pytest.mark.parametrize("before", [None, "/a:/b".replace(":", os.pathsep)])
def test_word_is_left_once(monkeypatch: pytest.MonkeyPatch, before: str | None) -> None:
    monkeypatch.setenv(children.VARIABLE, "to be put back")
    monkeypatch.setenv("PYTHONPATH", before or "")
    children.leave_word()
    children.leave_word()
    assert os.environ["PYTHONPATH"] == os.pathsep.join(filter(None, [children.STARTUP_FOLDER, before]))
    assert os.environ[children.VARIABLE] == "1"


@pytest.mark.parametrize("is_there", [True, False])
def test_next_sitecustomize_takes_the_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, is_there: bool) -> None:
    if is_there:
        (tmp_path / "sitecustomize.py").write_text("found = True")
    ours = object()
    monkeypatch.setattr(sys, "path", [children.STARTUP_FOLDER, str(tmp_path)])
    monkeypatch.setitem(sys.modules, "sitecustomize", ours)
    children.run_next_sitecustomize()
    assert sys.path == [str(tmp_path)]
    assert getattr(sys.modules["sitecustomize"], "found", False) is is_there
