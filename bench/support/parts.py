"""What the scripts about parts of the framework share: one table, both frameworks in turns."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from support.measure import Claim, best_and_median, in_turns, parse_options, report

__all__ = ["run_parts"]

WORKER = str(Path(__file__).parent / "parts_worker.py")


def run_parts(description: str, group: str, bounds: Mapping[str, float] | None = None) -> int:
    """Measure a group's calls on both frameworks and print the table.

    Args:
        description: The script's docstring; its first line is the title.
        group: Name of the group, see ``parts_worker.py``.
        bounds: Claims of more than 1.0, by the call's name. A figure whose name ends in ``kB`` is no time; its bound is
            the most that it may be.

    Returns:
        The exit status: 1 if a claim is missed.
    """
    options = parse_options(description)
    # zlib asks for 260 kB each time a session is saved. Whether glibc gets them from the system each time is chance
    # (what lies at the top of the heap), and takes as long as all the rest; so both sides are told to keep memory.
    os.environ.update(MALLOC_TRIM_THRESHOLD_="67108864", MALLOC_MMAP_THRESHOLD_="33554432")
    rounds = options.rounds if options.quick else min(options.rounds, 5)
    arguments = [group, "10" if options.quick else "100"]
    found = in_turns({name: [WORKER, name, *arguments] for name in ("hipflask", "flask")}, rounds)
    bounds = bounds or {}
    claims = []
    for name in found["hipflask"][0]:
        ours, theirs = (best_and_median([one[name] for one in found[side]])[0] for side in ("hipflask", "flask"))
        if name.endswith("kB"):
            claims.append(Claim(name, ours, theirs, "", ours, bounds[name]))
        else:
            bound = bounds.get(name, 1.0)
            claims.append(Claim(name, ours / 1000, theirs / 1000, "us", theirs / ours, bound, is_at_least=True))
    title = description.partition("\n")[0]
    return report(f"{title} Processor time, best of {rounds} rounds.", claims)
