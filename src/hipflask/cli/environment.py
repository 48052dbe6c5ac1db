"""Settings from ``.env`` and ``.flaskenv`` files, where python-dotenv is installed."""

from __future__ import annotations

import os

import click

__all__ = ["load_dotenv"]

_DEFAULT_NAMES = (".env", ".flaskenv")


def load_dotenv(path: str | os.PathLike[str] | None = None, load_defaults: bool = True) -> bool:
    """Set environment variables from files; variables that are set already stay as they are.

    Where a setting comes from decides before how it is spelled: ``FLASK_X`` in the environment keeps
    ``HIPFLASK_X`` of a file out, and so does ``FLASK_X`` of a file that comes earlier.

    Args:
        path: A file that comes before the default ones.
        load_defaults: Load the nearest ``.env`` and ``.flaskenv``, looked for from the working directory
            upwards; of the two ``.env`` comes first.

    Returns:
        Whether a file with variables was found and loaded. Without python-dotenv none is, and a line says so
        if there is a file that is left unread.
    """
    try:
        import dotenv
    except ImportError:
        _hint_at_dotenv(path)
        return False
    paths = [os.fspath(path)] if path is not None else []
    if load_defaults:
        paths += [found for name in _DEFAULT_NAMES if (found := dotenv.find_dotenv(name, usecwd=True))]
    # All are read before any is set, as what a file's values refer to (``${X}``) is itself and the environment.
    files = [dotenv.dotenv_values(each, encoding="utf-8") for each in paths if os.path.isfile(each)]
    named: set[str] = set()  # by files that came earlier; without a value a variable is named, but not set
    for values in files:
        new = {name: value for name, value in values.items() if value is not None and _is_open(name, named)}
        named.update(values)
        os.environ.update(new)
    return any(files)


def _is_open(name: str, named: set[str]) -> bool:
    """Tell whether neither a variable nor the other spelling, where that would lose to it, has been given."""
    names = (name, name.removeprefix("HIP")) if name.startswith("HIPFLASK_") else (name,)
    return not any(each in os.environ or each in named for each in names)


def _hint_at_dotenv(path: str | os.PathLike[str] | None) -> None:
    """Say that there are files which nothing reads."""
    present = [os.fspath(each) for each in (path, *_DEFAULT_NAMES) if each and os.path.isfile(each)]
    if present:
        click.secho(
            f" * {' and '.join(present)} not read: that takes python-dotenv (pip install python-dotenv).",
            fg="yellow",
            err=True,
        )
