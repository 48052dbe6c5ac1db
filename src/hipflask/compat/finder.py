"""Finds ``flask`` and ``werkzeug`` where Python looks for modules: here, before anything installed."""

from __future__ import annotations

import os
import sys
import typing as t
from importlib.machinery import ModuleSpec, PathFinder

from hipflask.compat import tables
from hipflask.compat.modules import CompatModule, build, is_known

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType, ModuleType

__all__ = ["CompatFinder", "CompatLoader", "explain_later", "hide_real_distributions"]

_ORIGIN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "__init__.py")
_MAIN = "flask.__main__"
_MAIN_SOURCE = "from flask.cli import main\nmain()\n"


def explain_later(name: str) -> str | None:
    """Return why a module cannot be imported yet, ``None`` if there is nothing to say."""
    if any(name == later or name.startswith(f"{later}.") for later in tables.LATER):
        return f"{name} is not part of hipflask yet; it comes with a later version."
    return None


class CompatLoader:
    """Loads a module that stands for one of Flask's or Werkzeug's."""

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Return the module, or ``None`` for a module of ours, whose own spec stays as it is."""
        if spec.name == _MAIN:
            return None
        made = build(spec.name)
        return made if isinstance(made, CompatModule) else None

    def exec_module(self, module: ModuleType) -> None:
        """Put the module into ``sys.modules``; it is whole already."""
        name = module.__name__
        if name == _MAIN:
            exec(self.get_code(name), module.__dict__)
        else:
            sys.modules[name] = build(name)

    def is_package(self, fullname: str) -> bool:
        """Return whether a module has modules inside."""
        return fullname in tables.PACKAGES

    def get_source(self, fullname: str) -> str:
        """Return the module's text, which is empty but for ``flask.__main__``."""
        return _MAIN_SOURCE if fullname == _MAIN else ""

    def get_code(self, fullname: str) -> CodeType:
        """Return the module's code, for ``python -m``."""
        return compile(self.get_source(fullname), f"<{fullname}>", "exec")

    def get_filename(self, fullname: str) -> str:
        """Return the file that stands for the module's."""
        return _ORIGIN


class CompatFinder:
    """The finder to be put in front of ``sys.meta_path``."""

    def __init__(self) -> None:
        self._loader = CompatLoader()

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Return the spec of a module, ``None`` for those of others.

        Raises:
            ModuleNotFoundError: It comes with a later version.
        """
        if fullname.partition(".")[0] not in tables.ROOTS:
            return None
        if not is_known(fullname) and fullname != _MAIN:
            later = explain_later(fullname)
            if later is not None:
                raise ModuleNotFoundError(later, name=fullname)
            return None
        loader: t.Any = self._loader
        spec = ModuleSpec(fullname, loader, origin=_ORIGIN, is_package=loader.is_package(fullname))
        spec.has_location = True
        return spec

    def find_distributions(self, context: t.Any = None) -> Iterator[t.Any]:
        """Return our distributions among those that ``importlib.metadata`` looks for."""
        from importlib.metadata import DistributionFinder

        from hipflask.compat.distributions import our_distributions

        return our_distributions(DistributionFinder.Context() if context is None else context)


def hide_real_distributions() -> None:
    """Have the finder of installed packages leave out the real Flask and Werkzeug."""
    original = PathFinder.find_distributions

    def find_distributions(context: t.Any = None) -> Iterator[t.Any]:
        from importlib.metadata import DistributionFinder

        from hipflask.compat.distributions import hide_real_ones

        context = DistributionFinder.Context() if context is None else context
        return hide_real_ones(original(context), context)

    PathFinder.find_distributions = staticmethod(find_distributions)  # type: ignore[method-assign]  # the patch
