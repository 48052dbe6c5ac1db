"""Build a WSGI environ, or a request, from the parts that a test names."""

from __future__ import annotations

import json as json_module
import sys
from collections.abc import Iterable, Mapping
from io import BytesIO
from typing import IO, Any
from urllib.parse import quote, unquote_to_bytes, urlencode, urlsplit, urlunsplit

from hipflask.http.datastructures import (
    Authorization,
    CallbackDict,
    CombinedMultiDict,
    EnvironHeaders,
    FileMultiDict,
    Headers,
    MultiDict,
)
from hipflask.http.fields import dump_options_header, parse_options_header
from hipflask.http.properties import get_content_type
from hipflask.http.request import Request
from hipflask.http.urls import iri_to_uri
from hipflask.testing.multipart import iter_form_items, stream_encode_multipart

__all__ = ["EnvironBuilder", "create_environ"]

_FORM_TYPE = "application/x-www-form-urlencoded"
_MULTIPART_TYPE = "multipart/form-data"


class EnvironBuilder:
    """Collects the parts of a request and makes a WSGI environ of them.

    Parts may be given at once or set as attributes; :meth:`get_environ` puts them together. Files in *data*
    are closed by :meth:`close`.

    Args:
        path: Path of the URL, percent-encoded or not. A query string after ``?`` is split off, a scheme and
            host are ignored.
        base_url: Scheme, host and root (``SCRIPT_NAME``) of the application; default ``http://localhost/``.
        query_string: Text after ``?``, or a mapping to be encoded.
        method: Request method.
        input_stream: A seekable stream with the body; then there can be no *data*.
        content_type: Value of ``Content-Type``; guessed from form and files if not given.
        content_length: Value of ``Content-Length``; taken from the body where there is one.
        errors_stream: ``wsgi.errors``, standard error if not given.
        multithread: ``wsgi.multithread``.
        multiprocess: ``wsgi.multiprocess``.
        run_once: ``wsgi.run_once``.
        headers: Header fields.
        data: ``bytes``, ``str``, an open file, or a mapping of form fields. In a mapping, a list stands for
            several fields of a name, an open file or ``(file, filename, content_type)`` for an upload.
        environ_base: Items to start the environ from.
        environ_overrides: Items that win over everything else.
        mimetype: Like *content_type*, with the charset added where the type is text.
        json: A value to be sent as JSON.
        auth: ``(username, password)`` or an ``Authorization``.

    Raises:
        ValueError: The query string is given twice, or *base_url* has a query string or fragment.
        TypeError: The body is given twice.
    """

    #: ``SERVER_PROTOCOL`` of the environ.
    server_protocol = "HTTP/1.1"

    #: ``wsgi.version`` of the environ.
    wsgi_version = (1, 0)

    #: What :meth:`get_request` makes.
    request_class: type[Any] = Request

    #: Turns the *json* argument into text.
    json_dumps = staticmethod(json_module.dumps)

    #: Whether :meth:`close` was called.
    closed = False

    # On the class, so that close() finds it also if an argument is refused before it is set.
    _files: FileMultiDict | None = None

    def __init__(
        self,
        path: str = "/",
        base_url: str | None = None,
        query_string: Mapping[str, Any] | str | None = None,
        method: str = "GET",
        input_stream: IO[bytes] | None = None,
        content_type: str | None = None,
        content_length: int | None = None,
        errors_stream: IO[str] | None = None,
        multithread: bool = False,
        multiprocess: bool = False,
        run_once: bool = False,
        headers: Headers | Iterable[tuple[str, str]] | Mapping[str, Any] | None = None,
        data: IO[Any] | str | bytes | Mapping[str, Any] | None = None,
        environ_base: Mapping[str, Any] | None = None,
        environ_overrides: Mapping[str, Any] | None = None,
        mimetype: str | None = None,
        json: Any = None,
        auth: Authorization | tuple[str, str] | None = None,
    ) -> None:
        self._input_stream: IO[bytes] | None = None
        self._form: MultiDict[str, Any] | None = None
        self._files = None
        self._query_string: str | None = None
        self._args: MultiDict[str, Any] | None = None
        self._set_target(path, query_string)
        self.base_url = base_url
        self.method = method
        self.headers = headers if isinstance(headers, Headers) else Headers(headers)
        self.errors_stream = sys.stderr if errors_stream is None else errors_stream
        self.multithread = multithread
        self.multiprocess = multiprocess
        self.run_once = run_once
        self.environ_base = environ_base
        self.environ_overrides = environ_overrides
        if content_type is not None:
            self.content_type = content_type
        self.content_length = content_length
        if mimetype is not None:
            self.mimetype = mimetype
        if auth is not None:
            self._set_auth(auth)
        if json is not None:
            data = self._encode_json(json, data)
        if input_stream is not None and data is not None:
            raise TypeError("The body is given twice, as input_stream and as data or json. Leave one out.")
        self.input_stream = input_stream
        if data:
            self._set_data(data)

    @classmethod
    def from_environ(cls, environ: Mapping[str, Any], **kwargs: Any) -> EnvironBuilder:
        """Return a builder that makes an environ like *environ*.

        Only what the standard defines is taken over, not other keys of *environ*.

        Args:
            environ: A complete WSGI environ.
            **kwargs: Arguments of the class that win over what is in *environ*.
        """
        headers = Headers(EnvironHeaders(dict(environ)))
        host = headers.pop("Host", None) or environ["SERVER_NAME"]
        path = _decode_wsgi(environ["PATH_INFO"])
        root = quote(_decode_wsgi(environ["SCRIPT_NAME"]))
        arguments = {
            "path": "/",
            "base_url": _make_base_url(environ["wsgi.url_scheme"], host, root),
            "query_string": _decode_wsgi(environ["QUERY_STRING"]),
            "method": environ["REQUEST_METHOD"],
            "input_stream": environ["wsgi.input"],
            "content_length": headers.get("Content-Length", type=int),
            "errors_stream": environ["wsgi.errors"],
            "multithread": environ["wsgi.multithread"],
            "multiprocess": environ["wsgi.multiprocess"],
            "run_once": environ["wsgi.run_once"],
            "headers": headers,
        }
        builder = cls(**{**arguments, **kwargs})
        if "path" not in kwargs:
            # PATH_INFO is decoded: a "?" or "%" in it belongs to the path.
            builder.path = quote(path, safe="/!$&'()*+,:;=@~")
            builder.request_uri = path
        return builder

    @property
    def base_url(self) -> str:
        """Scheme, host and root as one URL that ends with a slash."""
        return _make_base_url(self.url_scheme, self.host, self.script_root)

    @base_url.setter
    def base_url(self, value: str | None) -> None:
        if value is None:
            value = "http://localhost"
        scheme, host, root, query, fragment = urlsplit(iri_to_uri(value))
        if query or fragment:
            raise ValueError(
                f"base_url {value!r} has a query string or fragment. "
                "Give only scheme, host and root; the query string is an argument of its own."
            )
        self.script_root = root.rstrip("/")
        self.host = host
        self.url_scheme = scheme

    @property
    def content_type(self) -> str | None:
        """Value of ``Content-Type``; where it is not set, the one that form and files ask for."""
        value = self.headers.get("Content-Type")
        if value is None and self._input_stream is None:
            if self._files:
                return _MULTIPART_TYPE
            if self._form:
                return _FORM_TYPE
        return value

    @content_type.setter
    def content_type(self, value: str | None) -> None:
        self._set_header("Content-Type", value)

    @property
    def mimetype(self) -> str | None:
        """The media type in :attr:`content_type`, without parameters."""
        value = self.content_type
        return value.split(";")[0].strip() if value else None

    @mimetype.setter
    def mimetype(self, value: str) -> None:
        self.content_type = get_content_type(value, "utf-8")

    @property
    def mimetype_params(self) -> CallbackDict[str, str]:
        """The parameters in :attr:`content_type`; a change of the dict changes the header."""

        def update(params: CallbackDict[str, str]) -> None:
            self.headers["Content-Type"] = dump_options_header(self.mimetype, params)

        return CallbackDict(parse_options_header(self.headers.get("Content-Type"))[1], update)

    @property
    def content_length(self) -> int | None:
        """Value of ``Content-Length`` as given; :meth:`get_environ` measures the body where there is one."""
        return self.headers.get("Content-Length", type=int)

    @content_length.setter
    def content_length(self, value: int | None) -> None:
        self._set_header("Content-Length", value)

    @property
    def form(self) -> MultiDict[str, Any]:
        """The form fields. They exist only without an :attr:`input_stream`."""
        self._check_no_stream("form")
        if self._form is None:
            self._form = MultiDict()
        return self._form

    @form.setter
    def form(self, value: MultiDict[str, Any]) -> None:
        self._input_stream = None
        self._form = value

    @property
    def files(self) -> FileMultiDict:
        """The uploads; ``files.add_file`` adds one. They exist only without an :attr:`input_stream`."""
        self._check_no_stream("files")
        if self._files is None:
            self._files = FileMultiDict()
        return self._files

    @files.setter
    def files(self, value: FileMultiDict) -> None:
        self._input_stream = None
        self._files = value

    @property
    def input_stream(self) -> IO[bytes] | None:
        """The body as a stream. Setting it, to ``None`` also, drops form and files."""
        return self._input_stream

    @input_stream.setter
    def input_stream(self, value: IO[bytes] | None) -> None:
        self._input_stream = value
        self._form = None
        self._files = None

    @property
    def query_string(self) -> str:
        """Text after ``?``, made of :attr:`args` unless it was set."""
        if self._query_string is not None:
            return self._query_string
        return _encode_form(self._args) if self._args is not None else ""

    @query_string.setter
    def query_string(self, value: str | None) -> None:
        self._query_string = value
        self._args = None

    @property
    def args(self) -> MultiDict[str, Any]:
        """The query string as a mapping. It exists only where no :attr:`query_string` was set."""
        if self._query_string is not None:
            raise AttributeError(
                "A query string is set, so there is no args mapping. "
                "Set query_string = None first, or give query_string as a mapping."
            )
        if self._args is None:
            self._args = MultiDict()
        return self._args

    @args.setter
    def args(self, value: MultiDict[str, Any] | None) -> None:
        self._query_string = None
        self._args = value

    @property
    def server_name(self) -> str:
        """The host without its port."""
        return self._split_host()[0]

    @property
    def server_port(self) -> int:
        """The port in the host, else that of the scheme."""
        port = self._split_host()[1]
        if port.isascii() and port.isdigit():
            return int(port)
        return 443 if self.url_scheme == "https" else 80

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Close all uploads that were added."""
        if self.closed:
            return
        for file in self._files.values() if self._files is not None else ():
            file.close()
        self.closed = True

    def get_environ(self) -> dict[str, Any]:
        """Return the WSGI environ; the body is encoded here and starts where the stream stands.

        Source: PEP 3333.
        """
        stream, content_length, content_type = self._make_body()
        uri = _encode_wsgi(self.request_uri)
        environ: dict[str, Any] = dict(self.environ_base or {})
        environ.update(
            {
                "REQUEST_METHOD": self.method,
                "SCRIPT_NAME": _unquote_wsgi(self.script_root),
                "PATH_INFO": _unquote_wsgi(self.path),
                "QUERY_STRING": _encode_wsgi(self.query_string),
                # Not defined by WSGI; servers give the target as it arrived under these names.
                "REQUEST_URI": uri,
                "RAW_URI": uri,
                "SERVER_NAME": self.server_name,
                "SERVER_PORT": str(self.server_port),
                "HTTP_HOST": self.host,
                "SERVER_PROTOCOL": self.server_protocol,
                "wsgi.version": self.wsgi_version,
                "wsgi.url_scheme": self.url_scheme,
                "wsgi.input": stream,
                "wsgi.errors": self.errors_stream,
                "wsgi.multithread": self.multithread,
                "wsgi.multiprocess": self.multiprocess,
                "wsgi.run_once": self.run_once,
            }
        )
        if content_type is not None:
            environ["CONTENT_TYPE"] = content_type
        if content_length is not None:
            environ["CONTENT_LENGTH"] = str(content_length)
        self._add_headers(environ)
        environ.update(self.environ_overrides or {})
        return environ

    def get_request(self, cls: type[Any] | None = None) -> Any:
        """Return a request of *cls*, or of :attr:`request_class`, on a new environ."""
        return (self.request_class if cls is None else cls)(self.get_environ())

    def _set_target(self, path: str, query_string: Any) -> None:
        if not isinstance(path, str):
            raise TypeError(
                f"path is {path!r}; it must be a str. "
                "An environ, a builder or a request is the only argument of the client's open()."
            )
        if query_string is not None and "?" in path:
            raise ValueError(f"The path {path!r} has a query string, and query_string is given too. Leave one out.")
        url = urlsplit(path)
        if query_string is None and "?" in path:
            query_string = url.query
        self.path = iri_to_uri(url.path)
        self.request_uri = path
        if query_string is None or isinstance(query_string, str):
            self.query_string = query_string
        else:
            self.args = MultiDict(query_string)

    def _set_header(self, name: str, value: Any) -> None:
        if value is None:
            self.headers.pop(name, None)
        else:
            self.headers[name] = str(value)

    def _set_auth(self, auth: Authorization | tuple[str, str]) -> None:
        if isinstance(auth, tuple):
            auth = Authorization("basic", {"username": auth[0], "password": auth[1]})
        self.headers["Authorization"] = auth.to_header()

    def _encode_json(self, value: Any, data: Any) -> str:
        if data is not None:
            raise TypeError("The body is given twice, as json and as data. Leave one out.")
        if self.content_type is None:
            self.content_type = "application/json"
        return self.json_dumps(value)

    def _set_data(self, data: Any) -> None:
        if hasattr(data, "read"):
            data = data.read()
        if isinstance(data, str):
            data = data.encode()
        if isinstance(data, bytes):
            self.input_stream = BytesIO(data)
            if self.content_length is None:
                self.content_length = len(data)
            return
        for name, value in iter_form_items(data):
            if isinstance(value, tuple):
                self.files.add_file(name, *value)
            elif isinstance(value, dict) or hasattr(value, "read"):
                self.files.add_file(name, value)
            else:
                self.form.add(name, value)

    def _check_no_stream(self, name: str) -> None:
        if self._input_stream is not None:
            raise AttributeError(
                f"The body is an input stream, so there is no {name} mapping. "
                "Set input_stream = None first, or give data as a mapping."
            )

    def _split_host(self) -> tuple[str, str]:
        """Return ``(name, port)`` of the host; an IPv6 address keeps its brackets."""
        name, bracket, rest = self.host.rpartition("]")
        if bracket:
            return name + bracket, rest.removeprefix(":")
        name, _, port = self.host.partition(":")
        return name, port

    def _make_body(self) -> tuple[IO[bytes], int | None, str | None]:
        """Return ``(stream, content length, content type)``."""
        stream = self._input_stream
        content_type = self.content_type
        if stream is not None:
            start = stream.tell()
            stream.seek(0, 2)
            end = stream.tell()
            stream.seek(start)
            return stream, end - start, content_type
        mimetype = self.mimetype
        if mimetype == _MULTIPART_TYPE:
            stream, length, boundary = stream_encode_multipart(CombinedMultiDict([self.form, self.files]))
            return stream, length, f'{mimetype}; boundary="{boundary}"'
        if mimetype == _FORM_TYPE:
            form = _encode_form(self.form).encode("ascii")
            return BytesIO(form), len(form), content_type
        return BytesIO(), self.content_length, content_type

    def _add_headers(self, environ: dict[str, Any]) -> None:
        """Add the header fields as ``HTTP_X``; several of one name become one, joined by commas."""
        combined: dict[str, list[str]] = {}
        for name, value in self.headers:
            key = name.upper().replace("-", "_")
            if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
                combined.setdefault(f"HTTP_{key}", []).append(value)
        for key, values in combined.items():
            environ[key] = ", ".join(values)


def create_environ(*args: Any, **kwargs: Any) -> dict[str, Any]:
    """Return a WSGI environ for the arguments of :class:`EnvironBuilder`; uploads are closed afterwards."""
    builder = EnvironBuilder(*args, **kwargs)
    try:
        return builder.get_environ()
    finally:
        builder.close()


def _make_base_url(scheme: str, host: str, root: str) -> str:
    return urlunsplit((scheme, host, root, "", "")).rstrip("/") + "/"


def _encode_form(items: MultiDict[str, Any]) -> str:
    """Return form fields as one text; those that are ``None`` are left out.

    Source: WHATWG URL, application/x-www-form-urlencoded; more characters than there stay as they are.
    """
    pairs = [(name, value) for name, value in MultiDict(items).items(multi=True) if value is not None]
    return urlencode(pairs, safe="!$'()*,/:;?@")


def _encode_wsgi(value: str) -> str:
    """Return text the way WSGI carries bytes: UTF-8, each byte as one latin-1 character."""
    return value.encode().decode("latin-1")


def _decode_wsgi(value: str) -> str:
    """Return the text in a string that carries UTF-8 bytes as WSGI does."""
    return value.encode("latin-1").decode(errors="replace")


def _unquote_wsgi(value: str) -> str:
    """Return a percent-encoded path as WSGI carries it, decoded; bytes that are no UTF-8 become U+FFFD."""
    return _encode_wsgi(unquote_to_bytes(value).decode(errors="replace"))
