r"""The ``Cookie`` and ``Set-Cookie`` header fields.

Values are written the way Werkzeug and Python's ``http.cookies`` do it: what a cookie cannot carry as it is
goes into quotes, with a backslash before quotes and backslashes and ``\ooo`` for other bytes. So cookies
that either of them has set are read here, and the other way round.

Source: RFC 6265, 4.1 and 4.2; draft-ietf-httpbis-rfc6265bis (SameSite);
    draft-cutler-httpbis-partitioned-cookies.
"""

from __future__ import annotations

import re
import time
import typing as t
from datetime import timedelta
from typing import TYPE_CHECKING

from hipflask.http.datastructures.multidict import MultiDict
from hipflask.http.dates import http_date

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["dump_cookie", "parse_cookie", "parse_decoded_cookie"]

# PERF: one search of the regular-expression engine finds all pairs. A pair that is malformed, that is
# with a space or a quote where none may be, does not match; the search goes on at the next ";". Names
# cannot be quoted, values can, and then have ";" in them. The possessive quantifiers keep it linear.
_find_pairs = re.compile(
    r'(?:^|;)[ \t]*+([^=;" \t]++)[ \t]*+(?:=[ \t]*+("(?:[^"\\]|\\.)*+"|[^;" \t]*+)[ \t]*+)?+(?=;|\Z)'
).findall
_unescape = re.compile(rb"\\([0-3][0-7]{2}|.)", re.DOTALL).sub

# What is neither a control character, a space, a quote, a comma, a semicolon nor a backslash, and ASCII.
_is_plain_value = re.compile(r"[!#-+\--:<-\[\]-~]*").fullmatch
_escape = re.compile(rb'[\x00-\x1f\x7f-\xff",;\\]').sub
_ESCAPES = {bytes((byte,)): b"\\%03o" % byte for byte in range(256)} | {b'"': b'\\"', b"\\": b"\\\\"}

# In an attribute these would end it and begin something else. Source: RFC 6265, 4.1.1.
_find_injection = re.compile(r"[\x00-\x08\x0a-\x1f\x7f;]").search
# A name with one of these is read as another name, or not at all. Source: RFC 6265, 5.2.
_find_in_name = re.compile(r"[\x00-\x20\x7f=,;]").search

_SAME_SITE = {"strict": "Strict", "lax": "Lax", "none": "None"}

# RFC 6265, 6.1: browsers keep at least 4096 bytes for a cookie; some count the separators too.
_MAX_COOKIE_BYTES = 4093

# The end of the year 9999, as far as dates go.
_LAST_SECOND = 253402300799

# Source: RFC 1035, 2.3.4.
_MAX_LABEL_CHARACTERS = 63


def parse_cookie(
    header: dict[str, t.Any] | str | None, cls: type[MultiDict[str, str]] | None = None
) -> MultiDict[str, str]:
    """Return the cookies of a request.

    Args:
        header: The header field as WSGI gives it (bytes decoded as Latin-1), or a WSGI environ that has it.
        cls: Class of the result; called with a list of pairs. :class:`MultiDict` by default.

    Returns:
        Values by name, in the order in which they came; bytes that are not UTF-8 are replaced by U+FFFD.
        Pairs that are malformed or have no name are left out.

    Differs from Werkzeug: bytes that are not UTF-8 never raise :exc:`UnicodeDecodeError`.
    """
    if isinstance(header, dict):
        header = header.get("HTTP_COOKIE")
    if header and not header.isascii():
        header = header.encode("latin-1").decode("utf-8", "replace")
    return parse_decoded_cookie(header, cls)


def parse_decoded_cookie(
    cookie: str | None = None, cls: type[MultiDict[str, str]] | None = None
) -> MultiDict[str, str]:
    """Return the cookies in a header field that is decoded already; else like :func:`parse_cookie`."""
    if cls is None:
        cls = MultiDict
    if not cookie:
        return cls()
    text = cookie.replace("; ", ";")
    if " " in text or "\t" in text or '"' in text:
        pairs = _find_pairs(cookie)
        if '"' in cookie:
            pairs = [(name, _unquote(value) if value[:1] == '"' else value) for name, value in pairs]
    else:
        # PERF: what browsers send has no space but that after ";", and is split in a third of the time.
        split = [part.partition("=") for part in text.split(";")]
        pairs = [(name, value) for name, _, value in split if name]
    if cls.__init__ is not MultiDict.__init__:
        return cls(pairs)
    # PERF: the constructor would go to the same lists by two calls and 1 us more, a third of the whole.
    lists: dict[str, list[str]] = {}
    for name, value in pairs:
        if name in lists:
            lists[name].append(value)
        else:
            lists[name] = [value]
    cookies = cls.__new__(cls)
    dict.update(cookies, lists)  # a MultiDict is a dict of lists inside
    return cookies


def _unescape_one(match: re.Match[bytes]) -> bytes:
    escaped = match[1]
    return escaped if len(escaped) == 1 else bytes((int(escaped, 8),))


def _unquote(value: str) -> str:
    value = value[1:-1]
    if "\\" not in value:
        return value
    return _unescape(_unescape_one, value.encode()).decode("utf-8", "replace")


def _quote(value: str) -> str:
    escaped = _escape(lambda match: _ESCAPES[match[0]], value.encode()).decode("ascii")
    return f'"{escaped}"'


def _refuse_injection(key: str, what: str, value: str) -> None:
    """Raise ValueError if *value* would smuggle another attribute or header field into the cookie."""
    if _find_injection(value) is not None:
        raise ValueError(
            f"The {what} of cookie {key!r} has a semicolon or a control character in it. Remove or encode it."
        )


def dump_cookie(
    key: str,
    value: str = "",
    max_age: timedelta | int | None = None,
    expires: str | datetime | int | float | None = None,
    path: str | None = "/",
    domain: str | None = None,
    secure: bool = False,
    httponly: bool = False,
    sync_expires: bool = True,
    max_size: int = _MAX_COOKIE_BYTES,
    samesite: str | None = None,
    partitioned: bool = False,
) -> str:
    """Return a ``Set-Cookie`` header field, as WSGI takes it (bytes decoded as Latin-1).

    Args:
        key: Name of the cookie.
        value: Quoted and escaped where it needs it.
        max_age: How long to keep it, in seconds or as a timedelta; ``None`` is until the browser is closed.
        expires: Until when to keep it: a datetime, seconds since the epoch, or a date that is written as it
            is.
        path: It is sent back to this path and below; ``None`` is the directory of the request.
        domain: It is sent back to this host and those below it; ``None`` is to the host that set it.
        secure: Send it back over TLS only.
        httponly: Hide it from scripts.
        sync_expires: Set *expires* from *max_age* where it is not given, for old browsers.
        max_size: Warn if the field is longer than this many characters; 0 does not warn.
        samesite: ``"Strict"``, ``"Lax"`` or ``"None"``, in any case: whether it goes with requests from
            other sites.
        partitioned: Keep it apart for each site that embeds this one; implies *secure*.

    Raises:
        ValueError: *samesite* is another word; *key* has a character that no name has; or a semicolon or a control
            character is where it would begin another attribute.

    Differs from Werkzeug: it writes semicolons, spaces and line breaks in *key*, *domain* and *expires* as they
    are, does not warn of a ``__Host-`` or ``__Secure-`` cookie that browsers drop, and raises for a *max_age*
    that ends after the year 9999.
    """
    key = _dump_name(key, secure or partitioned, path, domain)
    header = f"{key}={value}" if _is_plain_value(value) is not None else f"{key}={_quote(value)}"
    if domain is not None:
        header += f"; Domain={_dump_domain(key, domain)}"
    if expires is not None or max_age is not None:
        header += _dump_lifetime(key, max_age, expires, sync_expires)
    if partitioned:
        secure = True
    if secure is not False or httponly is not False:
        header += _dump_flag("Secure", secure) + _dump_flag("HttpOnly", httponly)
    if path is not None:
        header += "; Path=/" if path == "/" else f"; Path={_dump_path(path)}"
    if samesite is not None:
        header += f"; SameSite={_check_same_site(samesite)}"
    if partitioned is not False:
        header += _dump_flag("Partitioned", partitioned)
    if max_size and len(header) > max_size:
        _warn_of_size(key, value, header, max_size)
    return header


def _dump_name(key: str, secure: t.Any, path: str | None, domain: str | None) -> str:
    if _find_in_name(key) is not None:
        raise ValueError(
            f"The name of cookie {key!r} has a space, '=', ',', ';' or a control character in it. Remove or encode it."
        )
    if not key.isascii():
        return key.encode().decode("latin-1")
    if key[:2] == "__":
        _warn_of_prefix(key, secure, path, domain)
    return key


def _dump_flag(name: str, value: t.Any) -> str:
    """Return an attribute that stands alone. Werkzeug writes what is neither True nor False as its value."""
    if value is None or value is False:
        return ""
    return f"; {name}" if value is True else f"; {name}={value}"


def _dump_domain(key: str, domain: str) -> str:
    domain = domain.partition(":")[0].lstrip(".")
    _refuse_injection(key, "domain", domain)
    if not domain.isascii():
        return domain.encode("idna").decode("ascii")
    labels = domain.removesuffix(".").split(".")
    if domain and not all(0 < len(label) <= _MAX_LABEL_CHARACTERS for label in labels):
        raise UnicodeError(f"The domain {domain!r} of cookie {key!r} has a part that is empty or too long.")
    return domain


def _dump_path(path: str) -> str:
    from urllib.parse import quote

    # Source: RFC 3986, 3.3; "%" stays, so that what is encoded already is not encoded again.
    return quote(path, safe="%!$&'()*+,/:=@")


def _dump_lifetime(
    key: str,
    max_age: timedelta | int | None,
    expires: str | datetime | int | float | None,
    sync_expires: bool,
) -> str:
    if isinstance(max_age, timedelta):
        max_age = int(max_age.total_seconds())
    if expires is None:
        text = None
        if sync_expires and max_age is not None:
            text = http_date(min(max(time.time() + max_age, 0), _LAST_SECOND))
    elif isinstance(expires, str):
        text = expires
        _refuse_injection(key, "expiry date", text)
    else:
        text = http_date(expires)
    result = "" if text is None else f"; Expires={text}"
    return result if max_age is None else result + _dump_flag("Max-Age", max_age)


def _check_same_site(samesite: str) -> str:
    word = _SAME_SITE.get(samesite.lower())
    if word is None:
        raise ValueError(f"SameSite is {samesite!r}, which is not one of 'Strict', 'Lax' and 'None'.")
    return word


def _warn_of_prefix(key: str, secure: t.Any, path: str | None, domain: str | None) -> None:
    """Warn of a cookie that browsers drop for its name (draft-ietf-httpbis-rfc6265bis, 4.1.3)."""
    prefix = key.lower()
    if prefix.startswith("__host-"):
        is_kept = bool(secure) and path == "/" and domain is None
        needs = "secure=True, path='/' and no domain"
    else:
        is_kept = bool(secure) or not prefix.startswith("__secure-")
        needs = "secure=True"
    if not is_kept:
        import warnings

        warnings.warn(f"Browsers drop the cookie {key!r}: its name promises {needs}.", stacklevel=4)


def _warn_of_size(key: str, value: str, header: str, max_size: int) -> None:
    import warnings

    warnings.warn(
        f"The {key!r} cookie is too large: it takes {len(header)} bytes, {len(value)} of them for its value, "
        f"and the limit is {max_size} bytes. Browsers may drop it without a word. "
        "Keep the data on the server instead.",
        stacklevel=3,
    )
