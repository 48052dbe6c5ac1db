"""Files below some paths, served before the application is asked."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from io import BytesIO
from time import time
from typing import IO, TYPE_CHECKING, Any

from hipflask.http.security import safe_join
from hipflask.http.wsgi import get_path_info, wrap_file

if TYPE_CHECKING:
    from datetime import datetime
    from importlib.resources.abc import Traversable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    Opener = Callable[[], tuple[IO[bytes], datetime, int]]
    Loader = Callable[[str | None], tuple[str, Opener] | tuple[None, None]]
    Export = str | tuple[str, str]

__all__ = ["SharedDataMiddleware"]

_NOTHING = (None, None)


class SharedDataMiddleware:
    """Serves files of folders and packages, with what caches need; for development and small sites.

    A request that is for no file goes to the application: there are no listings of folders. A path never leads out
    of its folder by ``..``; symbolic links in the folder are followed, as its owner has put them there.

    Args:
        app: The application behind.
        exports: What is served, by the path it is served under: a folder, a file, or a tuple of a package and a
            folder in it, e.g. ``{"/static": "static", "/shared": ("mypackage", "static")}``.
        disallow: A pattern for :mod:`fnmatch`, or a list of them, for names of files that are not served.
        cache: Let clients keep the files, and answer 304 where theirs are still good.
        cache_timeout: Seconds that files may be kept.
        fallback_mimetype: Media type of files whose name tells none.

    Raises:
        ImportError: A package does not exist.
        TypeError: What to serve is not one of the three kinds.

    Differs from Werkzeug: *disallow* may be a list, as its documentation says; ``If-Match`` that fails is 412, not
    304; HEAD has no body; a file that cannot be read is left to the application.
    """

    def __init__(
        self,
        app: WSGIApplication,
        exports: Mapping[str, Export] | Iterable[tuple[str, Export]],
        disallow: str | Iterable[str] | None = None,
        cache: bool = True,
        cache_timeout: int = 60 * 60 * 12,
        fallback_mimetype: str = "application/octet-stream",
    ) -> None:
        self.app = app
        self.exports: list[tuple[str, Loader]] = []
        self.cache = cache
        self.cache_timeout = cache_timeout
        pairs = exports.items() if isinstance(exports, Mapping) else exports
        for path, value in pairs:
            self.exports.append((path, self._loader_of(path, value)))
        if disallow is not None:
            # On the instance, as in Werkzeug: patterns win over a subclass's method.
            self.is_allowed = _allow_others_than(disallow)  # type: ignore[method-assign,assignment]
        self.fallback_mimetype = fallback_mimetype

    def _loader_of(self, path: str, value: Any) -> Loader:
        if isinstance(value, tuple):
            return self.get_package_loader(*value)
        if isinstance(value, str):
            return self.get_file_loader(value) if os.path.isfile(value) else self.get_directory_loader(value)
        raise TypeError(
            f"SharedDataMiddleware cannot serve {value!r} under {path!r}. "
            "Pass the path of a folder or file as a str, or a tuple of a package and a folder in it."
        )

    def is_allowed(self, filename: str) -> bool:
        """Return whether a file may be served; to be overridden.

        Args:
            filename: Name of the file without its folder.
        """
        return True

    def get_file_loader(self, filename: str) -> Loader:
        """Return a loader that finds one file, whatever path is asked for."""
        return lambda path: (os.path.basename(filename), _opener(filename))

    def get_directory_loader(self, directory: str) -> Loader:
        """Return a loader for the files below a folder."""

        def load(path: str | None) -> tuple[str, Opener] | tuple[None, None]:
            found = directory if path is None else safe_join(directory, path)
            if found is None or not os.path.isfile(found):
                return _NOTHING
            return os.path.basename(found), _opener(found)

        return load

    def get_package_loader(self, package: str, package_path: str) -> Loader:
        """Return a loader for the files below a folder of a package, which may be in an archive.

        Args:
            package: Name of the package; it is found, not imported.
            package_path: The folder, relative to the package's.
        """
        folder = _package_folder(package)
        modified = time()  # of files in an archive

        def load(path: str | None) -> tuple[str, Opener] | tuple[None, None]:
            inside = None if path is None else safe_join(package_path, path)
            if inside is None:
                return _NOTHING
            try:
                file = folder.joinpath(inside)
                if not file.is_file():
                    return _NOTHING
            except (OSError, ValueError):  # a name that is too long, or has a null byte
                return _NOTHING
            return file.name, lambda: _look_at(file.open("rb"), modified)

        return load

    def generate_etag(self, mtime: datetime, file_size: int, real_filename: str) -> str:
        """Return the entity tag of a file, without quotes.

        Args:
            mtime: Time of its last change.
            file_size: Its size in bytes.
            real_filename: Its name without the folder.
        """
        from zlib import adler32

        # Werkzeug's format, so that browsers' copies stay good when an application moves.
        return f"wzsdm-{mtime.timestamp()}-{file_size}-{adler32(os.fsencode(real_filename))}"

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer with the file, or call the application."""
        name, opener = self._find(get_path_info(environ))
        if name is None or opener is None or not self.is_allowed(name):
            return self.app(environ, start_response)
        try:
            file, modified, size = opener()
        except OSError:  # gone meanwhile, or not readable
            return self.app(environ, start_response)
        headers = self._cache_headers(name, modified, size)
        if self.cache:
            from hipflask.http.ranges import is_resource_modified, parse_etags

            if not is_resource_modified(environ, headers[0][1], last_modified=modified):
                file.close()
                is_refused = bool(parse_etags(environ.get("HTTP_IF_MATCH")))
                start_response("412 Precondition Failed" if is_refused else "304 Not Modified", headers)
                return []
        start_response("200 OK", headers + self._file_headers(name, modified, size))
        if environ["REQUEST_METHOD"] == "HEAD":
            file.close()
            return []
        return wrap_file(environ, file)

    def _find(self, path: str) -> tuple[str, Opener] | tuple[None, None]:
        """Return name and opener of the file that a path leads to."""
        for prefix, load in self.exports:
            if path == prefix:
                found = load(None)
                if found[0] is not None:
                    return found
            folder = prefix if prefix.endswith("/") else prefix + "/"
            if path.startswith(folder):
                found = load(path[len(folder) :])
                if found[0] is not None:
                    return found
        return _NOTHING

    def _cache_headers(self, name: str, modified: datetime, size: int) -> list[tuple[str, str]]:
        """Return what a 304 has as well; the entity tag comes first."""
        from hipflask.http.dates import http_date

        date = ("Date", http_date())
        if not self.cache:
            return [date, ("Cache-Control", "public")]
        etag = self.generate_etag(modified, size, name)
        return [("Etag", f'"{etag}"'), date, ("Cache-Control", f"max-age={self.cache_timeout}, public")]

    def _file_headers(self, name: str, modified: datetime, size: int) -> list[tuple[str, str]]:
        """Return what describes the file itself."""
        from mimetypes import guess_type

        from hipflask.http.dates import http_date
        from hipflask.http.properties import get_content_type

        media_type = get_content_type(guess_type(name)[0] or self.fallback_mimetype, "utf-8")
        headers = [
            ("Content-Type", media_type),
            ("Content-Length", str(size)),
            ("Last-Modified", http_date(modified)),
        ]
        if self.cache:
            headers.append(("Expires", http_date(time() + self.cache_timeout)))
        return headers


def _allow_others_than(patterns: str | Iterable[str]) -> Callable[[str], bool]:
    """Return a predicate that is true for names which none of the patterns is for."""
    from fnmatch import fnmatch

    disallowed = [patterns] if isinstance(patterns, str) else list(patterns)
    return lambda filename: not any(fnmatch(filename, pattern) for pattern in disallowed)


def _opener(path: str) -> Opener:
    return lambda: _look_at(open(path, "rb"), 0)


def _look_at(file: IO[bytes], modified: float) -> tuple[IO[bytes], datetime, int]:
    """Return an open file, the time of its last change and its size; *modified* is for one in an archive."""
    from datetime import UTC, datetime

    try:
        stat = os.fstat(file.fileno())
    except OSError:  # of an archive: it has no descriptor, and its size is known when it is read
        with file:
            data = file.read()
        file, size = BytesIO(data), len(data)
    else:
        modified, size = stat.st_mtime, stat.st_size
    return file, datetime.fromtimestamp(modified, UTC), size


def _package_folder(package: str) -> Traversable:
    """Return the folder of a package, in the file system or an archive.

    Raises:
        ImportError: There is no such package, or it keeps no files.
    """
    from importlib.util import find_spec

    spec = find_spec(package)
    get_reader: Any = getattr(spec and spec.loader, "get_resource_reader", None)
    reader = get_reader(package) if get_reader is not None else None
    if reader is None:
        raise ImportError(f"There is no package {package!r} with an __init__ and files. Check the name.", name=package)
    folder: Traversable = reader.files()
    return folder
