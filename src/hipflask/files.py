"""Sending files from views, with the settings of the current application.

Source: the behaviour of Flask 3.1.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import IO, TYPE_CHECKING, Any, cast

from hipflask.globals import _cv_app, _cv_request, current_app, request
from hipflask.http.head import WsgiHead

if TYPE_CHECKING:
    from hipflask.wrappers import Request, Response

__all__ = ["send_file", "send_from_directory"]

_CONDITIONS = ("if-none-match", "if-modified-since", "range", "if-match")


@cache
def _senders() -> tuple[Any, Any, set[type]]:
    """Return the two functions, which few programs need, and the classes of responses that they know well."""
    from hipflask.http.files import plain_classes, send_file, send_from_directory

    return send_file, send_from_directory, plain_classes


def _environ_of(request: Request, response_class: type[Any]) -> Any:
    """Return the environ of a request, or as much of it as a whole file is sent by."""
    head = request._head
    # PERF: a server that has no environ makes one of 30 items, for four of which are not there.
    if "environ" in request.__dict__ or type(head) is WsgiHead or response_class not in _senders()[2]:
        return request.environ
    for name in _CONDITIONS:
        if head.get_header(name) is not None:
            return request.environ
    return {"REQUEST_METHOD": head.method}


def _with_settings(options: dict[str, Any]) -> dict[str, Any]:
    """Add what the current application and request say to arguments for :mod:`hipflask.http.files`."""
    # PERF: the proxies only say what is missing; asked for each of these, they took a fifth of the time.
    app_context, request_context = _cv_app.get(None), _cv_request.get(None)
    app = current_app if app_context is None else app_context.app
    if options.get("max_age") is None:
        options["max_age"] = app.get_send_file_max_age
    options["use_x_sendfile"] = app.config["USE_X_SENDFILE"]
    options["response_class"] = cls = app.response_class
    options["_root_path"] = app.root_path
    known = None if request_context is None else request_context.request
    options["environ"] = request.environ if known is None else _environ_of(known, cls)
    return options


def send_file(
    path_or_file: os.PathLike[str] | str | IO[bytes],
    mimetype: str | None = None,
    as_attachment: bool = False,
    download_name: str | None = None,
    conditional: bool = True,
    etag: bool | str = True,
    last_modified: datetime | int | float | None = None,
    max_age: None | int | Callable[[str | None], int | None] = None,
) -> Response:
    """Return a response that sends a file.

    Never make the path from what the user sent; for that there is :func:`send_from_directory`.

    Args:
        path_or_file: Path, absolute or from ``app.root_path``, or a file open for reading bytes, at the
            position to start from. It is closed with the response.
        mimetype: Media type; by default guessed from the name.
        as_attachment: Have browsers save the file instead of showing it.
        download_name: Name to save it under; by default the path's.
        conditional: Answer conditional and range requests.
        etag: The entity tag, or whether one is made from path, size and time.
        last_modified: When the file was changed; by default asked from the file system.
        max_age: Seconds that clients may keep the file, or a function from its path to them; by default
            ``app.get_send_file_max_age``.

    Raises:
        FileNotFoundError: There is no such file.
        RuntimeError: There is no request.
        TypeError: The media type cannot be guessed, since there is no name.
        ValueError: A file object is open for text.
    """
    options = _with_settings({"max_age": max_age})
    response = _senders()[0](
        path_or_file,
        mimetype=mimetype,
        as_attachment=as_attachment,
        download_name=download_name,
        conditional=conditional,
        etag=etag,
        last_modified=last_modified,
        **options,
    )
    return cast("Response", response)  # of the application's class


def send_from_directory(directory: os.PathLike[str] | str, path: os.PathLike[str] | str, **kwargs: Any) -> Response:
    """Return a response that sends a file from inside a folder, never from outside of it.

    Args:
        directory: The folder, absolute or from ``app.root_path``. It must not come from the user.
        path: Path of the file inside the folder, as the user sent it.
        kwargs: Arguments of :func:`send_file`.

    Raises:
        NotFound: The path leads outside, or there is no such file (status 404).

    Example::

        @app.get("/uploads/<path:name>")
        def upload(name):
            return send_from_directory(app.config["UPLOAD_FOLDER"], name)
    """
    return cast("Response", _senders()[1](directory, path, **_with_settings(kwargs)))
