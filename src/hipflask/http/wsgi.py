"""Streams and wrappers for applications and servers that speak WSGI (PEP 3333).

Names and behaviour are those of ``werkzeug.wsgi`` 3.1; :class:`LimitedStream` is in
:mod:`hipflask.http.streams`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import update_wrapper
from io import BytesIO
from typing import IO, TYPE_CHECKING, Any, NoReturn

from hipflask.http import host as _host
from hipflask.http.exceptions import RequestEntityTooLarge
from hipflask.http.streams import CappedStream, LimitedStream

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication, WSGIEnvironment

    from hipflask.http.datastructures.headers import Headers

__all__ = [
    "ClosingIterator",
    "FileWrapper",
    "LimitedStream",
    "body_once_started",
    "get_content_length",
    "get_current_url",
    "get_host",
    "get_input_stream",
    "get_path_info",
    "responder",
    "run_wsgi_app",
    "wrap_file",
]


def responder(f: Callable[..., WSGIApplication]) -> WSGIApplication:
    """Make a WSGI application of a function that returns one, a response for example.

    Example::

        @responder
        def clock(environ, start_response):
            return Response(time.strftime("%H:%M"))
    """

    def application(*args: Any) -> Iterable[bytes]:
        return f(*args)(*args[-2:])

    return update_wrapper(application, f)


def _server_of(environ: WSGIEnvironment) -> tuple[str, int | None] | None:
    """Return name and port that the server gives for itself; the port is ``None`` if it is not a number."""
    name = environ.get("SERVER_NAME")
    if name is None:
        return None
    try:
        return name, int(environ.get("SERVER_PORT", ""))
    except ValueError:
        return name, None


def get_host(environ: WSGIEnvironment, trusted_hosts: Collection[str] | None = None) -> str:
    """Return the host that a request is for; see :func:`hipflask.http.host.get_host`.

    Args:
        environ: The request's environ.
        trusted_hosts: Hosts to accept. All that are valid if left out.

    Raises:
        SecurityError: The host is not one of the trusted ones (status 400).
    """
    return _host.get_host(environ["wsgi.url_scheme"], environ.get("HTTP_HOST"), _server_of(environ), trusted_hosts)


def get_content_length(environ: WSGIEnvironment) -> int | None:
    """Return the length of a request's body; see :func:`hipflask.http.host.get_content_length`."""
    return _host.get_content_length(environ.get("CONTENT_LENGTH"), environ.get("HTTP_TRANSFER_ENCODING"))


def _decode(value: str) -> str:
    """Return text of an environ, which holds bytes as latin-1 (PEP 3333), as the UTF-8 it is meant to be."""
    return value.encode("latin-1").decode(errors="replace")


def get_path_info(environ: WSGIEnvironment) -> str:
    """Return the path of a request below the application's root, decoded."""
    return _decode(environ.get("PATH_INFO", ""))


def get_current_url(
    environ: WSGIEnvironment,
    root_only: bool = False,
    strip_querystring: bool = False,
    host_only: bool = False,
    trusted_hosts: Collection[str] | None = None,
) -> str:
    """Return the address of a request as an IRI.

    Args:
        environ: The request's environ.
        root_only: End where the application is mounted.
        strip_querystring: Leave the query out.
        host_only: End after the host.
        trusted_hosts: Hosts to accept. All that are valid if left out.

    Raises:
        SecurityError: The host is not one of the trusted ones (status 400).

    As in Werkzeug, the path is taken as the environ has it, which is not decoded (PEP 3333): only with a path
    in ASCII does the address lead to the same page again. ``Request.url`` is right for any.
    """
    scheme = environ["wsgi.url_scheme"]
    host = get_host(environ, trusted_hosts)
    if host_only:
        return _host.get_current_url(scheme, host)
    root_path = environ.get("SCRIPT_NAME", "")
    if root_only:
        return _host.get_current_url(scheme, host, root_path)
    query = None if strip_querystring else environ.get("QUERY_STRING", "").encode("latin-1")
    return _host.get_current_url(scheme, host, root_path, environ.get("PATH_INFO", ""), query)


def get_input_stream(
    environ: WSGIEnvironment, safe_fallback: bool = True, max_content_length: int | None = None
) -> IO[bytes]:
    """Return the body of a request as a stream that ends where the body does.

    Args:
        environ: The request's environ. ``wsgi.input_terminated`` in it says that the server ends the stream
            itself.
        safe_fallback: Give an empty stream if the end of the body is unknown, since reading the server's
            might never return. ``False`` gives the server's.
        max_content_length: Most bytes that a body may have.

    Raises:
        RequestEntityTooLarge: The body is announced with more than *max_content_length* bytes (status 413).
            If its length is unknown, reading raises it.
    """
    stream: IO[bytes] = environ["wsgi.input"]
    content_length = get_content_length(environ)
    if content_length is not None and max_content_length is not None and content_length > max_content_length:
        raise RequestEntityTooLarge()
    if "wsgi.input_terminated" in environ:
        if max_content_length is None:
            return stream
        return CappedStream(stream, max_content_length)  # type: ignore[return-value]  # RawIOBase is IO
    if content_length is None:
        return BytesIO() if safe_fallback else stream
    return LimitedStream(stream, content_length)  # type: ignore[return-value]  # likewise


class ClosingIterator:
    """An iterator with actions to take when it is closed, which servers do after the response (PEP 3333).

    Args:
        iterable: What to iterate; its own ``close``, if it has one, comes first.
        callbacks: One function, or several, to call then.
    """

    def __init__(
        self,
        iterable: Iterable[bytes],
        callbacks: Callable[[], None] | Iterable[Callable[[], None]] | None = None,
    ) -> None:
        # PERF: bound once, so that each part of a body costs one call.
        self._next = iter(iterable).__next__
        if callbacks is None:
            self._callbacks: list[Callable[[], None]] = []
        elif callable(callbacks):
            self._callbacks = [callbacks]
        else:
            self._callbacks = list(callbacks)
        close = getattr(iterable, "close", None)
        if close is not None:
            self._callbacks.insert(0, close)

    def __iter__(self) -> ClosingIterator:
        return self

    def __next__(self) -> bytes:
        return self._next()

    def close(self) -> None:
        """Close the iterable, then call the callbacks in their order."""
        for callback in self._callbacks:
            callback()


def wrap_file(environ: WSGIEnvironment, file: IO[bytes], buffer_size: int = 8192) -> Iterable[bytes]:
    """Return a file as a body, in the server's own way (``wsgi.file_wrapper``) if it has one."""
    wrapper: Callable[[IO[bytes], int], Iterable[bytes]] = environ.get("wsgi.file_wrapper", FileWrapper)
    return wrapper(file, buffer_size)


class FileWrapper:
    """A file as an iterator of blocks.

    Args:
        file: Anything that can ``read(size)``.
        buffer_size: Size of the blocks in bytes.
    """

    def __init__(self, file: IO[bytes], buffer_size: int = 8192) -> None:
        self.file = file
        self.buffer_size = buffer_size

    def close(self) -> None:
        """Close the file, if it can be closed."""
        if hasattr(self.file, "close"):
            self.file.close()

    def seekable(self) -> bool:
        """Return whether the file can be positioned."""
        if hasattr(self.file, "seekable"):
            return self.file.seekable()
        return hasattr(self.file, "seek")

    def seek(self, *args: Any) -> None:
        """Position the file, if it can be."""
        if hasattr(self.file, "seek"):
            self.file.seek(*args)

    def tell(self) -> int | None:
        """Return the file's position, ``None`` if it has none."""
        if hasattr(self.file, "tell"):
            return self.file.tell()
        return None

    def __iter__(self) -> FileWrapper:
        return self

    def __next__(self) -> bytes:
        data = self.file.read(self.buffer_size)
        if data:
            return data
        raise StopIteration


def run_wsgi_app(app: WSGIApplication, environ: Any, buffered: bool = False) -> tuple[Iterable[bytes], str, Headers]:
    """Call a WSGI application and return what it answers: body, status line and headers.

    Args:
        app: The application. It gets a copy of the environ.
        environ: The request's environ, or an object that has one as ``environ``.
        buffered: Read the whole body into a list and close it. Otherwise no more of it is read than is needed for the
            status, which for generators is their first part, and the caller has to close it.

    Raises:
        TypeError: The application ended without calling ``start_response``.

    What the application sent through ``write`` comes before the parts of the body.

    Differs from Werkzeug: a buffered body has what was sent through ``write``, too.

    Source: PEP 3333.
    """
    started: list[tuple[str, list[tuple[str, str]]]] = []
    written: list[bytes] = []

    def start_response(
        status: str, headers: list[tuple[str, str]], exc_info: Any = None, /
    ) -> Callable[[bytes], object]:
        # A server would turn this error into a page; who calls an application by hand wants to see it.
        if exc_info:
            _reraise(exc_info)
        started.append((status, headers))
        return written.append

    rv = app(dict(getattr(environ, "environ", environ)), start_response)
    body: Iterable[bytes]
    if buffered:
        try:
            body = [*rv]
        finally:
            close: Callable[[], None] | None = getattr(rv, "close", None)
            if close is not None:
                close()
        body = [*written, *body]
    else:
        body = body_once_started(rv, started, written)
    if not started:
        raise TypeError(
            f"The WSGI application {app!r} returned without calling start_response. "
            "Call start_response(status, headers) before the first part of the body."
        )
    from hipflask.http.datastructures.headers import Headers

    status, headers = started[-1]
    return body, status, Headers(headers)


def body_once_started(rv: Iterable[bytes], started: list[Any], written: list[bytes]) -> Iterable[bytes]:
    """Read a body up to the part by which ``start_response`` has been called; return all of it.

    Args:
        rv: What the application has returned.
        started: Holds something as soon as ``start_response`` has been called.
        written: What was sent through ``write``; what is read is added to it.

    Returns:
        An iterator whose ``close``, if *rv* has one, closes that, once.
    """
    parts = iter(rv)
    for part in parts:
        written.append(part)
        if started:
            break
    body = parts
    if written:
        from itertools import chain

        body = chain(written, parts)
    close: Callable[[], None] | None = getattr(rv, "close", None)
    return body if close is None or body is rv else ClosingIterator(body, close)


def _reraise(exc_info: Any) -> NoReturn:
    """Raise the error that the application reports to ``start_response``."""
    try:
        raise exc_info[1].with_traceback(exc_info[2])
    finally:
        del exc_info
