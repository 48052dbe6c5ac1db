"""Files that came with a form."""

from __future__ import annotations

import os
from collections.abc import Iterator
from io import BytesIO
from typing import IO, Any

from hipflask.http.datastructures.headers import Headers
from hipflask.http.datastructures.multidict import MultiDict

__all__ = ["FileMultiDict", "FileStorage"]


def _name_of_stream(stream: object) -> str | None:
    """Return the file name a stream says it has, ``None`` for none and for made-up ones like ``<stdin>``."""
    name: Any = getattr(stream, "name", None)
    if name is None or isinstance(name, int):  # temporary files and pipes have a descriptor's number there
        return None
    text = os.fsdecode(name)
    if text.startswith("<") and text.endswith(">"):
        return None
    return text


def _length(text: str | None) -> int:
    """Return the number that a ``Content-Length`` gives, ``0`` for what is no plain decimal number."""
    text = (text or "").strip()
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()):
        return 0
    try:
        return int(text)
    except ValueError:  # more digits than Python reads
        return 0


class FileStorage:
    """A file of a form: a stream with the name and the headers it came with.

    Attributes of the stream (``read``, ``seek``, ...) are attributes of this object too. It is true if it has
    a file name: a form's empty file field is false.

    Args:
        stream: The content, opened for reading bytes; an empty one if left out.
        filename: The name of the file at the client. Never use it as a path without ``secure_filename``. If
            left out, the name of the stream.
        name: The name of the form field.
        content_type: Sets the header ``Content-Type``.
        content_length: Sets the header ``Content-Length``.
        headers: The headers of the file's part of the form.

    Differs from Werkzeug: it can be copied and pickled if its stream can be; a stream whose name is a
    descriptor's number has no file name (there, a :exc:`TypeError`).
    """

    def __init__(
        self,
        stream: IO[bytes] | None = None,
        filename: str | None = None,
        name: str | None = None,
        content_type: str | None = None,
        content_length: int | None = None,
        headers: Headers | None = None,
    ) -> None:
        self.name = name
        self.stream: Any = stream or BytesIO()
        self.filename = _name_of_stream(stream) if filename is None else os.fsdecode(filename)
        self.headers = Headers() if headers is None else headers
        if content_type is not None:
            self.headers["Content-Type"] = content_type
        if content_length is not None:
            self.headers["Content-Length"] = str(content_length)

    def _parse_content_type(self) -> tuple[str, dict[str, str]]:
        parsed: tuple[str, dict[str, str]] | None = self.__dict__.get("_parsed_content_type")
        if parsed is None:
            from hipflask.http.options import parse_options_header

            parsed = self._parsed_content_type = parse_options_header(self.content_type)
        return parsed

    @property
    def content_type(self) -> str | None:
        """The header ``Content-Type`` as it was sent; usually missing for fields that are no files."""
        return self.headers.get("Content-Type")

    @property
    def content_length(self) -> int:
        """The header ``Content-Length``. Clients usually leave it out, which is ``0`` here."""
        return _length(self.headers.get("Content-Length"))

    @property
    def mimetype(self) -> str:
        """The content type without its parameters, in lower case, such as ``text/html``; ``""`` for none."""
        return self._parse_content_type()[0].lower()

    @property
    def mimetype_params(self) -> dict[str, str]:
        """The content type's parameters, such as ``{"charset": "utf-8"}``."""
        return self._parse_content_type()[1]

    def save(self, dst: str | os.PathLike[str] | IO[bytes], buffer_size: int = 16384) -> None:
        """Copy the rest of the stream to a file.

        Args:
            dst: A path, whose file is replaced, or a stream opened for writing bytes, which stays open.
            buffer_size: Copy so many bytes at a time; ``0`` leaves that to the system.

        Raises:
            OSError: The file cannot be written.
        """
        from shutil import copyfileobj

        if isinstance(dst, (str, os.PathLike)):
            with open(dst, "wb") as file:
                copyfileobj(self.stream, file, buffer_size)
        else:
            copyfileobj(self.stream, dst, buffer_size)

    def close(self) -> None:
        """Close the stream, whatever it says to that."""
        try:
            self.stream.close()
        except Exception:  # the file is done with; a stream may have no close() at all
            pass

    def __bool__(self) -> bool:
        return bool(self.filename)

    def __getattr__(self, name: str) -> Any:
        stream = self.__dict__.get("stream")
        if stream is None:  # being unpickled
            raise AttributeError(name)
        try:
            return getattr(stream, name)
        except AttributeError:
            inner = getattr(stream, "_file", None)  # what a SpooledTemporaryFile does not hand on itself
            if inner is None:
                raise
            return getattr(inner, name)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.stream)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.filename!r} ({self.content_type!r})>"


class FileMultiDict(MultiDict[str, FileStorage]):
    """A :class:`MultiDict` of files, with a method to add them, for making requests in tests."""

    def add_file(
        self,
        name: str,
        file: str | os.PathLike[str] | IO[bytes] | FileStorage,
        filename: str | None = None,
        content_type: str | None = None,
    ) -> None:
        """Add a file to the form field *name*.

        Args:
            name: The form field.
            file: A path, whose file is opened; a stream opened for reading bytes; or a :class:`FileStorage`,
                which is added as it is.
            filename: The name to send. If left out, the path or the stream's name.
            content_type: The type to send. If left out, it is guessed from *filename*.
        """
        upload = file if isinstance(file, FileStorage) else _make_upload(name, file, filename, content_type)
        self.add(name, upload)


def _make_upload(
    field: str, source: str | os.PathLike[str] | IO[bytes], filename: str | None, content_type: str | None
) -> FileStorage:
    """Return the file that a client would send for *source*, a path or a stream."""
    if isinstance(source, (str, os.PathLike)):
        shown_name = os.fspath(source) if filename is None else filename
        return _make_upload(field, open(source, "rb"), shown_name, content_type)  # closed with the FileStorage
    upload = FileStorage(source, filename, field, content_type)
    if filename and content_type is None:
        from mimetypes import guess_type

        upload.headers["Content-Type"] = guess_type(filename)[0] or "application/octet-stream"
    return upload
