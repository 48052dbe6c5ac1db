"""The tables are compared with what is installed as Flask and Werkzeug."""

from __future__ import annotations

import importlib
import inspect
from types import ModuleType

import pytest

from hipflask import compat
from hipflask.compat import tables
from hipflask.compat.imported_names import ALSO
from hipflask.compat.modules import is_known

pytest.importorskip("flask")

NAMES = sorted({*tables.ALIASES, *tables.DEFINED, *tables.IMPORTED} - {"werkzeug._internal"})
# Of modules that a later version completes.
NOT_YET: dict[str, set[str]] = {}


def defined_names(module: ModuleType) -> set[str]:
    """The public classes and functions that a module defines; of a package, those that it offers."""
    is_package = hasattr(module, "__path__")
    return {
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (inspect.isclass(value) or inspect.isfunction(value))
        and (value.__module__.split(".")[0] in tables.ROOTS if is_package else value.__module__ == module.__name__)
    }


@pytest.mark.parametrize("name", NAMES)
def test_module_has_the_public_names(name: str) -> None:
    real = importlib.import_module(name)
    ours = compat.module(name)
    missing = {each for each in defined_names(real) if not hasattr(ours, each)}
    assert missing == NOT_YET.get(name, set())


@pytest.mark.parametrize("name", [name for name in NAMES if name in tables.DEFINED and name.count(".")])
def test_classes_are_defined_where_they_are_there(name: str) -> None:
    real = importlib.import_module(name)
    for names in tables.DEFINED[name].values():
        for pair in names.split():
            cls = getattr(real, pair.partition("=")[0], None)
            if inspect.isclass(cls):
                assert cls.__module__ == name


@pytest.mark.parametrize("name", sorted(tables.PACKAGES))
def test_packages_are_packages(name: str) -> None:
    assert hasattr(importlib.import_module(name), "__path__")


@pytest.mark.parametrize("name", tables.LATER)
def test_later_modules_are_not_known_yet(name: str) -> None:
    assert not is_known(name)


@pytest.mark.parametrize("module", sorted(tables.OLD_NAMES))
def test_old_names_are_not_in_the_current_version(module: str) -> None:
    try:
        real = importlib.import_module(module)
    except ImportError:
        return
    assert [name for name in tables.OLD_NAMES[module] if name in vars(real)] == []


@pytest.mark.parametrize("name", sorted(ALSO))
def test_names_from_elsewhere_are_what_they_are_there(name: str) -> None:
    real, ours = importlib.import_module(name), compat.module(name)
    for names in ALSO[name].values():
        for pair in names.split():
            theirs = pair.partition("=")[0]
            assert getattr(ours, theirs) is not None
            assert getattr(real, theirs).__module__ != name
