from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipflask.http import ranges

WHEN = datetime(2012, 5, 6, 12, tzinfo=UTC)
SAME = "Sun, 06 May 2012 12:00:00 GMT"
EARLIER = "Sun, 06 May 2012 11:00:00 GMT"
DATES = [None, SAME, EARLIER, "Sun, 06 May 2012 13:00:00 GMT", "x"]
TAGS = [None, '"a"', 'W/"a"', '"b"', "*", '"a", "b"', "", "a"]


@pytest.mark.parametrize(
    ("value", "units", "parts"),
    [
        pytest.param("bytes=0-1", "bytes", [(0, 2)], id="first-and-last"),
        pytest.param("bytes=5-", "bytes", [(5, None)], id="to-the-end"),
        pytest.param("bytes=-5", "bytes", [(-5, None)], id="suffix"),
        pytest.param(" Bytes = 0 - 1 , 2-3,-5", "bytes", [(0, 2), (2, 4), (-5, None)], id="several"),
        pytest.param("items=3-3", "items", [(3, 4)], id="other-units"),
    ],
)
def test_parse_range_header(value: str, units: str, parts: list[Any]) -> None:
    parsed = ranges.parse_range_header(value)
    assert parsed is not None
    assert (parsed.units, parsed.ranges) == (units, parts)


@pytest.mark.parametrize(
    "value",
    [None, "", "bytes", "bytes=", "bytes=-", "bytes=-0", "bytes=2-1", "bytes=a-b", "bytes=0-1,", "bytes=0--1"]
    + ["bytes=5-6,0-1", "bytes=0-5,5-6", "bytes=-5,0-1", "bytes=0-,5-6", "bytes=-5,-3", "bytes=+0-1", "bytes=٠-١"]
    + [f"bytes={'9' * 5000}-", "bytes=0-1-2", "bytes=1_0-2_0", "bytes=0-1=2"],
)
def test_malformed_range_header_is_ignored(value: str | None) -> None:
    assert ranges.parse_range_header(value) is None


@given(
    st.lists(st.sampled_from(["0", "1", "5", "9", "-", ",", "=", " ", "bytes=", "0-1", "5-", "x"]), max_size=9).map(
        "".join
    )
)
def test_range_header_is_read_as_by_werkzeug(text: str) -> None:
    werkzeug = pytest.importorskip("werkzeug.http")
    for value in (text, f"bytes={text}"):
        ours, theirs = ranges.parse_range_header(value), werkzeug.parse_range_header(value)
        if "--" not in value:  # "0--0" is a range to Werkzeug
            assert (ours and (ours.units, ours.ranges)) == (theirs and (theirs.units, theirs.ranges))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("bytes 0-98/100", ("bytes", 0, 99, 100), id="all"),
        pytest.param(" x 0 - 1 / 2 ", ("x", 0, 2, 2), id="blanks"),
        pytest.param("bytes 0-98/*", ("bytes", 0, 99, None), id="unknown-length"),
        pytest.param("bytes */100", ("bytes", None, None, 100), id="unsatisfied"),
        pytest.param("bytes */*", ("bytes", None, None, None), id="nothing-known"),
    ],
)
def test_parse_content_range_header(value: str, expected: tuple[Any, ...]) -> None:
    parsed = ranges.parse_content_range_header(value)
    assert parsed is not None
    assert (parsed.units, parsed.start, parsed.stop, parsed.length) == expected


@pytest.mark.parametrize(
    "value",
    [None, "", "bytes", "bytes 0-98", "bytes 98-0/100", "bytes 5-5/5", "bytes a-b/c", "bytes 0-1/-5", "bytes 0-1/2/3"]
    + ["bytes\t0-1/2", f"bytes 0-1/{'9' * 5000}"],
)
def test_malformed_content_range_header_is_ignored(value: str | None) -> None:
    assert ranges.parse_content_range_header(value) is None


def test_parsed_content_range_reports_changes() -> None:
    seen: list[str] = []
    parsed = ranges.parse_content_range_header("bytes 0-1/2", lambda changed: seen.append(str(changed)))
    assert parsed is not None
    parsed.length = None
    assert seen[-1] == "bytes 0-1/*"


@pytest.mark.parametrize(
    ("value", "etag", "date"),
    [
        (None, None, None),
        ("", None, None),
        ('"x"', "x", None),
        ('W/"x"', "x", None),
        ("x", "x", None),
        (SAME, None, WHEN),
    ],
)
def test_parse_if_range_header(value: str | None, etag: str | None, date: datetime | None) -> None:
    parsed = ranges.parse_if_range_header(value)
    assert (parsed.etag, parsed.date) == (etag, date)


@pytest.mark.parametrize(
    ("environ", "body", "is_modified"),
    [
        pytest.param({}, {"etag": "a", "last_modified": WHEN}, True, id="no-condition"),
        pytest.param({"HTTP_IF_NONE_MATCH": '"a"'}, {"etag": "a"}, False, id="same-tag"),
        pytest.param({"HTTP_IF_NONE_MATCH": 'W/"a"'}, {"etag": '"a"'}, False, id="weak-tag"),
        pytest.param({"HTTP_IF_NONE_MATCH": '"b"'}, {"etag": "a"}, True, id="other-tag"),
        pytest.param({"HTTP_IF_NONE_MATCH": '"b"'}, {}, True, id="no-tag"),
        pytest.param({"HTTP_IF_NONE_MATCH": '"' + ranges.generate_etag(b"x") + '"'}, {"data": b"x"}, False, id="data"),
        pytest.param({"HTTP_IF_MATCH": '"b"'}, {"etag": "a"}, False, id="if-match-fails"),
        pytest.param({"HTTP_IF_MATCH": '"a"'}, {"etag": "a"}, True, id="if-match-holds"),
        pytest.param({"HTTP_IF_MODIFIED_SINCE": SAME}, {"last_modified": WHEN}, False, id="same-date"),
        pytest.param({"HTTP_IF_MODIFIED_SINCE": SAME}, {"last_modified": SAME}, False, id="date-as-text"),
        pytest.param(
            {"HTTP_IF_MODIFIED_SINCE": SAME},
            {"last_modified": WHEN.replace(tzinfo=None, microsecond=9)},
            False,
            id="naive",
        ),
        pytest.param({"HTTP_IF_MODIFIED_SINCE": EARLIER}, {"last_modified": WHEN}, True, id="changed-since"),
        pytest.param(
            {"HTTP_IF_MODIFIED_SINCE": SAME, "HTTP_IF_NONE_MATCH": '"b"'},
            {"last_modified": WHEN, "etag": "a"},
            True,
            id="tag-before-date",
        ),
        pytest.param(
            {"HTTP_RANGE": "bytes=0-1", "HTTP_IF_RANGE": '"a"'},
            {"etag": "a", "ignore_if_range": False},
            False,
            id="if-range-tag",
        ),
        pytest.param(
            {"HTTP_RANGE": "bytes=0-1", "HTTP_IF_RANGE": SAME},
            {"last_modified": WHEN, "ignore_if_range": False},
            False,
            id="if-range-date",
        ),
        pytest.param(
            {"HTTP_RANGE": "bytes=0-1", "HTTP_IF_RANGE": '"b'},
            {"etag": "a", "ignore_if_range": False},
            True,
            id="malformed",
        ),
    ],
)
def test_is_resource_modified(environ: dict[str, str], body: dict[str, Any], is_modified: bool) -> None:
    assert ranges.is_resource_modified(environ, **body) is is_modified


def test_is_resource_modified_takes_tag_or_data() -> None:
    with pytest.raises(TypeError, match="not both"):
        ranges.is_resource_modified({}, etag="a", data=b"x")


@given(
    st.fixed_dictionaries(
        {
            "http_range": st.sampled_from([None, "bytes=0-1"]),
            "http_if_range": st.sampled_from(TAGS + DATES),
            "http_if_modified_since": st.sampled_from(DATES),
            "http_if_none_match": st.sampled_from(TAGS),
            "http_if_match": st.sampled_from(TAGS),
            "etag": st.sampled_from([None, "a", '"a"', 'W/"a"', "", "b"]),
            "last_modified": st.sampled_from(
                [*DATES, WHEN, WHEN.replace(tzinfo=None), WHEN.astimezone(timezone(timedelta(hours=2)))]
            ),
            "ignore_if_range": st.booleans(),
        }
    )
)
def test_conditions_are_judged_as_by_werkzeug(conditions: dict[str, Any]) -> None:
    werkzeug = pytest.importorskip("werkzeug.sansio.http")
    assert ranges.is_resource_modified_since(**conditions) == werkzeug.is_resource_modified(**conditions)


def test_conditions_have_the_parameters_of_werkzeug() -> None:
    import inspect

    werkzeug = pytest.importorskip("werkzeug.sansio.http")
    ours = inspect.signature(ranges.is_resource_modified_since)
    assert list(ours.parameters) == list(inspect.signature(werkzeug.is_resource_modified).parameters)


@given(st.text())
def test_any_text_is_parsed(text: str) -> None:
    ranges.parse_range_header(f"bytes={text}")
    ranges.parse_content_range_header(f"bytes {text}")
    ranges.parse_if_range_header(text)


@pytest.mark.parametrize("piece", ["0-1,", " ", "9", "-", "0-", ",", "*/"])
def test_huge_header_is_parsed_in_linear_time(piece: str) -> None:
    text = piece * (200_000 // len(piece))
    assert ranges.parse_range_header(f"bytes={text}") is None
    assert ranges.parse_content_range_header(f"bytes {text}") is None
