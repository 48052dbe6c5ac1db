"""Files as responses, and file names that come from outside.

The functions of ``werkzeug.utils`` 3.1; those of Flask, which take the environ from the running request, are
built on them.
"""

from __future__ import annotations

import os
import re
from io import BytesIO, TextIOBase
from time import time
from typing import IO, TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from hipflask.http.exceptions import NotFound
from hipflask.http.security import is_windows_device, safe_join
from hipflask.http.wsgi import wrap_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from wsgiref.types import WSGIEnvironment

    from hipflask.http.response import Response

__all__ = ["secure_filename", "send_file", "send_from_directory"]

_NOT_IN_FILENAME_RE = re.compile(r"[^A-Za-z0-9_.-]")
# attr-char of RFC 5987, 3.2.1, without letters and digits.
_ATTR_CHARS = "!#$&+-.^_`|~"


def secure_filename(filename: str) -> str:
    """Return a file name that is harmless on any system: ASCII, without folders, without hidden files.

    Args:
        filename: The name, for example of an upload.

    Returns:
        The name, maybe an empty one: then it has to be replaced by one of your own. Different names may
        become the same.

    Example::

        >>> secure_filename("../../../etc/Übersicht 1.txt")
        'etc_Ubersicht_1.txt'
    """
    from unicodedata import normalize

    name = normalize("NFKD", filename).encode("ascii", "ignore").decode("ascii")
    for separator in (os.sep, os.path.altsep):
        if separator:
            name = name.replace(separator, " ")
    name = _NOT_IN_FILENAME_RE.sub("", "_".join(name.split())).strip("._")
    if os.name == "nt" and name and is_windows_device(name):
        name = f"_{name}"
    return name


class _Source(NamedTuple):
    """What is to be sent, and what is known of it."""

    path: str | None
    file: IO[bytes] | None
    size: int | None
    modified: float | None


def _look_at(path_or_file: Any, root_path: os.PathLike[str] | str | None) -> _Source:
    """Find out what there is to know of a path or a file.

    Raises:
        OSError: There is no file with this path.
        ValueError: The file is open for text.
    """
    if isinstance(path_or_file, (str, os.PathLike)):
        path = os.path.abspath(path_or_file if root_path is None else os.path.join(root_path, path_or_file))
        stat = os.stat(path)
        return _Source(path, None, stat.st_size, stat.st_mtime)
    if isinstance(path_or_file, BytesIO):
        return _Source(None, path_or_file, path_or_file.getbuffer().nbytes, None)
    if isinstance(path_or_file, TextIOBase):
        raise ValueError(f"{path_or_file!r} is a file of text. Open it in binary mode, or use BytesIO.")
    return _Source(None, path_or_file, None, None)


def _disposition(download_name: str, as_attachment: bool) -> str:
    """Return ``Content-Disposition`` with a file name, in ASCII and, if need be, in full (RFC 6266)."""
    from hipflask.http.fields import dump_options_header

    options = {"filename": download_name}
    if not download_name.isascii():
        from unicodedata import normalize

        options["filename"] = normalize("NFKD", download_name).encode("ascii", "ignore").decode("ascii")
        options["filename*"] = "UTF-8''" + quote(download_name, safe=_ATTR_CHARS)
    return dump_options_header("attachment" if as_attachment else "inline", options)


def _file_headers(
    path: str | None, mimetype: str | None, as_attachment: bool, download_name: str | None
) -> tuple[str, dict[str, str]]:
    """Return the media type and the headers that follow from the file's name.

    Raises:
        TypeError: There is no name, and one is needed.
    """
    if download_name is None and path is not None:
        download_name = os.path.basename(path)
    headers: dict[str, str] = {}
    if mimetype is None:
        if download_name is None:
            raise TypeError("A file without a name has no media type. Pass 'download_name' or 'mimetype'.")
        from mimetypes import guess_type

        mimetype, encoding = guess_type(download_name)
        mimetype = mimetype or "application/octet-stream"
        # To be saved as it is: a browser would unpack the download and keep the name.
        if encoding is not None and not as_attachment:
            headers["Content-Encoding"] = encoding
    if download_name is not None:
        headers["Content-Disposition"] = _disposition(download_name, as_attachment)
    elif as_attachment:
        raise TypeError("A file without a name cannot be an attachment. Pass 'download_name'.")
    return mimetype, headers


def _set_caching(
    response: Response,
    source: _Source,
    etag: bool | str,
    last_modified: datetime | int | float | None,
    max_age: int | Callable[[str | None], int | None] | None,
) -> None:
    """Tell caches what the file is and how long to believe it."""
    if last_modified is None:
        last_modified = source.modified
    if last_modified is not None:
        response.last_modified = last_modified
    response.cache_control.no_cache = True
    seconds = max_age(source.path) if callable(max_age) else max_age
    if seconds is not None:
        if seconds > 0:
            response.cache_control.no_cache = None
            response.cache_control.public = True
        response.cache_control.max_age = seconds
        response.expires = int(time() + seconds)
    if isinstance(etag, str):
        response.set_etag(etag)
    elif etag and source.path is not None:
        from zlib import adler32

        # Werkzeug's format, so that browsers' copies stay good when an application moves.
        checksum = adler32(os.fsencode(source.path))
        response.set_etag(f"{source.modified}-{source.size}-{checksum}")


def send_file(
    path_or_file: os.PathLike[str] | str | IO[bytes],
    environ: WSGIEnvironment,
    mimetype: str | None = None,
    as_attachment: bool = False,
    download_name: str | None = None,
    conditional: bool = True,
    etag: bool | str = True,
    last_modified: datetime | int | float | None = None,
    max_age: int | Callable[[str | None], int | None] | None = None,
    use_x_sendfile: bool = False,
    response_class: type[Response] | None = None,
    _root_path: os.PathLike[str] | str | None = None,
) -> Response:
    """Return a response with the contents of a file.

    Never pass it a path that comes from outside: :func:`send_from_directory` is for those.

    Args:
        path_or_file: Path, or a file open in binary mode, positioned where to begin.
        environ: The request's environ.
        mimetype: Media type; guessed from the name if left out.
        as_attachment: Have the file saved rather than shown.
        download_name: Name to save it under; the path's own if left out.
        conditional: Answer conditions and ranges in the request (RFC 9110, 13 and 14).
        etag: The entity tag, ``True`` to make one of the path, the size and the time of change.
        last_modified: Time of the last change; the file's own if left out.
        max_age: Seconds that caches may keep the file, or a function that returns them for the path. Without,
            they ask each time.
        use_x_sendfile: Leave the sending to the server, by the header ``X-Sendfile``.
        response_class: Class of the response.
        _root_path: Folder that a relative path starts from; the current one if left out.

    Raises:
        OSError: There is no such file.
        RequestedRangeNotSatisfiable: The range asked for is outside of the file (status 416).
        TypeError: The file has no name, and one is needed.
        ValueError: The file is open for text.
    """
    source = _look_at(path_or_file, _root_path)
    mimetype, headers = _file_headers(source.path, mimetype, as_attachment, download_name)
    file = source.file
    if use_x_sendfile and source.path is not None:
        headers["X-Sendfile"] = source.path
    elif source.path is not None:
        file = open(source.path, "rb")  # the response closes it
    if response_class is None:
        from hipflask.http.response import Response as default_class

        response_class = default_class

    try:
        body = None if file is None else wrap_file(environ, file)
        response = response_class(body, mimetype=mimetype, headers=headers, direct_passthrough=True)
        if source.size is not None:
            response.content_length = source.size
        _set_caching(response, source, etag, last_modified, max_age)
        if conditional:
            response.make_conditional(environ, accept_ranges=True, complete_length=source.size)
    except BaseException:
        if file is not None:
            file.close()  # there is no response that would
        raise
    if response.status_code == 304:
        response.headers.pop("X-Sendfile", None)  # the server would send the file along
    return response


def send_from_directory(
    directory: os.PathLike[str] | str,
    path: os.PathLike[str] | str,
    environ: WSGIEnvironment,
    **kwargs: Any,
) -> Response:
    """Return a response with the contents of a file in a folder; the path may come from outside.

    Args:
        directory: The folder.
        path: Path of the file below the folder, with slashes.
        environ: The request's environ.
        kwargs: For :func:`send_file`.

    Raises:
        NotFound: The path leads out of the folder, not to a file, or to one that cannot be read (status 404).

    Differs from Werkzeug: it raises the :exc:`PermissionError` of a file that cannot be read.
    """
    joined = safe_join(os.fspath(directory), os.fspath(path))
    if joined is None or "\0" in joined:
        raise NotFound()
    root_path = kwargs.get("_root_path")
    if root_path is not None:
        joined = os.path.join(root_path, joined)
    if not os.path.isfile(joined):
        raise NotFound()
    try:
        return send_file(joined, environ, **kwargs)
    except (FileNotFoundError, PermissionError) as error:  # removed since, or not for this process
        raise NotFound() from error
