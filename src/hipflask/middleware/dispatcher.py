"""Several applications as one: each answers below a path of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["DispatcherMiddleware"]


class DispatcherMiddleware:
    """Hands a request to the application that is mounted where its path begins.

    Whole segments of the path count, and the longest mount wins. The application finds the mount at the end of
    ``SCRIPT_NAME`` and the rest in ``PATH_INFO``, so that its own URLs lead back to it.

    Args:
        app: The application for all other requests.
        mounts: Applications by path, e.g. ``{"/api": api}``, without a slash at the end.

    Example::

        app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/api": api_app, "/admin": admin_app})
    """

    def __init__(self, app: WSGIApplication, mounts: dict[str, WSGIApplication] | None = None) -> None:
        self.app = app
        self.mounts = {} if mounts is None else mounts

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Call the application that the path belongs to."""
        path: str = environ.get("PATH_INFO", "")
        mount, app = self._find(path)
        environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + mount
        environ["PATH_INFO"] = path[len(mount) :]
        return app(environ, start_response)

    def _find(self, path: str) -> tuple[str, WSGIApplication]:
        """Return the longest mount that a path begins with, and its application."""
        mounts = self.mounts
        end = len(path)
        # No prefix that is longer than every mount is made: a path of slashes only would take its square of time.
        longest = max(map(len, mounts), default=0)
        if end > longest:
            end = path.rfind("/", 0, longest + 1)
        while end >= 0:
            mount = path[:end]
            if mount in mounts:
                return mount, mounts[mount]
            end = path.rfind("/", 0, end)
        return "", self.app
