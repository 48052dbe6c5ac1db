"""What the import costs, in time and in memory, against Flask's.

Claims: at most 0.75 of Flask's time, and no more memory.
"""

from __future__ import annotations

import sys
from pathlib import Path

from support.measure import Claim, best_and_median, in_turns, parse_options, report

WORKER = str(Path(__file__).parent / "support/import_worker.py")


def main() -> int:
    options = parse_options(__doc__ or "")
    rounds = options.rounds * 3  # a round is a fraction of a second
    # One round more, which writes the bytecode and is left out.
    found = in_turns({name: [WORKER, name] for name in ("hipflask", "flask")}, rounds + 1)
    claims = []
    for key, unit, divisor, bound, name in (
        ("milliseconds", "ms", 1, 0.75, "import, time"),
        ("kilobytes", "MB", 1024, 1.0, "import, memory"),
    ):
        _, ours = best_and_median([one[key] / divisor for one in found["hipflask"][1:]])
        _, theirs = best_and_median([one[key] / divisor for one in found["flask"][1:]])
        claims.append(Claim(name, ours, theirs, unit, ours / theirs, bound))
    return report(f"import hipflask and import flask, processor time and resident memory, median of {rounds}", claims)


if __name__ == "__main__":
    sys.exit(main())
