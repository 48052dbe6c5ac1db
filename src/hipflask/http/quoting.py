"""Tokens, quoted strings and comma-separated lists: the parts that most header values are made of.

Source: RFC 9110, 5.6. Knows text only; what makes objects of it is in ``fields`` and ``datastructures``.
"""

from __future__ import annotations

import re
import typing as t
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "TOKEN",
    "decode_extended",
    "dump_header",
    "parse_dict_header",
    "parse_list_header",
    "quote_header_value",
    "split_extended",
    "unescape",
    "unquote_header_value",
]

#: Characters of a token, for use inside a character class. Source: RFC 9110, 5.6.2.
TOKEN = r"0-9A-Za-z!#$%&'*+\-.^_`|~"

_EXTENDED_PART = TOKEN.replace("'", "")

_is_token = re.compile(f"[{TOKEN}]+").fullmatch
# An item is what stands between commas outside of quotes; a backslash escapes inside of quotes only.
# The possessive quantifiers keep the scan linear.
_find_items = re.compile(r'(?:[^",]++|"(?:[^"\\]++|\\.)*+")++', re.DOTALL).findall
_is_balanced = re.compile(r'(?:[^"]++|"(?:[^"\\]++|\\.)*+")*+', re.DOTALL).fullmatch
_unescape_pairs = re.compile(r"\\(.)").sub
_split_extended = re.compile(f"([{_EXTENDED_PART}]*+)'([{_EXTENDED_PART}]*+)'([{TOKEN}]++)").fullmatch

# Charsets that may be named in an extended value. Others are answered with the undecoded text, so that a
# client cannot pick just any of Python's codecs. Source: RFC 8187, 3.2.1 (UTF-8 is the only one that must
# be known).
_EXTENDED_CHARSETS = frozenset(("ascii", "us-ascii", "utf-8", "iso-8859-1"))


def quote_header_value(value: t.Any, allow_token: bool = True) -> str:
    """Return *value* as a quoted string, or as it is where no quotes are needed.

    Args:
        value: Turned into :class:`str` first.
        allow_token: Leave the quotes out if the value is a token; ``False`` quotes always.

    Source: RFC 9110, 5.6.4.
    """
    text = str(value)
    if allow_token and _is_token(text) is not None:
        return text
    if "\\" in text or '"' in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def unescape(text: str) -> str:
    r"""Return the inside of a quoted string with its ``\`` pairs resolved."""
    return _unescape_pairs(r"\1", text) if "\\" in text else text


def unquote_header_value(value: str) -> str:
    """Return *value* without the quotes around it and its escapes; as it is if it has no quotes.

    Source: RFC 9110, 5.6.4.
    """
    if len(value) >= 2 and value[0] == '"' == value[-1]:
        return unescape(value[1:-1])
    return value


def split_extended(value: str) -> tuple[str, str] | None:
    """Return charset and still encoded text of ``charset'language'text``; ``None`` if it is not that.

    The charset is in lower case and ``""`` if it is missing. Source: RFC 8187, 3.2.
    """
    match = _split_extended(value)
    return None if match is None else (match[1].lower(), match[3])


def decode_extended(text: str, charset: str) -> str:
    """Return *text* with its percent-escapes decoded, or as it is if *charset* may not be named."""
    return unquote(text, charset, "replace") if charset in _EXTENDED_CHARSETS else text


def parse_list_header(value: str) -> list[str]:
    """Return the items of a comma-separated list, without the quotes of those that are quoted strings.

    Args:
        value: For example ``'a, "b, c", d=e'``.

    Returns:
        The items that are not empty, in order, without the space around them. A value in which a quote is
        left open is malformed as a whole and has no items.

    Source: RFC 9110, 5.6.1.
    """
    if '"' not in value:
        return [item for part in value.split(",") if (item := part.strip(" \t"))]
    if _is_balanced(value) is None:
        return []
    return [unquote_header_value(item) for part in _find_items(value) if (item := part.strip(" \t"))]


def parse_dict_header(value: str) -> dict[str, str | None]:
    """Return the ``name=value`` items of a comma-separated list.

    Args:
        value: For example ``'realm="a b", stale'``.

    Returns:
        Values by name, without quotes; ``None`` for a name without ``=``. Of a repeated name the last
        counts. A name that ends with ``*`` loses it, and its value is decoded (RFC 8187).
    """
    result: dict[str, str | None] = {}
    for item in parse_list_header(value):
        name, equals, text = item.partition("=")
        name = name.strip(" \t")
        if not name:
            continue
        if not equals:
            result[name] = None
            continue
        text = text.strip(" \t")
        if name[-1] == "*":
            name = name[:-1]
            extended = split_extended(text)
            if extended is not None:
                text = decode_extended(extended[1], extended[0])
        result[name] = unquote_header_value(text)
    return result


def dump_header(iterable: Mapping[str, t.Any] | Iterable[t.Any]) -> str:
    """Return a comma-separated list; the opposite of :func:`parse_list_header` and :func:`parse_dict_header`.

    Args:
        iterable: Items, or a mapping of names to values, where ``None`` gives just the name. Values are
            quoted where they need it, except those of a name that ends with ``*``: they are encoded
            already.
    """
    if not isinstance(iterable, dict):
        return ", ".join([quote_header_value(item) for item in iterable])
    items = []
    for name, value in iterable.items():
        if value is None:
            items.append(name)
        elif name.endswith("*"):
            items.append(f"{name}={value}")
        else:
            items.append(f"{name}={quote_header_value(value)}")
    return ", ".join(items)
