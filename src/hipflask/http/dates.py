"""Dates and ages in header fields.

Source: RFC 9110, 5.6.7 (dates); RFC 9111, 5.1 (``Age``).
"""

from __future__ import annotations

import re
import time
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from math import floor

__all__ = ["dump_age", "http_date", "parse_age", "parse_date"]

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH_NUMBERS = {name: number for number, name in enumerate(_MONTHS, 1)}

# The form that senders must use. Years before 1000 are left to the fallback, which reads them as two digits.
_match_fixdate = re.compile(
    rf"(?:{'|'.join(_DAYS)}), ([0-9]{{2}}) ({'|'.join(_MONTHS)}) ([1-9][0-9]{{3}}) "
    "([0-9]{2}):([0-9]{2}):([0-9]{2}) GMT"
).fullmatch

# No form of a date is near this length; more is not looked at.
_MAX_DATE_CHARACTERS = 256

# 0001-01-01 and 10000-01-01, in seconds since the epoch: a date has a year of four digits.
_FIRST_SECOND, _END_SECOND = -62135596800, 253402300800

_EPOCH_DATE = date(1970, 1, 1)
_NAIVE_EPOCH = datetime(1970, 1, 1)
_EPOCH = _NAIVE_EPOCH.replace(tzinfo=UTC)


@lru_cache(maxsize=128)
def _format_seconds(seconds: int) -> str:
    # PERF: the dates of a busy second are all the same one (Date, Expires of a session cookie): 0.1 us,
    # not 1.3.
    if not _FIRST_SECOND <= seconds < _END_SECOND:
        raise ValueError(f"{seconds} seconds since the epoch is not in the years 1 to 9999 that a date can name.")
    year, month, day, hour, minute, second, weekday = time.gmtime(seconds)[:7]
    return f"{_DAYS[weekday]}, {day:02} {_MONTHS[month - 1]} {year:04} {hour:02}:{minute:02}:{second:02} GMT"


def http_date(timestamp: datetime | date | int | float | time.struct_time | None = None) -> str:
    """Return a date as header fields and cookies have it, ``Sun, 06 Nov 1994 08:49:37 GMT``.

    Args:
        timestamp: A datetime (UTC if it is naive), a date, seconds since the epoch or a ``struct_time`` in
            UTC; ``None`` is now. Fractions of a second are cut off.

    Raises:
        ValueError: The date is not in the years 1 to 9999.

    Source: RFC 9110, 5.6.7.
    """
    if timestamp is None:
        return _format_seconds(int(time.time()))
    if isinstance(timestamp, (int, float)):
        return _format_seconds(floor(timestamp))
    if isinstance(timestamp, date):
        return _format_seconds(_seconds_of(timestamp))
    if isinstance(timestamp, time.struct_time):
        from calendar import timegm

        return _format_seconds(timegm(timestamp))
    return _format_seconds(floor(timestamp))


def _seconds_of(moment: date) -> int:
    """Return the whole seconds since the epoch, in integers: floats round up at the end of a second."""
    if not isinstance(moment, datetime):
        return (moment - _EPOCH_DATE).days * 86400
    since_epoch = moment - (_EPOCH if moment.tzinfo is not None else _NAIVE_EPOCH)
    return since_epoch.days * 86400 + since_epoch.seconds


def parse_date(value: str | None) -> datetime | None:
    """Return the date in a header field as an aware datetime, or ``None`` if there is none.

    Args:
        value: One of the three forms of RFC 9110, or another that mail programs use (RFC 5322).

    Returns:
        In the time zone that the value names, which is UTC for HTTP's own forms and where no zone is named.
    """
    if value is None:
        return None
    match = _match_fixdate(value)
    if match is None:
        return _parse_other_date(value)
    day, month, year, hour, minute, second = match.groups()
    try:
        return datetime(
            int(year),
            _MONTH_NUMBERS[month],
            int(day),
            int(hour),
            int(minute),
            int(second),
            tzinfo=UTC,
        )
    except ValueError:
        return None


def _parse_other_date(value: str) -> datetime | None:
    if not value or len(value) > _MAX_DATE_CHARACTERS:
        return None
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(value)
    except (TypeError, ValueError, OverflowError, IndexError):
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def parse_age(value: str | None = None) -> timedelta | None:
    """Return the seconds of an ``Age`` header as a timedelta; ``None`` if missing, malformed or negative.

    Source: RFC 9111, 5.1.
    """
    if not value:
        return None
    try:
        seconds = int(value)
        return timedelta(seconds=seconds) if seconds >= 0 else None
    except (ValueError, OverflowError):
        return None


def dump_age(age: timedelta | int | None = None) -> str | None:
    """Return an ``Age`` header for a timedelta or a number of seconds; ``None`` for ``None``.

    Raises:
        ValueError: *age* is negative.
    """
    if age is None:
        return None
    seconds = int(age.total_seconds() if isinstance(age, timedelta) else age)
    if seconds < 0:
        raise ValueError(f"The age {age!r} is negative. It counts the seconds since the origin answered.")
    return str(seconds)
