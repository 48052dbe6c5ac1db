"""Query strings and url-encoded forms: text to pairs.

Source: WHATWG URL Standard, section 5.1 (``application/x-www-form-urlencoded``).
"""

from __future__ import annotations

import codecs
from urllib.parse import unquote_to_bytes

__all__ = ["parse_query"]

# Name under which codecs.register_error knows the handler below; used with bytes.decode.
KEEP_ESCAPED = "hipflask.keep_escaped"


def _keep_escaped(error: UnicodeError) -> tuple[str, int]:
    """Codec error handler: a byte that is not UTF-8 stays a percent-escape, so that nothing is lost."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    broken = error.object[error.start : error.end]
    return "".join(f"%{byte:02X}" for byte in broken), error.end


codecs.register_error(KEEP_ESCAPED, _keep_escaped)


def _unescape(value: str) -> str:
    """Return *value* with percent-escapes resolved."""
    return unquote_to_bytes(value).decode("utf-8", KEEP_ESCAPED) if "%" in value else value


def parse_query(text: str) -> list[tuple[str, str]]:
    """Return the pairs of a query string or a url-encoded form, in order.

    Args:
        text: For example ``"a=1&b=x+y&c"``. A pair without ``=`` has the value ``""``; empty pairs are left out.

    Returns:
        Decoded names and values. Percent-escapes that are not UTF-8 stay as they were, in upper case.
    """
    pairs = []
    for part in text.split("&"):
        if part:
            # PERF: tested once a pair; most names and values need no decoding.
            if "+" in part:
                part = part.replace("+", " ")
            name, _, value = part.partition("=")
            if "%" in part:
                name, value = _unescape(name), _unescape(value)
            pairs.append((name, value))
    return pairs
