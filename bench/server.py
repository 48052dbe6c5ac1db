"""The native server under load, against a bare epoll loop in C and against other frameworks on their servers.

One process on one core, wrk on another. Claims for a text view: at most 1.7 times the bare loop's processor time for a
request, at least 0.6 of its requests per second; in processor time at least 7 times as good as Flask on Granian, 18
times Flask on gunicorn's threads, 2.5 times Starlette on uvicorn, 1.7 times Falcon on Granian (a JSON view: 1.5 times);
one thread and eight within 15 %; the same view as `async def` at least 0.7 of sync, a sync one beside async ones, which
is sorted by the event loop first, at most 1.5 times as dear. Then what else a server is chosen
for: see `support/server_parts.py`.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from support.measure import Claim, parse_options, report
from support.rivals import native, start_raw, start_rivals
from support.server_parts import measure_parts
from support.serving import Load, Server, load, measure_in_turns, raise_file_limit, require_wrk

TEXT, JSON, ASYNC = "/", "/user/42", "/async"
RAW, OURS, ONE_THREAD, WITH_ASYNC = "epoll loop in C", "hipflask", "hipflask, 1 thread", "hipflask, async views"
# How many times as good as others, in processor time.
TIMES = {
    "Flask on Granian": 7.0,
    "Flask on gunicorn": 18.0,
    "Starlette on uvicorn": 2.5,
    "Falcon on Granian": 1.7,
}
TIMES_JSON = {"Falcon on Granian": 1.5}


def measure_views(rounds: int, seconds: float) -> dict[str, Load]:
    """Return what each server does with each view, all of them started once and asked in turns."""
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        servers: dict[str, Server | str] = {RAW: start_raw(stack, Path(folder)), OURS: native(stack)}
        servers |= {ONE_THREAD: native(stack, "--threads", "1"), WITH_ASYNC: native(stack, has_async=True)}
        servers |= start_rivals(stack)
        windows = {}
        for name, server in servers.items():
            if isinstance(server, str):
                print(f"{name}: skipped, {server}")
                continue
            load(server, TEXT, 1)  # to warm up
            windows[name] = partial(load, server, TEXT, seconds)
            if name == WITH_ASYNC:
                windows[f"{name} {ASYNC}"] = partial(load, server, ASYNC, seconds)
            if name == OURS or name in TIMES_JSON:
                windows[f"{name} {JSON}"] = partial(load, server, JSON, seconds)
        return measure_in_turns(windows, rounds)


def claims_of(loads: Mapping[str, Load]) -> list[Claim]:
    """Return the lines of the table."""
    ours = loads[OURS]
    claims = []
    if RAW in loads:
        raw = loads[RAW]
        claims.append(claim_of_times("text", ours, raw, RAW, 1.7))
        claims.append(claim_of_rates("text", ours, raw, RAW, 0.6))
    for bounds, path, view in ((TIMES, "", "text"), (TIMES_JSON, f" {JSON}", "JSON")):
        for name in bounds:
            if name + path in loads:
                one, other = loads[OURS + path], loads[name + path]
                claims.append(claim_of_times(view, one, other, name, bounds[name], is_at_least=True))
                # The bound is on processor time; how many requests a busy machine lets through is chance.
                claims.append(claim_of_rates(view, one, other, name, 1.0))
    claims.append(claim_of_times("text, 8 threads", ours, loads[ONE_THREAD], "1 thread", 1.15))
    claims.append(claim_of_times("text", loads[ONE_THREAD], ours, "1 thread against 8", 1.15))
    claims.append(claim_of_times("text, `async def`", loads[f"{WITH_ASYNC} {ASYNC}"], ours, "sync", 1 / 0.7))
    claims.append(claim_of_times("text, sync beside async views", loads[WITH_ASYNC], ours, "no async views", 1.5))
    return claims


def claim_of_times(view: str, ours: Load, theirs: Load, name: str, bound: float, *, is_at_least: bool = False) -> Claim:
    """Return a claim on processor time: of ours to theirs at most, of theirs to ours at least *bound*."""
    ratio = ours.microseconds / theirs.microseconds
    ratio = 1 / ratio if is_at_least else ratio
    return Claim(f"{view}, processor: {name}", ours.microseconds, theirs.microseconds, "us", ratio, bound, is_at_least)


def claim_of_rates(view: str, ours: Load, theirs: Load, name: str, bound: float) -> Claim:
    """Return a claim on requests per second, in thousands: ours are at least *bound* times theirs."""
    rates = (ours.requests_per_second / 1000, theirs.requests_per_second / 1000)
    return Claim(f"{view}, requests: {name}", *rates, "k/s", rates[0] / rates[1], bound, is_at_least=True)


def main() -> int:
    options = parse_options(__doc__ or "")
    missing = require_wrk()
    if missing:
        print(f"Skipped: {missing}.")
        return 0
    raise_file_limit()
    rounds, seconds = (3, 1.0) if options.quick else (9, 1.0)  # wrk takes whole seconds
    claims = claims_of(measure_views(rounds, seconds))
    claims += measure_parts(rounds, seconds)
    title = f"The native server on one core, wrk on another with 32 connections, best of {rounds} rounds"
    return report(title, claims, ("hipflask", "other"))


if __name__ == "__main__":
    sys.exit(main())
