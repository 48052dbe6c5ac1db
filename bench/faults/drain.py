"""Experiment 10: SIGTERM while 24 clients ask for a view of one second."""

from __future__ import annotations

import signal
import sys
import time

from support.load import Load
from support.options import parse_options
from support.server import running
from support.verdict import Verdict


def main() -> int:
    options = parse_options(__doc__)
    verdict = Verdict("10 SIGTERM drain", options)
    with running() as server, Load(server.port, "/slow/1000", connections=24) as load:
        time.sleep(2.5 if options.is_quick else 5)
        told = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        status = server.process.wait(timeout=40)
        took = time.monotonic() - told
    accepted = [each for each in load.outcomes if each.has_begun or each.sent < told - 0.05]
    bad = [each for each in accepted if each.status != 200]
    late = [each for each in accepted if each.ended > told]
    in_flight = [each for each in late if each.sent < told - 0.05]
    verdict.note("requests", f"{len(accepted)}, of them {len(late)} answered after the signal")
    verdict.mark("requests in flight at the signal, at least 1", len(in_flight), bool(in_flight))
    verdict.mark("accepted requests without a 2xx", len(bad), bool(accepted) and not bad)
    verdict.mark("exit status", status, status == 0)
    verdict.time("seconds to the end, at most 30", f"{took:.2f}", took <= 30)
    return verdict.status


if __name__ == "__main__":
    sys.exit(main())
