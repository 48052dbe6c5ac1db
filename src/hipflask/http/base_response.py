"""A response without its body: status, header fields, cookies."""

from __future__ import annotations

import typing as t
from datetime import UTC

from hipflask.http.cookies import dump_cookie
from hipflask.http.datastructures.headers import Headers
from hipflask.http.properties import get_content_type, header_property
from hipflask.http.status import HTTP_STATUS_CODES

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime, timedelta
    from http import HTTPStatus

    from hipflask.http.datastructures import (
        ContentRange,
        ContentSecurityPolicy,
        HeaderSet,
        ResponseCacheControl,
        WWWAuthenticate,
    )

__all__ = ["CONTENT_TYPES", "CONTENT_TYPES_LIMIT", "STATUS_LINES", "BaseResponse", "content_type_field", "split_status"]

STATUS_LINES = {code: f"{code} {name.upper()}" for code, name in HTTP_STATUS_CODES.items()}
# What content_type_field() made; at most CONTENT_TYPES_LIMIT. PERF: programs use a handful of media types.
CONTENT_TYPES: dict[str, tuple[str, str]] = {}
CONTENT_TYPES_LIMIT = 256


def content_type_field(mimetype: str) -> tuple[str, str]:
    """Return the field ``Content-Type`` of a media type: with ``charset=utf-8`` if it is a text's.

    Args:
        mimetype: Media type without parameters.
    """
    found = "Content-Type", get_content_type(mimetype, "utf-8")
    if len(CONTENT_TYPES) < CONTENT_TYPES_LIMIT:
        CONTENT_TYPES[mimetype] = found
    return found


def split_status(value: str) -> tuple[str, int]:
    """Return a status line and its code from what a program gave as the status.

    Args:
        value: ``"404"``, ``"404 Not here"``, or a reason alone, whose code is then 0.

    Raises:
        ValueError: *value* is empty or has a control character.
    """
    value = value.strip()
    if not value:
        raise ValueError("The status of a response is empty. Give a code such as 200, or a line such as '200 OK'.")
    if not value.isprintable():
        raise ValueError(f"The status {value!r} has a control character, which HTTP does not allow in a status line.")
    code, _, reason = value.partition(" ")
    if not (code.isascii() and code.isdigit()):
        return f"0 {value}", 0
    number = int(code)
    return (value if reason else STATUS_LINES.get(number, f"{number} UNKNOWN")), number


def _load_date(value: str) -> datetime | None:
    from hipflask.http.dates import parse_date

    return parse_date(value)


def _dump_date(value: t.Any) -> str:
    from hipflask.http.dates import http_date

    return http_date(value)


def _load_age(value: str) -> timedelta | None:
    from hipflask.http.dates import parse_age

    return parse_age(value)


def _dump_age(value: t.Any) -> t.Any:
    from hipflask.http.dates import dump_age

    return dump_age(value)


def _load_set(value: str) -> HeaderSet:
    from hipflask.http.fields import parse_set_header

    return parse_set_header(value)


def _dump_set(value: t.Any) -> str:
    from hipflask.http.fields import dump_header

    return dump_header(value)


def _policy_property(name: str, kind: str) -> property:
    """Return a property over the header of an enumerated policy, COEP or COOP."""

    def enumeration() -> t.Any:
        from hipflask.http import fields

        return fields.COEP if kind == "COEP" else fields.COOP

    def read(response: BaseResponse) -> t.Any:
        policies = enumeration()
        try:
            return policies(response.headers.get(name, "unsafe-none"))
        except ValueError:
            return policies.UNSAFE_NONE

    def write(response: BaseResponse, value: t.Any) -> None:
        if value is None:
            response.headers.pop(name, None)
        else:
            response.headers[name] = enumeration()(value).value

    def delete(response: BaseResponse) -> None:
        response.headers.pop(name, None)

    doc = f"``{name}``, a member of :class:`~hipflask.http.fields.{kind}`; may be set by its text, too."
    return property(read, write, delete, doc=doc)


def _set_property(name: str, doc: str) -> property:
    """Return a property over a header that is a set of tokens; changing the set changes the header."""

    def on_update(headers: Headers) -> Callable[[HeaderSet], None]:
        def write(tokens: HeaderSet) -> None:
            if tokens:
                headers[name] = tokens.to_header()
            else:
                headers.pop(name, None)

        return write

    def read(response: BaseResponse) -> HeaderSet:
        from hipflask.http.fields import parse_set_header

        return parse_set_header(response.headers.get(name), on_update(response.headers))

    def write(response: BaseResponse, value: None | str | Iterable[str]) -> None:
        if not value:
            response.headers.pop(name, None)
        else:
            response.headers[name] = value if isinstance(value, str) else _dump_set(value)

    return property(read, write, doc=doc)


def _csp_property(name: str) -> property:
    def read(response: BaseResponse) -> ContentSecurityPolicy:
        from hipflask.http.fields import parse_csp_header

        def write_back(policy: ContentSecurityPolicy) -> None:
            if policy:
                response.headers[name] = policy.to_header()
            else:
                response.headers.pop(name, None)

        return parse_csp_header(response.headers.get(name), write_back)

    def write(response: BaseResponse, value: t.Any) -> None:
        from hipflask.http.fields import dump_csp_header

        if not value:
            response.headers.pop(name, None)
        else:
            response.headers[name] = value if isinstance(value, str) else dump_csp_header(value)

    return property(read, write, doc=f"Directives of ``{name}``; changing them changes the header.")


class BaseResponse:
    """The start of a response, for code that has no body (``werkzeug.sansio.response.Response``).

    Args:
        status: Code, ``"404"``, or a whole line such as ``"404 Not here"``; default :attr:`default_status`.
        headers: Fields. A :class:`Headers` object is used as it is, anything else is copied.
        mimetype: Media type without parameters; ``charset=utf-8`` is added for texts.
        content_type: Media type with its parameters; wins over *mimetype*.
    """

    default_status: int | str = 200
    default_mimetype: str | None = "text/plain"
    #: A cookie longer than this, in bytes, is warned about: browsers drop it. 0 turns the warning off.
    max_cookie_size = 4093
    headers: Headers
    # Class attributes, so that a plain response need not set them.
    _status = "200 OK"
    _status_code = 200

    def __init__(
        self,
        status: int | str | HTTPStatus | None = None,
        headers: Mapping[str, t.Any] | Iterable[tuple[str, t.Any]] | None = None,
        mimetype: str | None = None,
        content_type: str | None = None,
    ) -> None:
        self._set_headers(headers, mimetype, content_type)
        self._set_status(self.default_status if status is None else status)

    def _set_status(self, status: int | str | HTTPStatus) -> None:
        if isinstance(status, (str, bytes)):
            self.status = status
        else:
            self.status_code = status

    def _set_headers(
        self,
        headers: Mapping[str, t.Any] | Iterable[tuple[str, t.Any]] | None,
        mimetype: str | None,
        content_type: str | None,
    ) -> None:
        self.headers = headers if isinstance(headers, Headers) else Headers(headers)
        if content_type is None:
            if mimetype is None and "content-type" not in self.headers:
                mimetype = self.default_mimetype
            if mimetype is not None:
                content_type = content_type_field(mimetype)[1]
        if content_type is not None:
            self.headers["Content-Type"] = content_type

    def __repr__(self) -> str:
        return f"<{type(self).__name__} [{self.status}]>"

    # Status

    @property
    def status_code(self) -> int:
        """Status as a number; setting it sets :attr:`status` too."""
        return self._status_code

    @status_code.setter
    def status_code(self, code: int) -> None:
        line = STATUS_LINES.get(code)
        if line is None:
            line, code = split_status(str(int(code)))
        self._status, self._status_code = line, int(code)

    @property
    def status(self) -> str:
        """Status line, e.g. ``"404 NOT FOUND"``; setting it sets :attr:`status_code` too."""
        return self._status

    @status.setter
    def status(self, value: str | int) -> None:
        if isinstance(value, int):
            self.status_code = value
            return
        if not isinstance(value, str):
            raise TypeError(
                f"The status of a response is a str or an int, not {type(value).__name__}: {value!r}. "
                "Give a code such as 200, or a line such as '200 OK'."
            )
        self._status, self._status_code = split_status(value)

    # Cookies

    def set_cookie(
        self,
        key: str,
        value: str = "",
        max_age: timedelta | int | None = None,
        expires: str | datetime | int | float | None = None,
        path: str | None = "/",
        domain: str | None = None,
        secure: bool = False,
        httponly: bool = False,
        samesite: str | None = None,
        partitioned: bool = False,
    ) -> None:
        """Have the client keep a cookie.

        Args:
            key: Name.
            value: Value; any text, encoded as needed.
            max_age: Life in seconds from now; ``None`` for as long as the browser runs.
            expires: Date until which it lives; *max_age* wins where both are given.
            path: Path below which it is sent.
            domain: Domain whose hosts get it; ``None`` for this host alone.
            secure: Only over HTTPS.
            httponly: Hidden from scripts.
            samesite: ``"Strict"``, ``"Lax"`` or ``"None"``.
            partitioned: Kept apart for each top-level site; implies *secure*.

        Source: RFC 6265, 4.1; CHIPS for *partitioned*.
        """
        self.headers.add(
            "Set-Cookie",
            dump_cookie(
                key,
                value=value,
                max_age=max_age,
                expires=expires,
                path=path,
                domain=domain,
                secure=secure,
                httponly=httponly,
                samesite=samesite,
                partitioned=partitioned,
                max_size=self.max_cookie_size,
            ),
        )

    def delete_cookie(
        self,
        key: str,
        path: str | None = "/",
        domain: str | None = None,
        secure: bool = False,
        httponly: bool = False,
        samesite: str | None = None,
        partitioned: bool = False,
    ) -> None:
        """Have the client forget a cookie; *path* and *domain* must be those it was set with."""
        self.set_cookie(
            key,
            expires=0,
            max_age=0,
            path=path,
            domain=domain,
            secure=secure,
            httponly=httponly,
            samesite=samesite,
            partitioned=partitioned,
        )

    # What describes the body

    @property
    def mimetype(self) -> str | None:
        """Media type without parameters; setting it adds ``charset=utf-8`` for texts."""
        value = self.headers.get("content-type")
        return value.partition(";")[0].strip() if value else None

    @mimetype.setter
    def mimetype(self, value: str) -> None:
        self.headers["Content-Type"] = content_type_field(value)[1]

    @property
    def mimetype_params(self) -> dict[str, str]:
        """Parameters of the media type; changing the dict changes the header."""
        from hipflask.http.datastructures import CallbackDict
        from hipflask.http.fields import dump_options_header, parse_options_header

        def write_back(parameters: CallbackDict[str, str]) -> None:
            self.headers["Content-Type"] = dump_options_header(self.mimetype, parameters)

        return CallbackDict(parse_options_header(self.headers.get("content-type", ""))[1], write_back)

    @property
    def is_json(self) -> bool:
        """Whether the media type is ``application/json`` or ``application/*+json``."""
        mimetype = self.mimetype
        return mimetype is not None and (
            mimetype == "application/json" or (mimetype.startswith("application/") and mimetype.endswith("+json"))
        )

    content_type = header_property[str]("Content-Type", doc="Media type of the body with its parameters.")
    content_length = header_property[int]("Content-Length", None, int, str, doc="Length of the body in bytes.")
    content_location = header_property[str]("Content-Location", doc="URL of just what the body shows.")
    content_encoding = header_property[str]("Content-Encoding", doc="How the body is encoded, e.g. ``gzip``.")
    content_md5 = header_property[str]("Content-MD5", doc="Digest of the body (RFC 1864, obsolete).")
    content_language = _set_property(
        "Content-Language", "Languages of the body, a set; changing it changes the header."
    )

    @property
    def content_range(self) -> ContentRange:
        """Which part of the whole the body is; changing it changes the header."""
        from hipflask.http.datastructures import ContentRange
        from hipflask.http.ranges import parse_content_range_header

        def write_back(span: ContentRange) -> None:
            if span:
                self.headers["Content-Range"] = span.to_header()
            else:
                self.headers.pop("Content-Range", None)

        found = parse_content_range_header(self.headers.get("Content-Range"), write_back)
        return ContentRange(None, None, None, on_update=write_back) if found is None else found

    @content_range.setter
    def content_range(self, value: ContentRange | str | None) -> None:
        if not value:
            self.headers.pop("Content-Range", None)
        else:
            self.headers["Content-Range"] = value if isinstance(value, str) else value.to_header()

    # Caching

    date = header_property[t.Any]("Date", None, _load_date, _dump_date, doc="When the response was made.")
    expires = header_property[t.Any]("Expires", None, _load_date, _dump_date, doc="When the response becomes stale.")
    last_modified = header_property[t.Any](
        "Last-Modified", None, _load_date, _dump_date, doc="When what the body shows was last changed."
    )
    age = header_property[t.Any]("Age", None, _load_age, _dump_age, doc="Time since the origin answered, a timedelta.")
    vary = _set_property("Vary", "Request fields that the response depends on; changing the set changes the header.")

    @property
    def cache_control(self) -> ResponseCacheControl:
        """Directives of ``Cache-Control``; changing them changes the header."""
        from hipflask.http.datastructures import ResponseCacheControl
        from hipflask.http.fields import parse_cache_control_header

        def write_back(directives: ResponseCacheControl) -> None:
            if directives:
                self.headers["Cache-Control"] = directives.to_header()
            else:
                self.headers.pop("Cache-Control", None)

        return parse_cache_control_header(self.headers.get("Cache-Control"), write_back, ResponseCacheControl)

    def set_etag(self, etag: str, weak: bool = False) -> None:
        """Set the entity tag, without quotes; *weak* if equal tags do not mean equal bytes."""
        from hipflask.http.ranges import quote_etag

        self.headers["ETag"] = quote_etag(etag, weak)

    def get_etag(self) -> tuple[str, bool] | tuple[None, None]:
        """Return the entity tag without quotes and whether it is weak; ``(None, None)`` if there is none."""
        from hipflask.http.ranges import unquote_etag

        return unquote_etag(self.headers.get("ETag"))

    # Elsewhere, later, who

    location = header_property[str]("Location", doc="Where to go on, or what was created.")
    allow = _set_property("Allow", "Methods that the resource knows; changing the set changes the header.")
    accept_ranges = header_property[str]("Accept-Ranges", doc="Unit of ranges that are served, ``bytes`` or ``none``.")

    @property
    def retry_after(self) -> datetime | None:
        """When to try again; may be set to a date or to seconds from now."""
        from datetime import datetime, timedelta

        value = self.headers.get("retry-after")
        if value is None:
            return None
        if value.isascii() and value.isdigit():
            return datetime.now(UTC) + timedelta(seconds=int(value))
        return _load_date(value)

    @retry_after.setter
    def retry_after(self, value: datetime | int | str | None) -> None:
        from datetime import datetime

        if value is None:
            self.headers.pop("Retry-After", None)
        else:
            self.headers["Retry-After"] = _dump_date(value) if isinstance(value, datetime) else str(value)

    @property
    def www_authenticate(self) -> WWWAuthenticate:
        """Challenge of ``WWW-Authenticate``; changing it changes the header. May be set to a list of challenges."""
        from hipflask.http.datastructures import WWWAuthenticate

        value = WWWAuthenticate.from_header(self.headers.get("WWW-Authenticate"))
        if value is None:
            value = WWWAuthenticate("basic")

        def write_back(challenge: WWWAuthenticate) -> None:
            self.www_authenticate = challenge

        value._on_update = write_back
        return value

    @www_authenticate.setter
    def www_authenticate(self, value: WWWAuthenticate | list[WWWAuthenticate] | None) -> None:
        if not value:
            self.headers.pop("WWW-Authenticate", None)
        elif isinstance(value, list):
            self.headers.setlist("WWW-Authenticate", [challenge.to_header() for challenge in value])
        else:
            self.headers["WWW-Authenticate"] = value.to_header()

    @www_authenticate.deleter
    def www_authenticate(self) -> None:
        self.headers.pop("WWW-Authenticate", None)

    # Security policies and CORS

    content_security_policy = _csp_property("Content-Security-Policy")
    content_security_policy_report_only = _csp_property("Content-Security-Policy-Report-Only")
    cross_origin_embedder_policy = _policy_property("Cross-Origin-Embedder-Policy", "COEP")
    cross_origin_opener_policy = _policy_property("Cross-Origin-Opener-Policy", "COOP")

    @property
    def access_control_allow_credentials(self) -> bool:
        """Whether scripts of other origins may send cookies and see the response."""
        return "Access-Control-Allow-Credentials" in self.headers

    @access_control_allow_credentials.setter
    def access_control_allow_credentials(self, value: bool | None) -> None:
        if value is True:
            self.headers["Access-Control-Allow-Credentials"] = "true"
        else:
            self.headers.pop("Access-Control-Allow-Credentials", None)

    access_control_allow_headers = header_property[t.Any](
        "Access-Control-Allow-Headers",
        None,
        _load_set,
        _dump_set,
        doc="Header names that other origins may send.",
    )
    access_control_allow_methods = header_property[t.Any](
        "Access-Control-Allow-Methods", None, _load_set, _dump_set, doc="Methods that other origins may use."
    )
    access_control_allow_origin = header_property[str](
        "Access-Control-Allow-Origin", doc="Origin that may read the response, or ``*``."
    )
    access_control_expose_headers = header_property[t.Any](
        "Access-Control-Expose-Headers",
        None,
        _load_set,
        _dump_set,
        doc="Header names that other origins may read.",
    )
    access_control_max_age = header_property[int](
        "Access-Control-Max-Age", None, int, str, doc="Seconds for which a preflight's answer holds."
    )
