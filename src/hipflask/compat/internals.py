"""Private functions of Werkzeug that well-known extensions import all the same (``werkzeug._internal``)."""

from __future__ import annotations

import sys
import typing as t

from hipflask.http.conditional import PartialBody

__all__: list[str] = []

_missing: t.Any = type("_Missing", (), {"__repr__": lambda self: "no value", "__reduce__": lambda self: "_missing"})()


def _get_environ(obj: t.Any) -> dict[str, t.Any]:
    """Return the environ of a request, or the environ that was given itself."""
    environ = getattr(obj, "environ", obj)
    if not isinstance(environ, dict):
        raise TypeError(f"{type(obj).__name__!r} object is neither an environ nor a request. Pass one of them.")
    return environ


def _log(kind: str, message: str, *args: t.Any, **kwargs: t.Any) -> None:
    """Write a line to the access log.

    Args:
        kind: Name of the level, e.g. ``"info"``.
        message: The line, with %-placeholders.
        *args: Their values.
        **kwargs: Further arguments of the logger's method.
    """
    from hipflask.server.access_log import access_logger

    getattr(access_logger(), kind)(message.rstrip(), *args, **kwargs)


def _wsgi_decoding_dance(s: str) -> str:
    """Return the text of a value of an environ, which holds UTF-8 as if it were Latin-1 (PEP 3333)."""
    return s.encode("latin-1").decode(errors="replace")


def _wsgi_encoding_dance(s: str) -> str:
    """Return a text as an environ has it (PEP 3333)."""
    return s.encode().decode("latin-1")


class _RangeWrapper(PartialBody):
    """The part of a body that a range asks for: *byte_range* bytes from *start_byte* on, all of them if ``None``."""

    def __init__(self, iterable: t.Iterable[bytes], start_byte: int = 0, byte_range: int | None = None) -> None:
        super().__init__(iterable, start_byte, sys.maxsize if byte_range is None else byte_range)
        seekable = getattr(iterable, "seekable", None)
        self.seekable = seekable is not None and bool(seekable())
