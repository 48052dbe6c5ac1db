"""The multi-dicts of Werkzeug that remember the order of all their values; deprecated there since 3.1."""

from __future__ import annotations

import typing as t

from hipflask.http.datastructures.immutable import ImmutableMultiDictMixin
from hipflask.http.datastructures.multidict import MultiDict, iter_multi_items

__all__ = ["ImmutableOrderedMultiDict", "OrderedMultiDict"]


class OrderedMultiDict(MultiDict[t.Any, t.Any]):
    """A multi-dict that gives its values in the order in which they were added, whatever their keys.

    A key that is set anew moves to the end. Equality with another of its kind heeds the order.

    Args:
        mapping: As for :class:`MultiDict`.
    """

    def __init__(self, mapping: t.Any = None) -> None:
        super().__init__()
        self._numbers: dict[t.Any, list[int]] = {}  # of each key's values, in the order of all
        self._last = 0
        OrderedMultiDict.update(self, () if mapping is None else mapping)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, OrderedMultiDict):
            return list(self.items(multi=True)) == list(other.items(multi=True))
        return isinstance(other, MultiDict) and dict(self.lists()) == dict(other.lists())

    def __ne__(self, other: object) -> bool:  # dict has one of its own
        return not self == other

    __hash__: t.Any = None  # type: ignore[misc]  # it can change

    def __reduce_ex__(self, protocol: t.SupportsIndex) -> t.Any:
        return type(self), (list(self.items(multi=True)),)

    def __setitem__(self, key: t.Any, value: t.Any) -> None:
        OrderedMultiDict.setlist(self, key, (value,))

    def __delitem__(self, key: t.Any) -> None:
        super().__delitem__(key)
        del self._numbers[key]

    def items(self, multi: bool = False) -> t.Iterable[tuple[t.Any, t.Any]]:  # type: ignore[override]  # as MultiDict's
        """Yield pairs: the first value of each key, or with *multi* every value, in order."""
        if not multi:
            yield from super().items()
            return
        numbered = []
        for key, values in super().lists():
            numbered += [(number, key, value) for number, value in zip(self._numbers[key], values, strict=True)]
        for _, key, value in sorted(numbered, key=lambda entry: entry[0]):
            yield key, value

    def add(self, key: t.Any, value: t.Any) -> None:
        """Append *value* to the values of *key*, and so to all values."""
        super().add(key, value)
        self._last += 1
        self._numbers.setdefault(key, []).append(self._last)

    def update(self, mapping: t.Any) -> None:  # type: ignore[override]  # as MultiDict's
        """Add the values in *mapping* to those that are there; nothing is replaced."""
        for key, value in list(iter_multi_items(mapping)):
            OrderedMultiDict.add(self, key, value)

    def setlist(self, key: t.Any, new_list: t.Iterable[t.Any]) -> None:
        """Give *key* the values in *new_list* and no others, after all other values."""
        values = list(new_list)
        OrderedMultiDict.poplist(self, key)
        for value in values:
            OrderedMultiDict.add(self, key, value)

    def setlistdefault(self, key: t.Any, default_list: t.Any = None) -> t.NoReturn:
        """Raise a TypeError: a list that is changed later could not be kept in order."""
        raise TypeError(f"setlistdefault() of {type(self).__name__!r} is not possible. Use setlist().")

    def pop(self, key: t.Any, *default: t.Any) -> t.Any:
        """Remove *key* with all its values and return the first; a default serves where it is missing."""
        self._numbers.pop(key, None)
        return super().pop(key, *default)

    def poplist(self, key: t.Any) -> list[t.Any]:
        """Remove *key* and return the list of its values, empty if it is missing."""
        self._numbers.pop(key, None)
        return super().poplist(key)

    def popitem(self) -> tuple[t.Any, t.Any]:
        """Remove the last key and return it with its first value."""
        key, values = self.popitemlist()
        return key, values[0]

    def popitemlist(self) -> tuple[t.Any, list[t.Any]]:
        """Remove the last key and return it with the list of its values."""
        key, values = super().popitemlist()
        del self._numbers[key]
        return key, values

    def clear(self) -> None:
        """Remove all keys."""
        super().clear()
        self._numbers.clear()

    def deepcopy(self, memo: t.Any = None) -> t.Self:
        """Return a dict of the same class with deep copies of the values."""
        from copy import deepcopy

        return type(self)(deepcopy(list(self.items(multi=True)), memo))


class ImmutableOrderedMultiDict(  # type: ignore[misc]  # as ImmutableMultiDict, whose methods raise
    ImmutableMultiDictMixin[t.Any, t.Any], OrderedMultiDict
):
    """An :class:`OrderedMultiDict` that cannot be changed, and so can be hashed."""

    def __hash__(self) -> int:  # type: ignore[override]  # the other one cannot be hashed
        return hash(tuple(self.items(multi=True)))

    def __copy__(self) -> t.Self:
        return self

    def copy(self) -> t.Any:
        """Return an :class:`OrderedMultiDict`, which can be changed, with the same values."""
        return OrderedMultiDict(self)
