"""Measures parts of a framework; prints nanoseconds of processor time of each call, by name, as JSON.

Usage: ``parts_worker.py FRAMEWORK GROUP MEGABYTES``; a group is a file ``parts_GROUP.py`` beside this one, with a
function ``make_calls(names, megabytes)``. It returns what to call, or for one long call a function that returns its own
figures.
"""

from __future__ import annotations

import gc
import importlib
import json
import sys
import time
from collections.abc import Callable
from typing import Any

CHUNK_NS = 15_000_000
CHUNKS = 9  # the best of so many: another process on the same core disturbs some of them only


class Names:
    """Where a framework has its parts: ours under our names, Flask's under Flask's and Werkzeug's."""

    def __init__(self, framework: str) -> None:
        ours = framework == "hipflask"
        self.is_ours = ours
        self.flask: Any = importlib.import_module(framework)
        self.http: Any = importlib.import_module("hipflask.http.fields" if ours else "werkzeug.http")
        self.cookies: Any = importlib.import_module("hipflask.http.cookies" if ours else "werkzeug.http")
        self.dates: Any = importlib.import_module("hipflask.http.dates" if ours else "werkzeug.http")
        self.options: Any = importlib.import_module("hipflask.http.options" if ours else "werkzeug.http")
        self.ranges: Any = importlib.import_module("hipflask.http.ranges" if ours else "werkzeug.http")
        self.data: Any = importlib.import_module("hipflask.http.datastructures" if ours else "werkzeug.datastructures")
        self.forms: Any = importlib.import_module("hipflask.http.forms" if ours else "werkzeug.formparser")
        self.routing: Any = importlib.import_module("hipflask.routing" if ours else "werkzeug.routing")
        self.test: Any = importlib.import_module("hipflask.testing" if ours else "werkzeug.test")


def nanoseconds_each(call: Callable[[], object]) -> float:
    """Return the processor time of one call: the best of several chunks of calls."""
    number = 1
    while True:  # as many calls as make a chunk
        start = time.process_time_ns()
        for _ in range(number):
            call()
        spent = time.process_time_ns() - start
        if spent >= CHUNK_NS // 2:
            break
        number *= 2
    gc.collect()
    times = []
    for _ in range(CHUNKS):
        start = time.process_time_ns()
        for _ in range(number):
            call()
        times.append((time.process_time_ns() - start) / number)
    return min(times)


def main() -> None:
    framework, group, megabytes = sys.argv[1:]
    calls = importlib.import_module(f"parts_{group}").make_calls(Names(framework), int(megabytes))
    found: dict[str, float] = {}
    for name, call in calls.items():
        if getattr(call, "measures_itself", False):
            found.update(call())
        else:
            found[name] = nanoseconds_each(call)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
