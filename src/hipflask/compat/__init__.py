"""Compat mode: the names ``flask`` and ``werkzeug`` for code that is not ours, such as extensions.

``python -m hipflask.compat -m MODULE ...``, ``python -m hipflask.compat FILE ...`` and ``hipflask --compat ...`` run a
program in it; :func:`install` as a program's first statement does the same from inside. Without compat mode nothing is
changed: ``import flask`` is the real Flask.
"""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from types import ModuleType

__all__ = ["install", "module"]


def install(extensions: bool = False) -> None:
    """Have ``flask``, ``werkzeug`` and all that is in them stand for hipflask in this process and its children.

    Args:
        extensions: Replace the extensions that hipflask has a counterpart of, too. It has none yet, so this is refused.

    Raises:
        NotImplementedError: *extensions* is true.
        RuntimeError: The real Flask or Werkzeug has been imported already.

    Example:
        ``import hipflask.compat; hipflask.compat.install()`` above every other import.
    """
    import sys

    from hipflask import flags
    from hipflask.compat import children, class_names, finder, tables

    if extensions:
        raise NotImplementedError(
            "Compat mode cannot replace extensions (flask_sqlalchemy, flask_mail, ...) yet: hipflask comes without "
            "extensions of its own so far. Leave out extensions=True or --with-extensions; "
            "the extensions that are installed run on hipflask as they are."
        )
    if flags.compat_versions:
        return
    imported = [name for name in tables.ROOTS if name in sys.modules]
    if imported:
        raise RuntimeError(
            f"Compat mode came too late: {' and '.join(imported)} had been imported before. "
            "Call hipflask.compat.install() above every other import, or start the program by "
            "'python -m hipflask.compat'."
        )
    flags.compat_versions.update(tables.VERSIONS)
    sys.meta_path.insert(0, t.cast("t.Any", finder.CompatFinder()))  # a finder by its methods
    finder.hide_real_distributions()
    class_names.activate()
    children.leave_word()


def module(name: str) -> ModuleType:
    """Return the module that stands for one of Flask's or Werkzeug's, without compat mode.

    Args:
        name: For example ``"werkzeug.http"``.

    Raises:
        ModuleNotFoundError: There is no such module, or not yet.
    """
    from hipflask.compat import finder, modules

    if not modules.is_known(name):
        raise ModuleNotFoundError(finder.explain_later(name) or f"No module named {name!r}", name=name)
    return modules.build(name)
