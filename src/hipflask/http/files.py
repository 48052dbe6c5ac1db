"""Files as responses, and file names that come from outside.

The functions of ``werkzeug.utils`` 3.1; those of Flask, which take the environ from the running request, are
built on them.
"""

from __future__ import annotations

import os
import re
from io import BytesIO, TextIOBase
from stat import S_ISREG
from time import time
from typing import IO, TYPE_CHECKING, Any

from hipflask.http.conditional import has_conditions
from hipflask.http.dates import http_date
from hipflask.http.exceptions import NotFound
from hipflask.http.file_headers import disposition, entity_tag, file_fields, guess_media_type
from hipflask.http.security import is_windows_device, safe_join
from hipflask.http.verdicts import remember_verdict
from hipflask.http.wsgi import wrap_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from wsgiref.types import WSGIEnvironment

    from hipflask.http.response import Response

__all__ = ["plain_classes", "secure_filename", "send_file", "send_from_directory"]

_NOT_IN_FILENAME_RE = re.compile(r"[^A-Za-z0-9_.-]")
_NO_CACHE = "Cache-Control", "no-cache"
_ACCEPT_RANGES = "Accept-Ranges", "bytes"


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


class _Source:
    """What is to be sent, and what is known of it."""

    __slots__ = ("file", "modified", "path", "size")

    def __init__(self, path: str | None, file: IO[bytes] | None, size: int | None, modified: float | None) -> None:
        self.path = path
        self.file = file
        self.size = size
        self.modified = modified


def _absolute(path: str) -> str:
    """Return what :func:`os.path.abspath` does."""
    # PERF: nothing to be done for most paths, which four looks at them tell.
    if path[:1] == "/" == os.sep and "//" not in path and "/." not in path and path[-1] != "/":
        return path
    return os.path.abspath(path)


def _look_at(path_or_file: Any, root_path: os.PathLike[str] | str | None) -> _Source:
    """Find out what there is to know of a path or a file.

    Raises:
        OSError: There is no file with this path.
        ValueError: The file is open for text.
    """
    if isinstance(path_or_file, (str, os.PathLike)):
        path = _absolute(os.fspath(path_or_file if root_path is None else os.path.join(root_path, path_or_file)))
        stat = os.stat(path)
        return _Source(path, None, stat.st_size, stat.st_mtime)
    if isinstance(path_or_file, BytesIO):
        return _Source(None, path_or_file, path_or_file.getbuffer().nbytes, None)
    if isinstance(path_or_file, TextIOBase):
        raise ValueError(f"{path_or_file!r} is a file of text. Open it in binary mode, or use BytesIO.")
    return _Source(None, path_or_file, None, None)


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
        mimetype, encoding = guess_media_type(download_name)
        mimetype = mimetype or "application/octet-stream"
        # To be saved as it is: a browser would unpack the download and keep the name.
        if encoding is not None and not as_attachment:
            headers["Content-Encoding"] = encoding
    if download_name is not None:
        headers["Content-Disposition"] = disposition(download_name, as_attachment)
    elif as_attachment:
        raise TypeError("A file without a name cannot be an attachment. Pass 'download_name'.")
    return mimetype, headers


def _set_caching(
    response: Response,
    source: _Source,
    etag: bool | str,
    last_modified: datetime | int | float | None,
    seconds: int | None,
) -> None:
    """Tell caches what the file is and how long to believe it."""
    if last_modified is None:
        last_modified = source.modified
    if last_modified is not None:
        response.last_modified = last_modified
    response.cache_control.no_cache = True
    if seconds is not None:
        if seconds > 0:
            response.cache_control.no_cache = None
            response.cache_control.public = True
        response.cache_control.max_age = seconds
        response.expires = int(time() + seconds)
    if isinstance(etag, str):
        response.set_etag(etag)
    elif etag and source.path is not None:
        response.set_etag(entity_tag(source.path, source.size, source.modified))


#: Classes of responses whose fields are written down without asking them: of the environ, only conditions are read.
plain_classes: set[type] = set()
_SETTERS = ("__new__", "__init__", "headers", "content_length", "last_modified", "cache_control", "expires", "date")


def _is_plain(cls: type[Response]) -> bool:
    """Return whether a class of responses takes fields just as ours does; a yes is remembered."""
    from hipflask.http.response import Response as original

    names = (*_SETTERS, "set_etag", "make_conditional", "automatically_set_content_length")
    found = all(getattr(cls, name, None) is getattr(original, name, None) for name in names)
    return remember_verdict(plain_classes, cls, found)


def _usual_fields(
    source: Any, mimetype: str | None, as_attachment: bool, download_name: str | None, seconds: int | None
) -> list[tuple[str, str]]:
    """Return the fields of a file of which path, size and time are known, in the order that setters give."""
    if download_name is None:
        download_name = source.path.rpartition(os.sep)[2]
    kind: tuple[str | None, str | None] = mimetype, None
    if mimetype is None:
        kind = guess_media_type(download_name)
        if kind[0] is None or as_attachment:
            kind = kind[0] or "application/octet-stream", None if as_attachment else kind[1]
    fields, tag = file_fields(source.path, source.size, source.modified, download_name, kind, as_attachment)
    if seconds is None:
        return [*fields, _NO_CACHE, tag]
    wanted = f"public, max-age={seconds}" if seconds > 0 else f"no-cache, max-age={seconds}"
    return [*fields, ("Cache-Control", wanted), ("Expires", http_date(int(time() + seconds))), tag]


def _send_plainly(
    source: Any,
    environ: WSGIEnvironment,
    fields: list[tuple[str, str]],
    conditional: bool,
    response_class: type[Response],
) -> Response:
    """Return a file with fields that are known; it does what setting each of them would do."""
    if conditional and environ["REQUEST_METHOD"] in ("GET", "HEAD") and not has_conditions(environ):
        fields += (("Date", http_date()), _ACCEPT_RANGES)
        conditional = False
    file = open(source.path, "rb")  # the response closes it
    try:
        response = response_class(wrap_file(environ, file), direct_passthrough=True)
        response.headers._list = fields
        if conditional:
            response.make_conditional(environ, accept_ranges=True, complete_length=source.size)
    except BaseException:
        file.close()  # there is no response that would
        raise
    return response


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
    given: Any = path_or_file  # send_from_directory() has looked at it already
    source = given if type(given) is _Source else _look_at(given, _root_path)
    if response_class is None:
        from hipflask.http.response import Response as default_class

        response_class = default_class
    seconds = max_age(source.path) if callable(max_age) else max_age
    if (
        etag is True
        and last_modified is None
        and source.path is not None
        and not use_x_sendfile
        and (seconds is None or type(seconds) is int)
        and (response_class in plain_classes or _is_plain(response_class))
    ):
        fields = _usual_fields(source, mimetype, bool(as_attachment), download_name, seconds)
        return _send_plainly(source, environ, fields, conditional, response_class)
    mimetype, headers = _file_headers(source.path, mimetype, as_attachment, download_name)
    file = source.file
    if use_x_sendfile and source.path is not None:
        headers["X-Sendfile"] = source.path
    elif source.path is not None:
        file = open(source.path, "rb")  # the response closes it
    try:
        body = None if file is None else wrap_file(environ, file)
        response = response_class(body, mimetype=mimetype, headers=headers, direct_passthrough=True)
        if source.size is not None:
            response.content_length = source.size
        _set_caching(response, source, etag, last_modified, seconds)
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
    if root_path is not None and not joined[:1] == "/" == os.sep:
        joined = os.path.join(root_path, joined)
    try:
        found = os.stat(joined)
        is_file = S_ISREG(found.st_mode)
    except (OSError, ValueError):
        is_file = False
    if not is_file:
        raise NotFound()
    # PERF: looked at already. Only a path that is relative becomes another one below `_root_path`.
    is_absolute = joined[:1] == "/" == os.sep
    known: Any = _Source(_absolute(joined), None, found.st_size, found.st_mtime) if is_absolute else joined
    try:
        return send_file(known, environ, **kwargs)
    except (FileNotFoundError, PermissionError) as error:  # removed since, or not for this process
        raise NotFound() from error
