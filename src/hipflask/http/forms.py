"""Forms from the bodies of requests: url-encoded and multipart.

Names and behaviour are those of ``werkzeug.formparser`` 3.1.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any, Protocol

from hipflask.http.datastructures.headers import Headers
from hipflask.http.datastructures.multidict import MultiDict
from hipflask.http.exceptions import BadRequest, RequestEntityTooLarge

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from wsgiref.types import WSGIEnvironment

    from hipflask.http.datastructures.file_storage import FileStorage
    from hipflask.http.multipart import Event, Field, File

__all__ = ["FormDataParser", "MultiPartParser", "StreamFactory", "default_stream_factory", "parse_form_data"]

#: Bytes of a file that stay in memory before it moves to the disk.
SPOOL_SIZE = 500 * 1024

# Only what cannot be misread for something else: a decoder such as UTF-7 or UTF-16 would let text slip past
# filters.
_PART_CHARSETS = {"ascii", "us-ascii", "utf-8", "iso-8859-1"}

_Parsed = tuple[IO[bytes], MultiDict[str, str], MultiDict[str, "FileStorage"]]


class StreamFactory(Protocol):
    """A function that opens the file to write an upload to."""

    def __call__(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        """Open the file; see :func:`default_stream_factory`."""


def default_stream_factory(
    total_content_length: int | None,
    content_type: str | None,
    filename: str | None,
    content_length: int | None = None,
) -> IO[bytes]:
    """Open a file for an upload: in memory up to 500 KiB, then a temporary one on the disk.

    Args:
        total_content_length: Bytes of the whole body, if known.
        content_type: Media type that the client claims.
        filename: Name that the client gives.
        content_length: Bytes that the client claims; 0 if it claims nothing.
    """
    from tempfile import SpooledTemporaryFile

    return SpooledTemporaryFile(max_size=SPOOL_SIZE, mode="rb+")


def parse_form_data(
    environ: WSGIEnvironment,
    stream_factory: StreamFactory | None = None,
    max_form_memory_size: int | None = None,
    max_content_length: int | None = None,
    cls: type[MultiDict[str, Any]] | None = None,
    silent: bool = True,
    *,
    max_form_parts: int | None = None,
) -> _Parsed:
    """Read the form that a request has for its body; the arguments are those of :class:`FormDataParser`.

    Returns:
        The body's stream, the fields and the files. Both are empty if the body is not a form.
    """
    return FormDataParser(
        stream_factory=stream_factory,
        max_form_memory_size=max_form_memory_size,
        max_content_length=max_content_length,
        cls=cls,
        silent=silent,
        max_form_parts=max_form_parts,
    ).parse_from_environ(environ)


class FormDataParser:
    """Reads forms of both media types.

    Args:
        stream_factory: Opens the file for an upload; :func:`default_stream_factory` if left out.
        max_form_memory_size: Most bytes of one field, which is held in memory.
        max_content_length: Most bytes of a body.
        cls: Type of the fields and of the files that are returned; :class:`MultiDict` if left out.
        silent: Take what is not a form for an empty one, instead of raising :exc:`ValueError`. A multipart form that
            begins and is not whole is refused all the same.
        max_form_parts: Most parts of a multipart form.
    """

    def __init__(
        self,
        stream_factory: StreamFactory | None = None,
        max_form_memory_size: int | None = None,
        max_content_length: int | None = None,
        cls: type[MultiDict[str, Any]] | None = None,
        silent: bool = True,
        *,
        max_form_parts: int | None = None,
    ) -> None:
        self.stream_factory = default_stream_factory if stream_factory is None else stream_factory
        self.max_form_memory_size = max_form_memory_size
        self.max_content_length = max_content_length
        self.max_form_parts = max_form_parts
        self.cls: type[MultiDict[str, Any]] = MultiDict if cls is None else cls
        self.silent = silent

    def parse_from_environ(self, environ: WSGIEnvironment) -> _Parsed:
        """Read the form of a request; see :meth:`parse`."""
        from hipflask.http.fields import parse_options_header
        from hipflask.http.wsgi import get_content_length, get_input_stream

        stream = get_input_stream(environ, max_content_length=self.max_content_length)
        mimetype, options = parse_options_header(environ.get("CONTENT_TYPE"))
        return self.parse(stream, mimetype.lower(), get_content_length(environ), options)

    def parse(
        self,
        stream: IO[bytes],
        mimetype: str,
        content_length: int | None,
        options: Mapping[str, str] | None = None,
    ) -> _Parsed:
        """Read a form.

        Args:
            stream: The body.
            mimetype: Media type of the body, in lower case, without parameters.
            content_length: Bytes of the body, if known.
            options: Parameters of the media type.

        Returns:
            The stream, the fields and the files. If the media type is not that of a form, the stream has not
            been read.

        Raises:
            ClientDisconnected: The body ends too early (status 400).
            BrokenMultipart: A multipart body is not whole, or has a part that cannot be read (status 400).
            RequestEntityTooLarge: A limit is exceeded (status 413).
            ValueError: The form is not valid, and the parser is not silent.
        """
        try:
            if mimetype == "multipart/form-data":
                return self._parse_multipart(stream, content_length, options or {})
            if mimetype == "application/x-www-form-urlencoded":
                return self._parse_urlencoded(stream)
        except ValueError as error:
            if not self.silent or isinstance(error, BadRequest):
                raise
        return stream, self.cls(), self.cls()

    def _parse_multipart(self, stream: IO[bytes], content_length: int | None, options: Mapping[str, str]) -> _Parsed:
        boundary = options.get("boundary", "").encode("ascii")
        if not boundary:
            raise ValueError("The media type of the multipart body names no boundary.")
        parser = MultiPartParser(
            stream_factory=self.stream_factory,
            max_form_memory_size=self.max_form_memory_size,
            max_form_parts=self.max_form_parts,
            cls=self.cls,
        )
        fields, files = parser.parse(stream, boundary, content_length)
        return stream, fields, files

    def _parse_urlencoded(self, stream: IO[bytes]) -> _Parsed:
        from hipflask.http.query import parse_query

        text = stream.read().decode()
        pairs = parse_query(text)
        limit = self.max_form_memory_size
        # What is short as a whole has no long field.
        if limit is not None and len(text) > limit and any(_is_longer(pair, limit) for pair in pairs):
            raise RequestEntityTooLarge()
        return stream, self.cls(pairs), self.cls()


def _is_longer(pair: tuple[str, str], limit: int) -> bool:
    """Return whether a name or a value has more than *limit* bytes."""
    return any(len(text) > limit or (not text.isascii() and len(text.encode()) > limit) for text in pair)


class _FieldPart:
    """A field of a multipart form while it arrives."""

    def __init__(self, event: Field, charset: str, max_size: int | None) -> None:
        self._name = event.name
        self._charset = charset
        self._max_size = max_size
        self._size = 0
        self._chunks: list[bytes] = []

    def write(self, data: bytes) -> None:
        self._size += len(data)
        if self._max_size is not None and self._size > self._max_size:
            raise RequestEntityTooLarge()
        self._chunks.append(data)

    def finish(self) -> tuple[str, str]:
        return self._name, b"".join(self._chunks).decode(self._charset, "replace")


class _FilePart:
    """A file of a multipart form while it arrives."""

    def __init__(self, event: File, container: IO[bytes]) -> None:
        self._event = event
        self._container = container
        self.write = container.write

    def finish(self) -> tuple[str, FileStorage]:
        from hipflask.http.datastructures.file_storage import FileStorage

        self._container.seek(0)
        event = self._event
        return event.name, FileStorage(self._container, event.filename, event.name, headers=event.headers)


class MultiPartParser:
    """Reads multipart forms; files are written where the stream factory says, fields are held in memory.

    Args:
        stream_factory: Opens the file for an upload; :func:`default_stream_factory` if left out.
        max_form_memory_size: Most bytes of one field.
        cls: Type of the fields and of the files that are returned; :class:`MultiDict` if left out.
        buffer_size: Bytes to read at a time.
        max_form_parts: Most parts.
    """

    def __init__(
        self,
        stream_factory: StreamFactory | None = None,
        max_form_memory_size: int | None = None,
        cls: type[MultiDict[str, Any]] | None = None,
        buffer_size: int = 64 * 1024,
        max_form_parts: int | None = None,
    ) -> None:
        self.max_form_memory_size = max_form_memory_size
        self.max_form_parts = max_form_parts
        self.stream_factory = default_stream_factory if stream_factory is None else stream_factory
        self.cls: type[MultiDict[str, Any]] = MultiDict if cls is None else cls
        self.buffer_size = buffer_size

    def fail(self, message: str) -> None:
        """Refuse the form.

        Raises:
            ValueError: Always, with *message*.
        """
        raise ValueError(message)

    def get_part_charset(self, headers: Headers) -> str:
        """Return the charset of a field: its own if that is ASCII, UTF-8 or Latin-1, UTF-8 otherwise."""
        content_type = headers.get("content-type")
        if content_type:
            from hipflask.http.fields import parse_options_header

            charset: str = parse_options_header(content_type)[1].get("charset", "").lower()
            if charset in _PART_CHARSETS:
                return charset
        return "utf-8"

    def start_file_streaming(self, event: File, total_content_length: int | None) -> IO[bytes]:
        """Open the file for an upload.

        Args:
            event: Head of the part.
            total_content_length: Bytes of the whole body, if known.
        """
        from hipflask.http.host import get_content_length

        return self.stream_factory(
            total_content_length=total_content_length,
            filename=event.filename,
            content_type=event.headers.get("content-type"),
            content_length=get_content_length(event.headers.get("content-length")) or 0,
        )

    def parse(
        self, stream: IO[bytes], boundary: bytes, content_length: int | None
    ) -> tuple[MultiDict[str, str], MultiDict[str, FileStorage]]:
        """Read a form.

        Args:
            stream: The body.
            boundary: The ``boundary`` of its media type.
            content_length: Bytes of the body, if known.

        Returns:
            The fields and the files.

        Raises:
            RequestEntityTooLarge: A limit is exceeded (status 413).
            BrokenMultipart: The form is not whole, or has a part that cannot be read (status 400).
            ValueError: There is no boundary in the body.
        """
        fields: list[tuple[str, str]] = []
        files: list[tuple[str, FileStorage]] = []
        containers: list[IO[bytes]] = []
        try:
            for part in self._parts(stream, boundary, content_length, containers):
                if isinstance(part, _FieldPart):
                    fields.append(part.finish())
                else:
                    files.append(part.finish())
        except BaseException:
            # Nobody gets to see these files, so nobody else can close them.
            for container in containers:
                container.close()
            raise
        return self.cls(fields), self.cls(files)

    def _parts(
        self, stream: IO[bytes], boundary: bytes, content_length: int | None, containers: list[IO[bytes]]
    ) -> Iterator[_FieldPart | _FilePart]:
        """Yield each part of the body when it is complete; note the files in *containers* when opened."""
        from hipflask.http.multipart import Data, Field, File

        part: _FieldPart | _FilePart | None = None
        for event in self._events(stream, boundary):
            if isinstance(event, Data) and part is not None:
                part.write(event.data)
                if not event.more_data:
                    yield part
            elif isinstance(event, Field):
                part = _FieldPart(event, self.get_part_charset(event.headers), self.max_form_memory_size)
            elif isinstance(event, File):
                container = self.start_file_streaming(event, content_length)
                containers.append(container)
                part = _FilePart(event, container)

    def _events(self, stream: IO[bytes], boundary: bytes) -> Iterator[Event]:
        """Read the stream to its end and yield the events of the body."""
        from hipflask.http.multipart import NEED_DATA, Epilogue, MultipartDecoder

        decoder = MultipartDecoder(boundary, self.max_form_memory_size, max_parts=self.max_form_parts)
        while True:
            event = decoder.next_event()
            if event is NEED_DATA:
                decoder.receive_data(stream.read(self.buffer_size) or None)
                continue
            yield event
            if isinstance(event, Epilogue):
                return
