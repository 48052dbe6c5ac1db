"""Lists and dicts that cannot be changed, and the mixins that refuse every change."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import repeat
from typing import Any, Generic, NoReturn, Self, SupportsIndex, TypeVar

__all__ = [
    "ImmutableDict",
    "ImmutableDictMixin",
    "ImmutableHeadersMixin",
    "ImmutableList",
    "ImmutableListMixin",
    "ImmutableMultiDictMixin",
]

K = TypeVar("K")
V = TypeVar("V")


def _refuse(unchangeable: object) -> NoReturn:
    raise TypeError(
        f"A {type(unchangeable).__name__!r} cannot be changed, it is immutable. "
        "Make a changeable object from it and change that one."
    )


class ImmutableListMixin:
    """Makes a :class:`list` unchangeable and, if its items are, hashable; stands before it in the bases."""

    _hash_cache: int | None = None

    def __hash__(self) -> int:
        if self._hash_cache is None:
            self._hash_cache = hash(tuple(self))  # type: ignore[arg-type]  # the other base is a list
        return self._hash_cache

    def __reduce_ex__(self, protocol: SupportsIndex) -> Any:
        return type(self), (list(self),)  # type: ignore[call-overload]  # the other base is a list

    def __delitem__(self, key: Any) -> NoReturn:
        _refuse(self)

    def __iadd__(self, other: Any) -> NoReturn:
        _refuse(self)

    def __imul__(self, other: Any) -> NoReturn:
        _refuse(self)

    def __setitem__(self, key: Any, value: Any) -> NoReturn:
        _refuse(self)

    def append(self, item: Any) -> NoReturn:
        """Raise :exc:`TypeError`: the list cannot be changed."""
        _refuse(self)

    def clear(self) -> NoReturn:
        """Raise :exc:`TypeError`: the list cannot be changed.

        Differs from Werkzeug: there this one method empties the list all the same.
        """
        _refuse(self)

    def remove(self, item: Any) -> NoReturn:
        """Raise :exc:`TypeError`: the list cannot be changed."""
        _refuse(self)

    def extend(self, iterable: Any) -> NoReturn:
        """Raise :exc:`TypeError`: the list cannot be changed."""
        _refuse(self)

    def insert(self, pos: Any, value: Any) -> NoReturn:
        """Raise :exc:`TypeError`: the list cannot be changed."""
        _refuse(self)

    def pop(self, index: Any = -1) -> NoReturn:
        """Raise :exc:`TypeError`: the list cannot be changed."""
        _refuse(self)

    def reverse(self) -> NoReturn:
        """Raise :exc:`TypeError`: the list cannot be changed."""
        _refuse(self)

    def sort(self, key: Any = None, reverse: Any = False) -> NoReturn:
        """Raise :exc:`TypeError`: the list cannot be changed."""
        _refuse(self)


class ImmutableList(ImmutableListMixin, list[V]):  # type: ignore[misc]  # the mixin refuses what list allows
    """A :class:`list` that raises :exc:`TypeError` for every change, hashable if its items are."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({list.__repr__(self)})"


class ImmutableDictMixin(Generic[K, V]):
    """Makes a :class:`dict` unchangeable and, if its values are, hashable; stands before it in the bases."""

    _hash_cache: int | None = None

    @classmethod
    def fromkeys(cls, keys: Iterable[K], value: V | None = None) -> Self:
        """Return a new dict with *value* for each of *keys*."""
        return cls(zip(keys, repeat(value)))  # type: ignore[call-arg]  # the other base is a dict

    def __reduce_ex__(self, protocol: SupportsIndex) -> Any:
        return type(self), (dict(self),)  # type: ignore[call-overload]  # the other base is a dict

    def _iter_hashitems(self) -> Iterable[Any]:
        return self.items()  # type: ignore[attr-defined, no-any-return]  # the other base is a dict

    def __hash__(self) -> int:
        if self._hash_cache is None:
            self._hash_cache = hash(frozenset(self._iter_hashitems()))
        return self._hash_cache

    def setdefault(self, key: Any, default: Any = None) -> NoReturn:
        """Raise :exc:`TypeError`: the dict cannot be changed."""
        _refuse(self)

    def update(self, arg: Any, /, **kwargs: Any) -> NoReturn:
        """Raise :exc:`TypeError`: the dict cannot be changed."""
        _refuse(self)

    def __ior__(self, other: Any) -> NoReturn:
        _refuse(self)

    def pop(self, key: Any, default: Any = None) -> NoReturn:
        """Raise :exc:`TypeError`: the dict cannot be changed."""
        _refuse(self)

    def popitem(self) -> NoReturn:
        """Raise :exc:`TypeError`: the dict cannot be changed."""
        _refuse(self)

    def __setitem__(self, key: Any, value: Any) -> NoReturn:
        _refuse(self)

    def __delitem__(self, key: Any) -> NoReturn:
        _refuse(self)

    def clear(self) -> NoReturn:
        """Raise :exc:`TypeError`: the dict cannot be changed."""
        _refuse(self)


class ImmutableDict(ImmutableDictMixin[K, V], dict[K, V]):  # type: ignore[misc]  # refuses what dict allows
    """A :class:`dict` that raises :exc:`TypeError` for every change, hashable if its values are."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({dict.__repr__(self)})"

    def copy(self) -> dict[K, V]:
        """Return an ordinary :class:`dict` with the same items, which can be changed."""
        return dict(self)

    def __copy__(self) -> Self:
        return self


class ImmutableMultiDictMixin(ImmutableDictMixin[K, V]):
    """Makes a ``MultiDict`` unchangeable and, if its values are, hashable; stands before it in the bases."""

    def __reduce_ex__(self, protocol: SupportsIndex) -> Any:
        return type(self), (list(self._iter_hashitems()),)

    def _iter_hashitems(self) -> Iterable[Any]:
        return self.items(multi=True)  # type: ignore[attr-defined, no-any-return]  # of the MultiDict

    def add(self, key: Any, value: Any) -> NoReturn:
        """Raise :exc:`TypeError`: the dict cannot be changed."""
        _refuse(self)

    def popitemlist(self) -> NoReturn:
        """Raise :exc:`TypeError`: the dict cannot be changed."""
        _refuse(self)

    def poplist(self, key: Any) -> NoReturn:
        """Raise :exc:`TypeError`: the dict cannot be changed."""
        _refuse(self)

    def setlist(self, key: Any, new_list: Any) -> NoReturn:
        """Raise :exc:`TypeError`: the dict cannot be changed."""
        _refuse(self)

    def setlistdefault(self, key: Any, default_list: Any = None) -> NoReturn:
        """Raise :exc:`TypeError`: the dict cannot be changed."""
        _refuse(self)


class ImmutableHeadersMixin:
    """Makes ``Headers`` unchangeable, but not hashable; stands before them in the bases."""

    def __delitem__(self, key: Any, **kwargs: Any) -> NoReturn:
        _refuse(self)

    def __setitem__(self, key: Any, value: Any) -> NoReturn:
        _refuse(self)

    def __ior__(self, other: Any) -> NoReturn:
        _refuse(self)

    def set(self, key: Any, value: Any, /, **kwargs: Any) -> NoReturn:
        """Raise :exc:`TypeError`: the headers cannot be changed."""
        _refuse(self)

    def setlist(self, key: Any, values: Any) -> NoReturn:
        """Raise :exc:`TypeError`: the headers cannot be changed."""
        _refuse(self)

    def add(self, key: Any, value: Any, /, **kwargs: Any) -> NoReturn:
        """Raise :exc:`TypeError`: the headers cannot be changed."""
        _refuse(self)

    def add_header(self, key: Any, value: Any, /, **kwargs: Any) -> NoReturn:
        """Raise :exc:`TypeError`: the headers cannot be changed."""
        _refuse(self)

    def clear(self) -> NoReturn:
        """Raise :exc:`TypeError`: the headers cannot be changed.

        Differs from Werkzeug: there this one method does nothing and says nothing.
        """
        _refuse(self)

    def remove(self, key: Any) -> NoReturn:
        """Raise :exc:`TypeError`: the headers cannot be changed."""
        _refuse(self)

    def extend(self, arg: Any, /, **kwargs: Any) -> NoReturn:
        """Raise :exc:`TypeError`: the headers cannot be changed."""
        _refuse(self)

    def update(self, arg: Any, /, **kwargs: Any) -> NoReturn:
        """Raise :exc:`TypeError`: the headers cannot be changed."""
        _refuse(self)

    def insert(self, pos: Any, value: Any) -> NoReturn:
        """Raise :exc:`TypeError`: the headers cannot be changed."""
        _refuse(self)

    def pop(self, key: Any = None, default: Any = None) -> NoReturn:
        """Raise :exc:`TypeError`: the headers cannot be changed."""
        _refuse(self)

    def popitem(self) -> NoReturn:
        """Raise :exc:`TypeError`: the headers cannot be changed."""
        _refuse(self)

    def setdefault(self, key: Any, default: Any) -> NoReturn:
        """Raise :exc:`TypeError`: the headers cannot be changed."""
        _refuse(self)

    def setlistdefault(self, key: Any, default: Any) -> NoReturn:
        """Raise :exc:`TypeError`: the headers cannot be changed."""
        _refuse(self)
