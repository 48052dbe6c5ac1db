"""What a client accepts, best first: ``Accept`` and ``Accept-`` with Charset, Encoding and Language.

Source: RFC 9110, 12.4 and 12.5.
"""

from __future__ import annotations

import re
import typing as t
from collections.abc import Iterable, Iterator
from functools import lru_cache

from hipflask.http.datastructures.immutable import ImmutableList

__all__ = ["Accept", "CharsetAccept", "LanguageAccept", "MIMEAccept"]

_split_media_type = re.compile(r"/|[ \t]*;[ \t]*").split
_split_language = re.compile(r"[_-]").split


class Accept(ImmutableList[tuple[str, float]]):
    """A list of ``(value, quality)`` pairs, sorted by how specific the value is and then by quality.

    Args:
        values: The pairs, in any order; ``None`` if there was no such header field.
    """

    #: Whether there was such a header field.
    provided: bool

    def __init__(self, values: Accept | Iterable[tuple[str, float]] | None = ()) -> None:
        self.provided = values is not None
        if values is None:
            values = ()
        elif isinstance(values, Accept):
            self.provided = values.provided
        else:
            specificity = self._specificity
            values = sorted(values, key=lambda pair: (specificity(pair[0]), pair[1]), reverse=True)
        super().__init__(values)

    def _specificity(self, value: str) -> tuple[bool, ...]:
        """Return a key that is greater the more specific *value* is."""
        return (value != "*",)

    def _value_matches(self, value: str, item: str) -> bool:
        """Return whether *value*, of the server, is what *item*, of the client, stands for."""
        return item == "*" or item.lower() == value.lower()

    def _find_match(self, value: str) -> tuple[str, float] | None:
        """Return the most specific pair that stands for *value*."""
        for pair in self:
            if self._value_matches(value, pair[0]):
                return pair
        return None

    @t.overload
    def __getitem__(self, key: str) -> float: ...
    @t.overload
    def __getitem__(self, key: t.SupportsIndex) -> tuple[str, float]: ...
    @t.overload
    def __getitem__(self, key: slice) -> list[tuple[str, float]]: ...
    def __getitem__(self, key: t.Any) -> t.Any:
        return self.quality(key) if isinstance(key, str) else list.__getitem__(self, key)

    def quality(self, key: str) -> float:
        """Return how much *key* is liked, from 0 to 1; 0 if it is not accepted.

        What counts is the most specific of the values that stand for it.
        """
        pair = self._find_match(key)
        return 0 if pair is None else pair[1]

    def __contains__(self, value: str) -> bool:  # type: ignore[override]  # looks up text, not pairs
        return self._find_match(value) is not None

    def index(self, key: str | tuple[str, float]) -> int:  # type: ignore[override]
        """Return the position of the first pair that stands for *key*, or of the pair *key*.

        Raises:
            ValueError: There is none.
        """
        if not isinstance(key, str):
            return list.index(self, key)
        for position, (item, _) in enumerate(self):
            if self._value_matches(key, item):
                return position
        raise ValueError(f"{key!r} is not among the accepted values {self.to_header()!r}.")

    def find(self, key: str | tuple[str, float]) -> int:
        """Return the position of *key* as :meth:`index` does, or -1 if there is none."""
        try:
            return self.index(key)
        except ValueError:
            return -1

    def values(self) -> Iterator[str]:
        """Yield the values without their qualities."""
        for item, _ in self:
            yield item

    def to_header(self) -> str:
        """Return the pairs as a header field."""
        return ",".join([value if quality == 1 else f"{value};q={quality}" for value, quality in self])

    def __str__(self) -> str:
        return self.to_header()

    def __repr__(self) -> str:
        pairs = ", ".join([f"({value!r}, {quality})" for value, quality in self])
        return f"{type(self).__name__}([{pairs}])"

    def best_match(self, matches: Iterable[str], default: str | None = None) -> str | None:
        """Return the one of *matches* that the client likes best.

        Args:
            matches: What the server has, the one that it prefers first.
            default: Returned if none of them is accepted.
        """
        best = default
        best_rank: tuple[float, tuple[bool, ...]] = (0, ())
        for value in matches:
            pair = self._find_match(value)
            if pair is not None and pair[1] > 0:
                rank = (pair[1], self._specificity(pair[0]))
                if rank > best_rank:
                    best, best_rank = value, rank
        return best

    @property
    def best(self) -> str | None:
        """The value at the head of the list, or ``None`` if it is empty."""
        return self[0][0] if self else None


@lru_cache(maxsize=512)
def _media_type(text: str) -> tuple[str, str, list[str]] | None:
    """Return type, subtype and sorted parameters in lower case; ``None`` if *text* is no media type."""
    if "/" not in text:
        return None
    main, sub, *parameters = _split_media_type(text.lower())
    if main == "*" and sub != "*":
        return None
    parameters.sort()
    return main, sub, parameters


class MIMEAccept(Accept):
    """What media types a client accepts (RFC 9110, 12.5.1).

    Asking for what is not a media type, such as ``"html"``, raises :exc:`ValueError`; in the client's list
    it is passed over.
    """

    def _specificity(self, value: str) -> tuple[bool, ...]:
        return tuple([part != "*" for part in _split_media_type(value)])

    def _value_matches(self, value: str, item: str) -> bool:
        accepted = _media_type(item)
        if accepted is None and "/" not in item:
            return False
        offered = _media_type(value)
        if offered is None:
            raise ValueError(f"{value!r} is not a media type. Write it as 'type/subtype', for example 'text/html'.")
        if accepted is None:
            return False
        if accepted[0] == "*" or offered[0] == "*":
            return True
        if accepted[0] != offered[0]:
            return False
        return "*" in (accepted[1], offered[1]) or accepted[1:] == offered[1:]

    @property
    def accept_html(self) -> bool:
        """Whether HTML or XHTML is accepted."""
        return self._find_match("text/html") is not None or self.accept_xhtml

    @property
    def accept_xhtml(self) -> bool:
        """Whether XHTML is accepted, by its own media type or by that of XML."""
        return any(self._find_match(name) for name in ("application/xhtml+xml", "application/xml"))

    @property
    def accept_json(self) -> bool:
        """Whether JSON is accepted."""
        return self._find_match("application/json") is not None


class LanguageAccept(Accept):
    """What languages a client accepts (RFC 9110, 12.5.4); ``en_US`` and ``en-us`` are the same."""

    def _value_matches(self, value: str, item: str) -> bool:
        return item == "*" or _split_language(value.lower()) == _split_language(item.lower())

    def best_match(self, matches: Iterable[str], default: str | None = None) -> str | None:
        """Return the one of *matches* that the client likes best.

        Where none of them is accepted as it is, the client's languages are taken without their region, and
        then those of the server (RFC 4647, 3.4): ``en-US`` is good enough for ``en`` and the other way
        round.

        Args:
            matches: What the server has, the one that it prefers first.
            default: Returned if none of them is accepted.
        """
        offered = list(matches)
        found = super().best_match(offered)
        if found is not None:
            return found
        found = Accept([(_primary(item), quality) for item, quality in self]).best_match(offered)
        if found is not None:
            return found
        primaries = [_primary(item) for item in offered]
        found = super().best_match(primaries)
        return default if found is None else offered[primaries.index(found)]


def _primary(language: str) -> str:
    return t.cast("str", _split_language(language, 1)[0])  # re's stubs allow for None, groups that did not take part


@lru_cache(maxsize=512)
def _charset(name: str) -> str:
    """Return the name under which Python files a charset, or the name in lower case.

    This is ``codecs.lookup`` without the import of what a client names: that remembers unknown names for good.
    """
    from encodings import normalize_encoding
    from encodings.aliases import aliases

    # Characters that are not ASCII would be dropped.
    known = normalize_encoding(name).lower() if name.isascii() else ""
    known = aliases.get(known) or aliases.get(known.replace(".", "_")) or known
    return known if known in aliases.values() else name.lower()


class CharsetAccept(Accept):
    """What charsets a client accepts (RFC 9110, 12.5.2); ``utf8`` and ``UTF-8`` are the same."""

    def _value_matches(self, value: str, item: str) -> bool:
        return item == "*" or _charset(value) == _charset(item)
