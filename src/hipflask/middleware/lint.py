"""Warns of what servers and applications do against WSGI (PEP 3333) and HTTP."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlsplit

from hipflask.http.datastructures.headers import Headers
from hipflask.http.fields import is_entity_header
from hipflask.http.wsgi import FileWrapper

if TYPE_CHECKING:
    from types import TracebackType
    from wsgiref.types import WSGIApplication, WSGIEnvironment

    ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]

__all__ = [
    "ErrorStream",
    "GuardedIterator",
    "GuardedWrite",
    "HTTPWarning",
    "InputStream",
    "LintMiddleware",
    "WSGIWarning",
    "check_type",
]

_REQUIRED_KEYS = (
    "REQUEST_METHOD",
    "SERVER_NAME",
    "SERVER_PORT",
    "wsgi.version",
    "wsgi.input",
    "wsgi.errors",
    "wsgi.multithread",
    "wsgi.multiprocess",
    "wsgi.run_once",
)
# Entity headers that a 304 may have: they are about the answer that the client has (RFC 9110, 15.4.5).
_ALLOWED_IN_304 = frozenset({"expires", "content-location"})


class WSGIWarning(Warning):
    """Something is against WSGI."""


class HTTPWarning(Warning):
    """Something is against HTTP."""


def _warn(message: str, category: type[Warning] = WSGIWarning, stacklevel: int = 2) -> None:
    """Warn of what a caller does: *stacklevel* counts as if :func:`warnings.warn` were called in our place."""
    warnings.warn(message, category, stacklevel=stacklevel + 1)


def check_type(context: str, obj: object, need: type = str) -> None:
    """Warn unless an object is exactly of a type; subclasses do not do (PEP 3333).

    Args:
        context: What the object is, for the warning.
        obj: The object.
        need: The type.
    """
    if type(obj) is not need:
        _warn(f"{context} must be of type {need.__name__}, not {type(obj).__name__}.", stacklevel=3)


class InputStream:
    """A request's body that warns of reading it in ways that may wait forever.

    Args:
        stream: The server's ``wsgi.input``.
    """

    _is_terminated = False  # True where the server ends the stream itself

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def read(self, *args: Any) -> bytes:
        """Read from the body, which needs a size: WSGI knows of no end of the stream."""
        if not args and not self._is_terminated:
            _warn("wsgi.input.read() without a size may never return: WSGI streams need not end. Pass a size.")
        elif len(args) > 1:
            _warn(f"wsgi.input.read() takes one argument, not {len(args)}.")
        return self._stream.read(*args)

    def readline(self, *args: Any) -> bytes:
        """Read a line.

        Raises:
            TypeError: There is more than one argument.
        """
        if len(args) > 1:
            raise TypeError(f"wsgi.input.readline() takes at most one argument, not {len(args)}.")
        if args:
            _warn("wsgi.input.readline() got a size: not every server knows that, as WSGI does not ask for it.")
        elif not self._is_terminated:
            _warn("wsgi.input.readline() without a size may never return. Use read() with a size.")
        return self._stream.readline(*args)

    def readlines(self, *args: Any) -> list[bytes]:
        """Read lines; the server may ignore how many bytes are wanted."""
        return self._stream.readlines(*args)

    def __iter__(self) -> Iterator[bytes]:
        try:
            return iter(self._stream)
        except TypeError:
            _warn("The server's wsgi.input is not iterable.")
            return iter(())

    def close(self) -> None:
        """Close the body, which is the server's to do."""
        _warn("The application closed wsgi.input, which is the server's.")
        self._stream.close()


class ErrorStream:
    """The server's ``wsgi.errors``, which takes text only and is not to be closed.

    Args:
        stream: The server's stream.
    """

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, s: str) -> None:
        """Write text."""
        check_type("What wsgi.errors.write() gets", s)
        self._stream.write(s)

    def flush(self) -> None:
        """Have what was written shown."""
        self._stream.flush()

    def writelines(self, seq: Iterable[str]) -> None:
        """Write several pieces of text."""
        for line in seq:
            self.write(line)

    def close(self) -> None:
        """Close the stream, which is the server's to do."""
        _warn("The application closed wsgi.errors, which is the server's.")
        self._stream.close()


class GuardedWrite:
    """What ``start_response`` returns, checked.

    Args:
        write: The server's function.
        chunks: List that the sizes of what is written are added to.
    """

    def __init__(self, write: Callable[[bytes], object], chunks: list[int]) -> None:
        self._write = write
        self._chunks = chunks

    def __call__(self, s: bytes) -> None:
        """Write a part of the body."""
        check_type("What write() gets", s, bytes)
        self._write(s)
        self._chunks.append(len(s))


class GuardedIterator:
    """A body that is checked when it is read and closed.

    Args:
        iterator: The application's body.
        headers_set: Status code and headers; empty as long as the application has not told them.
        chunks: List that the sizes of the parts are added to.
    """

    _is_head = False  # True if the answer is one to HEAD, which has a Content-Length and no body

    def __init__(self, iterator: Iterable[bytes], headers_set: Sequence[Any], chunks: list[int]) -> None:
        self.closed = True  # until there is something to close
        self._iterator = iterator
        self._next = iter(iterator).__next__
        self.closed = False
        self.headers_set = headers_set
        self.chunks = chunks

    def __iter__(self) -> GuardedIterator:
        return self

    def __next__(self) -> bytes:
        if self.closed:
            _warn("The server iterates over a body that it has closed.")
        part = self._next()
        if not self.headers_set:
            _warn("The application's body began before it called start_response().")
        check_type("A part of the body", part, bytes)
        self.chunks.append(len(part))
        return part

    def close(self) -> None:
        """Close the body and check whether it is one that the status and headers allow."""
        self.closed = True
        close = getattr(self._iterator, "close", None)
        if close is not None:
            close()
        if self.headers_set:
            self._check_body(*self.headers_set)

    def _check_body(self, status_code: int, headers: Headers) -> None:
        sent = sum(self.chunks)
        length = headers.get("content-length", type=int)
        if status_code == 304:
            for name, _ in headers:
                if is_entity_header(name) and name.lower() not in _ALLOWED_IN_304:
                    _warn(f"A 304 answer has the header {name!r}, which is about a body.", HTTPWarning, 3)
        elif 100 <= status_code < 200 or status_code == 204:
            # Werkzeug asks for a length of 0, but there must be none (RFC 9110, 8.6); let 0 pass.
            if length:
                _warn(f"A {status_code} answer has a Content-Length, {length}.", HTTPWarning, 3)
        else:
            if length is not None and length != sent and not self._is_head:
                _warn(f"The Content-Length is {length}, but the body has {sent} bytes.", WSGIWarning, 3)
            return
        if sent:
            _warn(f"A {status_code} answer must not have a body.", HTTPWarning, 3)

    def __del__(self) -> None:
        if not self.closed:
            _warn("The server did not close the body; its memory was freed first.")


class LintMiddleware:
    """Warns, by :mod:`warnings`, of what the server and the application do against WSGI and HTTP.

    Args:
        app: The application behind.

    Example::

        app.wsgi_app = LintMiddleware(app.wsgi_app)

    Differs from Werkzeug where that warns of what is right: a 204 without ``Content-Length``, an answer to HEAD
    without body, reading to the end of a stream that the server ends (``wsgi.input_terminated``).
    """

    def __init__(self, app: WSGIApplication) -> None:
        self.app = app

    def check_environ(self, environ: WSGIEnvironment) -> None:
        """Warn of an environ that is not as PEP 3333 asks for."""
        if type(environ) is not dict:
            _warn("The environ must be a dict, not an object of another class.", stacklevel=3)
        for key in _REQUIRED_KEYS:
            if key not in environ:
                _warn(f"The environ has no {key!r}.", stacklevel=3)
        if environ.get("wsgi.version", (1, 0)) != (1, 0):
            _warn(f"The environ is of WSGI {environ['wsgi.version']!r}, not (1, 0).", stacklevel=3)
        for key in ("SCRIPT_NAME", "PATH_INFO"):
            path = environ.get(key, "")
            if path and not path.startswith("/"):
                _warn(f"The environ's {key} does not begin with a slash: {path!r}.", stacklevel=3)

    def check_start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: ExcInfo | None
    ) -> tuple[int, Headers]:
        """Warn of what is wrong with the arguments of ``start_response``.

        Args:
            status: Code, a space, reason.
            headers: Names and values.
            exc_info: The error that the answer is about, else ``None``.

        Returns:
            Status code and headers.

        Raises:
            ValueError: The status has no number, or a header is no pair or has a line break.
        """
        check_type("The status", status)
        code_text = status.split(None, 1)[0] if status.strip() else ""
        if len(code_text) != 3 or not code_text.isdecimal():
            _warn(f"The status code is {code_text!r}: it must be three digits.", stacklevel=3)
        if len(status) < 4 or status[3] != " ":
            _warn(f"The status is {status!r}: it must be three digits, a space and a reason.", stacklevel=3)
        code = int(code_text)
        if code < 100:
            _warn(f"The status code is {code}: it must be 100 or above.", stacklevel=3)
        if type(headers) is not list:
            _warn(f"The headers must be a list, not {type(headers).__name__}.", stacklevel=3)
        for item in headers:
            _check_header(item)
        if exc_info is not None and not isinstance(exc_info, tuple):
            _warn(f"exc_info must be a tuple, not {type(exc_info).__name__}.", stacklevel=3)
        checked = Headers(headers)
        self.check_headers(checked)
        return code, checked

    def check_headers(self, headers: Headers) -> None:
        """Warn of header values that are against HTTP."""
        etag = headers.get("etag")
        if etag is not None:
            if etag.startswith("w/"):
                _warn("The mark of a weak entity tag is 'W/', not 'w/'.", HTTPWarning, 4)
            tag = etag[2:] if etag.startswith(("W/", "w/")) else etag
            if not (tag[:1] == tag[-1:] == '"'):
                _warn(f"The entity tag {etag!r} is not in quotes.", HTTPWarning, 4)
        location = headers.get("location")
        if location is not None and not _has_host(location):
            _warn("The Location header has no host; older clients need a whole URL.", HTTPWarning, 4)

    def check_iterator(self, app_iter: Iterable[bytes]) -> None:
        """Warn of a body that is a single string."""
        if isinstance(app_iter, str):
            _warn("The application returned a str, which is sent character by character. Return a list of bytes.")

    def __call__(self, *args: Any, **kwargs: Any) -> Iterable[bytes]:
        """Call the application, with checks around all that goes in and out."""
        if len(args) != 2:
            _warn(f"An application is called with two arguments, not {len(args)}.")
        if kwargs:
            _warn("An application is called without keyword arguments.")
        environ: WSGIEnvironment = args[0]
        start_response: Callable[..., Callable[[bytes], object]] = args[1]
        self.check_environ(environ)
        stream = InputStream(environ["wsgi.input"])
        stream._is_terminated = bool(environ.get("wsgi.input_terminated"))
        environ["wsgi.input"] = stream
        environ["wsgi.errors"] = ErrorStream(environ["wsgi.errors"])
        environ["wsgi.file_wrapper"] = FileWrapper  # so that files pass through the check as well

        headers_set: list[Any] = []
        chunks: list[int] = []

        def start_checked(*args: Any, **kwargs: Any) -> GuardedWrite:
            if len(args) not in (2, 3):
                _warn(f"start_response() is called with two or three arguments, not {len(args)}.")
            if kwargs:
                _warn("start_response() is called without keyword arguments.")
            status, headers = args[0], args[1]
            exc_info = args[2] if len(args) > 2 else None
            headers_set[:] = self.check_start_response(status, headers, exc_info)
            return GuardedWrite(start_response(status, headers, exc_info), chunks)

        app_iter = self.app(environ, start_checked)
        self.check_iterator(app_iter)
        body = GuardedIterator(app_iter, headers_set, chunks)
        body._is_head = environ.get("REQUEST_METHOD") == "HEAD"
        return body


def _has_host(url: str) -> bool:
    try:
        return bool(urlsplit(url).netloc)
    except ValueError:  # a bracket that is not closed
        return False


def _check_header(item: Any) -> None:
    """Warn of a header that is no pair of strings, or one that has no place there.

    Raises:
        ValueError: It cannot be taken apart.
    """
    if type(item) is not tuple or len(item) != 2:
        _warn("A header must be a tuple of name and value.", stacklevel=4)
    name, value = item
    if type(name) is not str or type(value) is not str:
        _warn(f"The header {name!r} must have a str as name and as value.", stacklevel=4)
    elif name.lower() == "status":
        _warn("The header 'Status' means something else in CGI. Put the status into the first argument.", stacklevel=4)
