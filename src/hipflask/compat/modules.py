"""Makes a module of Flask's or Werkzeug's out of ours, by :mod:`hipflask.compat.tables`."""

from __future__ import annotations

import importlib
import sys
import typing as t
import warnings
from types import ModuleType

from hipflask.compat import tables
from hipflask.compat.class_names import name_classes
from hipflask.compat.imported_names import ALSO

__all__ = ["CompatModule", "build", "is_known"]

_made: dict[str, ModuleType] = {}


def is_known(name: str) -> bool:
    """Return whether *name* is a module that can be made."""
    return (
        name in tables.ALIASES
        or name in tables.DEFINED
        or name in tables.IMPORTED
        or name in tables.OLD_NAMES
        or name in tables.PACKAGES
    )


def build(name: str) -> ModuleType:
    """Return the module that stands for *name*, the same one each time.

    Args:
        name: A module that is known.
    """
    made = _made.get(name)
    if made is None:
        alias = tables.ALIASES.get(name)
        made = CompatModule(name) if alias is None else _home(alias)
        _made[name] = made
        if isinstance(made, CompatModule) and name not in tables.LAZY:
            made._fill()
    return made


def _home(relative: str) -> ModuleType:
    """Return a module of ours."""
    return importlib.import_module(f"hipflask.{relative}")


def _homes_of(name: str, *chosen: dict[str, dict[str, str]]) -> dict[str, tuple[str, str]]:
    """Return home and name here of each name of a module in some tables."""
    found: dict[str, tuple[str, str]] = {}
    for table in chosen:
        for home, names in table.get(name, {}).items():
            for pair in names.split():
                theirs, _, ours = pair.partition("=")
                found[theirs] = home, ours or theirs
    return found


class CompatModule(ModuleType):
    """A module whose names are ours.

    Setting one of them, as tests do to patch it, acts on our code where that code is one module there: see
    ``PATCHED_ROOMS`` in the tables.

    Args:
        name: Its name, e.g. ``"flask.helpers"``.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name, f"Our counterpart of {name}.")
        set_own = self.__dict__.update
        set_own(_homes=_homes_of(name, ALSO, tables.IMPORTED, tables.DEFINED), _patched={})
        if name in tables.PACKAGES:
            set_own(__path__=[], __package__=name)

    def _fill(self) -> None:
        """Import every name but those that hardly anybody takes from here."""
        names = {name: self._import(name) for name in _homes_of(self.__name__, tables.IMPORTED, tables.DEFINED)}
        names.update((name, importlib.import_module(name)) for name in tables.FOREIGN.get(self.__name__, ()))
        self.__dict__.update(names)

    def _import(self, name: str) -> t.Any:
        home, ours = self._homes[name]
        module = _home(home)
        name_classes()
        return getattr(module, ours)

    def __getattr__(self, name: str) -> t.Any:
        """Return what is imported late: names of lazy modules or of ``ALSO``, modules of a package, and old names."""
        if name in self.__dict__.get("_homes", ()):
            value = self.__dict__[name] = self._import(name)
            return value
        own = self.__name__
        if name == "__all__" and own in tables.STAR_MODULES:
            names = _homes_of(own, tables.IMPORTED, tables.DEFINED)
            return sorted({*names, *tables.STAR_MODULES[own].split()})
        old = tables.OLD_NAMES.get(own, {}).get(name)
        if old is not None:
            return _old_name(own, name, old)
        if own == "flask" and name == "__version__":
            return _version_with_warning()
        inner = f"{own}.{name}"
        if is_known(inner) and own in tables.PACKAGES:
            return importlib.import_module(inner) if sys.modules.get(own) is self else build(inner)
        raise AttributeError(f"module {own!r} has no attribute {name!r}")

    def __setattr__(self, name: str, value: t.Any) -> None:
        homes: dict[str, tuple[str, str]] = self._homes
        room = tables.PATCHED_ROOMS.get(self.__name__)
        if name in homes and room is not None:
            self._patch(name, value, room)
        super().__setattr__(name, value)

    def _patch(self, name: str, value: t.Any, room: str) -> None:
        """Set a name wherever a module of our room has it; setting it again reaches the same modules."""
        home, ours = self._homes[name]
        modules = self._patched.get(name)
        if modules is None:
            before = getattr(_home(home), ours)
            prefix = f"hipflask.{room}"
            modules = self._patched[name] = [
                module
                for key, module in list(sys.modules.items())
                if (key == prefix or key.startswith(f"{prefix}.")) and vars(module).get(ours) is before
            ]
        for module in modules:
            setattr(module, ours, value)

    def __dir__(self) -> list[str]:
        return sorted({*self.__dict__, *self._homes} - {"_homes", "_patched"})


def _old_name(module: str, name: str, home: str) -> t.Any:
    """Return what stands for a name that Flask 3.1 and Werkzeug 3.1 no longer have or deprecate, with a warning."""
    package, version = module.partition(".")[0].capitalize(), "3.1"
    found = importlib.import_module(home[1:]) if home.startswith("=") else _old_home(module, name, home)
    warnings.warn(
        f"{name!r} of {module} is older than {package} {version}, which deprecates it or does not have it; "
        "compat mode keeps it for now.",
        DeprecationWarning,
        stacklevel=3,
    )
    return getattr(found, name)


def _old_home(module: str, name: str, home: str) -> ModuleType:
    try:
        return _home(home)
    except ImportError as error:
        raise AttributeError(f"module {module!r} has no attribute {name!r} yet ({error})") from error


def _version_with_warning() -> str:
    """Return the version of Flask that is implemented; Flask 3.1 itself warns about the attribute."""
    warnings.warn(
        "flask.__version__ will not be there in Flask 3.2. Use importlib.metadata.version('flask').",
        DeprecationWarning,
        stacklevel=3,
    )
    return tables.VERSIONS["Flask"]
