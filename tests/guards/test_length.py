"""Files and functions stay short: style.md's limits, read from the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.guards.source_tree import python_files

FILE_LINES = 600
FUNCTION_LINES = 60
FOLDERS = ("src", "tests", "examples", "bench")


def function_length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines from ``def`` to the end, without the docstring: documentation is not length."""
    length = (node.end_lineno or node.lineno) - node.lineno + 1
    if ast.get_docstring(node, clean=False) is not None:
        docstring = node.body[0]
        length -= (docstring.end_lineno or docstring.lineno) - docstring.lineno + 1
    return length


def _long_functions(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            length = function_length(node)
            if length > FUNCTION_LINES:
                yield f"{node.lineno}: {node.name}() has {length} lines, at most {FUNCTION_LINES}"


def long_parts(root: Path, folders: tuple[str, ...] = FOLDERS) -> list[str]:
    """Return a line for every file and function below *root* that is over its limit."""
    faults = []
    for path in (path for folder in folders for path in python_files(root / folder)):
        text = path.read_text(encoding="utf-8")
        place = path.relative_to(root)
        if (lines := len(text.splitlines())) > FILE_LINES:
            faults.append(f"{place}: {lines} lines, at most {FILE_LINES}")
        faults += [f"{place}:{fault}" for fault in _long_functions(text)]
    return faults


def test_project_files_and_functions_are_short(project_root: Path) -> None:
    assert long_parts(project_root) == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param("x = 1\n" * 600, [], id="file-at-limit"),
        pytest.param("x = 1\n" * 601, ["src/a.py: 601 lines, at most 600"], id="file-over"),
        pytest.param("def f():\n" + "    x = 1\n" * 59, [], id="function-at-limit"),
        pytest.param(
            "class A:\n    async def f(self):\n" + "        x = 1\n" * 60,
            ["src/a.py:2: f() has 61 lines, at most 60"],
            id="method-over",
        ),
        pytest.param('def f():\n    """A.\n\n    B.\n    """\n' + "    x = 1\n" * 59, [], id="docstring-is-free"),
    ],
)
def test_long_parts_of_sample_are_found(tmp_path: Path, source: str, expected: list[str]) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/a.py").write_text(source)
    assert long_parts(tmp_path) == expected
