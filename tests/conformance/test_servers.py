"""The table of cases behind servers of other make: hipflask answers there as real Flask does behind the same server.

``server_differences.tsv`` lists the cases whose answers a server changes, against those of Flask without a server: each
with its reason, and each must still differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.conformance import frameworks
from tests.conformance.cases import static_files
from tests.conformance.servers import SERVERS, running
from tests.conformance.table import Case, load_cases
from tests.conformance.test_conformance import converse, expected

pytestmark = pytest.mark.slow

CASES = load_cases()


@cache
def differences() -> dict[tuple[str, str], str]:
    """Return the reason of each listed pair of a server (or ``*`` for all) and a case."""
    text = Path(__file__).with_name("server_differences.tsv").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]
    return {(server, case): reason for servers, case, reason in rows for server in servers.split(",")}


class Started:
    """Servers of the run: one of each kind for each framework."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self._stack = stack
        self._folder = folder
        self._doors: dict[tuple[str, str], Any] = {}

    def answers(self, name: str, framework: str, case: Case) -> list[dict[str, Any]]:
        key = name, framework
        if key not in self._doors:
            log = self._folder / f"{name}-{framework}.log"
            self._doors[key] = self._stack.enter_context(running(SERVERS[name], framework, static_files.root(), log))
        with self._doors[key](case.id) as door:
            return converse(case, None, door)


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    with ExitStack() as stack:
        yield Started(stack, tmp_path_factory.mktemp("servers"))


def _rows() -> list[Any]:
    """One row for each server and case; a server that is not there has one row, which is skipped."""
    rows = []
    for name, server in SERVERS.items():
        if reason := server.missing():
            rows.append(pytest.param(name, CASES[0], id=name, marks=pytest.mark.skip(reason=reason)))
        else:
            rows += [pytest.param(name, case, id=f"{name}-{case.id}") for case in CASES]
    return rows


def agree(case: Case, answers: list[dict[str, Any]], wanted: list[dict[str, Any]], without_reason: bool) -> list[str]:
    """Return the requests whose answers are not those that are wanted, but for deviations on purpose."""
    found = []
    for ask, answer, want in zip(case.asks, answers, wanted, strict=True):
        if ask.own_status is not None:
            if answer["status"] != ask.own_status:
                found.append(f"{ask.method} {ask.target}: {answer} instead of the status {ask.own_status}")
        elif answer != (want | {"reason": answer["reason"]} if without_reason else want):
            found.append(f"{ask.method} {ask.target}: {answer} instead of {want}")
    return found


@pytest.mark.filterwarnings("ignore:(The c|C)urrent server name:UserWarning")
@pytest.mark.parametrize(("name", "case"), _rows())
def test_answers_behind_server_are_those_of_flask(name: str, case: Case, started: Started) -> None:
    frameworks.reference()
    server = SERVERS[name]
    if not server.takes_chunks:
        case = replace(case, asks=tuple(ask for ask in case.asks if not ask.is_chunked))
    answers = started.answers(name, "hipflask", case)
    if server.is_compared_with_flask:
        behind = started.answers(name, "flask", case)
        assert agree(case, answers, behind, False) == []
    changed = agree(case, answers, expected(case), True)
    assert bool(changed) == ((name, case.id) in differences()), changed or "listed, but the server changes nothing"
