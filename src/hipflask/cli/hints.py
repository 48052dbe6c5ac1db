"""What to say where no application was found: what was looked for, where, and what to type."""

from __future__ import annotations

import difflib
import os
import shlex
import sys
from inspect import Parameter, Signature
from types import ModuleType

__all__ = [
    "example_call",
    "explain_missing_module",
    "explain_missing_name",
    "explain_no_app",
    "explain_several",
    "what_to_type",
]


def what_to_type(path: str, name: str | None = None) -> str:
    """Return the option that names an application, quoted for the shell.

    Args:
        path: Path or dotted name of the module.
        name: Name, or call of a factory.
    """
    return f"--app {shlex.quote(path if name is None else f'{path}:{name}')}"


def example_call(name: str, signature: Signature) -> str:
    """Return the call of a factory, such as ``create_app("x")``, with a word for each argument that it needs."""
    words = []
    for parameter in signature.parameters.values():
        if parameter.kind in {Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD}:
            continue
        if parameter.default is Parameter.empty:
            words.append(f'{parameter.name}="x"' if parameter.kind is Parameter.KEYWORD_ONLY else '"x"')
    return f"{name}({', '.join(words)})"


def explain_missing_module(typed: str, name: str) -> str:
    """Say which files were tried for a module, and which one may have been meant.

    Args:
        typed: The path or dotted name as it was typed.
        name: The module's dotted name, below the first folder of ``sys.path``.
    """
    is_path = typed != name
    folder = sys.path[0] if is_path else os.getcwd()
    wanted = os.path.join(folder, *name.split("."))
    close = difflib.get_close_matches(os.path.basename(wanted), _modules_in(os.path.dirname(wanted)), n=1)
    if close:
        meant = os.path.join(os.path.dirname(typed), f"{close[0]}.py") if is_path else _beside(name, close[0])
        hint = f"Did you mean {what_to_type(meant)}?"
    else:
        hint = "Type --app and the path or dotted name of the module, for example: --app hello.py or --app package.web"
    return (
        f"Could not import {typed!r}: there is no file {wanted}.py, no package {wanted}{os.sep}, "
        f"and no module {name!r} on Python's path. {hint}"
    )


def explain_missing_name(module: ModuleType, name: str, typed: str) -> str:
    """Say that a module has no such name, and which one may have been meant."""
    public = [each for each in vars(module) if not each.startswith("_")]
    close = difflib.get_close_matches(name, public, n=1)
    hint = f" Did you mean {what_to_type(typed, close[0])}?" if close else ""
    return f"Module {module.__name__!r} ({_place_of(module)}) has no {name!r}.{hint}"


def explain_several(module: ModuleType, names: list[str], typed: str) -> str:
    """Say that a module has more than one application."""
    return (
        f"Module {module.__name__!r} has several applications: {', '.join(names)}. "
        f"Say which one, for example: {what_to_type(typed, names[0])}"
    )


def explain_no_app(module: ModuleType, typed: str) -> str:
    """Say that a module has no application."""
    return (
        f"Module {module.__name__!r} ({_place_of(module)}) was imported, but has no Flask object, and no factory "
        "'create_app' or 'make_app' that returns one. "
        f"If a factory has another name, give it, for example: {what_to_type(typed, 'make')}"
    )


def _place_of(module: ModuleType) -> str:
    """Return where a module came from."""
    return getattr(module, "__file__", None) or "no file"


def _modules_in(folder: str) -> list[str]:
    """Return the names of the Python files in a folder."""
    if not os.path.isdir(folder):
        return []
    return [entry[:-3] for entry in sorted(os.listdir(folder)) if entry.endswith(".py") and entry != "__init__.py"]


def _beside(name: str, other: str) -> str:
    """Return the dotted name of another module in the same package."""
    package, dot, _ = name.rpartition(".")
    return f"{package}{dot}{other}"
