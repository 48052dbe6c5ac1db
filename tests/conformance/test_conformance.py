"""One table of requests through every door: the answers are those of Flask."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import pytest

from tests.conformance import doors, frameworks
from tests.conformance.exchange import Conversation, Door, comparable
from tests.conformance.table import Case, load_cases

CASES = load_cases()


def converse(case: Case, app: Any, door: Door) -> list[dict[str, Any]]:
    """Send a case's requests one after another, as one client, and return what is compared of the answers."""
    conversation = Conversation(door, app)
    return [comparable(conversation.send(ask)) for ask in case.asks]


@cache
def expected(case: Case) -> list[dict[str, Any]]:
    """Return what Flask answers."""
    return converse(case, case.make_app(frameworks.reference()), doors.wsgi)


@contextmanager
def opened(name: str, case: Case, app: Any) -> Iterator[Door]:
    if name == "wsgi" and case.breaks_wsgi:
        yield doors.wsgi
        return
    with doors.DOORS[name](app) as door:
        yield door


@pytest.mark.filterwarnings(
    "ignore:Unknown REQUEST_METHOD:Warning",
    "ignore:(The c|C)urrent server name:UserWarning",
    "ignore:The Location header has no host:Warning",  # of LintMiddleware; redirects are relative, as Flask's
    "ignore:wsgi.input.readline.. got a size:Warning",  # likewise; PEP 3333 allows it, and servers know it
)
@pytest.mark.parametrize("door_name", doors.DOORS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_answers_are_those_of_flask(case: Case, door_name: str) -> None:
    wanted = expected(case)
    app = case.make_app(frameworks.hipflask())
    with opened(door_name, case, app) as door:
        answers = converse(case, app, door)
    for ask, answer, want in zip(case.asks, answers, wanted, strict=True):
        if door_name in doors.WITHOUT_REASON:
            want = want | {"reason": answer["reason"]}
        if ask.own_status is None:
            assert answer == want, f"{ask.method} {ask.target}"
        else:
            assert (answer["status"], want["status"] == ask.own_status) == (ask.own_status, False)


@pytest.mark.parametrize("case", [case for case in CASES if case.breaks_wsgi], ids=lambda case: case.id)
def test_rule_of_wsgi_that_is_broken_is_broken_by_flask_too(case: Case) -> None:
    app = case.make_app(frameworks.reference())
    try:
        answers = converse(case, app, doors.validated_wsgi)
    except AssertionError:
        return
    assert answers != expected(case)  # a rule about what is read is broken in a view, which makes it a 500


def test_table_has_enough_cases() -> None:
    assert len(CASES) >= 150
    assert len({case.id for case in CASES}) == len(CASES)
