"""Imports a framework and prints what that took: milliseconds of processor time and kilobytes of memory, as JSON.

Usage: ``import_worker.py FRAMEWORK``.
"""

from __future__ import annotations

import sys
import time

# Nothing else is imported before the measurement: what is there already costs the framework nothing.


def resident_kilobytes() -> int:
    """Return this process's resident memory; its highest so far where the system does not tell the current."""
    try:
        with open("/proc/self/status", encoding="ascii") as lines:
            return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))
    except OSError:
        pass
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> None:
    before = resident_kilobytes()
    start = time.process_time_ns()
    __import__(sys.argv[1])
    milliseconds = (time.process_time_ns() - start) / 1e6
    kilobytes = resident_kilobytes() - before
    print(f'{{"milliseconds": {milliseconds}, "kilobytes": {kilobytes}}}')


if __name__ == "__main__":
    main()
