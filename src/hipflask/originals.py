"""The stages of :class:`~hipflask.Flask` as they were defined, to find out whether one was overridden or patched."""

from __future__ import annotations

import typing as t
from operator import attrgetter

__all__ = ["ORIGINALS", "are_original", "are_untouched", "is_original", "remember", "remember_classes"]

#: The remembered functions, by name.
ORIGINALS: dict[str, t.Any] = {}
# What reads them all from a class, and what it reads there if none was replaced.
_at_once: list[t.Any] = []
# Everything that was in remembered classes.
_classes: dict[type, dict[str, t.Any]] = {}


def remember_classes(*classes: type) -> None:
    """Note everything that is in some classes; called once, right after they are defined."""
    for cls in classes:
        _classes[cls] = dict(vars(cls))


def are_untouched(*classes: type) -> bool:
    """Return whether nothing was set in remembered classes, and nothing taken out of them.

    Args:
        classes: Some of those that were remembered.
    """
    # What annotations are kept in may come later: CPython makes it when somebody asks.
    return all(
        all(_classes[cls].get(name) is value or name.startswith("__annot") for name, value in vars(cls).items())
        and vars(cls).keys() >= _classes[cls].keys()
        for cls in classes
    )


def remember(cls: type, names: t.Iterable[str]) -> None:
    """Note the functions that *cls* has under *names*; called once, right after the class is defined."""
    for name in names:
        ORIGINALS[name] = getattr(cls, name)
    _at_once[:] = attrgetter(*ORIGINALS), tuple(ORIGINALS.values())


def are_original(app: t.Any) -> bool:
    """Return whether all remembered methods of *app* are those that were remembered.

    ``False`` may also mean that one was replaced for a while: ask :func:`is_original` about each then.

    Args:
        app: The application; its class is looked at, and whether one was ever set on itself.
    """
    # PERF: one call for all of them, where is_original() takes three for each.
    read, originals = _at_once
    return not app._has_replaced and read(type(app)) == originals


def is_original(app: t.Any, name: str) -> bool:
    """Return whether the method *name* of *app* is the one that was remembered.

    Args:
        app: The application; its class and its own attributes are looked at.
        name: Name of the method.
    """
    # PERF: not by looking into app.__dict__: after that, CPython 3.11 reads all attributes of the object slowly (170
    # instead of 30 instructions each).
    return getattr(getattr(app, name), "__func__", None) is ORIGINALS[name]
