"""Programs run as Python itself would run them."""

from __future__ import annotations

import json
import os
import sys
import zipfile
from pathlib import Path

import pytest

import hipflask.compat

SHOW = """
import json, sys
spec = __spec__ and __spec__.name
print(json.dumps([__name__, spec, __package__, globals().get("__file__"), sys.argv, sys.path[0], flask]))
"""
WITH_FLASK = "import flask.app; flask = flask.app.Flask.__module__\n" + SHOW
HOW_IT_IS = "flask = 'flask.app'\n" + SHOW


def compare(run, tmp_path: Path, path: str, *arguments: str) -> None:
    """Run a program by Python and in compat mode; both must see the same."""
    file = tmp_path / path
    file.parent.mkdir(exist_ok=True, parents=True)
    for text, start in ((HOW_IT_IS, ()), (WITH_FLASK, ("-m", "hipflask.compat"))):
        file.write_text(text)
        shown = json.loads(run(*start, *arguments).stdout)
        if not start:
            expected = shown
    assert shown == expected


@pytest.mark.parametrize("arguments", [("program.py",), ("./program.py", "a", "-b"), ("sub/program.py", "-m", "x")])
def test_file_runs_as_by_python(run, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    compare(run, tmp_path, arguments[0], *arguments)


@pytest.mark.parametrize("path", ["program.py", "package/__main__.py", "package/program.py"])
def test_module_runs_as_by_python(run, tmp_path: Path, path: str) -> None:
    name = path.removesuffix("/__main__.py").removesuffix(".py").replace("/", ".")
    if "/" in path:
        (tmp_path / "package").mkdir()
        (tmp_path / "package/__init__.py").touch()
    compare(run, tmp_path, path, "-m", name, "a", "--b")


def test_code_runs_as_by_python(run, run_compat) -> None:
    code = "import sys; print(__name__, sys.argv, __spec__)"
    assert run_compat("-c", code, "a").stdout == run("-c", code, "a").stdout


def test_folder_and_zip_run(run_compat, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/__main__.py").write_text("import flask; print(flask.Flask.__module__, __name__)")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(tmp_path / "folder/__main__.py", "__main__.py")
    for path in ("folder", "a.zip"):
        assert run_compat(path).stdout == "flask.app __main__\n"


def test_safe_path_is_kept(run, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("import sys; print(sys.path[0])")
    expected = run("-P", "program.py").stdout
    assert run("-P", "-m", "hipflask.compat", "program.py").stdout == expected


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        ((), 2, "usage: python -m hipflask.compat"),
        (("--help",), 0, "usage: python -m hipflask.compat"),
        (("-m",), 1, "-m needs an argument"),
        (("-x",), 1, "There is no option -x"),
        (("nothing.py",), 1, "there is no such file"),
        (("-m", "nothing_here"), 1, "No module named nothing_here"),
        (("-m", "flask.nothing"), 1, "No module named flask.nothing"),
        (("-m", "json.tool.x"), 1, "No module named json.tool.x"),
        (("-m", "email"), 1, "'email' is a package without __main__"),
        (("-m", "sys"), 1, "There is no code to run in 'sys'"),
    ],
    ids=lambda value: " ".join(value) or "nothing" if isinstance(value, tuple) else None,
)
def test_mistake_is_told(run_compat, arguments: tuple[str, ...], status: int, said: str) -> None:
    done = run_compat(*arguments, status=status)
    assert said in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_failing_import_of_the_program_is_its_own(run_compat, tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package/__init__.py").write_text("import not_installed")
    done = run_compat("-m", "package.x", status=1)
    assert "ModuleNotFoundError: No module named 'not_installed'" in done.stderr


def test_flask_is_the_command_line(run_compat) -> None:
    said = run_compat("-m", "flask", "--version").stdout.splitlines()
    assert said[-2:] == ["Flask 3.1.3 (by hipflask)", "Werkzeug 3.1.9 (by hipflask)"]


def test_console_script_runs(run_compat, tmp_path: Path) -> None:
    (tmp_path / "flask").write_text("#!python\nimport sys\nfrom flask.cli import main\nsys.exit(main())\n")
    assert "Werkzeug 3.1.9" in run_compat("flask", "--version").stdout


def test_option_of_the_command_line_starts_it(run, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(
        "from flask import Flask\napp = Flask(__name__)\n"
        "@app.cli.command()\ndef whose():\n    print(Flask.__module__, app.logger.name)\n"
    )
    assert run("-m", "hipflask", "--compat", "whose").stdout == "flask.app app\n"
    assert run("-m", "hipflask", "whose", HIPFLASK_COMPAT="1").stdout == "flask.app app\n"


@pytest.mark.parametrize(("start", "is_there"), [(("hipflask.compat", "-m", "flask"), True), (("hipflask",), False)])
def test_plugins_of_flask_count_in_compat_mode_only(
    run, tmp_path: Path, start: tuple[str, ...], is_there: bool
) -> None:
    folder = tmp_path / "plugin-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: plugin\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text("[flask.commands]\nplugged = plugin:command\n")
    (tmp_path / "plugin.py").write_text("import click\ncommand = click.Command('plugged')\n")
    assert ("plugged" in run("-m", *start, "--help").stdout) is is_there


def test_extensions_option_is_refused(run_compat) -> None:
    done = run_compat("--with-extensions", "-c", "print(1)", status=1)
    assert done.stdout == ""
    assert done.stderr.startswith("Compat mode cannot replace extensions (flask_sqlalchemy, ")
    assert "Leave out extensions=True or --with-extensions; " in done.stderr
    assert done.stderr.count("\n") == 1


def test_extensions_argument_is_refused_before_anything_is_changed() -> None:
    before = (list(sys.meta_path), dict(os.environ))
    with pytest.raises(NotImplementedError, match="cannot replace extensions .* yet"):
        hipflask.compat.install(extensions=True)
    assert (sys.meta_path, dict(os.environ)) == before


def test_arguments_stay_with_the_interpreter(run_compat) -> None:
    code = "import sys; print(sys.executable, sys.orig_argv[1:3])"
    assert run_compat("-c", code).stdout == f"{sys.executable} ['-m', 'hipflask.compat']{os.linesep}"
