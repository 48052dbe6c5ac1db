"""Importing by name: modules, objects inside modules, and the modules of a package.

Source: the behaviour of ``werkzeug.utils`` 3.1.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

__all__ = ["ImportStringError", "find_modules", "import_string"]


def import_string(import_name: str, silent: bool = False) -> Any:
    """Return a module, or an object inside one, by its name.

    Args:
        import_name: ``"package.module"``, ``"package.module:name"`` or ``"package.module.name"``.
        silent: Return ``None`` for what cannot be imported instead of raising.

    Raises:
        ImportStringError: There is no such module or name, or the module failed with an ImportError itself.
    """
    import_name = import_name.replace(":", ".")
    try:
        return _import_dotted(import_name)
    except ImportError as error:
        if silent:
            return None
        raise ImportStringError(import_name, error).with_traceback(sys.exc_info()[2]) from None


def _import_dotted(name: str) -> Any:
    try:
        __import__(name)
    except ImportError:
        # The last part may be a name inside a module, which is no module of its own.
        if "." not in name:
            raise
    else:
        return sys.modules[name]
    module_name, _, attribute = name.rpartition(".")
    module = __import__(module_name, fromlist=[attribute])
    try:
        return getattr(module, attribute)
    except AttributeError as error:
        raise ImportError(str(error) or f"module {module_name!r} has no attribute {attribute!r}") from error


def find_modules(import_path: str, include_packages: bool = False, recursive: bool = False) -> Iterator[str]:
    """Yield the full names of the modules in a package.

    Args:
        import_path: Name of the package. It is imported; its modules are not.
        include_packages: Yield packages inside it too.
        recursive: Go into packages inside it; they are imported.

    Raises:
        ImportStringError: The package cannot be imported.
        ValueError: It is a module without modules inside.
    """
    import pkgutil

    package = import_string(import_path)
    path = getattr(package, "__path__", None)
    if path is None:
        raise ValueError(f"{import_path!r} is a module, not a package; name the package that contains it.")
    prefix = f"{package.__name__}."
    for module in pkgutil.iter_modules(path):
        name = prefix + module.name
        if not module.ispkg:
            yield name
            continue
        if include_packages:
            yield name
        if recursive:
            yield from find_modules(name, include_packages, True)


class ImportStringError(ImportError):
    """Raised by :func:`import_string`; its text tells how far the import got.

    Args:
        import_name: The dotted name asked for.
        exception: What the import raised.
    """

    import_name: str
    """The dotted name asked for."""

    exception: BaseException
    """What the import raised."""

    def __init__(self, import_name: str, exception: BaseException) -> None:
        self.import_name = import_name
        self.exception = exception
        steps = "\n".join(f"- {step}" for step in _import_steps(import_name))
        super().__init__(
            f"{import_name!r} could not be imported: {type(exception).__name__}: {exception}\n\n"
            f"Tried, part by part:\n\n{steps}\n\n"
            "Check the spelling, that the folder of the first part is on sys.path, that packages have an "
            "__init__.py, and that no other module of the same name is found first."
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__}({self.import_name!r}, {self.exception!r})>"


def _import_steps(import_name: str) -> Iterator[str]:
    """Yield a sentence for each leading part of a dotted name, up to the first that fails."""
    name = ""
    for part in import_name.split("."):
        name = f"{name}.{part}" if name else part
        module = import_string(name, silent=True)
        if module is None:
            yield f"{name!r} was not found."
            return
        yield f"{name!r} was found in {getattr(module, '__file__', None)!r}."
