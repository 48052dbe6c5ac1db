"""Passes requests below some paths on to other HTTP servers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import SplitResult, quote, urlsplit

from hipflask.http.datastructures.headers import EnvironHeaders
from hipflask.http.exceptions import BadGateway, HTTPException
from hipflask.http.fields import is_hop_by_hop_header
from hipflask.http.wsgi import get_content_length, get_input_stream

if TYPE_CHECKING:
    from http.client import HTTPConnection, HTTPResponse
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["ProxyMiddleware"]

_DEFAULTS: dict[str, Any] = {"remove_prefix": False, "host": "<auto>", "headers": {}, "ssl_context": None}
# What may stand in a path, and in a query, as it is (RFC 3986, 3.3 and 3.4). A query is encoded already.
_PATH_SAFE = "/!$&'()*+,;=:@"
_QUERY_SAFE = _PATH_SAFE + "?%"
# Made anew for the target: the body is framed by us, and the server behind us has said "100 Continue" itself.
_OWN_FIELDS = frozenset({"host", "content-length", "expect"})
_NAME_RE = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_LINE_END_RE = re.compile(r"[\r\n]+[ \t]*")
_DIGITS_RE = re.compile(r"[0-9]{1,18}")


class ProxyMiddleware:
    """Passes requests on to other servers, for development; the path decides which.

    Requests and answers go through in parts, as they come. A target that cannot be reached, takes longer than
    *timeout* or does not speak HTTP is answered with 502. WebSocket does not pass: WSGI cannot do it.

    Args:
        app: The application for all other requests.
        targets: Options by path prefix, of whole segments; the first that fits is taken. The options are

            * ``target``: URL of the server, needed. Its path counts with *remove_prefix* only.
            * ``remove_prefix``: Put the target's path in place of the prefix; ``False`` if left out.
            * ``host``: The ``Host`` header: ``"<auto>"``, the default, for the target's, ``None`` for that of the
              client, or any other.
            * ``headers``: A dict of further headers for the target; they replace the client's.
            * ``ssl_context``: For a target with ``https``; certificates are verified if it is left out.
        chunk_size: Most bytes to read and send at once.
        timeout: Seconds that the target may take to connect, or to send or take the next bytes.

    Example::

        app.wsgi_app = ProxyMiddleware(app.wsgi_app, {"/api/": {"target": "http://127.0.0.1:5001/"}})

    Differs from Werkzeug: see the page on compatibility.
    """

    def __init__(
        self,
        app: WSGIApplication,
        targets: Mapping[str, dict[str, Any]],
        chunk_size: int = 2 << 13,
        timeout: int = 10,
    ) -> None:
        self.app = app
        self.targets = {
            f"/{prefix.strip('/')}/" if prefix.strip("/") else "/": {**_DEFAULTS, **options}
            for prefix, options in targets.items()
        }
        self.chunk_size = chunk_size
        self.timeout = timeout

    def proxy_to(self, opts: dict[str, Any], path: str, prefix: str) -> WSGIApplication:
        """Return an application that passes requests on to a target.

        Args:
            opts: Options of the target, all of them.
            path: The request's path, as in the environ.
            prefix: The prefix of the path that belongs to the target, with slashes around it.

        Raises:
            KeyError: There is no ``target`` (when a request comes).
            RuntimeError: The target is no URL with ``http`` or ``https`` (likewise).
        """

        def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            target = urlsplit(opts["target"])
            connection = self._connect(target, opts["ssl_context"])
            remote_path = path
            if opts["remove_prefix"]:
                remote_path = f"{target.path.rstrip('/')}/{path[len(prefix) :].lstrip('/')}"
            try:
                response = self._exchange(connection, target, opts, remote_path, environ)
                headers = _answer_fields(response)
            except HTTPException as error:  # ours, or that of reading the client's body
                connection.close()
                return error(environ, start_response)
            except BaseException:
                connection.close()
                raise
            start_response(f"{response.status} {response.reason}", headers)
            return _Body(connection, response, self.chunk_size)

        return application

    def _connect(self, target: SplitResult, ssl_context: Any) -> HTTPConnection:
        """Return a connection that is not open yet.

        Raises:
            RuntimeError: The target is no URL with ``http`` or ``https``.
        """
        from http.client import HTTPConnection, HTTPSConnection

        if target.scheme not in ("http", "https") or target.hostname is None:
            raise RuntimeError(
                f"The target {target.geturl()!r} is not a URL with http or https. Write, say, 'http://127.0.0.1:5001/'."
            )
        if target.scheme == "http":
            return HTTPConnection(target.hostname, target.port or 80, timeout=self.timeout)
        return HTTPSConnection(target.hostname, target.port or 443, timeout=self.timeout, context=ssl_context)

    def _exchange(
        self,
        connection: HTTPConnection,
        target: SplitResult,
        opts: dict[str, Any],
        path: str,
        environ: WSGIEnvironment,
    ) -> HTTPResponse:
        """Send the request and return the answer, of which the head has been read.

        Raises:
            BadGateway: The target does not answer, or not in HTTP (status 502).
            HTTPException: The client's body cannot be read.
        """
        from http.client import HTTPException as ProtocolError

        url = quote(path.encode("latin-1"), safe=_PATH_SAFE)
        query = environ.get("QUERY_STRING", "")
        if query:
            url += "?" + quote(query.encode("latin-1"), safe=_QUERY_SAFE)
        fields = _request_fields(environ, target, opts)
        length = get_content_length(environ)
        # Only such a body has an end without a length; some servers set the key for requests without body, too.
        is_chunked = length is None and "HTTP_TRANSFER_ENCODING" in environ and "wsgi.input_terminated" in environ
        try:
            connection.connect()
            connection.putrequest(environ["REQUEST_METHOD"], url, skip_host=True, skip_accept_encoding=True)
            for name, value in fields:
                connection.putheader(name, str(value).encode("latin-1"))
            if is_chunked:
                connection.putheader("Transfer-Encoding", "chunked")
            elif length or environ.get("CONTENT_LENGTH"):
                connection.putheader("Content-Length", str(length))
            connection.endheaders()
            if is_chunked or length:
                self._send_body(connection, get_input_stream(environ), is_chunked)
            return connection.getresponse()
        except (OSError, ProtocolError) as error:
            raise BadGateway() from error

    def _send_body(self, connection: HTTPConnection, stream: IO[bytes], is_chunked: bool) -> None:
        """Send the client's body, part by part."""
        while data := stream.read(self.chunk_size):
            connection.send(b"%x\r\n%b\r\n" % (len(data), data) if is_chunked else data)
        if is_chunked:
            connection.send(b"0\r\n\r\n")

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Call the application or the target that the path belongs to."""
        path: str = environ.get("PATH_INFO", "")
        app = self.app
        for prefix, opts in self.targets.items():
            # The target might take a path that goes up for one outside of the prefix.
            if path.startswith(prefix) and not {"..", "."}.intersection(path.split("/")):
                app = self.proxy_to(opts, path, prefix)
                break
        return app(environ, start_response)


def _named_in(connection_fields: Iterable[str]) -> set[str]:
    """Return the names, in lower case, that ``Connection`` fields say are for the next hop only (RFC 9110, 7.6.1)."""
    return {name.strip().lower() for value in connection_fields for name in value.split(",")}


def _request_fields(environ: WSGIEnvironment, target: SplitResult, opts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the header fields for the target, without those that frame the body."""
    client = EnvironHeaders(environ)
    replaced = {name.lower() for name in opts["headers"]}
    dropped = _OWN_FIELDS | replaced | _named_in([client.get("connection", "")])
    fields = [(name, value) for name, value in client if name.lower() not in dropped and not is_hop_by_hop_header(name)]
    host: str | None = opts["host"]
    if host == "<auto>":
        host = target.netloc.rpartition("@")[2]
    elif host is None:
        host = environ.get("HTTP_HOST", "")
    if "host" not in replaced:
        fields.append(("Host", host))
    fields.append(("Connection", "close"))
    fields += opts["headers"].items()
    return fields


def _answer_fields(response: HTTPResponse) -> list[tuple[str, str]]:
    """Return the header fields of an answer that are for the client.

    Raises:
        BadGateway: It is not clear where the body ends (RFC 9112, 6.3), or the status is no final one.
    """
    fields = response.getheaders()
    lengths = {value.strip() for name, value in fields if name.lower() == "content-length"}
    if response.getheader("Transfer-Encoding") is not None:
        lengths = set() if response.chunked else {"unknown coding"}
    if len(lengths) > 1 or not all(map(_DIGITS_RE.fullmatch, lengths)) or response.status < 200:
        raise BadGateway()
    dropped = {"content-length"} | _named_in(value for name, value in fields if name.lower() == "connection")
    kept = [
        (name, _LINE_END_RE.sub(" ", value))
        for name, value in fields
        if name.lower() not in dropped and not is_hop_by_hop_header(name) and _NAME_RE.fullmatch(name)
    ]
    return [*(("Content-Length", length) for length in lengths), *kept]


class _Body:
    """The body of a target's answer; a part of it goes on as soon as it is there.

    Args:
        connection: The connection, closed after the body.
        response: The answer.
        chunk_size: Most bytes of a part.
    """

    def __init__(self, connection: HTTPConnection, response: HTTPResponse, chunk_size: int) -> None:
        self._connection = connection
        self._response = response
        self._chunk_size = chunk_size
        self._left = response.length  # None: the body ends with its last chunk, or with the connection

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._left == 0:
            raise StopIteration
        size = self._chunk_size if self._left is None else min(self._chunk_size, self._left)
        data = self._response.read1(size)
        if self._left is not None:
            if not data:
                from http.client import IncompleteRead

                raise IncompleteRead(b"", self._left)  # so that the server breaks its answer off as well
            self._left -= len(data)
        elif not data:
            raise StopIteration
        return data

    def close(self) -> None:
        """Close the connection."""
        self._response.close()
        self._connection.close()
