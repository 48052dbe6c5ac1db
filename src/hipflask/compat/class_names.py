"""Gives our classes the names that Flask's have, so that a pickle can be read by either.

In compat mode only; a module is looked at as soon as it is loaded.
"""

from __future__ import annotations

import sys

from hipflask.compat import tables

__all__ = ["activate", "name_classes"]

_state = {"is_active": False}
_waiting: list[tuple[str, str, str]] = []


def activate() -> None:
    """Rename the classes of the modules that are loaded, and from now on those that come."""
    if _state["is_active"]:
        return
    _state["is_active"] = True
    for theirs, homes in tables.DEFINED.items():
        for home, names in homes.items():
            _waiting.extend((theirs, home, name) for name in names.split())
    _waiting.extend((theirs, home, "*") for theirs, home in tables.ALIASES.items())
    name_classes()


def name_classes() -> None:
    """Rename the classes of modules loaded since the last call; nothing happens outside of compat mode."""
    for item in _waiting[:]:
        theirs, home, name = item
        module = sys.modules.get(f"hipflask.{home}")
        if module is None:
            continue
        _waiting.remove(item)
        for each in [*vars(module)] if name == "*" else [name]:
            cls = vars(module).get(each)
            # A class that is called otherwise here could not be found under its name there.
            if isinstance(cls, type) and cls.__module__ == module.__name__ and cls.__name__ == each:
                cls.__module__ = theirs
