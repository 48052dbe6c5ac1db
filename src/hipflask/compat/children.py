"""Has Python processes that this one starts run in compat mode too.

Python imports ``sitecustomize`` when it starts; the folder ``startup`` has one that installs compat mode and then runs
the one that would have been found without it. The folder is put in front of ``PYTHONPATH``, which virtual environments
heed as any other Python does (``python -I`` and ``-E`` do not, nor do processes that are started with an environment of
their own).
"""

from __future__ import annotations

import os
import sys

__all__ = ["STARTUP_FOLDER", "VARIABLE", "leave_word", "run_next_sitecustomize"]

#: Set to 1 in compat mode; without it the startup folder does nothing.
VARIABLE = "HIPFLASK_COMPAT"
STARTUP_FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "startup")


def leave_word() -> None:
    """Write into the environment what processes started from here have to know."""
    os.environ[VARIABLE] = "1"
    present = os.environ.get("PYTHONPATH")
    folders = present.split(os.pathsep) if present else []
    if STARTUP_FOLDER not in folders:
        os.environ["PYTHONPATH"] = os.pathsep.join([STARTUP_FOLDER, *folders])


def run_next_sitecustomize() -> None:
    """Import the ``sitecustomize`` that ours was found before, if there is one; called at start-up."""
    from importlib.machinery import PathFinder
    from importlib.util import module_from_spec

    sys.path[:] = [folder for folder in sys.path if folder != STARTUP_FOLDER]
    spec = PathFinder.find_spec("sitecustomize")
    if spec is None or spec.loader is None:
        return
    module = sys.modules["sitecustomize"] = module_from_spec(spec)
    spec.loader.exec_module(module)
