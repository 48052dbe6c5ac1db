"""URLs for programs (URI, ASCII only) and for people (IRI).

Source: RFC 3986, 2 and 3; RFC 3987, 3.1 and 3.2; WHATWG URL Standard.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, quote, unquote_to_bytes, urlsplit, urlunsplit

from hipflask.http.query import KEEP_ESCAPED

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["iri_to_uri", "uri_to_iri"]

# What may stand unescaped, by part. "%" is among them: what is escaped already stays as it is.
_SAFE_USER = "%!$&'()*+,;="
_SAFE_PATH = "%!$&'()*+,/:;=@"
_SAFE_QUERY = _SAFE_PATH + "?"
_SAFE_FRAGMENT = _SAFE_QUERY + "#"
# Apple devices install applications from addresses that are a scheme, an empty host and a query.
_HOSTLESS_SCHEME = "itms-services"

# PERF: the target of nearly every redirect is such a path, which needs no change. "//" would begin a host.
_is_plain_path = re.compile(
    r"(?:/(?!/)[0-9A-Za-z%!$&'()*+,/:;=@._~-]*+(?:\?[0-9A-Za-z%!$&'()*+,/:;=@?._~-]++)?+)"
).fullmatch


def iri_to_uri(iri: str) -> str:
    """Return a URL in ASCII, for header fields: characters that have no place in it are percent-escaped.

    Args:
        iri: Any URL, absolute or not. Escapes in it stay; the host is written in punycode.

    Raises:
        ValueError: It is malformed: a bad port or bracket, or a host name that cannot be written in punycode.
    """
    if _is_plain_path(iri) is not None:
        return iri
    parts = urlsplit(iri)
    return _join(
        parts,
        _netloc(parts, _encode_host(parts.hostname or ""), lambda text: quote(text, safe=_SAFE_USER)),
        quote(parts.path, safe=_SAFE_PATH),
        quote(parts.query, safe=_SAFE_QUERY),
        quote(parts.fragment, safe=_SAFE_FRAGMENT),
    )


def uri_to_iri(uri: str) -> str:
    """Return a URL for people: escapes are decoded where that does not change what the URL means.

    Args:
        uri: Any URL, absolute or not. Escapes of delimiters, spaces and control characters stay, and those
            that are not UTF-8; the host is decoded from punycode.

    Raises:
        ValueError: It is malformed: a bad port or bracket.

    Differs from Werkzeug: a host name that is not proper punycode stays as it is and raises nothing.
    """
    parts = urlsplit(uri)
    return _join(
        parts,
        _netloc(parts, _decode_host(parts.hostname or ""), _unescape_user),
        _unescape_path(parts.path),
        _unescape_query(parts.query),
        _unescape_fragment(parts.fragment),
    )


def _join(parts: SplitResult, netloc: str, path: str, query: str, fragment: str) -> str:
    url = urlunsplit((parts.scheme, netloc, path, query, fragment))
    if url.startswith(f"{_HOSTLESS_SCHEME}:?"):
        return url.replace(":", "://", 1)  # urllib writes an empty host for the schemes it knows only
    return url


def _netloc(parts: SplitResult, host: str, convert: Callable[[str], str]) -> str:
    """Return user, password, host and port again, with *convert* applied to the first two."""
    netloc = f"[{host}]" if ":" in host else host
    if parts.port is not None:
        netloc = f"{netloc}:{parts.port}"
    if parts.username is None:
        return netloc
    user = convert(parts.username)
    if parts.password is not None:
        user = f"{user}:{convert(parts.password)}"
    return f"{user}@{netloc}"


def _encode_host(host: str) -> str:
    return host if host.isascii() else host.encode("idna").decode("ascii")


def _decode_host(host: str) -> str:
    if "xn--" not in host:
        return host
    return ".".join([_decode_label(label) for label in host.split(".")])


def _decode_label(label: str) -> str:
    try:
        return label.encode("ascii").decode("idna")
    except UnicodeError:
        return label


def _unescaper(delimiters: str) -> Callable[[str], str]:
    """Return a function that decodes escapes, except of *delimiters*, "%", space and control characters."""
    kept = "|".join(
        [f"{code:02X}" for code in (*range(0x21), 0x25, 0x7F)] + [f"{ord(character):02X}" for character in delimiters]
    )
    replace = re.compile(rf"(?:%(?!{kept})[0-9A-F]{{2}})++", re.IGNORECASE).sub

    def decode(match: re.Match[str]) -> str:
        return unquote_to_bytes(match[0]).decode("utf-8", KEEP_ESCAPED)

    return lambda text: replace(decode, text) if "%" in text else text


_unescape_user = _unescaper(":@/?#")
_unescape_path = _unescaper("/?#")
_unescape_query = _unescaper("&=+#")
_unescape_fragment = _unescaper("")
