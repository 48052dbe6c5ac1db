"""Finding the application that a command is for: from a name, a path or a file in the working directory."""

from __future__ import annotations

import ast
import difflib
import inspect
import os
import sys
import traceback
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal, overload

import click

if TYPE_CHECKING:
    from hipflask.app import Flask

__all__ = [
    "NoAppException",
    "find_app_by_string",
    "find_best_app",
    "locate_app",
    "prepare_import",
    "split_import_path",
]

_APP_NAMES = ("app", "application")
_FACTORY_NAMES = ("create_app", "make_app")


class NoAppException(click.UsageError):
    """There is no application, or it cannot be told which one is meant; ends a command with status 2."""


def split_import_path(path: str) -> tuple[str, str | None]:
    r"""Split what ``--app`` was given into module and name.

    The colon of a drive (``C:\app.py``, ``C:/app.py``) separates nothing.

    Returns:
        The path or dotted name of the module; the name or call after the colon, ``None`` without one.
    """
    start = 2 if path[1:3] in {":\\", ":/"} else 0
    module, colon, name = path[start:].partition(":")
    return path[:start] + module, name if colon else None


def prepare_import(path: str) -> str:
    """Return the dotted name of a module given as a path, and make it importable.

    A ``.py`` is left out, a package's ``__init__`` stands for the package, and folders above that are
    packages become part of the name. The folder that holds the outermost one is put in front of ``sys.path``.

    Args:
        path: Path or name, relative to the working directory.
    """
    path = os.path.realpath(path)
    stem, extension = os.path.splitext(path)
    if extension == ".py":
        path = stem
    if os.path.basename(path) == "__init__":
        path = os.path.dirname(path)
    folder, name = os.path.split(path)
    while os.path.isfile(os.path.join(folder, "__init__.py")):
        folder, parent = os.path.split(folder)
        name = f"{parent}.{name}"
    if sys.path[:1] != [folder]:
        sys.path.insert(0, folder)
    return name


@overload
def locate_app(module_name: str, app_name: str | None, raise_if_not_found: Literal[True] = True) -> Flask: ...
@overload
def locate_app(module_name: str, app_name: str | None, raise_if_not_found: Literal[False]) -> Flask | None: ...
def locate_app(module_name: str, app_name: str | None, raise_if_not_found: bool = True) -> Flask | None:
    """Import a module and return the application in it.

    Args:
        module_name: Dotted name of the module.
        app_name: Name or call, e.g. ``"app"`` or ``'create_app("test")'``; ``None`` to look at the usual
            names.
        raise_if_not_found: Raise if there is no such module; otherwise ``None`` is returned for that.

    Raises:
        NoAppException: There is no such module, an import inside it fails, or it holds no application of that
            name.
    """
    try:
        __import__(module_name)
    except ImportError as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing is None or not f"{module_name}.".startswith(f"{missing}."):
            raise NoAppException(
                f"While importing {module_name!r}, an ImportError was raised:\n\n{traceback.format_exc()}"
            ) from error
        if not raise_if_not_found:
            return None
        raise NoAppException(_explain_missing_module(module_name)) from None
    module = sys.modules[module_name]
    if app_name is None:
        return find_best_app(module)
    return find_app_by_string(module, app_name)


def find_best_app(module: ModuleType) -> Flask:
    """Return the application of a module that was named without one.

    In this order: the names ``app`` and ``application``; any single `Flask` object; what the factories
    ``create_app`` and ``make_app`` return without arguments.

    Raises:
        NoAppException: There is none, or more than one.
    """
    from hipflask.app import Flask

    for name in _APP_NAMES:
        app = getattr(module, name, None)
        if isinstance(app, Flask):
            return app
    name = module.__name__
    found = {key: value for key, value in vars(module).items() if isinstance(value, Flask)}
    if len(found) == 1:
        return next(iter(found.values()))
    if found:
        raise NoAppException(
            f"Module {name!r} has several applications: {', '.join(found)}. "
            f"Say which one, for example --app {name}:{next(iter(found))}."
        )
    for factory_name in _FACTORY_NAMES:
        factory = getattr(module, factory_name, None)
        if not inspect.isfunction(factory):
            continue
        if not _can_be_called(factory, [], {}):
            raise NoAppException(
                f"The factory {factory_name!r} in module {name!r} needs arguments. "
                f"Give them as literals, for example --app '{name}:{factory_name}(\"test\")'."
            )
        app = factory()
        if isinstance(app, Flask):
            return app
    raise NoAppException(
        f"Module {name!r} ({_place_of(module)}) was imported, but has no Flask object, and no factory "
        f"'create_app' or 'make_app' that returns one. If it has another name, type --app {name}:name."
    )


def find_app_by_string(module: ModuleType, app_name: str) -> Flask:
    """Return the application that a name or a call of a factory stands for.

    Args:
        module: Where to look.
        app_name: A name, or a call whose arguments are literals, e.g. ``'create_app("test", debug=True)'``. A
            factory without parentheses is called without arguments.

    Raises:
        NoAppException: It is neither, or what it stands for is missing or no application.
    """
    from hipflask.app import Flask

    name, args, kwargs = _parse_name_or_call(app_name)
    try:
        found = getattr(module, name)
    except AttributeError:
        raise NoAppException(_explain_missing_name(module, name)) from None
    if inspect.isfunction(found):
        if not _can_be_called(found, args, kwargs):
            raise NoAppException(
                f"The factory {app_name!r} in module {module.__name__!r} cannot be called with these "
                f"arguments: its signature is {name}{inspect.signature(found)}."
            )
        found = found(*args, **kwargs)
    if isinstance(found, Flask):
        return found
    raise NoAppException(
        f"'{module.__name__}:{app_name}' is no Flask application but of type {type(found).__name__}. "
        "Name a Flask object, or a function that returns one."
    )


def _parse_name_or_call(text: str) -> tuple[str, list[Any], dict[str, Any]]:
    """Take a name or a call with literal arguments apart."""
    malformed = NoAppException(
        f"{text!r} is neither a name nor the call of a function. "
        "Type for example --app 'module:app' or --app 'module:create_app(\"test\")'."
    )
    try:
        node = ast.parse(text.strip(), mode="eval").body
    except SyntaxError:
        raise malformed from None
    if isinstance(node, ast.Name):
        return node.id, [], {}
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        raise malformed
    try:
        args = [ast.literal_eval(each) for each in node.args]
        kwargs = {each.arg: ast.literal_eval(each.value) for each in node.keywords if each.arg is not None}
    except ValueError:
        raise NoAppException(
            f'The arguments in {text!r} must be literals, such as "text", 1 or True: names are not looked up.'
        ) from None
    return node.func.id, args, kwargs


def _can_be_called(function: Any, args: list[Any], kwargs: dict[str, Any]) -> bool:
    """Tell whether a function takes these arguments; a TypeError from inside it is the function's own."""
    try:
        inspect.signature(function).bind(*args, **kwargs)
    except TypeError:
        return False
    return True


def _place_of(module: ModuleType) -> str:
    """Return where a module came from, for messages."""
    return getattr(module, "__file__", None) or "no file"


def _explain_missing_module(name: str) -> str:
    """Say what was looked for, where, and what to type instead."""
    files = [entry[:-3] for entry in sorted(os.listdir()) if entry.endswith(".py")]
    close = difflib.get_close_matches(name, files, n=1)
    wanted = name.replace(".", os.sep)
    hint = f"Did you mean --app {close[0]}?" if close else "Type --app and the name of the file or package."
    return (
        f"Could not import {name!r}: there is no {wanted}.py and no package {wanted} in {os.getcwd()} "
        f"or on Python's path. {hint}"
    )


def _explain_missing_name(module: ModuleType, name: str) -> str:
    """Say which names there are instead."""
    public = [each for each in vars(module) if not each.startswith("_")]
    close = difflib.get_close_matches(name, public, n=1)
    hint = f" Did you mean --app {module.__name__}:{close[0]}?" if close else ""
    return f"Module {module.__name__!r} ({_place_of(module)}) has no {name!r}.{hint}"
