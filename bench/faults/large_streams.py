"""Experiment 37: twenty clients take a generator of 200 MB (10 in the quick form) at 5 MB a second each."""

from __future__ import annotations

import hashlib
import socket
import sys
import time
from collections.abc import Iterable

from support.load import Load, percentile
from support.options import parse_options
from support.server import running
from support.slow import apart
from support.verdict import Verdict

READERS = 20
BYTES_PER_SECOND = 5_000_000
PIECE = bytes(range(256)) * 256


def expected(mib: int) -> str:
    """Return the digest of a whole answer."""
    return digest(number.to_bytes(8, "big") + PIECE[8:] for number in range(mib * 16))


def digest(pieces: Iterable[bytes]) -> str:
    found = hashlib.sha256()
    for piece in pieces:
        found.update(piece)
    return found.hexdigest()


def read_slowly(port: int, mib: int) -> tuple[str, float]:
    """Take an answer at a bounded rate; return the digest of its body and the seconds."""
    began = time.monotonic()
    taken = 0
    found = hashlib.sha256()
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client, client.makefile("rb") as answer:
        client.sendall(f"GET /stream/{mib} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        while answer.readline() not in {b"\r\n", b""}:
            pass
        while size := int(answer.readline() or b"0", 16):
            found.update(answer.read(size))
            answer.readline()
            taken += size
            time.sleep(max(0.0, began + taken / BYTES_PER_SECOND - time.monotonic()))
    return found.hexdigest(), time.monotonic() - began


def main() -> int:
    options = parse_options(__doc__)
    verdict = Verdict("37 Large streams", options)
    mib = 10 if options.is_quick else 200
    with running("--access-log", "off", app="traffic_app") as server, apart(READERS) as executor:
        worker, port = server.worker(), server.port
        most = worker.memory_kib
        jobs = [executor.submit(read_slowly, port, mib) for _ in range(READERS)]
        with Load(port, "/", connections=2) as load:
            while not all(each.done() for each in jobs):
                most = max(most, worker.memory_kib)
                time.sleep(0.05)
        right = expected(mib)
        whole = sum(each.result()[0] == right for each in jobs)
        verdict.mark("answers that are right to the last bit", f"{whole} of {READERS}", whole == READERS)
        verdict.mark("MiB of memory, below 150", f"{most / 1024:.0f}", most < 150 * 1024)
        bad = [each for each in load.outcomes if each.status != 200]
        asked = len(load.outcomes)
        verdict.mark("errors of clients beside", f"{len(bad)} of {asked} requests", asked > 0 and not bad)
        late = percentile([each.ended - each.sent for each in load.outcomes], 0.99)
        verdict.note("p99 of clients beside in ms", f"{late * 1000:.1f}")
        ideal = mib * 2**20 / BYTES_PER_SECOND
        longest = max(each.result()[1] for each in jobs)
        verdict.time(
            f"seconds of the slowest, at most twice the {ideal:.1f} that it needs",
            f"{longest:.1f}",
            longest <= 2 * ideal,
        )
    return verdict.status


if __name__ == "__main__":
    sys.exit(main())
