"""Runs a program in compat mode, as Python itself would run it."""

from __future__ import annotations

import io
import os
import runpy
import sys
import typing as t
from types import CodeType, ModuleType
from zipfile import is_zipfile

from hipflask.compat import install

if t.TYPE_CHECKING:
    from importlib.machinery import ModuleSpec

__all__ = ["main"]

_USAGE = """\
usage: python -m hipflask.compat [--with-extensions] -m MODULE [ARGUMENT]...
       python -m hipflask.compat [--with-extensions] FILE [ARGUMENT]...
       python -m hipflask.compat [--with-extensions] -c CODE [ARGUMENT]...

Run a program for which flask and werkzeug are hipflask."""


def main(arguments: list[str]) -> None:
    """Run the program that the arguments name, in place of the running one.

    Args:
        arguments: Those of the command line, without the program's name.
    """
    rest = arguments[:]
    extensions = rest[:1] == ["--with-extensions"]
    if extensions:
        rest.pop(0)
    if not rest or rest[0] in ("-h", "--help"):
        print(_USAGE)
        raise SystemExit(0 if rest else 2)
    what, *values = rest
    if what in ("-m", "-c"):
        if not values:
            raise SystemExit(f"{what} needs an argument.\n{_USAGE}")
    elif what.startswith("-"):
        raise SystemExit(f"There is no option {what}.\n{_USAGE}")
    try:
        install(extensions)
    except NotImplementedError as error:
        raise SystemExit(str(error)) from None
    if what == "-m":
        _run_module(values[0], values[1:])
    elif what == "-c":
        sys.argv[:] = ["-c", *values[1:]]
        _run(compile(values[0], "<string>", "exec"))
    else:
        _run_file(what, values)


def _run(code: CodeType, spec: ModuleSpec | None = None, file: str | None = None) -> None:
    """Run code as ``__main__``, in a module of its own."""
    module = ModuleType("__main__")
    if spec is not None:
        module.__spec__, module.__loader__, module.__package__ = spec, spec.loader, spec.parent
    elif file is not None:
        module.__package__ = None
    if file is not None:
        module.__file__ = file
    module.__dict__["__builtins__"] = __builtins__
    sys.modules["__main__"] = module
    exec(code, module.__dict__)


def _run_module(name: str, arguments: list[str]) -> None:
    """Run a module, or the ``__main__`` of a package; the working directory is first on ``sys.path`` already."""
    spec = _find_main(name)
    get_code: t.Any = getattr(spec.loader, "get_code", None)
    code = None if get_code is None else get_code(spec.name)
    if code is None:
        raise SystemExit(f"{sys.executable}: There is no code to run in {spec.name!r}.")
    file = spec.origin if spec.has_location else None
    sys.argv[:] = [file or name, *arguments]
    _run(code, spec, file)


def _find_main(name: str) -> ModuleSpec:
    """Return the spec of the module to run."""
    from importlib.util import find_spec

    sys.argv[:] = ["-m", *sys.argv[1:]]  # what Python shows while it looks for the module
    try:
        spec = find_spec(name)
        if spec is not None and spec.submodule_search_locations is not None:
            spec = find_spec(f"{name}.__main__")
            if spec is None:
                raise SystemExit(f"{sys.executable}: {name!r} is a package without __main__, so it cannot be run.")
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
        spec = None
    if spec is None:
        raise SystemExit(f"{sys.executable}: No module named {name}")
    return spec


def _run_file(path: str, arguments: list[str]) -> None:
    """Run a Python file, or a folder or zip file with a ``__main__`` in it."""
    sys.argv[:] = [path, *arguments]
    if not sys.flags.safe_path:
        del sys.path[0]  # the working directory, put there for `python -m hipflask.compat`
    if not os.path.exists(path):
        raise SystemExit(f"{sys.executable}: can't open file {os.path.abspath(path)!r}: there is no such file")
    if os.path.isdir(path) or is_zipfile(path):
        runpy.run_path(path, run_name="__main__")
        return
    full_path = os.path.join(os.getcwd(), path)  # not normalised, as Python leaves it
    with io.open_code(full_path) as file:
        code = compile(file.read(), full_path, "exec")
    if not sys.flags.safe_path:
        sys.path.insert(0, os.path.dirname(os.path.realpath(path)))
    _run(code, file=full_path)
