from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipflask.http.dates import dump_age, http_date, parse_age, parse_date

MOMENT = datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)
TEXT = "Sun, 06 Nov 1994 08:49:37 GMT"
PIECES = [
    "Sun,",
    "06",
    "Nov",
    "1994",
    "94",
    "08:49:37",
    "GMT",
    "+0200",
    "-0000",
    "EST",
    " ",
    " ",
    "-",
    ":",
    "9" * 20,
    "(c)",
]


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param(MOMENT, id="aware"),
        pytest.param(MOMENT.replace(tzinfo=None, microsecond=999_999), id="naive-with-fraction"),
        pytest.param(MOMENT.astimezone(timezone(timedelta(hours=-3))), id="other-zone"),
        pytest.param(784111777, id="seconds"),
        pytest.param(784111777.9, id="seconds-with-fraction"),
        pytest.param(time.gmtime(784111777), id="struct-time"),
    ],
)
def test_http_date_formats_any_kind_of_date(moment: Any) -> None:
    assert http_date(moment) == TEXT


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        pytest.param(date(1994, 11, 6), "Sun, 06 Nov 1994 00:00:00 GMT", id="date"),
        pytest.param(-1.5, "Wed, 31 Dec 1969 23:59:58 GMT", id="before-the-epoch"),
        pytest.param(datetime(1, 1, 1), "Mon, 01 Jan 0001 00:00:00 GMT", id="first-year"),
        pytest.param(datetime(9999, 12, 31, 23, 59, 59, 999_999), "Fri, 31 Dec 9999 23:59:59 GMT", id="last-second"),
    ],
)
def test_http_date_at_the_edges(moment: Any, text: str) -> None:
    assert http_date(moment) == text


def test_http_date_without_argument_is_now() -> None:
    before = int(time.time())
    parsed = parse_date(http_date())
    assert parsed is not None
    assert before <= parsed.timestamp() <= time.time()


@pytest.mark.parametrize("seconds", [10**12, -(10**12), 253402300800, -62135596801])
def test_http_date_outside_of_four_digit_years_is_refused(seconds: int) -> None:
    with pytest.raises(ValueError, match="years 1 to 9999"):
        http_date(seconds)


def test_http_date_of_something_else_is_refused() -> None:
    with pytest.raises(TypeError, match="real number"):
        http_date("x")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(TEXT, id="fixdate"),
        pytest.param("Sunday, 06-Nov-94 08:49:37 GMT", id="rfc-850"),
        pytest.param("Sun Nov  6 08:49:37 1994", id="asctime"),
        pytest.param("06 Nov 1994 08:49:37", id="no-day-no-zone"),
        pytest.param("Sun, 06 Nov 1994 08:49:37 -0000", id="unknown-zone"),
        pytest.param("Sun, 06 Nov 1994 10:49:37 +0200", id="other-zone"),
        pytest.param(f" {TEXT}; length=5", id="with-more-text"),
    ],
)
def test_parse_date_reads_all_forms(text: str) -> None:
    parsed = parse_date(text)
    assert parsed == MOMENT
    assert parsed is not None
    assert parsed.tzinfo is not None


@pytest.mark.parametrize(
    "text",
    [None, "", "x", "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:60 GMT", "Sun, 06 Nov 1994 25:00:00 GMT"]
    + ["Sun, 06 Nov 1994 08:49:37 +99999999999999", TEXT + " " * 300, "1994-11-06T08:49:37Z"],
)
def test_parse_date_ignores_what_is_no_date(text: str | None) -> None:
    assert parse_date(text) is None


@given(st.datetimes(min_value=datetime(1000, 1, 1)).map(lambda moment: moment.replace(microsecond=0, tzinfo=UTC)))
def test_formatted_date_is_parsed_to_the_same(moment: datetime) -> None:
    assert parse_date(http_date(moment)) == moment


@given(st.one_of(st.datetimes(), st.dates(), st.integers(-(10**10), 10**11)))
def test_date_is_formatted_as_by_werkzeug(moment: Any) -> None:
    werkzeug = pytest.importorskip("werkzeug.http")
    assert http_date(moment) == werkzeug.http_date(moment)


@given(st.lists(st.sampled_from(PIECES), max_size=10).map(" ".join))
def test_date_is_parsed_as_by_werkzeug(text: str) -> None:
    werkzeug = pytest.importorskip("werkzeug.http")
    try:
        expected = werkzeug.parse_date(text)
    except OverflowError:  # of a number that a client chose
        expected = None
    assert parse_date(text) == expected


@given(st.text())
def test_parse_date_takes_any_text(text: str) -> None:
    parse_date(text)
    parse_date(f"Sun, 06 Nov 1994 {text}")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5", 5),
        (" 5 ", 5),
        ("0", 0),
        ("-1", None),
        ("x", None),
        ("", None),
        (None, None),
        ("9" * 5000, None),
        ("9" * 15, None),
    ],
)
def test_parse_age(text: str | None, seconds: int | None) -> None:
    assert parse_age(text) == (None if seconds is None else timedelta(seconds=seconds))


@pytest.mark.parametrize(("age", "text"), [(5, "5"), (5.9, "5"), (timedelta(minutes=2), "120"), (None, None)])
def test_dump_age(age: Any, text: str | None) -> None:
    assert dump_age(age) == text


@pytest.mark.parametrize("age", [-1, timedelta(days=-1)])
def test_negative_age_is_refused(age: Any) -> None:
    with pytest.raises(ValueError, match="is negative"):
        dump_age(age)
