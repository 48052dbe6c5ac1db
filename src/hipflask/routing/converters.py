"""Converters: which text a placeholder of a rule accepts, and how it becomes a value and text again."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from hipflask.routing.quoting import quote_path

if TYPE_CHECKING:
    from uuid import UUID

    from hipflask.routing.map import Map

__all__ = [
    "DEFAULT_CONVERTERS",
    "AnyConverter",
    "BaseConverter",
    "FloatConverter",
    "IntegerConverter",
    "NumberConverter",
    "PathConverter",
    "UUIDConverter",
    "UnicodeConverter",
    "ValidationError",
]


class ValidationError(ValueError):
    """A converter's word that a text or value is not for it.

    Raised by ``to_python``, it makes the request one that no rule matches; by ``to_url``, it makes the rule one
    that cannot be built, and the next one of the endpoint is tried.
    """


class BaseConverter:
    """The base class of converters; accepts one path segment, as text.

    Example::

        class HexConverter(BaseConverter):
            regex = "[0-9a-f]+"

            def to_python(self, value):
                return int(value, 16)

            def to_url(self, value):
                return f"{value:x}"

        url_map = Map([Rule("/color/<hex:color>", endpoint="color")], converters={"hex": HexConverter})

    Args:
        map: The map of the rule.
        *args: Arguments written in the rule, as in ``<hex(6):color>``. This class ignores them.
        **kwargs: Named ones, as in ``<hex(digits=6):color>``.
    """

    regex = "[^/]+"
    """What the placeholder matches. Further groups in it are allowed, they have no effect."""

    weight = 100
    """Where two rules match, the one with the smaller weight at the first differing placeholder wins."""

    part_isolating = True
    """Whether a value never contains a slash. A class that sets *regex* gets the answer from its text."""

    def __init__(self, map: Map, *args: Any, **kwargs: Any) -> None:
        self.map = map

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "regex" in cls.__dict__ and "part_isolating" not in cls.__dict__:
            cls.part_isolating = "/" not in cls.regex

    def to_python(self, value: str) -> Any:
        """Return the value that a view gets for the text matched.

        Raises:
            ValidationError: The text is not acceptable after all.
        """
        return value

    def to_url(self, value: Any) -> str:
        """Return the text that stands for *value* in a URL, escaped."""
        return quote_path(str(value))


class UnicodeConverter(BaseConverter):
    """Text of one path segment: ``<name>``, ``<string:name>``, ``<string(length=2):language>``.

    Args:
        map: The map of the rule.
        minlength: The least number of characters.
        maxlength: The greatest number of characters; any if ``None``.
        length: The exact number of characters, in place of the other two.
    """

    def __init__(self, map: Map, minlength: int = 1, maxlength: int | None = None, length: int | None = None) -> None:
        super().__init__(map)
        if length is not None:
            count = str(int(length))
        else:
            count = f"{int(minlength)},{'' if maxlength is None else int(maxlength)}"
        self.regex = f"[^/]{{{count}}}"


class AnyConverter(BaseConverter):
    """One of the texts listed: ``<any(about, help, "terms of use"):page>``.

    Args:
        map: The map of the rule.
        *items: The texts.
    """

    def __init__(self, map: Map, *items: str) -> None:
        super().__init__(map)
        self.items = set(items)
        self.regex = f"(?:{'|'.join(re.escape(item) for item in items)})"

    def to_url(self, value: Any) -> str:
        """Return *value* as it is.

        Raises:
            ValueError: It is not one of the texts.
        """
        if value in self.items:
            return str(value)
        choices = ", ".join(repr(item) for item in sorted(self.items))
        raise ValueError(f"'{value}' is not one of {choices}")


class PathConverter(BaseConverter):
    """Text that may contain slashes, but not at its beginning: ``<path:rest>``."""

    part_isolating = False
    regex = "[^/].*?"
    weight = 200


class NumberConverter(BaseConverter):
    """The base class of the converters to numbers.

    Args:
        map: The map of the rule.
        fixed_digits: How many characters the text must have; any number of them if 0.
        min: The least value.
        max: The greatest value.
        signed: Whether a minus sign is allowed.
    """

    weight = 50
    num_convert: Callable[[Any], Any] = int

    def __init__(
        self,
        map: Map,
        fixed_digits: int = 0,
        min: int | float | None = None,
        max: int | float | None = None,
        signed: bool = False,
    ) -> None:
        if signed:
            self.regex = self.signed_regex
        super().__init__(map)
        self.fixed_digits = fixed_digits
        self.min = min
        self.max = max
        self.signed = signed

    @property
    def signed_regex(self) -> str:
        """The regex with an optional minus sign in front."""
        return f"-?{self.regex}"

    def to_python(self, value: str) -> Any:
        """Return the number.

        Raises:
            ValidationError: It has the wrong number of digits, more than Python converts, or is out of range.
        """
        low, high, digits = self.min, self.max, self.fixed_digits
        if not digits or digits == len(value):
            try:
                number = self.num_convert(value)
            except ValueError:  # sys.set_int_max_str_digits
                pass
            else:
                if not ((low is not None and number < low) or (high is not None and number > high)):
                    return number
        raise ValidationError("The rule takes other numbers: more or fewer digits, or another range.")

    def to_url(self, value: Any) -> str:
        """Return the number as text, filled up with zeros to ``fixed_digits``."""
        text = str(self.num_convert(value))
        return text.zfill(self.fixed_digits) if self.fixed_digits else text


class IntegerConverter(NumberConverter):
    """A whole number: ``<int:id>``, ``<int(min=1):page>``, ``<int(fixed_digits=4):year>``, ``<int(signed=True):n>``.

    Differs from Werkzeug: the digits are 0 to 9, so that each number has one URL (besides leading zeros).
    """

    regex = "[0-9]+"


class FloatConverter(NumberConverter):
    """A number with a decimal point: ``<float:price>``, ``<float(signed=True, max=1.0):ratio>``.

    Args:
        map: The map of the rule.
        min: The least value.
        max: The greatest value.
        signed: Whether a minus sign is allowed.
    """

    regex = r"[0-9]+\.[0-9]+"
    num_convert = float

    def __init__(self, map: Map, min: float | None = None, max: float | None = None, signed: bool = False) -> None:
        super().__init__(map, min=min, max=max, signed=signed)


class UUIDConverter(BaseConverter):
    """A UUID with its hyphens: ``<uuid:identifier>``."""

    regex = "[A-Fa-f0-9]{8}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{12}"

    def to_python(self, value: str) -> UUID:
        """Return the UUID."""
        from uuid import UUID

        return UUID(value)

    def to_url(self, value: UUID) -> str:
        """Return the UUID as text."""
        return str(value)


#: The converters every map begins with, by their names in rules.
DEFAULT_CONVERTERS: Mapping[str, type[BaseConverter]] = {
    "default": UnicodeConverter,
    "string": UnicodeConverter,
    "any": AnyConverter,
    "path": PathConverter,
    "int": IntegerConverter,
    "float": FloatConverter,
    "uuid": UUIDConverter,
}
