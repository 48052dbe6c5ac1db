"""What an ASGI server says of a request, as a head."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TextIO, cast

from hipflask.asgi.incoming import AsgiBody

if TYPE_CHECKING:
    from hipflask.asgi.incoming import Incoming

__all__ = ["SINGLE_FIELDS", "AsgiHead"]

#: Fields of which a second one makes a request ambiguous (RFC 9110, 5.3, 7.2 and 8.6).
SINGLE_FIELDS = (b"host", b"content-length", b"content-type")


class AsgiHead:
    """A head over the scope of an HTTP request.

    Fields whose name has an underscore are left out: in an environ, ``X_User`` and ``X-User`` would be the same. So is
    ``Proxy``, which would be taken for a setting of the environment (CVE-2016-5385).

    Args:
        scope: ASGI's scope.
        incoming: The request's body.

    Attributes:
        path_info: Decoded path below the root as the server gives it, which may be empty.
    """

    __slots__ = ("_body", "_environ", "_fields", "_incoming", "_match", "_root", "method", "path", "path_info", "scope")

    def __init__(self, scope: dict[str, Any], incoming: Incoming) -> None:
        self.scope = scope
        self.method: str = scope["method"].upper()
        self._root: str = scope.get("root_path", "").rstrip("/")
        path: str = scope["path"]
        # ASGI has the root in the path, older servers and some that mount applications have not.
        if self._root and (path == self._root or path.startswith(f"{self._root}/")):
            path = path[len(self._root) :]
        self.path_info = path
        self.path = path if path[:1] == "/" != path[1:2] else "/" + path.lstrip("/")
        self._incoming = incoming
        self._body: AsgiBody | None = None
        self._fields: dict[str, str] | None = None
        self._environ: dict[str, Any] | None = None
        self._match: tuple[Any, Any] | None = None

    def set_match(self, found: tuple[Any, Any]) -> None:
        """Keep what was found for the request before its context is made.

        Args:
            found: The application, and the rule with its arguments.
        """
        self._match = found

    def take_match(self) -> tuple[Any, Any] | None:
        """Return that, once: the arguments are the context's to change."""
        found, self._match = self._match, None
        return found

    @property
    def target(self) -> str:
        """Request target as received, or rebuilt where the server does not tell it."""
        from urllib.parse import quote

        raw = self.scope.get("raw_path")
        path = quote(self.scope["path"]) if raw is None else raw.partition(b"?")[0].decode("latin-1")
        query = self.query_string.decode("latin-1")
        return f"{path}?{query}" if query else path

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Name and value of each field."""
        return [
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in self.scope["headers"]
            if b"_" not in name and name.lower() != b"proxy"
        ]

    @property
    def http_version(self) -> str:
        """Version of HTTP without the name."""
        return cast("str", self.scope.get("http_version", "1.1"))  # a str, by the specification

    @property
    def scheme(self) -> str:
        """Scheme of the request's URL."""
        return cast("str", self.scope.get("scheme", "http"))  # likewise

    @property
    def client(self) -> tuple[str, int] | None:
        """Address and port of the peer."""
        client = self.scope.get("client")
        return None if client is None else (client[0], client[1] or 0)

    @property
    def server(self) -> tuple[str, int | None] | None:
        """Address and port that the request was sent to."""
        server = self.scope.get("server")
        return None if server is None else (server[0], server[1])

    @property
    def root_path(self) -> str:
        """Path below which the application is mounted."""
        return self._root

    @property
    def query_string(self) -> bytes:
        """Query as received."""
        return cast("bytes", self.scope.get("query_string", b""))  # bytes, by the specification

    @property
    def body(self) -> AsgiBody:
        """Stream of the body."""
        if self._body is None:
            self._body = AsgiBody(self._incoming)
        return self._body

    @property
    def errors(self) -> TextIO:
        """Standard error."""
        return sys.stderr

    @property
    def extensions(self) -> dict[str, Any]:
        """The scope: that is where ASGI servers put what they have to tell."""
        return self.scope

    @property
    def may_have_body(self) -> bool:
        """Whether bytes of a body may follow."""
        length = self.get_header("content-length")
        if length is not None:
            return length.strip("0 ") != ""
        return self.get_header("transfer-encoding") is not None or self.http_version[:1] != "1"

    @property
    def content_length(self) -> int:
        """Length of the body as announced, 0 if it is not."""
        length = self.get_header("content-length") or ""
        return int(length) if length.isascii() and length.isdecimal() and len(length) < 20 else 0

    @property
    def is_told_by_send(self) -> bool:
        """Whether the server's ``send`` raises when the client has gone (since ASGI 2.4)."""
        version = self.scope.get("asgi", {}).get("spec_version", "2.0")
        major, _, minor = version.partition(".")
        return (int(major), int(minor or 0)) >= (2, 4)

    def repeated_field(self) -> bytes | None:
        """Return the name of a field that is there twice and must not be, or ``None``."""
        names = [name.lower() for name, _ in self.scope["headers"]]
        return next((name for name in SINGLE_FIELDS if names.count(name) > 1), None)

    def get_header(self, name: str) -> str | None:
        """Return the value of the field *name* (lower case), several joined as RFC 9110 5.3 says, or ``None``."""
        fields = self._fields
        if fields is None:
            fields = self._fields = {}
            for key, value in self.headers:
                key = key.lower()
                if key in fields:
                    # RFC 9113, 8.2.3: cookies may come in several fields, and are joined by semicolons.
                    value = f"{fields[key]}{'; ' if key == 'cookie' else ','}{value}"
                fields[key] = value
        return fields.get(name)

    def is_disconnected(self) -> bool:
        """Return whether the client is known to have gone away."""
        return self._incoming.ask_disconnected()

    def to_environ(self) -> dict[str, Any]:
        """Return the WSGI environ of this head, the same dict at every call.

        Source: PEP 3333; ``REQUEST_URI`` and ``RAW_URI`` as Flask's development server sets them.
        """
        environ = self._environ
        if environ is None:
            environ = self._environ = self._make_environ()
        return environ

    def _make_environ(self) -> dict[str, Any]:
        host, port = self.server or ("localhost", 80)
        target = self.target
        environ: dict[str, Any] = {
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": self.scheme,
            "wsgi.input": self.body,
            "wsgi.errors": self.errors,
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,  # the server may have several; it does not say
            "wsgi.run_once": False,
            "SERVER_NAME": host,
            "SERVER_PORT": "" if port is None else str(port),
            "SERVER_PROTOCOL": f"HTTP/{self.http_version}",
            "REQUEST_METHOD": self.method,
            "SCRIPT_NAME": _wsgi_text(self._root),
            "PATH_INFO": _wsgi_text(self.path_info),
            "QUERY_STRING": self.query_string.decode("latin-1"),
            "REQUEST_URI": target,
            "RAW_URI": target,
            "asgi.scope": self.scope,
            "hipflask.is_disconnected": self.is_disconnected,
        }
        if self.client is not None:
            environ["REMOTE_ADDR"] = self.client[0]
            environ["REMOTE_PORT"] = str(self.client[1])
        self.get_header("")  # fills the fields
        for name, value in (self._fields or {}).items():
            key = name.upper().replace("-", "_")
            environ[key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"] = value
        if "CONTENT_LENGTH" not in environ or "HTTP_TRANSFER_ENCODING" in environ:
            environ["wsgi.input_terminated"] = True
        return environ


def _wsgi_text(text: str) -> str:
    """Return text as PEP 3333 wants it: characters that stand for the bytes of UTF-8."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("latin-1")
