"""Reads every import of a tree, deferred and typing ones included, and finds the cycles among them."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.guards.source_tree import Module, is_type_checking, modules

__all__ = ["Import", "cycles", "dynamic_imports", "imports_of_tree", "module_strings"]


@dataclass(frozen=True)
class Import:
    """One import statement's arrow from a module to another."""

    source: str
    """The module that imports."""
    target: str
    """The module that is imported: ``a.b.c`` for ``from a.b import c`` if that is a module, else ``a.b``."""
    name: str
    """The name that is taken from *target*; empty where the module itself is."""
    scope: str
    """``Class.function`` around the import; empty at the module's level."""
    typing_only: bool
    """Whether the import is inside ``if TYPE_CHECKING:``."""
    line: int

    @property
    def place(self) -> str:
        return f"{self.source}:{self.line}"


def _targets(node: ast.Import | ast.ImportFrom, module: Module, known: set[str]) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield alias.name, ""
        return
    base = node.module or ""
    if node.level:
        parents = module.name.split(".")
        keep = len(parents) - node.level + (1 if module.is_package else 0)
        base = ".".join([*parents[: max(keep, 0)], *([base] if base else [])])
    for alias in node.names:
        whole = f"{base}.{alias.name}"
        yield (whole, "") if whole in known else (base, alias.name)


def _walk(node: ast.AST, scope: str, typing_only: bool) -> Iterator[tuple[ast.AST, str, bool]]:
    for field, value in ast.iter_fields(node):
        below = typing_only or (field == "body" and is_type_checking(node))
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST):
                continue
            yield child, scope, below
            inner = scope
            if isinstance(child, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                inner = f"{scope}.{child.name}".lstrip(".")
            yield from _walk(child, inner, below)


def imports_of_tree(root: Path) -> list[Import]:
    """Return every import in the modules below *root*, wherever it stands."""
    tree = modules(root)
    known = {module.name for module in tree}
    return [
        Import(module.name, target, name, scope, typing_only, node.lineno)
        for module in tree
        for node, scope, typing_only in _walk(module.tree, "", False)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for target, name in _targets(node, module, known)
    ]


def _docstrings(tree: ast.Module) -> set[int]:
    """Return the ids of the strings that stand alone as statements: documentation, not data."""
    return {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}


def module_strings(root: Path) -> Iterator[tuple[str, int, str]]:
    """Yield (module, line, text) for each string that names a module of the tree: a hidden import."""
    tree = modules(root)
    packages = {module.name for module in tree if "." in module.name}
    for module in tree:
        documentation = _docstrings(module.tree)
        for node in ast.walk(module.tree):
            if not isinstance(node, ast.Constant) or id(node) in documentation or not isinstance(node.value, str):
                continue
            text = node.value.replace(":", ".")
            if text in packages or ("." in text and text.rpartition(".")[0] in packages):
                yield module.name, node.lineno, node.value


def _is_own_submodule(node: ast.expr) -> bool:
    """Return whether an expression is ``f"{__name__}.something"``: a package's lazily imported part."""
    match node:
        case ast.JoinedStr(
            values=[ast.FormattedValue(value=ast.Name(id="__name__")), ast.Constant(value=str(text)), *_]
        ):
            return text.startswith(".")
    return False


def _is_import_call(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call) or not node.args or _is_own_submodule(node.args[0]):
        return False
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", None)
    return name in ("import_module", "__import__")


def dynamic_imports(root: Path) -> Iterator[tuple[str, int]]:
    """Yield (module, line) for each import by a call, parts of the package's own by ``__name__`` left out."""
    for module in modules(root):
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and _is_import_call(node):
                yield module.name, node.lineno


def _reachable(graph: dict[str, set[str]], start: str) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = graph.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return found


def cycles(arrows: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Return the groups of modules that reach each other, each group sorted."""
    graph: dict[str, set[str]] = {}
    for source, target in arrows:
        graph.setdefault(source, set()).add(target)
    reached = {name: _reachable(graph, name) for name in graph}
    groups = {
        tuple(sorted(other for other in reached[name] if name in reached.get(other, ())))
        for name in graph
        if name in reached[name]
    }
    return sorted(list(group) for group in groups)
