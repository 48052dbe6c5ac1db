"""Experiment 3: a thousand clients (200 in the quick form) whose bodies come ten bytes at a time."""

from __future__ import annotations

import json
import sys

from support.besides import beside_slow_clients, repeatedly
from support.options import parse_options
from support.server import Server, ask, running
from support.slow import Slowness
from support.verdict import Verdict

HEAD = b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 8192\r\n\r\n"


class BusyViews:
    """Counts the views that run."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.answers = 0
        self.most = 0

    def look(self) -> None:
        """Count them once."""
        status, body = ask(self._server.port, "/counts")
        if status == 200:
            self.answers += 1
            self.most = max(self.most, json.loads(body)["views"])


def main() -> int:
    options = parse_options(__doc__)
    verdict = Verdict("3 Slow bodies", options)
    grace = 1 if options.is_quick else 5
    count = 200 if options.is_quick else 1000
    how = Slowness(HEAD + b"a", b"0123456789", grace / 4)
    with running(
        "--rate-grace", str(grace), "--linger-timeout", str(grace), "--access-log", "off", app="traffic_app"
    ) as server:
        busy = BusyViews(server)
        with repeatedly(0.1, busy.look):
            found = beside_slow_clients(server, how, count, grace * 3 + count / 200, options)
        found.judge(verdict, memory_mib=40)
    verdict.mark(
        "views that waited for a body", f"{busy.most}, seen {busy.answers} times", busy.answers > busy.most == 0
    )
    longest = found.judge_ends(verdict, count)
    verdict.time(
        f"seconds until the last was ended, at most {grace * 2 + 1} and 1 to see it",
        f"{longest:.1f}",
        longest <= grace * 2 + 2,
    )
    return verdict.status


if __name__ == "__main__":
    sys.exit(main())
