"""A response with its body, ready for WSGI."""

from __future__ import annotations

import json
import typing as t

from hipflask.http.base_response import CONTENT_TYPES, BaseResponse, content_type_field
from hipflask.http.datastructures.headers import Headers
from hipflask.http.properties import cached_property
from hipflask.http.verdicts import remember_verdict
from hipflask.http.wsgi import ClosingIterator, FileWrapper

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from http import HTTPStatus

    from hipflask.http.request import Request

__all__ = ["Response", "ResponseStream", "is_plain_sender"]

Environ = dict[str, t.Any]
# Answers without a body, besides 1xx (RFC 9110, 15.3.5 and 15.4.5).
BODILESS = frozenset({204, 304})
new_headers = Headers.__new__
# PERF: the commonest names, in their usual spelling, that need no further look.
SENT_AS_IS = frozenset({"Content-Type", "Set-Cookie", "Vary", "Cache-Control", "Date", "ETag", "Last-Modified"})
SENT_AS_IS |= {"Content-Disposition", "Accept-Ranges", "Expires", "Content-Encoding", "Content-Range"}
SENT_AS_URL = frozenset({"location", "content-location"})


def _in_bytes(body: Iterable[bytes | str]) -> Iterator[bytes]:
    for part in body:
        yield part.encode() if isinstance(part, str) else part


class Response(BaseResponse):
    """A status, header fields and a body; a WSGI application of its own.

    Args:
        response: Body: text, bytes, or an iterable of them. Text is encoded as UTF-8.
        status: Code, ``"404"``, or a whole line such as ``"404 Not here"``.
        headers: Fields. A :class:`Headers` object is used as it is, anything else is copied.
        mimetype: Media type without parameters; ``charset=utf-8`` is added for texts.
        content_type: Media type with its parameters; wins over *mimetype*.
        direct_passthrough: Hand *response* to the server untouched (files).
    """

    implicit_sequence_conversion = True
    autocorrect_location_header = False
    automatically_set_content_length = True
    json_module: t.Any = json
    response: t.Any

    def __init__(
        self,
        response: Iterable[bytes] | bytes | Iterable[str] | str | None = None,
        status: int | str | HTTPStatus | None = None,
        headers: Mapping[str, t.Any] | Iterable[tuple[str, t.Any]] | None = None,
        mimetype: str | None = None,
        content_type: str | None = None,
        direct_passthrough: bool = False,
    ) -> None:
        if headers is None:
            # PERF: the usual case, built by hand: no look-ups, no checks of values that are our own.
            self.headers = new_headers(Headers)
            kind = self.default_mimetype if mimetype is None else mimetype
            if content_type is not None:
                self.headers._list = pairs = [("Content-Type", content_type)]
            elif kind is not None:
                field = CONTENT_TYPES[kind] if kind in CONTENT_TYPES else content_type_field(kind)
                self.headers._list = pairs = [field]
            else:
                self.headers._list = pairs = []
        else:
            self._set_headers(headers, mimetype, content_type)
            pairs = None
        status = self.default_status if status is None else status
        # PERF: set here although they are the class's: an instance's own attributes are read faster (CPython 3.11).
        self._status, self._status_code = "200 OK", 200
        if status != 200:
            self._set_status(status)
        self.direct_passthrough = direct_passthrough
        self._on_close: t.Sequence[Callable[[], t.Any]] = ()
        if isinstance(response, str):
            response = response.encode()
        elif isinstance(response, bytearray):
            response = bytes(response)  # PEP 3333 has servers refuse anything else
        elif not isinstance(response, bytes):
            self.response = [] if response is None else response
            return
        self.response = [response]
        if not self.automatically_set_content_length:
            return
        if pairs is None:
            self.headers["Content-Length"] = str(len(response))
        else:
            pairs.append(("Content-Length", str(len(response))))

    def __repr__(self) -> str:
        if self.is_sequence:
            size = f"{sum(map(len, self.iter_encoded()))} bytes"
        else:
            size = "streamed" if self.is_streamed else "likely-streamed"
        return f"<{type(self).__name__} {size} [{self.status}]>"

    # Making one from something else

    @classmethod
    def force_type(cls, response: t.Any, environ: Environ | None = None) -> t.Self:
        """Return *response* as an instance of this class.

        Args:
            response: A response of any class (changed in place), or a WSGI application, which is then run.
            environ: Environ for the run.

        Raises:
            TypeError: *response* is an application and there is no *environ*.
        """
        if not isinstance(response, BaseResponse):
            if environ is None:
                raise TypeError(
                    f"{response!r} is no response, and without a WSGI environ it cannot be run as an application. "
                    "Pass environ=."
                )
            # Not of this class at once: an application that names no media type has not said that it sends HTML.
            response = Response.from_app(response, environ)
        response.__class__ = cls
        return t.cast("t.Self", response)  # its class has just been set

    @classmethod
    def from_app(cls, app: Callable[..., Iterable[bytes]], environ: Environ, buffered: bool = False) -> t.Self:
        """Return what a WSGI application answers to *environ*.

        Args:
            app: WSGI application.
            environ: Environ of the request.
            buffered: Read the whole body first.
        """
        from hipflask.http.wsgi import run_wsgi_app

        return cls(*run_wsgi_app(app, environ, buffered))

    # Body

    def get_data(self, as_text: bool = False) -> bytes | str:
        """Return the whole body, as text (UTF-8) if *as_text*; an iterable body is read and kept."""
        self._ensure_sequence()
        data = b"".join(self.iter_encoded())
        return data.decode() if as_text else data

    def set_data(self, value: bytes | str) -> None:
        """Set the body and its ``Content-Length``."""
        if isinstance(value, str):
            value = value.encode()
        self.response = [value]
        if self.automatically_set_content_length:
            self.headers["Content-Length"] = str(len(value))

    data = property(get_data, set_data, doc="Whole body in bytes; setting it sets ``Content-Length``.")

    def calculate_content_length(self) -> int | None:
        """Return the body's length in bytes, ``None`` if it cannot be told without reading an iterator."""
        try:
            self._ensure_sequence()
        except RuntimeError:
            return None
        return sum(len(part) for part in self.iter_encoded())

    def _ensure_sequence(self, mutable: bool = False) -> None:
        if self.is_sequence:
            if mutable and not isinstance(self.response, list):
                self.response = list(self.response)
            return
        if self.direct_passthrough:
            raise RuntimeError(
                "The body of this response is passed to the server untouched (direct_passthrough) and cannot be read. "
                "Set direct_passthrough to False first."
            )
        if not self.implicit_sequence_conversion:
            raise RuntimeError(
                "The body of this response is an iterator, and implicit_sequence_conversion is off. "
                "Call make_sequence() first."
            )
        self.make_sequence()

    def make_sequence(self) -> None:
        """Read an iterable body into a list, which :meth:`get_data` can read any number of times."""
        if not self.is_sequence:
            close = getattr(self.response, "close", None)
            self.response = list(self.iter_encoded())
            if close is not None:
                self.call_on_close(close)

    def iter_encoded(self) -> Iterator[bytes]:
        """Return an iterator over the parts of the body in bytes: of the body as it is now, even if it is replaced."""
        return _in_bytes(self.response)

    @property
    def is_streamed(self) -> bool:
        """Whether the length of the body is unknown because it is an iterator."""
        return not hasattr(self.response, "__len__")

    @property
    def is_sequence(self) -> bool:
        """Whether the body is a list or a tuple."""
        return isinstance(self.response, (list, tuple))

    @cached_property
    def stream(self) -> ResponseStream:
        """The body as a stream that can be written to."""
        return ResponseStream(self)

    def freeze(self) -> None:
        """Make the response ready to be pickled or kept: read the body, set its length and an entity tag."""
        self.response = list(self.iter_encoded())
        self.headers["Content-Length"] = str(sum(map(len, self.response)))
        self.add_etag()

    # JSON

    @property
    def json(self) -> t.Any:
        """Body parsed as JSON; ``None`` if the media type is another or it is malformed."""
        return self.get_json()

    def get_json(self, force: bool = False, silent: bool = False) -> t.Any:
        """Return the body parsed as JSON.

        Args:
            force: Whatever the media type says.
            silent: ``None`` instead of an error if the body is malformed.

        Returns:
            The value; ``None`` if the media type is not JSON.

        Raises:
            ValueError: The body is malformed.
        """
        if not (force or self.is_json):
            return None
        try:
            return self.json_module.loads(self.get_data())
        except ValueError:
            if not silent:
                raise
            return None

    # Entity tags, conditions and ranges

    def add_etag(self, overwrite: bool = False, weak: bool = False) -> None:
        """Set an entity tag made from the body, if there is none yet or *overwrite*."""
        if overwrite or "etag" not in self.headers:
            from hipflask.http.ranges import generate_etag

            self.set_etag(generate_etag(t.cast("bytes", self.get_data())), weak)

    def make_conditional(
        self,
        request_or_environ: Environ | Request,
        accept_ranges: bool | str = False,
        complete_length: int | None = None,
    ) -> t.Self:
        """Answer 304, 412 or 206 if the request's conditions or range say so.

        Args:
            request_or_environ: The request; anything but GET and HEAD is left as it is.
            accept_ranges: Whether ``Range`` is honoured; the value of ``Accept-Ranges`` if it is a str.
            complete_length: Length of the whole body in bytes; needed for ranges.

        Raises:
            RequestedRangeNotSatisfiable: The range lies beyond the body (status 416).

        Source: RFC 9110, 13 and 14.
        """
        from hipflask.http.conditional import make_conditional

        make_conditional(self, request_or_environ, accept_ranges, complete_length)
        return self

    # The end

    def call_on_close(self, func: Callable[[], t.Any]) -> Callable[[], t.Any]:
        """Have *func* called when the response has been sent or given up; usable as a decorator."""
        if not isinstance(self._on_close, list):
            self._on_close = []
        self._on_close.append(func)
        return func

    def close(self) -> None:
        """Close the body and call what was given to :meth:`call_on_close`."""
        if hasattr(self.response, "close"):
            self.response.close()
        for func in self._on_close:
            func()

    def __enter__(self) -> t.Self:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()

    # WSGI

    def get_wsgi_headers(self, environ: Environ) -> Headers:
        """Return the fields as they are sent: URLs in ASCII, lengths as the status demands.

        Args:
            environ: Environ of the request.
        """
        headers = new_headers(Headers)
        headers._list = pairs = self.headers._list[:]
        has_length = False
        # PERF: one pass instead of four look-ups.
        for name, _ in pairs:
            if name == "Content-Length":
                has_length = True
            elif name not in SENT_AS_IS:
                name = name.lower()
                if name == "content-length":
                    has_length = True
                elif name in SENT_AS_URL:
                    self._send_url(headers, name, environ)
        status = self._status_code
        if 100 <= status < 200 or status in BODILESS:
            self._drop_entity(headers)
        elif not has_length and self.automatically_set_content_length and self.is_sequence:
            headers["Content-Length"] = str(
                sum([len(part.encode() if isinstance(part, str) else part) for part in self.response])
            )
        return headers

    def _send_url(self, headers: Headers, name: str, environ: Environ) -> None:
        """Write the URL of the header *name* in ASCII; absolute if autocorrect_location_header is on."""
        from hipflask.http.urls import iri_to_uri

        value = iri_to_uri(headers[name])
        if name == "location" and self.autocorrect_location_header:
            from urllib.parse import urljoin

            from hipflask.http.wsgi import get_current_url

            value = urljoin(iri_to_uri(get_current_url(environ, strip_querystring=True)), value)
        headers[name.title()] = value

    def _drop_entity(self, headers: Headers) -> None:
        if self._status_code == 304:
            from hipflask.http.fields import remove_entity_headers

            remove_entity_headers(headers)
        else:
            headers.remove("Content-Length")

    def get_app_iter(self, environ: Environ) -> Iterable[bytes]:
        """Return the body as it is sent, empty where method or status allow none.

        Args:
            environ: Environ of the request.
        """
        status = self._status_code
        if environ["REQUEST_METHOD"] == "HEAD" or status in BODILESS or 100 <= status < 200:
            return ClosingIterator((), self.close)
        body = self.response
        if self.direct_passthrough:
            return t.cast("Iterable[bytes]", body)  # what the program passed in
        if type(body) is list and not self._on_close and is_plain_sender(type(self)):
            # PERF: nothing has to be told when a plain list has been sent, so it goes to the server as it is.
            return [part.encode() if isinstance(part, str) else part for part in body]
        return ClosingIterator(self.iter_encoded(), self.close)

    def get_wsgi_response(self, environ: Environ) -> tuple[Iterable[bytes], str, list[tuple[str, str]]]:
        """Return body, status line and fields as they are sent.

        Args:
            environ: Environ of the request.
        """
        headers = self.get_wsgi_headers(environ)
        return self.get_app_iter(environ), self._status, headers.to_wsgi_list()

    def __call__(self, environ: Environ, start_response: Callable[..., t.Any]) -> Iterable[bytes]:
        """Answer a request as a WSGI application.

        Args:
            environ: Environ of the request.
            start_response: The server's callable of PEP 3333.
        """
        body = self.response
        fields = self.headers._list
        # PERF: the usual answer goes out as it is: one part in bytes, a known length, no URLs to be rewritten, of a
        # class that changes nothing of how it is sent. That is just what get_wsgi_response() has in five calls.
        if (
            type(body) is list
            and len(body) == 1
            and type(body[0]) is bytes
            and type(self) in _plain_senders
            and environ["REQUEST_METHOD"] != "HEAD"
            and not self._on_close
            and ((status := self._status_code) == 200 or (status > 200 and status not in BODILESS))
            and (
                (len(fields) == 2 and fields[0][0] == "Content-Type" and fields[1][0] == "Content-Length")
                or _go_as_they_are(fields)
            )
        ):
            start_response(self._status, fields[:])
            return body
        if (
            self.direct_passthrough
            and type(body) is FileWrapper
            and self._status_code == 200
            and environ["REQUEST_METHOD"] == "GET"
            and (type(self) in _plain_senders or is_plain_sender(type(self)))
            and _go_as_they_are(fields)
        ):
            start_response(self._status, fields[:])  # likewise for a file
            return body
        body, line, headers = self.get_wsgi_response(environ)
        start_response(line, headers)
        return body


def _go_as_they_are(fields: list[tuple[str, str]]) -> bool:
    """Return whether header fields tell the length, and hold nothing that is rewritten when they are sent."""
    has_length = False
    for name, _ in fields:
        if name == "Content-Length":
            has_length = True
        elif name not in SENT_AS_IS:
            return False
    return has_length


# Classes that is_plain_sender() has found to be so.
_plain_senders: set[type] = set()
_SENDING = ("__call__", "get_wsgi_response", "get_wsgi_headers", "get_app_iter", "close", "iter_encoded")


def is_plain_sender(cls: type) -> bool:
    """Return whether a response class changes nothing of how a response is sent; a yes is remembered.

    Args:
        cls: The class.
    """
    found = cls in _plain_senders or all(getattr(cls, name, None) is vars(Response)[name] for name in _SENDING)
    return remember_verdict(_plain_senders, cls, found)


class ResponseStream:
    """A text or binary stream that appends to a response's body.

    Args:
        response: Response to write to; its body becomes a list.
    """

    mode = "wb+"

    def __init__(self, response: Response) -> None:
        self.response = response
        self.closed = False

    def write(self, value: bytes | str) -> int:
        """Append *value* and return its length; drops a ``Content-Length`` that no longer holds."""
        if self.closed:
            raise ValueError("This stream of a response has been closed. Write before closing it.")
        self.response._ensure_sequence(mutable=True)
        self.response.response.append(value)
        self.response.headers.pop("Content-Length", None)
        return len(value)

    def writelines(self, seq: Iterable[bytes | str]) -> None:
        """Append each item."""
        for item in seq:
            self.write(item)

    def close(self) -> None:
        """Refuse further writes."""
        self.closed = True

    def flush(self) -> None:
        """Do nothing but complain if the stream is closed."""
        if self.closed:
            raise ValueError("This stream of a response has been closed and cannot be flushed.")

    def isatty(self) -> bool:
        """Return ``False``; complain if the stream is closed."""
        if self.closed:
            raise ValueError("This stream of a response has been closed.")
        return False

    def tell(self) -> int:
        """Return the number of bytes written so far."""
        self.response._ensure_sequence()
        return sum(map(len, self.response.response))

    @property
    def encoding(self) -> str:
        """Encoding of text that is written."""
        return "utf-8"
