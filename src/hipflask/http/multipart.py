"""Multipart bodies without I/O: bytes in, events out, and back.

Names and behaviour are those of ``werkzeug.sansio.multipart`` 3.1, with one promise more: however the input
is cut into pieces, the events are the same, but for how the data of a part is spread over :class:`Data`
events.

Sources: RFC 7578 (form data), RFC 2046, 5.1 (boundaries), WHATWG HTML, 4.10.21.8 (escapes in names).
"""

from __future__ import annotations

import re
from enum import Enum
from typing import ClassVar

from hipflask.http.datastructures.headers import Headers
from hipflask.http.exceptions import BadRequest, RequestEntityTooLarge

__all__ = [
    "BLANK_LINE_RE",
    "HEADER_CONTINUATION_RE",
    "LINE_BREAK",
    "LINE_BREAK_RE",
    "NEED_DATA",
    "SEARCH_EXTRA_LENGTH",
    "BrokenMultipart",
    "Data",
    "Epilogue",
    "Event",
    "Field",
    "File",
    "MultipartDecoder",
    "MultipartEncoder",
    "NeedData",
    "Preamble",
    "State",
]

#: Pattern of a line's end: not only CRLF, because not every client keeps to it.
LINE_BREAK = b"(?:\r\n|\n|\r)"
#: The empty line after the headers of a part.
BLANK_LINE_RE = re.compile(b"\r\n\r\n|\r\r|\n\n")
#: A line's end.
LINE_BREAK_RE = re.compile(LINE_BREAK)
#: A line's end after which the same header goes on.
HEADER_CONTINUATION_RE = re.compile(LINE_BREAK + b"[ \t]")
#: Most bytes around a boundary that are not the boundary itself: line ends and dashes.
SEARCH_EXTRA_LENGTH = 8

# Bytes of one part's headers, of the preamble or the epilogue, where max_form_memory_size sets no limit of
# its own. The same as that setting's default in a request.
_MAX_PENDING = 500_000
# Lines to look at in Python that turn out not to be the boundary, though they begin like it.
_MAX_PLAIN_CANDIDATES = 8
# What may follow a boundary on its line, or the beginning of that at the end of the data. The number bounds
# what has to be looked at again when more data arrives; RFC 2046 wants a few blanks to be tolerated. A
# carriage return at the very end may be half a line end: wait.
_LINE_END = rb"(?:(?P<end>--|[ \t\f\v]{0,1000}(?:\r\n|\n|\r(?=[\s\S])))|(?:-|[ \t\f\v]{0,1000}\r?)\Z)"
_LINE_END_RE = re.compile(_LINE_END)
# What may be a boundary (RFC 2046, 5.1.1), but for its length: longer ones do no harm.
_BOUNDARY_RE = re.compile(rb"[0-9A-Za-z'()+_,./:=? -]*[0-9A-Za-z'()+_,./:=?-]")
_AFTER_LAST_RE = re.compile(rb"[ \t\f\v]*(?:\r\n|\n|\r)?")
# PERF: what browsers send, without escapes; parsing the header in general takes five times as long.
_PLAIN_DISPOSITION_RE = re.compile(r'form-data; ?name="([^"\\%]*)"(?:; ?filename="([^"\\%]*)")?')

_CR, _LF = b"\r\n"


class BrokenMultipart(BadRequest, ValueError):
    """A multipart body began, and is not whole or has a part that cannot be read (status 400).

    So is one whose boundary cannot be one, and is not there.

    Werkzeug raises a plain :exc:`ValueError`, from which its form parser makes an empty form. Here the application
    does not get to see half a form, nor an empty one, as if it were what the client meant.

    Args:
        description: What is wrong with the body.
    """


class Event:
    """Something that a multipart body consists of. Events of one class with equal values are equal."""

    __slots__ = ()
    __match_args__: ClassVar[tuple[str, ...]] = ()

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__match_args__)

    def __hash__(self) -> int:
        return hash((type(self), *(getattr(self, name) for name in self.__match_args__)))

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__match_args__)
        return f"{type(self).__name__}({values})"


class Preamble(Event):
    """What stands before the first boundary; to be ignored.

    Args:
        data: The bytes, without the line end that belongs to the boundary.
    """

    __slots__ = ("data",)
    __match_args__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data


class Field(Event):
    """The head of a part that is a form field.

    Args:
        name: Name of the field.
        headers: All headers of the part.
    """

    __slots__ = ("headers", "name")
    __match_args__ = ("name", "headers")

    def __init__(self, name: str, headers: Headers) -> None:
        self.name = name
        self.headers = headers


class File(Event):
    """The head of a part that is a file.

    Args:
        name: Name of the form field.
        filename: The file's name as the client gives it; empty if none was chosen.
        headers: All headers of the part.
    """

    __slots__ = ("filename", "headers", "name")
    __match_args__ = ("name", "filename", "headers")

    def __init__(self, name: str, filename: str, headers: Headers) -> None:
        self.name = name
        self.filename = filename
        self.headers = headers


class Data(Event):
    """Some of the data of the part that the last :class:`Field` or :class:`File` began.

    Args:
        data: The bytes, maybe none.
        more_data: Whether the part goes on.
    """

    __slots__ = ("data", "more_data")
    __match_args__ = ("data", "more_data")

    def __init__(self, data: bytes, more_data: bool) -> None:
        self.data = data
        self.more_data = more_data


class Epilogue(Event):
    """What stands after the last boundary; to be ignored. With it, the body is complete.

    Args:
        data: The bytes, without the line end that belongs to the boundary.
    """

    __slots__ = ("data",)
    __match_args__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data


class NeedData(Event):
    """There is no event before more bytes arrive."""

    __slots__ = ()


#: The event that asks for more bytes.
NEED_DATA = NeedData()


class State(Enum):
    """What a decoder or an encoder is in the middle of."""

    PREAMBLE = 1
    PART = 2
    DATA = 3
    DATA_START = 4
    EPILOGUE = 5
    COMPLETE = 6


def _line_start(buffer: bytearray, position: int) -> int:
    """Return where the line end just before *position* begins, *position* itself if there is none."""
    if not position or buffer[position - 1] not in (_CR, _LF):
        return position
    if buffer[position - 1] == _LF and position > 1 and buffer[position - 2] == _CR:
        return position - 2
    return position - 1


def _parse_headers(block: bytes) -> Headers:
    """Return the headers of a part, decoded as UTF-8. A line without colon is a name without value.

    Raises:
        BrokenMultipart: They are not UTF-8.
    """
    pairs = []
    for line in LINE_BREAK_RE.split(HEADER_CONTINUATION_RE.sub(b" ", block)):
        try:
            text = line.strip().decode()
        except UnicodeDecodeError as error:
            raise BrokenMultipart("A part of the multipart body has a header that is not UTF-8.") from error
        if text:
            name, _, value = text.partition(":")
            pairs.append((name.strip(), value.strip()))
    headers = Headers.__new__(Headers)
    headers._list = pairs
    return headers


def _begin_part(headers: Headers) -> Field | File:
    """Return the event that begins the part with these headers.

    Raises:
        BrokenMultipart: ``Content-Disposition`` is missing.
    """
    disposition = headers.get("content-disposition")
    if disposition is None:
        raise BrokenMultipart("A part of the multipart body has no Content-Disposition header, so it has no name.")
    plain = _PLAIN_DISPOSITION_RE.fullmatch(disposition)
    if plain is not None:
        name, filename = plain.groups()
    else:
        from hipflask.http.options import parse_disposition

        options = parse_disposition(disposition)
        name, filename = options.get("name"), options.get("filename")
    if filename is None:
        return Field(name, headers)
    return File(name, filename, headers)


class MultipartDecoder:
    """Turns the bytes of a multipart body into events.

    Give it bytes by :meth:`receive_data`, then take events from :meth:`next_event` until that is
    :data:`NEED_DATA`.

    Args:
        boundary: The ``boundary`` of the body's media type.
        max_form_memory_size: Most bytes to hold back at a time.
        max_parts: Most parts to accept.

    The time taken is linear in the input. What is held back is bounded, with or without limits given.
    """

    def __init__(
        self, boundary: bytes, max_form_memory_size: int | None = None, *, max_parts: int | None = None
    ) -> None:
        self.buffer = bytearray()
        self.complete = False
        self.max_form_memory_size = max_form_memory_size
        self.max_parts = max_parts
        self.state = State.PREAMBLE
        self.boundary = boundary
        self._delimiter = b"--" + boundary
        self._search_position = 0
        self._parts_decoded = 0
        self._no_data_yet = False
        self._lines_end_with_cr = False

    def receive_data(self, data: bytes | None) -> None:
        """Take the next bytes of the body.

        Args:
            data: The bytes, ``None`` at the end of the body.

        Raises:
            RequestEntityTooLarge: More than *max_form_memory_size* bytes would be held (status 413).
        """
        if data is None:
            self.complete = True
            return
        limit = self.max_form_memory_size
        if limit is not None and len(self.buffer) + len(data) > limit:
            raise RequestEntityTooLarge()
        self.buffer += data

    def next_event(self) -> Event:
        """Return the next event.

        Raises:
            BrokenMultipart: The body is complete in the middle of something, or the headers of a part cannot be
                read (status 400).
            ValueError: The body is complete, and there is no boundary in it. :exc:`BrokenMultipart` as well if what
                is named cannot be a boundary.
            RequestEntityTooLarge: There are too many parts, or too many bytes without data (status 413).
        """
        state = self.state
        event: Event = NEED_DATA
        if state is State.DATA or state is State.DATA_START:
            event = self._next_data()
        elif state is State.PART:
            event = self._next_part()
        elif state is State.PREAMBLE:
            event = self._next_preamble()
        elif state is State.EPILOGUE and self.complete:
            # The rest of the last boundary's line is cut off here, when all of it must be there.
            self.state = State.COMPLETE
            match = _AFTER_LAST_RE.match(self.buffer)
            event = Epilogue(self._take(len(self.buffer))[match.end() if match else 0 :])
        if event is NEED_DATA:
            if self.complete:
                raise self._early_end()
            if len(self.buffer) > _MAX_PENDING:
                raise RequestEntityTooLarge()
        return event

    def _early_end(self) -> ValueError:
        """Return the error of a body that is complete, and has no next event."""
        if self.state is State.COMPLETE:
            return ValueError("The decoder is in state COMPLETE: there is no event after the epilogue.")
        buffer = bytes(self.buffer)
        is_cut_boundary = buffer and any((self._delimiter + end).startswith(buffer) for end in (b"\r\n", b"--"))
        if self.state is not State.PREAMBLE or is_cut_boundary:
            return BrokenMultipart("The multipart body is not whole: it ends before its last boundary.")
        if not _BOUNDARY_RE.fullmatch(self.boundary):
            return BrokenMultipart("What the media type names cannot be a boundary, and is not in the body.")
        return ValueError("The body is not a multipart body: the boundary is not in it.")

    def _take(self, size: int) -> bytes:
        """Remove bytes from the front of the buffer and return them."""
        with memoryview(self.buffer) as view, view[:size] as part:
            data = bytes(part)
        del self.buffer[:size]
        return data

    def _next_preamble(self) -> Event:
        found = self._find_boundary()
        if found is None:
            return NEED_DATA
        start, end = found
        event = Preamble(self._take(start))
        self._pass_boundary(end - start)
        return event

    def _next_part(self) -> Event:
        match = BLANK_LINE_RE.search(self.buffer, self._search_position)
        if match is None:
            self._search_position = max(0, len(self.buffer) - 3)
            return NEED_DATA
        self._parts_decoded += 1
        if self.max_parts is not None and self._parts_decoded > self.max_parts:
            raise RequestEntityTooLarge()
        block = self._take(match.end())
        if not self._lines_end_with_cr and block.count(b"\r") != block.count(b"\r\n"):
            raise BrokenMultipart("A part of the multipart body has a carriage return within a header.")
        event = _begin_part(_parse_headers(block))
        self._search_position = 0
        self._no_data_yet = True
        self.state = State.DATA_START
        return event

    def _next_data(self) -> Event:
        found = self._find_boundary()
        if found is not None:
            start, end = found
            event = Data(self._take(start), more_data=False)
            self._pass_boundary(end - start)
            return event
        size = self._search_position
        self._search_position = 0
        if not size and self.state is State.DATA:
            return NEED_DATA
        self.state = State.DATA
        if size:
            self._no_data_yet = False
        return Data(self._take(size), more_data=True)

    def _pass_boundary(self, size: int) -> None:
        """Remove a boundary from the front of the buffer and go on to what it announces."""
        line = self._take(size)
        is_last = line.endswith(b"--")  # any other ends with a line end
        self._lines_end_with_cr = line.endswith(b"\r")
        self.state = State.EPILOGUE if is_last else State.PART
        self._search_position = 0

    def _find_boundary(self) -> tuple[int, int] | None:
        """Find the next boundary, with the line ends around it.

        Returns:
            Where it starts and ends. ``None`` if there is none yet; then *_search_position* tells how many
            bytes cannot belong to one.
        """
        buffer = self.buffer
        delimiter = self._delimiter
        position = buffer.find(delimiter, self._search_position)
        for _ in range(_MAX_PLAIN_CANDIDATES):
            if position < 0:
                break
            start = _line_start(buffer, position)
            if start != position or self._may_start_at(position):
                after = position + len(delimiter)
                match = _LINE_END_RE.match(buffer, after)
                if match is not None:
                    return self._found(start, match)
            position = buffer.find(delimiter, position + 1)
        if position >= 0:
            match = self._compiled().search(buffer, position)
            if match is not None:
                return self._found(_line_start(buffer, match.start()), match)
        self._search_position = self._end_of_data()
        return None

    def _found(self, start: int, match: re.Match[bytes]) -> tuple[int, int] | None:
        """Return a boundary, or note that more bytes are needed to tell whether it is one."""
        if match["end"] is not None:
            return start, match.end()
        self._search_position = start
        return None

    def _compiled(self) -> re.Pattern[bytes]:
        """Return the pattern of the boundaries that may follow in the present state."""
        # PERF: only bodies with many lines like boundaries pay for it: compiling takes longer than parsing
        # most forms.
        before = b"" if self.state is State.PREAMBLE else b"(?<=[\r\n]" + re.escape(self._delimiter) + b")"
        return re.compile(re.escape(self._delimiter) + before + _LINE_END)

    def _may_start_at(self, position: int) -> bool:
        """Tell whether a boundary may stand there without a line end before it.

        It may in the preamble, and at the start of a part's data: that has just had its line end, after the
        headers.
        """
        return self.state is State.PREAMBLE or (position == 0 and self._no_data_yet)

    def _end_of_data(self) -> int:
        """Return how many bytes of the buffer cannot belong to a boundary, given that none has been found."""
        buffer = self.buffer
        delimiter = self._delimiter
        if self.state is State.PREAMBLE:
            return max(0, len(buffer) - len(delimiter) + 1)
        if self._no_data_yet and delimiter.startswith(buffer):
            return 0
        window = max(0, len(buffer) - len(delimiter))
        newline = max(buffer.rfind(b"\n", window), buffer.rfind(b"\r", window))
        if newline >= 0 and delimiter.startswith(buffer[newline + 1 :]):
            return _line_start(buffer, newline + 1)
        return len(buffer)


# Quotes and line ends would end the parameter (WHATWG HTML, 4.10.21.8).
_NAME_ESCAPES = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})


class MultipartEncoder:
    """Turns events into the bytes of a multipart body.

    Args:
        boundary: A line that does not occur in the data, to be named in the body's media type.
    """

    def __init__(self, boundary: bytes) -> None:
        self.boundary = boundary
        self.state = State.PREAMBLE

    def send_event(self, event: Event) -> bytes:
        """Return the bytes of one event.

        Raises:
            ValueError: The event cannot come at this point, for example data before a field.
        """
        if isinstance(event, Data):
            if self.state is State.DATA_START:
                self.state = State.DATA
                # RFC 2046, 5.1.1: a part without data may end with the line break before the boundary.
                return b"\r\n" + event.data if event.data or event.more_data else b""
            if self.state is State.DATA:
                return event.data
        elif isinstance(event, (Field, File)):
            if self.state in (State.PREAMBLE, State.PART, State.DATA):
                self.state = State.DATA_START
                return self._part_head(event)
        elif isinstance(event, Preamble):
            if self.state is State.PREAMBLE:
                self.state = State.PART
                return event.data
        elif isinstance(event, Epilogue):
            self.state = State.COMPLETE
            return b"\r\n--" + self.boundary + b"--\r\n" + event.data
        raise ValueError(f"{event!r} cannot follow in state {self.state.name} of a multipart body.")

    def _part_head(self, event: Field | File) -> bytes:
        """Return the boundary and the headers of a part, up to the empty line."""
        disposition = f'form-data; name="{event.name.translate(_NAME_ESCAPES)}"'
        if isinstance(event, File):
            disposition += f'; filename="{event.filename.translate(_NAME_ESCAPES)}"'
        lines = [f"Content-Disposition: {disposition}\r\n"]
        for name, value in event.headers:
            if name.lower() != "content-disposition":
                lines.append(f"{name}: {value}\r\n")
        return b"\r\n--" + self.boundary + b"\r\n" + "".join(lines).encode()
