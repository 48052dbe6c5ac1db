"""Measures which functions the time of a request goes to."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable, Iterable
from cProfile import Profile
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["ProfilerMiddleware"]

_RULE = "-" * 80
# What file names cannot have on one system or another.
_NOT_IN_FILENAME_RE = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]')
_MAX_PATH_CHARACTERS = 100  # file systems take names of 255 bytes


class ProfilerMiddleware:
    """Profiles each request with :mod:`cProfile`; the whole body is made before the first byte of it is sent.

    Args:
        app: The application behind.
        stream: Where the statistics are written to after each request; ``None`` for nowhere.
        sort_by: Columns to sort them by, see :meth:`pstats.Stats.sort_stats`.
        restrictions: What to show of them, see :meth:`pstats.Stats.print_stats`.
        profile_dir: Folder for a file of :mod:`cProfile` data for each request; ``None`` for no files.
        filename_format: Name of such a file: a format with the fields ``method``, ``path`` (with dots for slashes,
            ``root`` for the root), ``elapsed`` (milliseconds) and ``time`` (seconds since 1970); or a function that
            gets the environ, in which ``werkzeug.profiler`` is a dict of ``elapsed`` and ``time``.

    Example::

        app.wsgi_app = ProfilerMiddleware(app.wsgi_app, restrictions=(30,))

    From Python 3.12 on, one request at a time can be profiled; others that come meanwhile are answered without.
    """

    def __init__(
        self,
        app: WSGIApplication,
        stream: IO[str] | None = sys.stdout,
        sort_by: Iterable[str] = ("time", "calls"),
        restrictions: Iterable[str | int | float] = (),
        profile_dir: str | None = None,
        filename_format: str | Callable[[WSGIEnvironment], str] = "{method}.{path}.{elapsed:.0f}ms.{time:.0f}.prof",
    ) -> None:
        self._app = app
        self._stream = stream
        self._sort_by = tuple(sort_by)
        self._restrictions = tuple(restrictions)
        self._profile_dir = profile_dir
        self._filename_format = filename_format

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Call the application and report on it."""
        profile = Profile()
        start = time.time()
        try:
            profile.enable()
        except ValueError:  # Python 3.12: another thread's profiler is at work
            return self._app(environ, start_response)
        try:
            body = self._run(environ, start_response)
        finally:
            profile.disable()
        elapsed = time.time() - start
        if self._profile_dir is not None:
            profile.dump_stats(os.path.join(self._profile_dir, self._filename(environ, elapsed)))
        if self._stream is not None:
            self._report(profile, environ, self._stream)
        return [body]

    def _run(self, environ: WSGIEnvironment, start_response: StartResponse) -> bytes:
        """Return the whole body of the answer."""
        parts: list[bytes] = []

        def start_with_buffer(status: str, headers: list[tuple[str, str]], exc_info: Any = None, /) -> Any:
            start_response(status, headers, exc_info)
            return parts.append

        iterable = self._app(environ, start_with_buffer)
        try:
            parts.extend(iterable)
        finally:
            close = getattr(iterable, "close", None)
            if close is not None:
                close()
        return b"".join(parts)

    def _filename(self, environ: WSGIEnvironment, elapsed: float) -> str:
        """Return the name of the file for a request that took *elapsed* seconds."""
        milliseconds = elapsed * 1000.0
        if callable(self._filename_format):
            environ["werkzeug.profiler"] = {"elapsed": milliseconds, "time": time.time()}
            return self._filename_format(environ)
        path = environ.get("PATH_INFO", "").strip("/").replace("/", ".")
        return self._filename_format.format(
            method=_NOT_IN_FILENAME_RE.sub("_", environ["REQUEST_METHOD"]),
            path=_NOT_IN_FILENAME_RE.sub("_", path)[:_MAX_PATH_CHARACTERS] or "root",
            elapsed=milliseconds,
            time=time.time(),
        )

    def _report(self, profile: Profile, environ: WSGIEnvironment, stream: IO[str]) -> None:
        """Write the statistics."""
        from pstats import Stats

        stats = Stats(profile, stream=stream)
        stats.sort_stats(*self._sort_by)
        print(_RULE, file=stream)
        print(f"PATH: {environ.get('PATH_INFO', '')!r}", file=stream)
        stats.print_stats(*self._restrictions)
        print(f"{_RULE}\n", file=stream)
