"""Parts of a body: ``Range``, ``If-Range`` and ``Content-Range``.

Source: RFC 9110, 13.1.5 and 14. In Python a part ends before *stop*; on the wire its last byte is named.
"""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Sequence
from datetime import datetime

from hipflask.http.datastructures.etag import quote_etag
from hipflask.http.dates import http_date

__all__ = ["ContentRange", "IfRange", "Range", "is_byte_range_valid"]


def is_byte_range_valid(start: int | None, stop: int | None, length: int | None) -> bool:
    """Return whether bytes *start* to *stop* (exclusive) are a part of *length* bytes.

    Args:
        start: First byte, counted from 0; ``None`` together with *stop* if no part is named.
        stop: One more than the last byte. It may lie beyond the end.
        length: Length of the whole; ``None`` if unknown.
    """
    if start is None or stop is None:
        return start is stop and (length is None or length >= 0)
    return 0 <= start < stop and (length is None or start < length)


class Range:
    """The parts of a body that a request asks for.

    Args:
        units: What is counted, normally ``bytes``.
        ranges: ``(start, stop)`` of each part, *stop* exclusive; ``(start, None)`` to the end; ``(-n, None)``
            for the last *n*.

    Raises:
        ValueError: A part is empty or begins after its end.
    """

    def __init__(self, units: str, ranges: Sequence[tuple[int, int | None]]) -> None:
        for start, stop in ranges:
            if start is None or (stop is not None and not 0 <= start < stop):
                raise ValueError(f"{(start, stop)} is not a part of a body: use 0 <= start < stop, or stop=None.")
        self.units = units
        self.ranges = ranges

    def range_for_length(self, length: int | None) -> tuple[int, int] | None:
        """Return ``(start, stop)`` of the part within a body of *length* bytes.

        Returns:
            *stop* is exclusive and at most *length*. ``None`` if several parts or other units than bytes are
            asked for, if the length is unknown, or if the part lies outside; so does a suffix that is
            longer than the body, as in Werkzeug.
        """
        if self.units != "bytes" or length is None or len(self.ranges) != 1:
            return None
        start, stop = self.ranges[0]
        if stop is None:
            stop = length
            if start < 0:
                start += length
        return (start, min(stop, length)) if is_byte_range_valid(start, stop, length) else None

    def make_content_range(self, length: int | None) -> ContentRange | None:
        """Return the ``Content-Range`` of the part; ``None`` where :meth:`range_for_length` is."""
        part = self.range_for_length(length)
        return None if part is None else ContentRange(self.units, part[0], part[1], length)

    def to_header(self) -> str:
        """Return the parts as a header field."""
        parts = []
        for start, stop in self.ranges:
            if stop is not None:
                parts.append(f"{start}-{stop - 1}")
            else:
                parts.append(str(start) if start < 0 else f"{start}-")
        return f"{self.units}={','.join(parts)}"

    def to_content_range_header(self, length: int | None) -> str | None:
        """Return the text of :meth:`make_content_range`, or ``None``."""
        part = self.range_for_length(length)
        return None if part is None else f"{self.units} {part[0]}-{part[1] - 1}/{length}"

    def __str__(self) -> str:
        return self.to_header()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.to_header()!r}>"


class IfRange:
    """The condition in ``If-Range``: send the part only if the body is still the same.

    Args:
        etag: The tag that the client has, without quotes.
        date: Or the date. If both are given, the date counts.
    """

    def __init__(self, etag: str | None = None, date: datetime | None = None) -> None:
        #: Entity tag without quotes, or ``None``.
        self.etag = etag
        #: Date as an aware datetime, or ``None``.
        self.date = date

    def to_header(self) -> str:
        """Return the condition as a header field."""
        if self.date is not None:
            return http_date(self.date)
        return "" if self.etag is None else quote_etag(self.etag)

    def __str__(self) -> str:
        return self.to_header()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.to_header()!r}>"


def _watched(name: str, doc: str) -> t.Any:
    """Return a property over the attribute *name* with an underscore; setting it calls ``on_update``."""
    attribute = f"_{name}"

    def read(content_range: ContentRange) -> t.Any:
        return getattr(content_range, attribute)

    def write(content_range: ContentRange, value: t.Any) -> None:
        setattr(content_range, attribute, value)
        content_range._changed()

    return property(read, write, doc=doc)


class ContentRange:
    """Which part of the whole a body is. It is false if it names no units, that is if there is no such field.

    Args:
        units: What is counted, normally ``bytes``; ``None`` for no field.
        start: First byte; ``None`` together with *stop* where no part is sent (status 416).
        stop: One more than the last byte.
        length: Length of the whole; ``None`` if unknown.
        on_update: Called with this object after each change.

    Raises:
        AssertionError: *start* and *stop* are no part of *length*. That is Werkzeug's class for it.
    """

    def __init__(
        self,
        units: str | None,
        start: int | None,
        stop: int | None,
        length: int | None = None,
        on_update: Callable[[ContentRange], None] | None = None,
    ) -> None:
        self.on_update = on_update
        self.set(start, stop, length, units)

    units: str | None = _watched("units", "What is counted, normally ``bytes``; ``None`` for no field.")
    start: int | None = _watched("start", "First byte, or ``None``.")
    stop: int | None = _watched("stop", "One more than the last byte, or ``None``.")
    length: int | None = _watched("length", "Length of the whole, or ``None``.")

    def _changed(self) -> None:
        if self.on_update is not None:
            self.on_update(self)

    def set(self, start: int | None, stop: int | None, length: int | None = None, units: str | None = "bytes") -> None:
        """Set all four at once, which is one change.

        Raises:
            AssertionError: *start* and *stop* are no part of *length*.
        """
        if not is_byte_range_valid(start, stop, length):
            raise AssertionError(
                f"Bytes {start!r} to {stop!r} are not a part of {length!r} bytes: "
                "use 0 <= start < stop and start < length."
            )
        self._units, self._start, self._stop, self._length = units, start, stop, length
        self._changed()

    def unset(self) -> None:
        """Set all to ``None``, so that there is no such field."""
        self.set(None, None, units=None)

    def to_header(self) -> str:
        """Return a header field, ``""`` without units."""
        if self._units is None:
            return ""
        length = "*" if self._length is None else self._length
        if self._start is None or self._stop is None:
            return f"{self._units} */{length}"
        return f"{self._units} {self._start}-{self._stop - 1}/{length}"

    def __bool__(self) -> bool:
        return self._units is not None

    def __str__(self) -> str:
        return self.to_header()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.to_header()!r}>"
