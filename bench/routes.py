"""What a request costs with 10,000 routes, against the same request with few.

Claim: at most 1.2 times as much.
"""

from __future__ import annotations

import sys
from pathlib import Path

from support.measure import Claim, best_and_median, in_turns, parse_options, report

WORKER = str(Path(__file__).parent / "support/dispatch_worker.py")
VIEWS = {"/": "text", "/text/abc": "text, path argument", "/user/42": "JSON, int converter"}


def main() -> int:
    options = parse_options(__doc__ or "")
    requests = "1000" if options.quick else "3000"
    found = in_turns({count: [WORKER, "hipflask", requests, count, *VIEWS] for count in ("10000", "3")}, options.rounds)
    claims = []
    for path, name in VIEWS.items():
        many, _ = best_and_median([one[path] / 1000 for one in found["10000"]])
        few, _ = best_and_median([one[path] / 1000 for one in found["3"]])
        claims.append(Claim(name, many, few, "us", many / few, 1.2))
    title = f"One request among many routes, processor time, best of {options.rounds} rounds"
    return report(title, claims, columns=("10,000", "3"))


if __name__ == "__main__":
    sys.exit(main())
