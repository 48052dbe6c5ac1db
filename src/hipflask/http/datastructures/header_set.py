"""The set of tokens in a header such as ``Vary``, ``Allow`` or ``Content-Language``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, MutableSet
from typing import Any, SupportsIndex

__all__ = ["HeaderSet"]


class HeaderSet(MutableSet[str]):
    """A set of header tokens that ignores case, keeps order and spelling, and can be indexed like a list.

    Args:
        headers: The tokens to begin with, in order.
        on_update: Called with this set after each change, so that its header can be written again.
    """

    def __init__(self, headers: Iterable[str] | None = None, on_update: Callable[[Any], None] | None = None) -> None:
        self._headers = list(headers or ())
        self._set = {header.lower() for header in self._headers}
        self.on_update = on_update

    def _changed(self) -> None:
        if self.on_update is not None:
            self.on_update(self)

    def add(self, header: str) -> None:
        """Append *header* unless the set has it in some spelling."""
        self.update((header,))

    def remove(self, header: str) -> None:
        """Take *header* out, however it is spelled.

        Differs from Werkzeug: there a name that is not written in lower case stays in the header.

        Raises:
            KeyError: The set does not have it.
        """
        key = header.lower()
        if key not in self._set:
            raise KeyError(header)
        self._set.remove(key)
        self._headers = [name for name in self._headers if name.lower() != key]
        self._changed()

    def update(self, iterable: Iterable[str]) -> None:
        """Append each of the names that the set does not have; together they are one change."""
        known = len(self._set)
        for header in iterable:
            key = header.lower()
            if key not in self._set:
                self._headers.append(header)
                self._set.add(key)
        if len(self._set) != known:
            self._changed()

    def discard(self, header: str) -> None:
        """Take *header* out if the set has it."""
        if header.lower() in self._set:
            self.remove(header)

    def find(self, header: str) -> int:
        """Return the position of *header*, ``-1`` if the set does not have it."""
        key = header.lower()
        for index, name in enumerate(self._headers):
            if name.lower() == key:
                return index
        return -1

    def index(self, header: str) -> int:
        """Return the position of *header*.

        Raises:
            IndexError: The set does not have it.
        """
        position = self.find(header)
        if position < 0:
            raise IndexError(header)
        return position

    def clear(self) -> None:
        """Take everything out."""
        self._set.clear()
        self._headers.clear()
        self._changed()

    def as_set(self, preserve_casing: bool = False) -> set[str]:
        """Return a :class:`set` of the names, in lower case unless *preserve_casing* is true."""
        return set(self._headers) if preserve_casing else set(self._set)

    def to_header(self) -> str:
        """Return the value of the header: the names separated by commas, quoted where they need it."""
        from hipflask.http.quoting import quote_header_value

        return ", ".join(map(quote_header_value, self._headers))

    def __getitem__(self, idx: SupportsIndex) -> str:
        return self._headers[idx]

    def __delitem__(self, idx: SupportsIndex) -> None:
        self._headers.pop(idx)
        self._set = {header.lower() for header in self._headers}
        self._changed()

    def __setitem__(self, idx: SupportsIndex, value: str) -> None:
        self._headers[idx] = value
        self._set = {header.lower() for header in self._headers}
        self._changed()

    def __contains__(self, header: object) -> bool:
        return header.lower() in self._set  # type: ignore[attr-defined]  # only names can be asked for

    def __len__(self) -> int:
        return len(self._set)

    def __iter__(self) -> Iterator[str]:
        return iter(self._headers)

    def __bool__(self) -> bool:
        return bool(self._set)

    def __str__(self) -> str:
        return self.to_header()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._headers!r})"
