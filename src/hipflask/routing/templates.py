"""URLs in the other direction: a rule, compiled to a template that values are put into."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from hipflask.routing.converters import BaseConverter, NumberConverter
from hipflask.routing.quoting import quote_path

__all__ = ["UrlTemplate"]

_Step = tuple[str, Callable[[Any], Any] | None, str]


def _text_maker(converter: BaseConverter) -> Callable[[Any], Any] | None:
    """Return what makes a URL's text of a value: the converter's method, or for two kinds less than that.

    Returns:
        ``None`` for text that is escaped, ``int`` for a whole number, which both :meth:`UrlTemplate.fill` does
        itself. PERF: those need no Python call.
    """
    make = converter.to_url
    function = getattr(make, "__func__", None)
    if function is BaseConverter.to_url:
        return None
    if (
        isinstance(converter, NumberConverter)
        and function is NumberConverter.to_url
        and converter.num_convert is int
        and not converter.fixed_digits
    ):
        return int
    return make


class UrlTemplate:
    """The text of a URL with places for values.

    Args:
        trace: Pieces in order: whether it is a placeholder, and its name or the text.
        converters: Converters by the names of the placeholders.
        defaults: Values of placeholders that are always the same.
    """

    __slots__ = ("_steps", "head", "names")

    def __init__(
        self,
        trace: Iterable[tuple[bool, str]],
        converters: Mapping[str, BaseConverter],
        defaults: Mapping[str, Any],
    ) -> None:
        texts = [""]
        names: list[str] = []
        for is_placeholder, piece in trace:
            if not is_placeholder:
                texts[-1] += quote_path(piece)
            elif piece in defaults:
                texts[-1] += converters[piece].to_url(defaults[piece])
            else:
                names.append(piece)
                texts.append("")
        self.head: str = texts[0]
        """The text before the first placeholder."""
        self._steps: tuple[_Step, ...] = tuple(
            (name, _text_maker(converters[name]), tail) for name, tail in zip(names, texts[1:], strict=True)
        )
        self.names = tuple(names)
        """The placeholders that need a value, in order."""

    def fill(self, values: Mapping[str, Any]) -> str:
        """Return the text with *values* put in.

        Raises:
            KeyError: A value is missing.
            ValidationError: A converter does not take its value.
        """
        url = self.head
        for name, make, tail in self._steps:
            value = values[name]
            if make is None:
                text = value if type(value) is str else str(value)
                if not (text.isalnum() and text.isascii()):
                    text = quote_path(text)
            elif make is int:
                text = str(value if type(value) is int else int(value))
            else:
                text = make(value)
            url += text + tail
        return url
