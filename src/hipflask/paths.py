"""Where an application's files are: root folder and instance folder of an import name."""

from __future__ import annotations

import os
import sys

__all__ = ["find_instance_path", "get_root_path"]


def get_root_path(import_name: str) -> str:
    """Return the absolute folder of a module or package; the working directory for code without a file.

    Args:
        import_name: What the application was given, mostly ``__name__``.

    Raises:
        RuntimeError: The name stands for a namespace package or a loader that has no single folder.
    """
    module = sys.modules.get(import_name)
    file = getattr(module, "__file__", None)
    if file is not None:
        return os.path.dirname(os.path.abspath(str(file)))
    from importlib.util import find_spec

    try:
        spec = find_spec(import_name)
    except (ImportError, ValueError):
        spec = None
    if spec is None or spec.loader is None and spec.submodule_search_locations is None:
        return os.getcwd()
    get_filename = getattr(spec.loader, "get_filename", None)
    if get_filename is None:
        raise RuntimeError(
            f"The module {import_name!r} has no folder of its own (a namespace package, or an unusual loader). "
            "Pass root_path= with the folder that holds its files."
        )
    return os.path.dirname(os.path.abspath(str(get_filename(import_name))))


def find_instance_path(import_name: str) -> str:
    """Return where an application keeps files of one installation, if nothing else is said.

    Beside the package or module in a source tree; ``<prefix>/var/<name>-instance`` where it is installed.

    Args:
        import_name: What the application was given, mostly ``__name__``.
    """
    prefix, package_path = _find_package(import_name)
    if prefix is None:
        return os.path.join(package_path, "instance")
    return os.path.join(prefix, "var", f"{import_name.partition('.')[0]}-instance")


def _find_package(import_name: str) -> tuple[str | None, str]:
    """Return the prefix that the package is installed under (``None`` if it is not) and the folder it is in."""
    package_path = _folder_of_package(import_name)
    prefix = os.path.abspath(sys.prefix)
    if os.path.commonpath([prefix, package_path]) == prefix:
        return prefix, package_path
    parent, folder = os.path.split(package_path)
    if folder.lower() == "site-packages":
        above, lib = os.path.split(parent)
        if lib.lower() == "lib":
            return above, package_path
        if os.path.basename(above).lower() == "lib":
            return os.path.dirname(above), package_path
        return parent, package_path
    return None, package_path


def _folder_of_package(import_name: str) -> str:
    """Return the folder that the top-level package or module of *import_name* is in."""
    from importlib.util import find_spec

    top = import_name.partition(".")[0]
    try:
        spec = find_spec(top)
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        return os.getcwd()
    if spec.submodule_search_locations:
        locations = list(spec.submodule_search_locations)
        # Of a namespace package, which has no origin, several folders may be parts: the one with the module is meant.
        inside = find_spec(import_name) if spec.origin is None and "." in import_name else None
        origin = inside.origin if inside is not None else None
        for location in locations:
            if origin is None or os.path.commonpath([location, origin]) == location:
                return os.path.dirname(os.path.abspath(location))
        return os.path.dirname(os.path.abspath(locations[0]))
    if spec.origin in (None, "built-in", "frozen", "namespace"):
        return os.getcwd()
    return os.path.dirname(os.path.abspath(str(spec.origin)))
