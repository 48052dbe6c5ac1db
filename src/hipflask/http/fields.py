"""Header fields: from text to Python and back, under the names of ``werkzeug.http``.

The ones that give text, lists and dicts come from ``quoting`` and ``options``; here are those that give
objects. Cookies, dates and ranges have modules of their own.
"""

from __future__ import annotations

import re
import typing as t
from enum import Enum
from typing import TYPE_CHECKING

from hipflask.http.datastructures.accept import Accept
from hipflask.http.datastructures.cache_control import RequestCacheControl
from hipflask.http.datastructures.csp import ContentSecurityPolicy, dump_csp_header
from hipflask.http.datastructures.header_set import HeaderSet
from hipflask.http.options import dump_options_header, parse_options_header
from hipflask.http.quoting import (
    dump_header,
    parse_dict_header,
    parse_list_header,
    quote_header_value,
    unquote_header_value,
)
from hipflask.http.status import HTTP_STATUS_CODES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hipflask.http.datastructures.cache_control import ResponseCacheControl
    from hipflask.http.datastructures.headers import Headers

    AnyAccept = t.TypeVar("AnyAccept", bound=Accept)
    AnyCacheControl = t.TypeVar("AnyCacheControl", RequestCacheControl, ResponseCacheControl)
    AnyPolicy = t.TypeVar("AnyPolicy", bound=ContentSecurityPolicy)

__all__ = [
    "COEP",
    "COOP",
    "HTTP_STATUS_CODES",
    "dump_csp_header",
    "dump_header",
    "dump_options_header",
    "is_entity_header",
    "is_hop_by_hop_header",
    "parse_accept_header",
    "parse_cache_control_header",
    "parse_csp_header",
    "parse_dict_header",
    "parse_list_header",
    "parse_options_header",
    "parse_set_header",
    "quote_header_value",
    "remove_entity_headers",
    "remove_hop_by_hop_headers",
    "unquote_header_value",
]

# Source: RFC 9110, 8, under the name that RFC 2616, 7.1 had for them.
_ENTITY_HEADERS = frozenset(
    "allow content-encoding content-language content-length content-location content-md5 content-range "
    "content-type expires last-modified".split()
)

# Source: RFC 9110, 7.6.1; RFC 2616, 13.5.1.
_HOP_BY_HOP_HEADERS = frozenset(
    "connection keep-alive proxy-authenticate proxy-authorization te trailer transfer-encoding upgrade".split()
)

# Source: RFC 9110, 12.4.2; more digits than three are let pass.
_is_quality = re.compile(r"-?[0-9]++(?:\.[0-9]++)?").fullmatch


class COEP(Enum):
    """Values of ``Cross-Origin-Embedder-Policy``. Source: WHATWG HTML, 7.1.4."""

    UNSAFE_NONE = "unsafe-none"
    REQUIRE_CORP = "require-corp"


class COOP(Enum):
    """Values of ``Cross-Origin-Opener-Policy``. Source: WHATWG HTML, 7.1.3."""

    UNSAFE_NONE = "unsafe-none"
    SAME_ORIGIN_ALLOW_POPUPS = "same-origin-allow-popups"
    SAME_ORIGIN = "same-origin"


@t.overload
def parse_accept_header(value: str | None) -> Accept: ...
@t.overload
def parse_accept_header(value: str | None, cls: type[AnyAccept]) -> AnyAccept: ...
def parse_accept_header(value: str | None, cls: type[t.Any] | None = None) -> t.Any:
    """Return what a header field such as ``Accept`` says is accepted, best first.

    Args:
        value: For example ``text/html;q=0.5, */*``.
        cls: A kind of :class:`Accept`.

    Returns:
        Values with their parameters, and their quality, which is 1 if not given. Those whose quality is not a
        number from 0 to 1 are left out.

    Source: RFC 9110, 12.5.1.
    """
    if cls is None:
        cls = Accept
    if not value:
        return cls(None)
    pairs: list[tuple[str, float]] = []
    for item in parse_list_header(value):
        if ";" not in item:
            pairs.append((item.strip(" \t"), 1))
            continue
        item, options = parse_options_header(item)
        quality = _parse_quality(options.pop("q", None))
        if 0 <= quality <= 1:
            pairs.append((dump_options_header(item, options), quality))
    return cls(pairs)


def _parse_quality(text: str | None) -> float:
    """Return the number in *text*, -1 if it is none, and 1 if there is no text."""
    if text is None:
        return 1
    text = text.strip()
    return -1 if _is_quality(text) is None else float(text)


@t.overload
def parse_cache_control_header(
    value: str | None, on_update: Callable[[t.Any], None] | None = None
) -> RequestCacheControl: ...
@t.overload
def parse_cache_control_header(
    value: str | None, on_update: Callable[[t.Any], None] | None, cls: type[AnyCacheControl]
) -> AnyCacheControl: ...
@t.overload
def parse_cache_control_header(
    value: str | None, on_update: Callable[[t.Any], None] | None = None, *, cls: type[AnyCacheControl]
) -> AnyCacheControl: ...
def parse_cache_control_header(
    value: str | None, on_update: Callable[[t.Any], None] | None = None, cls: type[t.Any] | None = None
) -> t.Any:
    """Return the directives of ``Cache-Control``.

    Args:
        value: For example ``max-age=5, no-cache``.
        on_update: Called with the result after each change.
        cls: :class:`RequestCacheControl`, which cannot be changed, or :class:`ResponseCacheControl`.

    Source: RFC 9111, 5.2.
    """
    if cls is None:
        cls = RequestCacheControl
    return cls(parse_dict_header(value) if value else (), on_update)


@t.overload
def parse_csp_header(value: str | None, on_update: Callable[[t.Any], None] | None = None) -> ContentSecurityPolicy: ...
@t.overload
def parse_csp_header(
    value: str | None, on_update: Callable[[t.Any], None] | None = None, *, cls: type[AnyPolicy]
) -> AnyPolicy: ...
def parse_csp_header(
    value: str | None, on_update: Callable[[t.Any], None] | None = None, cls: type[t.Any] | None = None
) -> t.Any:
    """Return the directives of ``Content-Security-Policy``.

    Args:
        value: For example ``default-src 'self'; sandbox``.
        on_update: Called with the result after each change.
        cls: A kind of :class:`ContentSecurityPolicy`.

    Differs from Werkzeug: directives without a value, such as ``sandbox``, are kept, with the value ``""``.
    There they vanish from the policy as soon as another directive is set.
    """
    if cls is None:
        cls = ContentSecurityPolicy
    if value is None:
        return cls(None, on_update)
    directives = []
    for text in value.split(";"):
        # Source: CSP Level 3, 2.2.1 (name and value are apart by white space).
        name, *rest = text.split(maxsplit=1) or [""]
        if name:
            directives.append((name, rest[0].rstrip() if rest else ""))
    return cls(directives, on_update)


def parse_set_header(value: str | None, on_update: Callable[[HeaderSet], None] | None = None) -> HeaderSet:
    """Return the tokens of a comma-separated list such as ``Vary`` as a set that ignores case.

    Args:
        value: For example ``Accept, Cookie``.
        on_update: Called with the result after each change.
    """
    return HeaderSet(parse_list_header(value), on_update) if value else HeaderSet(None, on_update)


def remove_entity_headers(
    headers: Headers | list[tuple[str, str]], allowed: Iterable[str] = ("expires", "content-location")
) -> None:
    """Remove, in place, the fields that describe a body, as for status 304.

    Args:
        headers: Headers, or a list of pairs.
        allowed: Names to keep, in any case.
    """
    kept = {name.lower() for name in allowed}
    headers[:] = [pair for pair in headers if pair[0].lower() in kept or not is_entity_header(pair[0])]


def remove_hop_by_hop_headers(headers: Headers | list[tuple[str, str]]) -> None:
    """Remove, in place, the fields that are for the connection only, as a WSGI application has to."""
    headers[:] = [pair for pair in headers if not is_hop_by_hop_header(pair[0])]


def is_entity_header(header: str) -> bool:
    """Return whether a field of this name, in any case, describes the body."""
    return header.lower() in _ENTITY_HEADERS


def is_hop_by_hop_header(header: str) -> bool:
    """Return whether a field of this name, in any case, is for one connection only."""
    return header.lower() in _HOP_BY_HOP_HEADERS
