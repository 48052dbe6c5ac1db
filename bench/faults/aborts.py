"""Experiment 21: 50,000 clients (3,000 in the quick form) break off anywhere: in heads, in bodies, in answers."""

from __future__ import annotations

import asyncio
import json
import random
import struct
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from socket import SO_LINGER, SOL_SOCKET

from support.options import Options, parse_options
from support.process import Process
from support.server import Server, ask, running, wait_until
from support.slow import apart, connect
from support.verdict import Verdict

SEED = 21
AT_A_TIME = 32
BREAK_OFF = struct.pack("ii", 1, 0)
"""SO_LINGER of no time: closing sends RST."""
UPLOAD = b'--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n' + b"a" * 700_000 + b"\r\n--b--\r\n"


def make_requests() -> list[bytes]:
    """Return what the clients begin with."""
    posts = b"".join((b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 30000\r\n\r\n", b"a" * 30000))
    chunked = (
        b"POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4000\r\n"
        + b"a" * 0x4000
        + b"\r\n0\r\n\r\n"
    )
    fields = b"Host: a\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: %d\r\n" % len(UPLOAD)
    asked = [
        f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
        for path in ("/", "/wait/20", "/busy/2", "/file/1024", "/stream/2")
    ]
    return [*asked, posts, chunked, b"POST /upload HTTP/1.1\r\n" + fields + b"\r\n" + UPLOAD]


def storm(port: int, count: int) -> Counter[str]:
    """Connect and break off many times; return how many clients connected, got a byte, and waited in vain."""
    return asyncio.run(_storm(port, count))


async def _storm(port: int, count: int) -> Counter[str]:
    chance = random.Random(SEED)
    requests = make_requests()
    numbers = iter(range(count))
    seen: Counter[str] = Counter()
    await asyncio.gather(*(_run(port, numbers, requests, chance, seen) for _ in range(AT_A_TIME)))
    return seen


async def _run(
    port: int, numbers: Iterator[int], requests: list[bytes], chance: random.Random, seen: Counter[str]
) -> None:
    while next(numbers, None) is not None:
        try:
            async with asyncio.timeout(10):
                await _break_off(port, chance.choice(requests), chance, seen)
        except ConnectionError:
            pass
        except TimeoutError:
            seen["in vain"] += 1


async def _break_off(port: int, request: bytes, chance: random.Random, seen: Counter[str]) -> None:
    """Send some of a request, take some of the answer, and go."""
    loop = asyncio.get_running_loop()
    client = await connect(port)
    seen["connected"] += 1
    with client:
        is_whole = chance.random() < 0.5
        await loop.sock_sendall(client, request if is_whole else request[: chance.randrange(len(request))])
        if is_whole and chance.random() < 0.7:
            data = await loop.sock_recv(client, chance.randrange(1, 65536))
            seen["answered"] += bool(data)
        if chance.random() < 0.5:
            client.setsockopt(SOL_SOCKET, SO_LINGER, BREAK_OFF)


def state(server: Server, worker: Process, folder: Path) -> dict[str, int]:
    """Return what must be as before in the end."""
    _, body = ask(server.port, "/counts")
    files = sum(path.is_file() for path in folder.rglob("*"))
    # The connection that asked may be there yet, or not.
    descriptors = min(worker.descriptors for _ in range(20) if not time.sleep(0.005))
    return {**json.loads(body), "descriptors": descriptors, "files": files}


def main() -> int:
    options = parse_options(__doc__)
    verdict = Verdict("21 Abort storm", options)
    with tempfile.TemporaryDirectory() as scratch:
        _run_storm(verdict, options, Path(scratch))
    return verdict.status


def _run_storm(verdict: Verdict, options: Options, folder: Path) -> None:
    count = 3000 if options.is_quick else 50_000
    args = ("--access-log", "off", "--body-timeout", "5")
    with running(*args, app="traffic_app", scratch_folder=folder) as server, apart() as executor:
        worker, port = server.worker(), server.port
        ask(port, "/file/1024")
        executor.submit(storm, port, 500).result()  # threads that stay, and memory that is used again
        wait_until(lambda: state(server, worker, folder)["views"] == 0)
        before, memory = state(server, worker, folder), worker.memory_kib
        seen = executor.submit(storm, port, count).result()
        verdict.mark("clients that connected", f"{seen['connected']} of {count}", seen["connected"] == count)
        # Half of them ask whole requests, and seven of ten of those wait for an answer.
        verdict.mark(
            "clients that got some answer, at least a quarter", seen["answered"], seen["answered"] >= count / 4
        )
        verdict.mark("clients that waited 10 s in vain", seen["in vain"], not seen["in vain"])
        with suppress(TimeoutError):
            wait_until(lambda: is_settled(before, state(server, worker, folder)), 15)
        after = state(server, worker, folder)
        for name, value in before.items():
            verdict.mark(f"{name}, before and after", (value, after[name]), after[name] <= value)
        grown = (worker.memory_kib - memory) / 1024
        verdict.mark("MiB of memory more, at most 20", f"{grown:.1f}", grown <= 20)
        verdict.mark("tracebacks in the log", server.log.count("Traceback"), "Traceback" not in server.log)
        same = server.worker() == worker
        verdict.mark("the worker is the same", same, same)


def is_settled(before: dict[str, int], after: dict[str, int]) -> bool:
    """Whether nothing is more than before."""
    return all(after[name] <= value for name, value in before.items())


if __name__ == "__main__":
    sys.exit(main())
