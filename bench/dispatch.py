"""How much faster a request is answered than by Flask, through WSGI in process.

Claims: text view and text view with a path argument at least 9 times, JSON view with an int converter at least 7 times.
"""

from __future__ import annotations

import sys
from pathlib import Path

from support.measure import Claim, best_and_median, in_turns, parse_options, report

WORKER = str(Path(__file__).parent / "support/dispatch_worker.py")
VIEWS = {"/": ("text", 9.0), "/text/abc": ("text, path argument", 9.0), "/user/42": ("JSON, int converter", 7.0)}


def main() -> int:
    options = parse_options(__doc__ or "")
    # Flask gets fewer, so that both sides take about as long.
    requests = {"hipflask": 1000 if options.quick else 3000, "flask": 150 if options.quick else 400}
    found = in_turns({name: [WORKER, name, str(requests[name]), "3", *VIEWS] for name in requests}, options.rounds)
    claims = []
    for path, (name, bound) in VIEWS.items():
        ours, _ = best_and_median([one[path] / 1000 for one in found["hipflask"]])
        theirs, _ = best_and_median([one[path] / 1000 for one in found["flask"]])
        claims.append(Claim(name, ours, theirs, "us", theirs / ours, bound, is_at_least=True))
    return report(f"One request through WSGI, processor time, best of {options.rounds} rounds", claims)


if __name__ == "__main__":
    sys.exit(main())
