"""The stages of :class:`~hipflask.Flask` as they were defined, to find out whether one was overridden or patched."""

from __future__ import annotations

import typing as t

__all__ = ["ORIGINALS", "is_original", "remember"]

#: The remembered functions, by name.
ORIGINALS: dict[str, t.Any] = {}


def remember(cls: type, names: t.Iterable[str]) -> None:
    """Note the functions that *cls* has under *names*; called once, right after the class is defined."""
    for name in names:
        ORIGINALS[name] = getattr(cls, name)


def is_original(app: t.Any, name: str) -> bool:
    """Return whether the method *name* of *app* is the one that was remembered.

    Args:
        app: The application; its class and its own attributes are looked at.
        name: Name of the method.
    """
    # PERF: not by looking into app.__dict__: after that, CPython 3.11 reads all attributes of the object slowly (170
    # instead of 30 instructions each).
    return getattr(getattr(app, name), "__func__", None) is ORIGINALS[name]
