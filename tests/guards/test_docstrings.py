"""Every public module, class, function, method and property of the package has a docstring."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.guards.source_tree import definitions, is_public, modules

Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def _needs_none(node: Definition) -> bool:
    """Overloads, setters and deleters are documented where the function or property is."""
    for decorator in node.decorator_list:
        name = decorator.attr if isinstance(decorator, ast.Attribute) else getattr(decorator, "id", None)
        if name in ("overload", "setter", "deleter"):
            return True
    return node.name.startswith("_")


def _undocumented(body: list[ast.stmt], prefix: str) -> list[str]:
    found = []
    for node in definitions(body):
        if _needs_none(node):
            continue
        name = f"{prefix}.{node.name}"
        if not (ast.get_docstring(node) or "").strip():
            found.append(name)
        if isinstance(node, ast.ClassDef):
            found += _undocumented(node.body, name)
    return found


def undocumented_names(root: Path) -> list[str]:
    """Return the dotted names below *root* that are public and have no docstring."""
    found = []
    for module in modules(root):
        if not (ast.get_docstring(module.tree) or "").strip():
            found.append(module.name)
        if is_public(module):
            found += _undocumented(module.tree.body, module.name)
    return sorted(set(found))


def test_every_public_name_of_project_has_docstring(project_root: Path) -> None:
    assert undocumented_names(project_root / "src") == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param("x = 1\n", ["a"], id="module"),
        pytest.param('"""M."""\ndef f(): ...\n', ["a.f"], id="function"),
        pytest.param('"""M."""\nasync def f():\n    """  """\n', ["a.f"], id="blank"),
        pytest.param('"""M."""\nclass C:\n    def m(self): ...\n', ["a.C", "a.C.m"], id="class-and-method"),
        pytest.param('"""M."""\nclass _C:\n    def m(self): ...\ndef _f(): ...\n', [], id="private"),
        pytest.param('"""M."""\nif x:\n    def f(): ...\n', ["a.f"], id="in-if"),
        pytest.param('"""M."""\ntry:\n    pass\nexcept E:\n    def f(): ...\n', ["a.f"], id="in-except"),
        pytest.param(
            '"""M."""\nclass C:\n    """C."""\n'
            "    @property\n    def p(self): ...\n    @p.setter\n    def p(self, v): ...\n",
            ["a.C.p"],
            id="property-but-not-setter",
        ),
        pytest.param('"""M."""\n@overload\ndef f(): ...\n@t.overload\ndef f(): ...\n', [], id="overload"),
    ],
)
def test_undocumented_names_of_sample_are_found(tmp_path: Path, source: str, expected: list[str]) -> None:
    (tmp_path / "a.py").write_text(source)
    assert undocumented_names(tmp_path) == expected
