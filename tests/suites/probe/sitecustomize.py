"""Loaded by every Python process of a suite's run, through PYTHONPATH: records what it ran on.

When the process ends, a file in the folder HF_PROBE_DIR says which modules of the real Flask and Werkzeug it had. A run
in compat mode that fell back to them can so be told from a good one.
"""

import atexit
import os
import sys


def _is_stock(module: object) -> bool:
    path = getattr(module, "__dict__", {}).get("__file__")
    if not isinstance(path, str):
        return False
    before, found, rest = path.replace("\\", "/").rpartition("/site-packages/")
    return bool(before or found) and rest.split("/")[0] in ("flask", "werkzeug")


def _record(folder: str) -> None:
    import contextlib
    import json

    modules = dict(sys.modules)
    if "flask" not in modules and "werkzeug" not in modules:
        return
    told = {"argv": sys.argv[:4], "stock": sorted(name for name, module in modules.items() if _is_stock(module))}
    with contextlib.suppress(OSError):
        with open(os.path.join(folder, f".{os.getpid()}"), "w") as file:
            json.dump(told, file)
        os.replace(file.name, os.path.join(folder, f"{os.getpid()}.json"))


if os.path.isdir(os.environ.get("HF_PROBE_DIR", "")):
    atexit.register(_record, os.environ["HF_PROBE_DIR"])
