from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipflask.http.datastructures.range import ContentRange, IfRange, Range, is_byte_range_valid

NUMBERS = st.one_of(st.none(), st.integers(-12, 12))


@given(NUMBERS, NUMBERS, NUMBERS)
def test_byte_range_is_valid_as_in_werkzeug(start: int | None, stop: int | None, length: int | None) -> None:
    werkzeug = pytest.importorskip("werkzeug.http")
    assert is_byte_range_valid(start, stop, length) == werkzeug.is_byte_range_valid(start, stop, length)


@pytest.mark.parametrize(
    ("part", "length", "expected"),
    [
        pytest.param((0, 10), 100, (0, 10), id="inside"),
        pytest.param((0, 10), 5, (0, 5), id="cut-off"),
        pytest.param((5, None), 10, (5, 10), id="to-the-end"),
        pytest.param((5, None), 5, None, id="beyond-the-end"),
        pytest.param((-3, None), 10, (7, 10), id="suffix"),
        pytest.param((-3, None), 2, None, id="long-suffix"),
        pytest.param((0, 10), None, None, id="unknown-length"),
        pytest.param((0, 10), 0, None, id="empty-body"),
    ],
)
def test_range_for_length(part: tuple[int, int | None], length: int | None, expected: tuple[int, int] | None) -> None:
    asked = Range("bytes", [part])
    assert asked.range_for_length(length) == expected
    content_range = asked.make_content_range(length)
    header = None if expected is None else f"bytes {expected[0]}-{expected[1] - 1}/{length}"
    assert asked.to_content_range_header(length) == header
    assert (None if content_range is None else content_range.to_header()) == header


@pytest.mark.parametrize("asked", [Range("items", [(0, 1)]), Range("bytes", [(0, 1), (2, 3)]), Range("bytes", [])])
def test_only_one_part_in_bytes_is_served(asked: Range) -> None:
    assert asked.range_for_length(10) is None


def test_range_to_header() -> None:
    asked = Range("bytes", [(0, 10), (20, None), (-5, None)])
    assert asked.to_header() == str(asked) == "bytes=0-9,20-,-5"
    assert repr(asked) == "<Range 'bytes=0-9,20-,-5'>"


@pytest.mark.parametrize("part", [(5, 3), (5, 5), (None, 3), (None, None), (-5, 3), (-5, -3)])
def test_impossible_part_is_refused(part: Any) -> None:
    with pytest.raises(ValueError, match="not a part of a body"):
        Range("bytes", [part])


@given(st.sampled_from(["bytes", "x"]), st.lists(st.tuples(NUMBERS, NUMBERS), max_size=2), NUMBERS)
def test_range_behaves_as_in_werkzeug(units: str, parts: Any, length: int | None) -> None:
    werkzeug = pytest.importorskip("werkzeug.datastructures")
    try:
        theirs = werkzeug.Range(units, parts)
    except (ValueError, TypeError):
        return
    ours = Range(units, parts)
    assert ours.to_header() == theirs.to_header()
    assert ours.range_for_length(length) == theirs.range_for_length(length)
    assert ours.to_content_range_header(length) == theirs.to_content_range_header(length)


@pytest.mark.parametrize(
    ("condition", "header"),
    [
        (IfRange(), ""),
        (IfRange("x"), '"x"'),
        (IfRange(""), '""'),
        (IfRange("x", datetime(2000, 1, 1, tzinfo=UTC)), "Sat, 01 Jan 2000 00:00:00 GMT"),
    ],
)
def test_if_range_to_header(condition: IfRange, header: str) -> None:
    assert condition.to_header() == str(condition) == header
    assert repr(condition) == f"<IfRange {header!r}>"


def test_content_range_reports_each_change() -> None:
    seen: list[str] = []
    content_range = ContentRange("bytes", 0, 10, 100, on_update=lambda changed: seen.append(changed.to_header()))
    content_range.set(5, 6)
    content_range.length = 50
    content_range.start = 4
    content_range.units = "x"
    content_range.unset()
    assert seen == ["bytes 0-9/100", "bytes 5-5/*", "bytes 5-5/50", "bytes 4-5/50", "x 4-5/50", ""]
    assert not content_range
    names = ("units", "start", "stop", "length")
    assert [getattr(content_range, name) for name in names] == [None] * 4


@pytest.mark.parametrize(
    ("arguments", "header"),
    [
        (("bytes", 0, 10, 100), "bytes 0-9/100"),
        (("bytes", 0, 10), "bytes 0-9/*"),
        (("bytes", None, None, 10), "bytes */10"),
        ((None, None, None), ""),
    ],
)
def test_content_range_to_header(arguments: Any, header: str) -> None:
    content_range = ContentRange(*arguments)
    assert content_range.to_header() == str(content_range) == header
    assert repr(content_range) == f"<ContentRange {header!r}>"
    assert bool(content_range) == bool(header)


@pytest.mark.parametrize("arguments", [("bytes", 10, 5), ("bytes", None, 5, 10), ("bytes", 10, 11, 10)])
def test_impossible_content_range_is_refused(arguments: Any) -> None:
    with pytest.raises(AssertionError, match="not a part of"):
        ContentRange(*arguments)
