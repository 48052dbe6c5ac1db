from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.suites.conformance import deviations_of_door, judge_api, judge_behaviour
from tests.suites.outcomes import lost_tests, missed, read_deviations, read_junit, result_line, result_table

JUNIT = """<testsuites><testsuite>
<testcase classname="tests.test_a" name="test_x[1]"/>
<testcase classname="tests.test_a" name="test_y"><failure/></testcase>
<testcase classname="tests.test_a" name="test_z"/>
<testcase classname="tests.test_a" name="test_z"><error/></testcase>
<testcase classname="tests.test_a" name="test_s"><system-out/><skipped type="pytest.skip"/></testcase>
<testcase classname="tests.test_a" name="test_w"><skipped type="pytest.xfail"/></testcase>
<testcase classname="" name="tests.test_b"><error/></testcase>
</testsuite></testsuites>"""


def result(**changes: Any) -> dict[str, Any]:
    counts = {"passed": 7, "skipped": 0, "xfailed": 0, "failed": 1, "errors": 0}
    base = {**counts, "passed": 8, "failed": 0}
    told = {"name": "s", "target": "compat", "wall": 1.0, "impl": "hipflask", "new_failures": ["a::b"]}
    return {**told, **counts, "baseline": base, **changes}


def test_junit_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_text(JUNIT)
    assert read_junit(path) == {
        "tests.test_a::test_x[1]": "passed",
        "tests.test_a::test_y": "failed",
        "tests.test_a::test_z": "errors",
        "tests.test_a::test_s": "skipped",
        "tests.test_a::test_w": "xfailed",
        "::tests.test_b": "errors",
    }


def test_lost_tests_are_those_that_passed() -> None:
    before = {"a": "passed", "b": "passed", "c": "failed", "d": "passed"}
    assert lost_tests(before, {"a": "passed", "b": "skipped", "c": "failed"}) == {"b": "skipped", "d": "absent"}


def test_deviations_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("# id TAB reason\n\na::b\twhy\tthat is\n")
    assert read_deviations(path) == {"a::b": "why\tthat is"}
    assert read_deviations(tmp_path / "none.tsv") == {}


@pytest.mark.parametrize(
    ("changes", "listed", "expected"),
    [
        pytest.param({}, ["a::b"], [], id="listed"),
        pytest.param({}, [], ["lost, and not listed: a::b"], id="not-listed"),
        pytest.param({}, ["a::b", "a::c"], ["listed as a deviation, but passes: a::c"], id="passes"),
        pytest.param({"passed": 6}, ["a::b"], ["1 tests that pass on Flask are skipped or absent"], id="skipped"),
        pytest.param({"passed": 1, "new_failures": ["::a"]}, ["::a"], [], id="module"),
        pytest.param({"impl": "mixed(1/2)"}, ["a::b"], ["ran on mixed(1/2)"], id="mixed"),
        pytest.param({"crash": "out of time"}, ["a::b"], ["out of time"], id="crash"),
        pytest.param({"unavailable": "no\nnet"}, [], ["the suite cannot be run: no"], id="unavailable"),
    ],
)
def test_what_is_missed_is_told(changes: dict[str, Any], listed: list[str], expected: list[str]) -> None:
    assert missed(result(**changes), dict.fromkeys(listed, "why")) == expected


def test_results_are_shown() -> None:
    gone = {"name": "t", "target": "compat", "unavailable": "no\nnet"}
    line = "s compat: 7 passed, 1 failed; 8 pass on Flask [1.0 s, ran on hipflask]"
    assert result_line(result()) == line
    assert result_line(result(crash="out of time")) == f"{line} CRASH out of time"
    assert result_line(gone) == "t compat UNAVAILABLE: no"
    heads, rule, row, last = result_table([result(), gone]).splitlines()
    assert heads.count("|") == rule.count("|") == row.count("|") == last.count("|")


def test_deviations_may_hold_for_some_doors() -> None:
    text = "# a comment\na/all\twhy\na/two@client,wsgi\tfor\ttwo\na/one@server\tfor one\n"
    assert deviations_of_door(text, "wsgi") == "# a comment\na/all\twhy\na/two\tfor\ttwo\n"
    assert deviations_of_door(text, "server") == "# a comment\na/all\twhy\na/one\tfor one\n"


@pytest.mark.parametrize(
    ("status", "told", "summary", "faults"),
    [
        pytest.param(0, "a\n5 passed, 0 failed", "behaviour/wsgi 5/5", (), id="good"),
        pytest.param(
            1, "FAIL x/y: z\n4 passed, 1 failed", "behaviour/wsgi 4/5", ("behaviour/wsgi: FAIL x/y: z",), id="lost"
        ),
        pytest.param(
            0,
            "NOTE x/y is listed as a deviation but equal\n5 passed, 0 failed",
            "behaviour/wsgi 5/5",
            ("behaviour/wsgi: NOTE x/y is listed as a deviation but equal",),
            id="passes",
        ),
        pytest.param(1, "", "behaviour/wsgi broken off", ("behaviour/wsgi: the runner broke off:",), id="silent"),
    ],
)
def test_behaviour_is_judged(status: int, told: str, summary: str, faults: tuple[str, ...]) -> None:
    part = judge_behaviour(status, told, "wsgi")
    assert (part.summary, part.faults) == (summary, faults)


@pytest.mark.parametrize(
    ("told", "summary", "faults"),
    [
        pytest.param("100 of 100 present, 0 missing", "API 100/100 (100.0%)", 0, id="complete"),
        pytest.param(
            "werkzeug.debug: 1 missing\n    werkzeug.debug (20 names)\n98 of 120 present, 22 missing",
            "API 98/100 (98.0%)",
            0,
            id="module-not-there",
        ),
        pytest.param("96 of 100 present, 4 missing", "API 96/100 (96.0%)", 1, id="below-the-floor"),
        pytest.param("flask.app: 1 missing\n99 of 100 present, 1 missing", "API 99/100 (99.0%)", 1, id="of-flask"),
        pytest.param("Traceback", "API broken off", 2, id="broken-off"),
    ],
)
def test_record_of_the_api_is_judged(told: str, summary: str, faults: int) -> None:
    part = judge_api(1, told)
    assert part.summary == summary
    assert len(part.faults) == faults
