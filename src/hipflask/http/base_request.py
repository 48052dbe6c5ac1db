"""What a request says before its body is touched: URL, header fields, cookies, query."""

from __future__ import annotations

import typing as t

from hipflask.http.cookies import parse_cookie
from hipflask.http.datastructures.headers import EnvironHeaders, Headers
from hipflask.http.datastructures.immutable import ImmutableList
from hipflask.http.datastructures.multidict import ImmutableMultiDict
from hipflask.http.properties import cached_property, header_property
from hipflask.http.query import KEEP_ESCAPED, parse_query
from hipflask.http.user_agent import UserAgent

if t.TYPE_CHECKING:
    from hipflask.http.datastructures import (
        Authorization,
        CharsetAccept,
        ETags,
        HeaderSet,
        IfRange,
        LanguageAccept,
        MIMEAccept,
        MultiDict,
        Range,
        RequestCacheControl,
    )
    from hipflask.http.head import Head

__all__ = ["BaseRequest"]

T = t.TypeVar("T")


class _OfHead(t.Generic[T]):
    """An attribute that is read from the request's head when it is first asked for, and kept.

    It has no ``__set__``: once the value stands in the instance's ``__dict__``, access costs no call.
    """

    def __init__(self, read: t.Callable[[Head], T], doc: str) -> None:
        self.read = read
        self.__doc__ = doc

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @t.overload
    def __get__(self, request: None, owner: type) -> t.Self: ...

    @t.overload
    def __get__(self, request: BaseRequest, owner: type) -> T: ...

    def __get__(self, request: BaseRequest | None, owner: type) -> T | t.Self:
        if request is None:
            return self
        value = self.read(request._head)
        request.__dict__[self.name] = value
        return value


def _headers_of(head: Head) -> Headers:
    """Return a read-only view of the head's fields."""
    return EnvironHeaders(head.to_environ())


def _remote_address_of(head: Head) -> str | None:
    client = head.client
    return None if client is None else client[0]


def _date(value: str) -> t.Any:
    from hipflask.http.dates import parse_date

    return parse_date(value)


def _set_of(value: str) -> HeaderSet:
    from hipflask.http.fields import parse_set_header

    return parse_set_header(value)


class BaseRequest:
    """A request without its body, for code that has no stream (``werkzeug.sansio.request.Request``).

    Args:
        method: Method in any case; kept in upper case.
        scheme: ``"http"``, ``"https"``, ``"ws"`` or ``"wss"``.
        server: Address (or path of a Unix socket) and port that the request was sent to.
        root_path: Decoded path below which the application is mounted.
        path: Decoded path below *root_path*.
        query_string: Query as received.
        headers: Fields of the request.
        remote_addr: Address of the peer.
    """

    #: Class of :attr:`args` and other parameters, of lists, of the user agent.
    parameter_storage_class: type[MultiDict[str, t.Any]] = ImmutableMultiDict
    dict_storage_class: type[MultiDict[str, t.Any]] = ImmutableMultiDict
    list_storage_class: type[list[t.Any]] = ImmutableList
    user_agent_class: type[UserAgent] = UserAgent
    trusted_hosts: list[str] | None = None
    method: str
    path: str
    _head: Head

    def __init__(
        self,
        method: str,
        scheme: str,
        server: tuple[str, int | None] | None,
        root_path: str,
        path: str,
        query_string: bytes,
        headers: Headers,
        remote_addr: str | None,
    ) -> None:
        self.method = method.upper()
        self.path = "/" + path.lstrip("/")
        # Into __dict__: the descriptors below have no __set__, and mypy takes them for read-only.
        self.__dict__.update(
            scheme=scheme,
            server=server,
            root_path=root_path.rstrip("/"),
            query_string=query_string,
            headers=headers,
            remote_addr=remote_addr,
        )

    scheme = _OfHead(lambda head: head.scheme, "Scheme of the URL, e.g. ``https``.")
    server = _OfHead(lambda head: head.server, "Address and port that the request was sent to, or ``None``.")
    root_path = _OfHead(lambda head: head.root_path, "Path below which the application is mounted.")
    query_string = _OfHead(lambda head: head.query_string, "Query as received, in bytes.")
    headers = _OfHead(_headers_of, "Header fields, read-only.")
    remote_addr = _OfHead(_remote_address_of, "Address of the peer, or ``None``.")

    def __repr__(self) -> str:
        try:
            url = self.url
        except Exception as error:
            url = f"(invalid URL: {error})"
        return f"<{type(self).__name__} {url!r} [{self.method}]>"

    # The URL

    @cached_property
    def args(self) -> MultiDict[str, str]:
        """Parameters of the query string, decoded; of type :attr:`parameter_storage_class`."""
        return self.parameter_storage_class(parse_query(self.query_string.decode("utf-8", KEEP_ESCAPED)))

    @cached_property
    def host(self) -> str:
        """Host that was asked for, with the port if it is not the scheme's own.

        Raises:
            SecurityError: The host is not valid or not among :attr:`trusted_hosts` (status 400).
        """
        from hipflask.http.host import get_host

        return get_host(self.scheme, self.headers.get("host"), self.server, self.trusted_hosts)

    @cached_property
    def full_path(self) -> str:
        """Path and query; ends in ``?`` if the query is empty."""
        return f"{self.path}?{self.query_string.decode('utf-8', 'replace')}"

    @property
    def is_secure(self) -> bool:
        """Whether the scheme is ``https`` or ``wss``."""
        return self.scheme in ("https", "wss")

    @cached_property
    def url(self) -> str:
        """Whole URL as an IRI, with the query."""
        return self._current_url(self.root_path, self.path, self.query_string)

    @cached_property
    def base_url(self) -> str:
        """URL without the query."""
        return self._current_url(self.root_path, self.path)

    @cached_property
    def root_url(self) -> str:
        """URL below which the application is mounted, with a trailing slash."""
        return self._current_url(self.root_path)

    @cached_property
    def host_url(self) -> str:
        """Scheme and host, with a trailing slash."""
        return self._current_url()

    def _current_url(self, *parts: t.Any) -> str:
        from hipflask.http.host import get_current_url

        return get_current_url(self.scheme, self.host, *parts)

    @cached_property
    def access_route(self) -> list[str]:
        """Addresses from ``X-Forwarded-For``, else the peer's. Clients can forge them: see ``ProxyFix``."""
        if "X-Forwarded-For" in self.headers:
            from hipflask.http.fields import parse_list_header

            return self.list_storage_class(parse_list_header(self.headers["X-Forwarded-For"]))
        if self.remote_addr is not None:
            return self.list_storage_class([self.remote_addr])
        return self.list_storage_class()

    # Cookies and what describes the body

    @cached_property
    def cookies(self) -> ImmutableMultiDict[str, str]:
        """Cookies, of type :attr:`dict_storage_class`."""
        header = ";".join(self.headers.getlist("Cookie"))
        return t.cast(
            "ImmutableMultiDict[str, str]", parse_cookie(header, self.dict_storage_class)
        )  # the class decides

    content_type = header_property[str](
        "Content-Type", doc="Media type of the body with its parameters, e.g. ``text/html; charset=utf-8``."
    )
    content_encoding = header_property[str](
        "Content-Encoding", doc="How the body is encoded on top of its media type (RFC 9110, 8.4)."
    )
    content_md5 = header_property[str]("Content-MD5", doc="Digest of the body (RFC 1864, obsolete).")

    @cached_property
    def content_length(self) -> int | None:
        """Length of the body in bytes; ``None`` if unknown or chunked."""
        from hipflask.http.host import get_content_length

        headers = self.headers
        return get_content_length(
            http_content_length=headers.get("Content-Length"),
            http_transfer_encoding=headers.get("Transfer-Encoding"),
        )

    @cached_property
    def _media_type(self) -> tuple[str, dict[str, str]]:
        value = self.headers.get("Content-Type", "")
        if not value:
            return "", {}
        from hipflask.http.fields import parse_options_header

        mimetype, parameters = parse_options_header(value)
        return mimetype.lower(), parameters

    @property
    def mimetype(self) -> str:
        """Media type of the body in lower case, without parameters; ``""`` if there is none."""
        return self._media_type[0]

    @property
    def mimetype_params(self) -> dict[str, str]:
        """Parameters of the media type, e.g. ``{"charset": "utf-8"}``."""
        return self._media_type[1]

    @property
    def is_json(self) -> bool:
        """Whether the media type is ``application/json`` or ``application/*+json``."""
        mimetype = self.mimetype
        return mimetype == "application/json" or (mimetype.startswith("application/") and mimetype.endswith("+json"))

    # What the client accepts

    def _accept(self, name: str, kind: type[T]) -> T:
        from hipflask.http.fields import parse_accept_header

        return t.cast(
            "T", parse_accept_header(self.headers.get(name), t.cast("t.Any", kind))
        )  # parser is typed by its class

    @cached_property
    def accept_mimetypes(self) -> MIMEAccept:
        """Media types that the client accepts, best first."""
        from hipflask.http.datastructures import MIMEAccept

        return self._accept("Accept", MIMEAccept)

    @cached_property
    def accept_charsets(self) -> CharsetAccept:
        """Charsets that the client accepts, best first."""
        from hipflask.http.datastructures import CharsetAccept

        return self._accept("Accept-Charset", CharsetAccept)

    @cached_property
    def accept_encodings(self) -> t.Any:
        """Content encodings that the client accepts, best first; an :class:`Accept`."""
        from hipflask.http.datastructures import Accept

        return self._accept("Accept-Encoding", Accept)

    @cached_property
    def accept_languages(self) -> LanguageAccept:
        """Languages that the client accepts, best first."""
        from hipflask.http.datastructures import LanguageAccept

        return self._accept("Accept-Language", LanguageAccept)

    # Conditions, caching, ranges

    @cached_property
    def cache_control(self) -> RequestCacheControl:
        """Directives of ``Cache-Control``."""
        from hipflask.http.datastructures import RequestCacheControl
        from hipflask.http.fields import parse_cache_control_header

        return parse_cache_control_header(self.headers.get("Cache-Control"), None, RequestCacheControl)

    @cached_property
    def if_match(self) -> ETags:
        """Entity tags of ``If-Match``."""
        from hipflask.http.ranges import parse_etags

        return parse_etags(self.headers.get("If-Match"))

    @cached_property
    def if_none_match(self) -> ETags:
        """Entity tags of ``If-None-Match``."""
        from hipflask.http.ranges import parse_etags

        return parse_etags(self.headers.get("If-None-Match"))

    if_modified_since = header_property[t.Any](
        "If-Modified-Since", None, _date, read_only=True, doc="Date of ``If-Modified-Since``, or ``None``."
    )
    if_unmodified_since = header_property[t.Any](
        "If-Unmodified-Since",
        None,
        _date,
        read_only=True,
        doc="Date of ``If-Unmodified-Since``, or ``None``.",
    )

    @cached_property
    def if_range(self) -> IfRange:
        """Entity tag or date of ``If-Range``."""
        from hipflask.http.ranges import parse_if_range_header

        return parse_if_range_header(self.headers.get("If-Range"))

    @cached_property
    def range(self) -> Range | None:
        """Parts of the body asked for by ``Range``; ``None`` if there is none or it is malformed."""
        from hipflask.http.ranges import parse_range_header

        return parse_range_header(self.headers.get("Range"))

    @cached_property
    def pragma(self) -> HeaderSet:
        """Tokens of ``Pragma`` (obsolete)."""
        return _set_of(self.headers.get("Pragma", ""))

    # Who asks

    @cached_property
    def user_agent(self) -> UserAgent:
        """What the client says it is, of type :attr:`user_agent_class`."""
        return self.user_agent_class(self.headers.get("User-Agent", ""))

    @cached_property
    def authorization(self) -> Authorization | None:
        """Credentials of ``Authorization``; ``None`` if there are none or they are malformed."""
        from hipflask.http.datastructures import Authorization

        return Authorization.from_header(self.headers.get("Authorization"))

    date = header_property[t.Any]("Date", None, _date, read_only=True, doc="Date of the message, or ``None``.")
    max_forwards = header_property[int](
        "Max-Forwards", None, int, read_only=True, doc="Hops left for TRACE and OPTIONS, or ``None``."
    )
    referrer = header_property[str]("Referer", doc="URL of the page that led here, or ``None``.")
    origin = header_property[str]("Origin", doc="Origin of a cross-origin request, or ``None``.")
    access_control_request_method = header_property[str](
        "Access-Control-Request-Method", doc="Method that a CORS preflight announces, or ``None``."
    )
    access_control_request_headers = header_property[t.Any](
        "Access-Control-Request-Headers", None, _set_of, doc="Header names that a CORS preflight announces."
    )
