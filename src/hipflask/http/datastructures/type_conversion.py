"""Dicts that convert a value when it is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self, TypeVar, overload

from hipflask.http.datastructures.immutable import ImmutableDictMixin

__all__ = ["ImmutableTypeConversionDict", "TypeConversionDict"]

K = TypeVar("K")
V = TypeVar("V")
T = TypeVar("T")
D = TypeVar("D")


class TypeConversionDict(dict[K, V]):
    """A :class:`dict` whose :meth:`get` can convert the value."""

    @overload
    def get(self, key: K, default: None = None, type: None = None) -> V | None: ...
    @overload
    def get(self, key: K, default: V | T, type: None = None) -> V | T: ...
    @overload
    def get(self, key: K, default: None = None, *, type: Callable[[V], T]) -> T | None: ...
    @overload
    def get(self, key: K, default: D, type: Callable[[V], T]) -> D | T: ...
    def get(self, key: K, default: Any = None, type: Callable[[V], Any] | None = None) -> Any:
        """Return the value of *key*, converted by *type*.

        Args:
            key: The key to look up.
            default: Returned if the key is missing or its value cannot be converted.
            type: A function of the value; :exc:`ValueError` and :exc:`TypeError` mean "cannot be converted".
        """
        try:
            value = self[key]
        except KeyError:
            return default
        if type is None:
            return value
        try:
            return type(value)
        except (ValueError, TypeError):
            return default


class ImmutableTypeConversionDict(ImmutableDictMixin[K, V], TypeConversionDict[K, V]):  # type: ignore[misc]
    """A :class:`TypeConversionDict` that raises :exc:`TypeError` for every change."""

    def copy(self) -> TypeConversionDict[K, V]:
        """Return a :class:`TypeConversionDict` with the same items, which can be changed."""
        return TypeConversionDict(self)

    def __copy__(self) -> Self:
        return self
