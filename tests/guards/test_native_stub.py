"""The native module and its stub say the same; the version is the project's."""

from __future__ import annotations

import ast
import importlib
import inspect
import tomllib
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

STUB = "src/hipflask/server/_native.pyi"
# What every extension module has, stub or not.
_OF_ANY_MODULE = {
    "__all__",
    "__builtins__",
    "__doc__",
    "__file__",
    "__loader__",
    "__name__",
    "__package__",
    "__spec__",
}


@pytest.fixture
def native() -> ModuleType:
    module: ModuleType = pytest.importorskip("hipflask.server._native", reason="built without cargo")
    return module


def _parameters(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    arguments = node.args
    return [one.arg for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]


def _names(body: list[ast.stmt]) -> dict[str, ast.stmt]:
    found: dict[str, ast.stmt] = {}
    for node in body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            found[node.name] = node
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found[node.target.id] = node
    return found


def _compare(body: list[ast.stmt], built: Any, prefix: str) -> list[str]:
    told = _names(body)
    public = {name for name in vars(built) if not name.startswith("_")}
    faults = [f"{prefix}{name}: built, not in the stub" for name in sorted(public - set(told))]
    for name, node in told.items():
        value = getattr(built, name, None)
        if value is None:
            faults.append(f"{prefix}{name}: in the stub, not built")
        elif isinstance(node, ast.ClassDef):
            faults += _compare(node.body, value, f"{prefix}{name}.")
        elif isinstance(node, ast.FunctionDef) and callable(value) and not name.startswith("__"):
            real = list(inspect.signature(value).parameters)
            if real != _parameters(node):
                faults.append(f"{prefix}{name}: built with {real}, the stub says {_parameters(node)}")
    return faults


def stub_faults(stub: str, built: Any) -> list[str]:
    """Return a line for each name, member or parameter in which a stub and the built module differ."""
    return _compare(ast.parse(stub).body, built, "")


def test_stub_describes_built_module(project_root: Path, native: ModuleType) -> None:
    assert stub_faults((project_root / STUB).read_text(encoding="utf-8"), native) == []
    assert {name for name in vars(native) if name not in _OF_ANY_MODULE} <= {"__version__"} | set(native.__all__)


def test_native_module_is_built_from_this_version(project_root: Path, native: ModuleType) -> None:
    project = tomllib.loads((project_root / "pyproject.toml").read_text(encoding="utf-8"))
    assert native.__version__ == project["project"]["version"]


def test_stub_is_not_imported_as_python(project_root: Path) -> None:
    assert not (project_root / STUB).with_suffix(".py").exists()
    with pytest.raises(ModuleNotFoundError, match="_native_absent"):
        importlib.import_module("hipflask.server._native_absent")


def _right(first: int) -> None: ...


@pytest.mark.parametrize(
    ("stub", "members", "expected"),
    [
        pytest.param("x: int\n", {"x": 1}, [], id="equal"),
        pytest.param("x: int\n", {}, ["x: in the stub, not built"], id="not-built"),
        pytest.param("", {"x": 1}, ["x: built, not in the stub"], id="not-in-stub"),
        pytest.param("def f(first: int) -> None: ...\n", {"f": _right}, [], id="function"),
        pytest.param(
            "def f(other: int) -> None: ...\n",
            {"f": _right},
            ["f: built with ['first'], the stub says ['other']"],
            id="parameter",
        ),
        pytest.param("class C:\n    y: int\n", {"C": type("C", (), {})}, ["C.y: in the stub, not built"], id="member"),
    ],
)
def test_stub_faults_of_sample_are_found(stub: str, members: dict[str, object], expected: list[str]) -> None:
    assert stub_faults(stub, SimpleNamespace(**members)) == expected
