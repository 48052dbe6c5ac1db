"""A value with parameters, as in ``Content-Type`` and ``Content-Disposition``.

Source: RFC 9110, 5.6.6 and 8.3.1; RFC 2231, 3 and 4 (long and encoded parameters); RFC 8187; RFC 7578, 4.2
    and
WHATWG HTML, 4.10.21.8 (browsers write ``%22`` for a quote in names of fields and files).
"""

from __future__ import annotations

import re
import typing as t
from typing import TYPE_CHECKING

from hipflask.http.quoting import TOKEN, decode_extended, quote_header_value, split_extended, unescape

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["dump_options_header", "parse_disposition", "parse_options_header"]

# PERF: "text/html; charset=utf-8", nearly every value there is, takes one match.
_PLAIN = TOKEN.replace("*", "").replace("%", "")
_match_plain = re.compile(rf"[ \t]*+([^; \t]++)[ \t]*+;[ \t]*+([{_PLAIN}]++)=([{_PLAIN}]++)[ \t]*+").fullmatch

# Name, then a quoted string, or a token, or neither: a quote that is left open, which swallows what follows.
# The possessive quantifiers keep the scan linear.
_find_parameters = re.compile(rf';[ \t]*+([{TOKEN}]++)=(?:("(?:[^"\\]|\\.)*+")|([{TOKEN}]++)|".*+)', re.DOTALL).findall
_find_section = re.compile(r"\*[0-9]++\Z").search


def parse_options_header(value: str | None) -> tuple[str, dict[str, str]]:
    """Return a header's main value and its parameters.

    Args:
        value: For example ``'form-data; name="field"'``.

    Returns:
        The part before the first ``;``, and the parameters by lower-cased name, quotes and escapes resolved.
        Parameters that are malformed are left out; so is everything after a quote that is not closed.

        ``name*=charset'language'text`` is decoded. ``name*0``, ``name*1``, ... are joined in the order in
        which they come; an encoded section without a charset has that of the section before it.
    """
    if value is None:
        return "", {}
    if ";" not in value:
        return value.strip(" \t"), {}
    plain = _match_plain(value)
    if plain is not None:
        return plain[1], {plain[2].lower(): plain[3]}
    main = value[: value.index(";")].strip(" \t")
    return main, _parse_parameters(value) if main else {}


def parse_disposition(value: str) -> dict[str, str]:
    """Return the parameters of a part's ``Content-Disposition``.

    They are those of :func:`parse_options_header`, but ``name`` is taken in its plain form only: form data has no
    ``name*`` and ``name*0``, and who filters by the plain name must not be passed by.

    Args:
        value: For example ``'form-data; name="field"'``.

    Source: RFC 7578, 4.2.
    """
    return _parse_parameters(value, plain_only="name") if value.partition(";")[0].strip(" \t") else {}


class _Sections:
    """The sections of a parameter that is continued (RFC 2231, 3)."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.charset = ""

    def add(self, text: str, is_encoded: bool) -> None:
        """Append a section; *is_encoded* if its name ended with ``*``."""
        if is_encoded:
            extended = split_extended(text)
            if extended is not None:
                charset, text = extended
                self.charset = charset or self.charset
            text = decode_extended(text, self.charset)
        self.texts.append(text)


def _parse_parameters(value: str, plain_only: str = "") -> dict[str, str]:
    options: dict[str, str] = {}
    continued: dict[str, _Sections] = {}
    for name, quoted, token in _find_parameters(value):
        text = quoted or token
        if not text:
            break
        name = name.lower()
        if plain_only and "*" in name and name.partition("*")[0] == plain_only:
            continue
        is_encoded = name[-1] == "*"
        if is_encoded:
            name = name[:-1]
        else:
            text = _unquote(text)
        section = _find_section(name)
        if section is not None:
            name = name[: section.start()]
            options.pop(name, None)
            continued.setdefault(name, _Sections()).add(text, is_encoded)
            continue
        if is_encoded:
            extended = split_extended(text)
            if extended is not None:
                text = decode_extended(extended[1], extended[0])
        continued.pop(name, None)
        options[name] = text
    for name, sections in continued.items():
        options[name] = "".join(sections.texts)
    return options


def _unquote(text: str) -> str:
    """Return a token or the inside of a quoted string, as the sender meant it."""
    if text[0] == '"':
        text = unescape(text[1:-1])
    return text.replace("%22", '"') if "%22" in text else text


def dump_options_header(header: str | None, options: Mapping[str, t.Any]) -> str:
    """Return a main value with parameters; the opposite of :func:`parse_options_header`.

    Args:
        header: The main value; ``None`` gives the parameters alone.
        options: Values by name. ``None`` leaves the parameter out; others are quoted where they need it,
            except those of a name that ends with ``*``: they are encoded already.
    """
    parts = [] if header is None else [header]
    for name, value in options.items():
        if value is None:
            continue
        if name.endswith("*"):
            parts.append(f"{name}={value}")
        else:
            parts.append(f"{name}={quote_header_value(value)}")
    return "; ".join(parts)
