"""Conditional requests and requests for parts: the fields, and whether the client has what it asks for.

Source: RFC 9110, 13 and 14.
"""

from __future__ import annotations

import re
import typing as t
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hipflask.http.datastructures.etag import ETags, generate_etag, parse_etags, quote_etag, unquote_etag
from hipflask.http.datastructures.range import ContentRange, IfRange, Range, is_byte_range_valid
from hipflask.http.dates import parse_date

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "ContentRange",
    "ETags",
    "IfRange",
    "Range",
    "generate_etag",
    "is_byte_range_valid",
    "is_resource_modified",
    "is_resource_modified_since",
    "parse_content_range_header",
    "parse_etags",
    "parse_if_range_header",
    "parse_range_header",
    "quote_etag",
    "unquote_etag",
]

# More digits than any length has. It keeps int(), whose cost is quadratic, away from longer ones.
_MAX_DIGITS = 100

_NUMBER = rf"[0-9]{{1,{_MAX_DIGITS}}}"
_match_part = re.compile(rf"[ \t]*(?:-({_NUMBER})|({_NUMBER})[ \t]*-[ \t]*({_NUMBER})?)[ \t]*").fullmatch
_match_content_range = re.compile(
    rf"(?:\*|[ \t]*({_NUMBER})[ \t]*-[ \t]*({_NUMBER})[ \t]*)/(?:\*|[ \t]*({_NUMBER})[ \t]*)"
).fullmatch


def parse_range_header(value: str | None, make_inclusive: bool = True) -> Range | None:
    """Return the parts that a ``Range`` field asks for.

    Args:
        value: For example ``bytes=0-99,200-``.
        make_inclusive: Without effect, as in Werkzeug.

    Returns:
        ``None`` if the field is missing, malformed or out of order: parts have to follow each other without
        overlap, and a part without an end, or counted from the end, must be the last.

    Source: RFC 9110, 14.2.
    """
    if not value or "=" not in value:
        return None
    units, _, rest = value.partition("=")
    parts: list[tuple[int, int | None]] = []
    earliest: int | None = 0
    for item in rest.split(","):
        # Nothing may follow a part that reaches the end.
        part = None if earliest is None else _parse_part(item, earliest)
        if part is None:
            return None
        parts.append(part)
        earliest = part[1]
    return Range(units.strip().lower(), parts)


def _parse_part(text: str, earliest: int) -> tuple[int, int | None] | None:
    """Return ``(start, stop)`` of one part; ``None`` if malformed, empty or begun before *earliest*."""
    match = _match_part(text)
    if match is None:
        return None
    suffix, first, last = match.groups()
    if suffix is not None:
        start = -int(suffix)
        return (start, None) if start else None
    start = int(first)
    if start < earliest:
        return None
    if last is None:
        return start, None
    stop = int(last) + 1
    return (start, stop) if start < stop else None


def parse_content_range_header(
    value: str | None, on_update: Callable[[ContentRange], None] | None = None
) -> ContentRange | None:
    """Return the part that a ``Content-Range`` field names; ``None`` if it is missing or malformed.

    Args:
        value: For example ``bytes 0-99/1000``.
        on_update: Called with the result after each change.

    Source: RFC 9110, 14.4.
    """
    if value is None:
        return None
    units, _, rest = value.strip(" \t").partition(" ")
    match = _match_content_range(rest)
    if match is None:
        return None
    first, last, total = match.groups()
    length = None if total is None else int(total)
    start, stop = (None, None) if first is None else (int(first), int(last) + 1)
    if not is_byte_range_valid(start, stop, length):
        return None
    return ContentRange(units, start, stop, length, on_update=on_update)


def parse_if_range_header(value: str | None) -> IfRange:
    """Return the date or the entity tag of an ``If-Range`` field; both are ``None`` if there is no field.

    Source: RFC 9110, 13.1.5.
    """
    if not value:
        return IfRange()
    date = parse_date(value)
    return IfRange(unquote_etag(value)[0]) if date is None else IfRange(date=date)


def is_resource_modified(
    environ: dict[str, t.Any],
    etag: str | None = None,
    data: bytes | None = None,
    last_modified: datetime | str | None = None,
    ignore_if_range: bool = True,
) -> bool:
    """Return whether a body is another than the one that the client says it has.

    Args:
        environ: WSGI environ of the request; its conditions are taken into account.
        etag: Entity tag of the body, quoted or not.
        data: The body, from which the tag is made.
        last_modified: When the body was last changed; naive is UTC.
        ignore_if_range: Leave ``If-Range`` out of account.

    Raises:
        TypeError: Both *etag* and *data* are given.
    """
    get = environ.get
    return is_resource_modified_since(
        get("HTTP_RANGE"),
        get("HTTP_IF_RANGE"),
        get("HTTP_IF_MODIFIED_SINCE"),
        get("HTTP_IF_NONE_MATCH"),
        get("HTTP_IF_MATCH"),
        etag,
        data,
        last_modified,
        ignore_if_range,
    )


def is_resource_modified_since(
    http_range: str | None = None,
    http_if_range: str | None = None,
    http_if_modified_since: str | None = None,
    http_if_none_match: str | None = None,
    http_if_match: str | None = None,
    etag: str | None = None,
    data: bytes | None = None,
    last_modified: datetime | str | None = None,
    ignore_if_range: bool = True,
) -> bool:
    """Return what :func:`is_resource_modified` does, from the fields themselves.

    This is ``werkzeug.sansio.http.is_resource_modified``. The answer is ``False`` too where ``If-Match``
    names none of the body's tags, which is for status 412; and where ``If-Match`` is ``*``, as in Werkzeug.

    Source: RFC 9110, 13.
    """
    if data is not None:
        if etag is not None:
            raise TypeError("is_resource_modified has both an entity tag and data. Pass 'etag' or 'data', not both.")
        etag = generate_etag(data)
    condition = None
    if not ignore_if_range and http_range is not None:
        condition = parse_if_range_header(http_if_range)
    since = parse_date(http_if_modified_since) if condition is None or condition.date is None else condition.date
    is_same = _is_older(last_modified, since)
    if not etag:
        return not is_same
    tag = t.cast("str", unquote_etag(etag)[0])  # it is None for an empty etag only
    if condition is not None and condition.etag is not None:
        return condition.etag != tag
    known = parse_etags(http_if_none_match)
    if known:
        is_same = known.contains_weak(tag)
    wanted = parse_etags(http_if_match)
    if wanted:
        is_same = not wanted.is_strong(tag)
    return not is_same


def _is_older(last_modified: datetime | str | None, since: datetime | None) -> bool:
    """Return whether the date of the body is known and not later than *since*, which counts whole seconds."""
    if isinstance(last_modified, str):
        last_modified = parse_date(last_modified)
    if last_modified is None:
        return False
    moment = last_modified.replace(microsecond=0)
    if since is None:
        return False
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment <= since
