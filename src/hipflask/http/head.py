"""What arrived, before anybody has interpreted it: one shape for every door.

A door (WSGI, ASGI, the native server) makes a head; :class:`~hipflask.http.request.Request` reads it. Nothing here
parses a body or knows an application.
"""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["METHODS", "Body", "Head", "WsgiHead", "decode_wsgi_text"]


class Body(t.Protocol):
    """A request's body as a binary stream that is read once, from front to back."""

    def read(self, size: int = -1, /) -> bytes:
        """Return at most *size* bytes, all that is left if *size* is negative, ``b""`` at the end."""

    def readline(self, size: int = -1, /) -> bytes:
        """Return the next line with its line feed, at most *size* bytes of it if *size* is not negative."""

    def __iter__(self) -> Iterator[bytes]:
        """Iterate over the lines."""


class Head(t.Protocol):
    """What every door hands to :meth:`hipflask.Flask.handle`.

    Attributes:
        method: Upper-case method, e.g. ``"GET"``.
        path: Decoded path below *root_path*, with one leading slash.
        path_info: The same as received: there may be no slash, or several.
        target: Request target as received, e.g. ``"/a%20b?c=1"``.
        headers: ``(name, value)`` pairs, latin-1, in the order of arrival.
        http_version: ``"1.0"``, ``"1.1"`` or ``"2"``.
        scheme: ``"http"``, ``"https"``, ``"ws"`` or ``"wss"``.
        client: Address and port of the peer, ``None`` where the transport has none.
        server: Address (or Unix socket path) and port that the request was sent to.
        root_path: Decoded path below which the application is mounted, without a trailing slash.
        query_string: Query as received, without ``?``.
        body: Stream of the body.
        errors: Text stream for what the application reports.
        extensions: Further facts of a door, by name.
    """

    method: str
    path: str

    @property
    def path_info(self) -> str:
        """Decoded path below the root as received."""

    @property
    def target(self) -> str:
        """Request target as received."""

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Name and value of each field."""

    @property
    def http_version(self) -> str:
        """Version of HTTP without the name."""

    @property
    def scheme(self) -> str:
        """Scheme of the request's URL."""

    @property
    def client(self) -> tuple[str, int] | None:
        """Address and port of the peer."""

    @property
    def server(self) -> tuple[str, int | None] | None:
        """Address and port that the request was sent to."""

    @property
    def root_path(self) -> str:
        """Path below which the application is mounted."""

    @property
    def query_string(self) -> bytes:
        """Query as received."""

    @property
    def body(self) -> Body:
        """Stream of the body."""

    @property
    def errors(self) -> t.TextIO:
        """Stream for what the application reports."""

    @property
    def extensions(self) -> dict[str, t.Any]:
        """Further facts of a door."""

    def get_header(self, name: str) -> str | None:
        """Return the value of the field *name* (lower case), several joined as RFC 9110 5.3 says, or ``None``."""

    def is_disconnected(self) -> bool:
        """Return whether the client is known to have gone away."""

    def to_environ(self) -> dict[str, t.Any]:
        """Return the WSGI environ of this head, the same dict at every call."""


def decode_wsgi_text(value: str) -> str:
    """Return the text behind a WSGI string, whose characters stand for the bytes of UTF-8 (PEP 3333).

    Bytes that are not UTF-8 become U+FFFD.
    """
    return value if value.isascii() else value.encode("latin-1").decode("utf-8", "replace")


# Methods that are in upper case already.
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"})


class WsgiHead:
    """A head over a WSGI environ.

    Args:
        environ: Environ of PEP 3333. Keys that are missing get the value that an empty request would have.
    """

    __slots__ = ("environ", "method", "path")

    def __init__(self, environ: dict[str, t.Any]) -> None:
        self.environ = environ
        method: str = environ.get("REQUEST_METHOD", "GET")
        self.method = method if method in METHODS else method.upper()
        path: str = environ.get("PATH_INFO", "")
        # PERF: most paths are as they should be, which three looks at them tell.
        if not (path and path[0] == "/" and "//" not in path and path.isascii()):
            path = "/" + decode_wsgi_text(path).lstrip("/")
        self.path = path

    @property
    def path_info(self) -> str:
        """``PATH_INFO``, decoded."""
        return decode_wsgi_text(self.environ.get("PATH_INFO", ""))

    @property
    def target(self) -> str:
        """Request target, rebuilt from path and query where the server does not tell it."""
        environ = self.environ
        known = environ.get("REQUEST_URI") or environ.get("RAW_URI")
        if known:
            return t.cast("str", known)  # a server's own key, untyped in the environ
        from urllib.parse import quote

        path = quote((environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")).encode("latin-1")) or "/"
        query = environ.get("QUERY_STRING")
        return f"{path}?{query}" if query else path

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Name and value of each field, names spelled ``Like-This``."""
        found = []
        for key, value in self.environ.items():
            if key.startswith("HTTP_") and key not in ("HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH"):
                found.append((key[5:].replace("_", "-").title(), value))
            elif key in ("CONTENT_TYPE", "CONTENT_LENGTH") and value:
                found.append((key.replace("_", "-").title(), value))
        return found

    @property
    def http_version(self) -> str:
        """Version of HTTP without the name, ``"1.1"`` if the server does not tell it."""
        return str(self.environ.get("SERVER_PROTOCOL", "HTTP/1.1")).removeprefix("HTTP/")

    @property
    def scheme(self) -> str:
        """Scheme of the request's URL, ``"http"`` if the server does not tell it."""
        return str(self.environ.get("wsgi.url_scheme", "http"))

    @property
    def client(self) -> tuple[str, int] | None:
        """Address and port of the peer; port 0 where the server does not tell it."""
        address = self.environ.get("REMOTE_ADDR")
        if address is None:
            return None
        port = str(self.environ.get("REMOTE_PORT", ""))
        return address, int(port) if port.isdecimal() else 0

    @property
    def server(self) -> tuple[str, int | None] | None:
        """Address and port that the request was sent to; the port is ``None`` for a Unix socket."""
        name = self.environ.get("SERVER_NAME")
        if name is None:
            return None
        port = str(self.environ.get("SERVER_PORT", ""))
        return name, int(port) if port.isdecimal() else None

    @property
    def root_path(self) -> str:
        """Decoded ``SCRIPT_NAME`` without trailing slashes."""
        return decode_wsgi_text(self.environ.get("SCRIPT_NAME") or "").rstrip("/")

    @property
    def query_string(self) -> bytes:
        """Query as received."""
        return str(self.environ.get("QUERY_STRING", "")).encode("latin-1")

    @property
    def body(self) -> Body:
        """``wsgi.input``, cut at ``Content-Length`` and checked against it."""
        from hipflask.http.wsgi import get_input_stream

        return get_input_stream(self.environ)

    @property
    def errors(self) -> t.TextIO:
        """``wsgi.errors``."""
        return t.cast("t.TextIO", self.environ["wsgi.errors"])  # PEP 3333 asks for a text stream

    @property
    def extensions(self) -> dict[str, t.Any]:
        """The environ: that is where WSGI servers put what they have to tell."""
        return self.environ

    def get_header(self, name: str) -> str | None:
        """Return the value of the field *name* (lower case) or ``None``."""
        key = name.upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = "HTTP_" + key
        return self.environ.get(key)

    def is_disconnected(self) -> bool:
        """Return whether the client is known to have gone away: ``False`` under servers that do not tell.

        WSGI has no way to ask; our doors put a function into the environ, as ``hipflask.is_disconnected``.
        """
        ask = self.environ.get("hipflask.is_disconnected")
        return ask is not None and bool(ask())

    def to_environ(self) -> dict[str, t.Any]:
        """Return the environ itself."""
        return self.environ
