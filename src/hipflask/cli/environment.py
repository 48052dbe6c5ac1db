"""Settings from ``.env`` and ``.flaskenv`` files, where python-dotenv is installed."""

from __future__ import annotations

import os

import click

__all__ = ["load_dotenv"]

_DEFAULT_NAMES = (".env", ".flaskenv")


def load_dotenv(path: str | os.PathLike[str] | None = None, load_defaults: bool = True) -> bool:
    """Set environment variables from files; variables that are set already stay as they are.

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
    values: dict[str, str | None] = {}
    for each in reversed(paths):
        if os.path.isfile(each):
            values.update(dotenv.dotenv_values(each, encoding="utf-8"))
    for key, value in values.items():
        if value is not None:
            os.environ.setdefault(key, value)
    return bool(values)


def _hint_at_dotenv(path: str | os.PathLike[str] | None) -> None:
    """Say that there are files which nothing reads."""
    present = [os.fspath(each) for each in (path, *_DEFAULT_NAMES) if each and os.path.isfile(each)]
    if present:
        click.secho(
            f" * {' and '.join(present)} not read: that takes python-dotenv (pip install python-dotenv).",
            fg="yellow",
            err=True,
        )
