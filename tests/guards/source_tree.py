"""Reads a tree of Python files for the guards: what a file is called as a module, and its syntax tree."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Module", "definitions", "is_public", "is_type_checking", "modules", "python_files"]

_LEFT_OUT = {"target", "build", "dist", "node_modules", "__pycache__"}


@dataclass(frozen=True)
class Module:
    """One Python file below the folder that is on ``sys.path``."""

    name: str
    path: Path
    tree: ast.Module

    @property
    def is_package(self) -> bool:
        return self.path.name == "__init__.py"


@functools.cache
def _parse(path: Path, changed_ns: int) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def python_files(folder: Path) -> Iterator[Path]:
    """Yield every Python file below *folder*, without hidden and build folders."""
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder).parts
        if not any(part.startswith(".") or part in _LEFT_OUT for part in parts):
            yield path


def modules(root: Path) -> list[Module]:
    """Return the modules below *root*, the folder that would be on ``sys.path``."""
    found = []
    for path in python_files(root):
        parts = path.relative_to(root).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found.append(Module(name, path, _parse(path, path.stat().st_mtime_ns)))
    return found


def is_public(module: Module) -> bool:
    """Return whether no part of the module's dotted name begins with an underscore."""
    return not any(part.startswith("_") for part in module.name.split("."))


def is_type_checking(node: ast.AST) -> bool:
    """Return whether *node* is an ``if TYPE_CHECKING:``."""
    if not isinstance(node, ast.If):
        return False
    test = node.test
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", None)
    return name == "TYPE_CHECKING"


def definitions(body: list[ast.stmt]) -> Iterator[ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield a body's classes and functions, in ``if`` and ``try`` too, without those for typing only."""
    for node in body:
        match node:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                yield node
            case ast.If():
                if not is_type_checking(node):
                    yield from definitions(node.body)
                yield from definitions(node.orelse)
            case ast.Try():
                for part in (node.body, node.orelse, node.finalbody, *(one.body for one in node.handlers)):
                    yield from definitions(part)
            case ast.With():
                yield from definitions(node.body)
