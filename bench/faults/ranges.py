"""Experiment 5: requests for hundreds and thousands of ranges of one file, overlapping all (CVE-2011-3192)."""

from __future__ import annotations

import socket
import sys

from support.options import parse_options
from support.process import Process
from support.server import running
from support.verdict import Verdict

SIZE_KIB = 64
HEAD_BYTES = 2048
"""Room for the answer's head."""


def ranges(count: int) -> str:
    """Return a header line that asks for so many ranges."""
    parts = ",".join(f"10-{end}" for end in range(11, 11 + count))
    return f"Range: bytes=0-,{parts}\r\n"


def ask_often(port: int, line: str, requests: int) -> tuple[int, int]:
    """Ask for the file many times; return the last answer's status and the bytes of the longest."""
    request = f"GET /file/{SIZE_KIB} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{line}\r\n".encode()
    status = longest = 0
    for _ in range(requests):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
            client.sendall(request)
            answer = client.makefile("rb").read()
        status, longest = int(answer[9:12] or b"0"), max(longest, len(answer))
    return status, longest


def cpu_of(worker: Process, port: int, line: str, requests: int) -> tuple[float, int, int]:
    """Return the server's processor seconds for one request, the status, the bytes of the longest answer."""
    before = worker.cpu_seconds
    status, longest = ask_often(port, line, requests)
    return (worker.cpu_seconds - before) / requests, status, longest


def main() -> int:
    options = parse_options(__doc__)
    verdict = Verdict("5 Ranges", options)
    requests = 500 if options.is_quick else 5000
    with running("--access-log", "off", app="traffic_app") as server:
        worker, port = server.worker(), server.port
        ask_often(port, "", requests)
        plain, status, size = cpu_of(worker, port, "", requests)
        verdict.mark("plain: status, bytes", (status, size), status == 200)
        for count in (1, 20, 1000, 3000):
            seconds, status, size = cpu_of(worker, port, ranges(count), requests)
            # The file, some of it, or a refusal: no such ranges, or the longest line is one too long.
            expected = {200, 206, 416, 431} if count == 3000 else {200, 206, 416}
            verdict.mark(f"{count} ranges: status", status, status in expected)
            most = SIZE_KIB * 1024 + HEAD_BYTES
            verdict.mark(f"{count} ranges: bytes, at most the file's", size, 0 < size <= most)
            verdict.time(
                f"{count} ranges: processor time in us, at most twice a plain request's",
                f"{seconds * 1e6:.0f} against {plain * 1e6:.0f}",
                seconds <= 2 * plain,
            )
    return verdict.status


if __name__ == "__main__":
    sys.exit(main())
