"""Finding the application that a command is for: from a name, a path or a file in the working directory."""

from __future__ import annotations

import ast
import inspect
import os
import sys
import traceback
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal, overload

import click

from hipflask.cli.hints import (
    example_call,
    explain_missing_module,
    explain_missing_name,
    explain_no_app,
    explain_several,
    what_to_type,
)

if TYPE_CHECKING:
    from hipflask.app import Flask

__all__ = [
    "NoAppException",
    "find_app_by_string",
    "find_best_app",
    "load_named_app",
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


def load_named_app(text: str) -> Flask:
    """Return the application that ``--app`` or a variable names; messages tell the path as it was typed.

    Args:
        text: Path or dotted name of a module; after a colon the name of the application, or the call of a factory.

    Raises:
        NoAppException: As :func:`locate_app`.
    """
    path, app_name = split_import_path(text)
    name = prepare_import(path)
    module = _import_if_there(name)
    if module is None:
        raise NoAppException(explain_missing_module(path, name))
    if app_name is None:
        return _best_app(module, path)
    return _app_by_string(module, app_name, path)


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
    module = _import_if_there(module_name)
    if module is not None:
        return find_best_app(module) if app_name is None else find_app_by_string(module, app_name)
    if raise_if_not_found:
        raise NoAppException(explain_missing_module(module_name, module_name))
    return None


def _import_if_there(name: str) -> ModuleType | None:
    """Return a module, ``None`` if there is none of that name.

    Raises:
        NoAppException: The module cannot import another one.
    """
    try:
        __import__(name)
    except ImportError as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing is None or not f"{name}.".startswith(f"{missing}."):
            raise NoAppException(
                f"While importing {name!r}, an ImportError was raised:\n\n{traceback.format_exc()}"
            ) from error
        return None
    return sys.modules[name]


def find_best_app(module: ModuleType) -> Flask:
    """Return the application of a module that was named without one.

    In this order: the names ``app`` and ``application``; any single `Flask` object; what the factories
    ``create_app`` and ``make_app`` return without arguments.

    Raises:
        NoAppException: There is none, or more than one.
    """
    return _best_app(module, module.__name__)


def _best_app(module: ModuleType, typed: str) -> Flask:
    """Return the application of a module that was typed without one."""
    from hipflask.app import Flask

    for name in _APP_NAMES:
        app = getattr(module, name, None)
        if isinstance(app, Flask):
            return app
    found = {key: value for key, value in vars(module).items() if isinstance(value, Flask)}
    if len(found) == 1:
        return next(iter(found.values()))
    if found:
        raise NoAppException(explain_several(module, list(found), typed))
    for factory_name in _FACTORY_NAMES:
        factory = getattr(module, factory_name, None)
        if not inspect.isfunction(factory):
            continue
        if not _can_be_called(factory, [], {}):
            raise NoAppException(
                f"The factory {factory_name!r} in module {module.__name__!r} needs arguments. Give them as literals, "
                f"for example: {what_to_type(typed, example_call(factory_name, inspect.signature(factory)))}"
            )
        app = factory()
        if isinstance(app, Flask):
            return app
    raise NoAppException(explain_no_app(module, typed))


def find_app_by_string(module: ModuleType, app_name: str) -> Flask:
    """Return the application that a name or a call of a factory stands for.

    Args:
        module: Where to look.
        app_name: A name, or a call whose arguments are literals, e.g. ``'create_app("test", debug=True)'``. A
            factory without parentheses is called without arguments.

    Raises:
        NoAppException: It is neither, or what it stands for is missing or no application.
    """
    return _app_by_string(module, app_name, module.__name__)


def _app_by_string(module: ModuleType, app_name: str, typed: str) -> Flask:
    """Return the application that was typed after the module's name."""
    from hipflask.app import Flask

    name, args, kwargs = _parse_name_or_call(app_name, typed)
    try:
        found = getattr(module, name)
    except AttributeError:
        raise NoAppException(explain_missing_name(module, name, typed)) from None
    if inspect.isfunction(found):
        if not _can_be_called(found, args, kwargs):
            signature = inspect.signature(found)
            raise NoAppException(
                f"The factory {app_name!r} in module {module.__name__!r} cannot be called with these "
                f"arguments: its signature is {name}{signature}. "
                f"Type for example: {what_to_type(typed, example_call(name, signature))}"
            )
        found = found(*args, **kwargs)
    if isinstance(found, Flask):
        return found
    raise NoAppException(
        f"'{module.__name__}:{app_name}' is no Flask application but of type {type(found).__name__}. "
        "Name a Flask object, or a function that returns one."
    )


def _parse_name_or_call(text: str, typed: str) -> tuple[str, list[Any], dict[str, Any]]:
    """Take a name or a call with literal arguments apart."""
    call = what_to_type(typed, 'create_app("x")')
    malformed = NoAppException(
        f"{text!r} is neither a name nor the call of a function. "
        f"Type for example: {what_to_type(typed, 'app')} or: {call}"
    )
    try:
        node = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError):  # the latter for a null character
        raise malformed from None
    if isinstance(node, ast.Name):
        return node.id, [], {}
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        raise malformed
    kwargs: dict[str, Any] = {}
    try:
        args = [ast.literal_eval(each) for each in node.args]
        for each in node.keywords:
            if each.arg is None:
                raise ValueError("A mapping of arguments is no literal.")
            kwargs[each.arg] = ast.literal_eval(each.value)
    except (ValueError, TypeError):  # the latter for a key that cannot be one
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
