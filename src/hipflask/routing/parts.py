"""A rule's text taken apart: tokens, converter arguments, and the parts that the matcher steps through."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from hipflask.routing.converters import BaseConverter

__all__ = [
    "EMPTY_PART",
    "RulePart",
    "SplitRule",
    "Weighting",
    "is_digits",
    "is_text",
    "parse_converter_args",
    "split_rule",
    "tokenize",
]

_TOKEN_RE = re.compile(
    r"(?P<slash>/)"
    r"|<(?:(?P<converter>[A-Za-z_][A-Za-z0-9_]*)(?:\((?P<arguments>.*?)\))?:)?(?P<variable>[A-Za-z_][A-Za-z0-9_]*)>"
    r"|(?P<static>[^</]+)"
)

_ARGUMENT_RE = re.compile(
    r"\s*(?:(?P<name>\w+)\s*=\s*)?"
    r"(?:[urUR]?(?P<quote>[\"'])(?P<text>(?:(?!(?P=quote)).)*)(?P=quote)"
    r"|(?P<plain>[+-]?[\w.]+|\d+[^\w\s.,]\d*))"  # the last are things like 2024-01 and 1/2
    r"\s*(?:,|\Z)",
    re.DOTALL,
)

# The regexes of the converters whose matches are known to be a path, or a segment or a part of one.
_PATH_REGEX = "[^/].*?"
_SEGMENT_REGEXES = frozenset({"[^/]{1,}", "[^/]+", "[0-9]+"})

_WORDS = {"None": None, "True": True, "False": False}


class Weighting(NamedTuple):
    """How specific a part is; of two parts that match the same text, the smaller weighting is tried first."""

    number_static_weights: int
    """Minus the number of static pieces."""
    static_weights: tuple[tuple[int, int], ...]
    """Position and minus the length of each static piece."""
    number_argument_weights: int
    """Minus the number of placeholders."""
    argument_weights: tuple[int, ...]
    """The weight of each placeholder's converter."""


class RulePart(NamedTuple):
    """One step of a rule: a path segment, or the rest of the path."""

    content: str
    """The segment itself if static, else a regex whose groups ``__arg0``, ``__arg1``, ... are the values."""
    final: bool
    """Whether the regex is for all that is left of the path, because a converter may take slashes."""
    static: bool
    """Whether the segment has no placeholder."""
    suffixed: bool
    """Whether the last group is the slash at the end of a *final* part, to be matched by the next one."""
    weight: Weighting
    """Where the part comes among those that follow the same parts."""


#: The segment between two slashes that are next to each other, and at either end of a path.
EMPTY_PART = RulePart("", False, True, False, Weighting(0, (), 0, ()))


def is_text(part: RulePart) -> bool:
    """Return whether *part* is a placeholder for any segment that is not empty."""
    return part.content in (r"(?P<__arg0>[^/]{1,})\Z", r"(?P<__arg0>[^/]+)\Z") and not part.final


def is_digits(part: RulePart) -> bool:
    """Return whether *part* is a placeholder for ASCII digits, which ``str`` can tell without a regex."""
    return part.content == r"(?P<__arg0>[0-9]+)\Z" and not part.final


def parse_converter_args(argstr: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the positional and named arguments written after a converter's name.

    Args:
        argstr: For example ``"2, max=10, 'a, b', exact=True"``. Words, dotted words and quoted text are ``str``;
            ``True``, ``False``, ``None``, integers and floats have their own types.

    Raises:
        ValueError: An argument is not one of these, and others follow it. (As in Werkzeug, what cannot be read
            at the end is ignored.)

    Differs from Werkzeug:
        Numbers may have a sign, and ``1,2`` are two numbers.
    """
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    position = 0
    for match in _ARGUMENT_RE.finditer(argstr):
        if match.start() != position:
            raise ValueError(
                f"The converter argument {argstr[position : match.start()]!r} in {argstr!r} cannot be read; "
                "put text that is not a single word in quotes."
            )
        position = match.end()
        value = match["text"] if match["quote"] else _parse_plain(match["plain"])
        if match["name"]:
            kwargs[match["name"]] = value
        else:
            args.append(value)
    return tuple(args), kwargs


def _parse_plain(text: str) -> Any:
    """Return the value of an argument without quotes."""
    if text in _WORDS:
        return _WORDS[text]
    for convert in (int, float):
        try:
            return convert(text)
        except ValueError:
            continue
    return text


#: Finds or makes the converter of a placeholder: its name, the converter's name, the arguments.
ConverterLookup = Callable[[str, str, tuple[Any, ...], dict[str, Any]], "BaseConverter"]


def tokenize(rule: str) -> Iterator[re.Match[str]]:
    """Yield the tokens of a rule: ``slash``, ``static``, or ``variable`` with ``converter`` and ``arguments``.

    Raises:
        ValueError: A ``<`` does not begin a placeholder.
    """
    position = 0
    while position < len(rule):
        token = _TOKEN_RE.match(rule, position)
        if token is None:
            raise ValueError(
                f"The URL rule {rule!r} is malformed at {rule[position:]!r}. A placeholder is written <name>, "
                "<converter:name> or <converter(arguments):name>."
            )
        yield token
        position = token.end()


class _Part:
    """A part that is being put together."""

    __slots__ = ("argument_weights", "arguments", "final", "pieces", "regexes", "static_weights")

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.regexes: list[str] = []
        self.arguments: dict[int, str] = {}  # those of converters, by their index in regexes
        self.final = False
        self.static_weights: list[tuple[int, int]] = []
        self.argument_weights: list[int] = []

    def add_static(self, text: str) -> None:
        self.static_weights.append((len(self.static_weights), -len(text)))
        self.pieces.append(text)
        self.regexes.append(re.escape(text))

    def add_slash(self) -> None:
        self.regexes.append("/")

    def add_argument(self, converter: BaseConverter) -> None:
        self.arguments[len(self.regexes)] = converter.regex
        self.regexes.append(f"(?P<__arg{len(self.argument_weights)}>{converter.regex})")
        self.argument_weights.append(converter.weight)
        self.final = self.final or not converter.part_isolating

    def finish(self) -> list[RulePart]:
        """Return the part; with a second one for the slash that a *final* part ends with."""
        weight = Weighting(
            -len(self.static_weights),
            tuple(self.static_weights),
            -len(self.argument_weights),
            tuple(self.argument_weights),
        )
        if not self.argument_weights:
            return [RulePart("".join(self.pieces), False, True, False, weight)]
        suffixed = self.regexes[-1] == "/"
        if suffixed:
            # The slash may be missing, which leads to a redirect; there is never more than one of them.
            self.regexes[-1] = r"(?<!/)(/?)"
        self._commit_paths()
        parts = [RulePart("".join(self.regexes) + r"\Z", self.final, False, suffixed, weight)]
        return [*parts, RulePart("", False, True, False, weight)] if suffixed else parts

    def _commit_paths(self) -> None:
        """Keep the regex from trying each end of a path, where another path follows and could take all up to there.

        So the time for a path without a match grows with its length, and not with the length to the power of
        the number of such placeholders. What is matched is the same, unless there are line breaks in the path.
        """
        paths = [index for index, regex in self.arguments.items() if regex == _PATH_REGEX]
        for first, second in reversed(list(pairwise(paths))):  # so that a group is closed before the next one opens
            if all(self._is_definite(index) for index in range(first + 1, second)):
                self.regexes[first] = f"(?>{self.regexes[first]}"
                self.regexes[second] = f"(?=[^/])){self.regexes[second]}"

    def _is_definite(self, index: int) -> bool:
        """Return whether, at one place, a piece matches one text at most: literal text or a whole segment."""
        regex = self.arguments.get(index)
        if regex is None:
            return "\n" not in self.regexes[index]
        return regex in _SEGMENT_REGEXES and self.regexes[index - 1] == self.regexes[index + 1] == "/"


class SplitRule(NamedTuple):
    """What :func:`split_rule` finds."""

    parts: list[RulePart]
    """The steps of the matcher."""
    trace: list[tuple[bool, str]]
    """Pieces of the URL in order: whether it is a placeholder, and its name or the text."""
    converters: dict[str, BaseConverter]
    """Converters by the names of their placeholders, in order."""


def split_rule(rule: str, get_converter: ConverterLookup) -> SplitRule:
    """Return a path, or a host name, with placeholders as parts.

    Args:
        rule: For example ``"/color/<hex(6):color>/"``.
        get_converter: Called with the placeholder's name, the converter's name (``"default"`` if none is
            written), and its arguments.

    Raises:
        ValueError: The rule or a converter's arguments are malformed.
        SyntaxError: A name is used twice.
    """
    found = SplitRule([], [], {})
    part = _Part()
    for token in tokenize(rule):
        variable = token["variable"]
        found.trace.append((variable is not None, variable or token[0]))
        if token["static"]:
            part.add_static(token[0])
        elif token["slash"]:
            if part.final:
                part.add_slash()
            else:
                found.parts.extend(part.finish())
                part = _Part()
        else:
            if variable in found.converters:
                raise SyntaxError(f"The URL rule {rule!r} has the placeholder {variable!r} twice; rename one.")
            args, kwargs = parse_converter_args(token["arguments"] or "")
            converter = get_converter(variable, token["converter"] or "default", args, kwargs)
            found.converters[variable] = converter
            part.add_argument(converter)
    found.parts.extend(part.finish())
    return found
