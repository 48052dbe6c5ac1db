"""Write form data as ``multipart/form-data``, the way a browser sends a form with files."""

from __future__ import annotations

import mimetypes
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from io import BufferedRandom, BytesIO, FileIO
from random import random
from tempfile import TemporaryFile
from typing import IO, Any

from hipflask.http.datastructures import Headers, MultiDict

__all__ = ["BodyFile", "encode_multipart", "iter_form_items", "stream_encode_multipart"]

#: A body that grows beyond this many bytes moves to a temporary file, as uploads do on the receiving side.
SPOOL_BYTES = 1024 * 500

#: Bytes of a file that are read at once.
CHUNK_BYTES = 16 * 1024

# WHATWG HTML, "multipart form data": names are escaped, so that a quote or a line break in them can neither
# end the parameter nor start a header.
_ESCAPES = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})


class _SilentFile(FileIO):
    def __del__(self) -> None:
        self.close()


class BodyFile(BufferedRandom):
    """The temporary file of a long body.

    Nobody has to close it: an application may leave a body unread, and a redirect may ask for it a second time. So it
    is closed when nothing refers to it any more, without the warning that other files give then.
    """

    def __init__(self) -> None:
        with TemporaryFile(buffering=0) as file:
            # Both layers are silent, since in a circle of references either may be collected first.
            super().__init__(_SilentFile(os.dup(file.fileno()), "rb+"))

    def __del__(self) -> None:
        self.close()


def iter_form_items(data: Any) -> Iterator[tuple[str, Any]]:
    """Yield every ``(name, value)`` of a mapping: each value of a MultiDict, each item of a list.

    Tuples are left whole, since ``(file, filename, content_type)`` is one value here.
    """
    if isinstance(data, MultiDict):
        yield from data.items(multi=True)
        return
    for name, value in data.items():
        if isinstance(value, list):
            for item in value:
                yield name, item
        else:
            yield name, value


def stream_encode_multipart(
    data: Mapping[str, Any],
    use_tempfile: bool = True,
    threshold: int = SPOOL_BYTES,
    boundary: str | None = None,
) -> tuple[IO[bytes], int, str]:
    """Write *data* as a multipart body and return ``(stream, length, boundary)``, the stream at its start.

    Args:
        data: Field names and values. A value with ``read`` is sent as a file, with the ``filename``,
            ``content_type`` and ``headers`` it has; a list sends its items one by one; anything else is sent
            as its ``str``.
        use_tempfile: Move a body of more than *threshold* bytes to a temporary file, a :class:`BodyFile`.
        threshold: Size in bytes.
        boundary: Text between the parts; unique if not given.

    Source: RFC 7578.
    """
    if boundary is None:
        boundary = f"---------------HipflaskFormPart_{time.time()}{random()}"
    stream: IO[bytes] = BytesIO()
    length = 0
    for chunk in _encode_body(data, b"\r\n--" + boundary.encode("latin-1")):
        length += len(chunk)
        if use_tempfile and length > threshold:
            stream, use_tempfile = _move_to_file(stream), False
        stream.write(chunk)
    stream.seek(0)
    return stream, length, boundary


def encode_multipart(values: Mapping[str, Any], boundary: str | None = None) -> tuple[str, bytes]:
    """Return ``(boundary, body)`` for *values*, all in memory; see :func:`stream_encode_multipart`."""
    stream, _, boundary = stream_encode_multipart(values, use_tempfile=False, boundary=boundary)
    return boundary, stream.read()


def _move_to_file(stream: IO[bytes]) -> IO[bytes]:
    """Return a temporary file that has what is in *stream* so far."""
    stream.seek(0)
    file = BodyFile()
    file.write(stream.read())
    return file


def _encode_body(data: Mapping[str, Any], mark: bytes) -> Iterator[bytes]:
    """Yield the whole body; *mark* is the line break, hyphens and boundary that stand before each part."""
    for name, value in iter_form_items(data):
        yield mark + b"\r\n"
        yield from _encode_part(name, value)
    yield mark + b"--\r\n"


def _encode_part(name: str, value: Any) -> Iterator[bytes]:
    """Yield one part: its head with the empty line, then the content."""
    read = getattr(value, "read", None)
    if read is None:
        yield _encode_head(name, None, ())
        yield str(value).encode()
        return
    filename = getattr(value, "filename", getattr(value, "name", None))
    headers = Headers(getattr(value, "headers", None))
    if "Content-Type" not in headers:
        headers["Content-Type"] = getattr(value, "content_type", None) or _guess_type(filename)
    yield _encode_head(name, filename, headers)
    while chunk := read(CHUNK_BYTES):
        yield chunk


def _encode_head(name: str, filename: str | None, headers: Iterable[tuple[str, str]]) -> bytes:
    """Return a part's header lines and the empty line after them."""
    disposition = f'form-data; name="{str(name).translate(_ESCAPES)}"'
    if filename is not None:
        disposition += f'; filename="{str(filename).translate(_ESCAPES)}"'
    lines = [f"Content-Disposition: {disposition}"]
    # A header called Content-Disposition belongs to another message; this part has its own.
    lines += [f"{key}: {text}" for key, text in headers if key.lower() != "content-disposition"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _guess_type(filename: str | None) -> str:
    """Return the media type for a file's name, or that of unknown bytes."""
    guess = mimetypes.guess_type(filename)[0] if isinstance(filename, str) else None
    return guess or "application/octet-stream"
