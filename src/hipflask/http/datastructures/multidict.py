"""Dicts with several values per key, for forms and query strings, and views of several such dicts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import repeat
from typing import Any, Literal, NoReturn, Self, SupportsIndex, TypeVar, overload

from hipflask.http.datastructures.immutable import ImmutableMultiDictMixin
from hipflask.http.datastructures.type_conversion import TypeConversionDict
from hipflask.http.exceptions import BadRequestKeyError

__all__ = [
    "CombinedMultiDict",
    "ImmutableMultiDict",
    "MultiDict",
    "iter_multi_items",
]

K = TypeVar("K")
V = TypeVar("V")
T = TypeVar("T")
D = TypeVar("D")

_MISSING: Any = object()

# A MultiDict is a dict of lists whose own methods show first values. These reach the lists themselves.
# PERF: they also spare ``super()``, which costs more than the look-up in Python 3.11.
_get: Any = dict.get
_set: Any = dict.__setitem__
_items: Any = dict.items
_values: Any = dict.values
_pop: Any = dict.pop


def iter_multi_items(
    mapping: MultiDict[K, V] | Mapping[K, V | list[V] | tuple[V, ...] | set[V]] | Iterable[tuple[K, V]],
) -> Iterator[tuple[K, V]]:
    """Yield a key-value pair for each value in *mapping*.

    Args:
        mapping: A ``MultiDict``; a mapping, where a list, tuple or set stands for several values of its key;
            or pairs, which are given back as they are.
    """
    if isinstance(mapping, MultiDict):
        yield from mapping.items(multi=True)
    elif isinstance(mapping, Mapping):
        for key, value in mapping.items():
            if isinstance(value, (list, tuple, set)):
                yield from zip(repeat(key), value)
            else:
                yield key, value
    else:
        yield from mapping


def _lists_of_mapping(mapping: Mapping[Any, Any]) -> Iterator[tuple[Any, list[Any]]]:
    """Yield each key with a new list of its values, keys without values left out."""
    for key, value in mapping.items():
        if isinstance(value, (list, tuple, set)):
            if value:
                yield key, list(value)
        else:
            yield key, [value]


def _converted(values: Iterable[V], convert: Callable[[V], T]) -> Iterator[T]:
    """Yield each value converted, those that cannot be left out."""
    for value in values:
        try:
            yield convert(value)
        except (ValueError, TypeError):
            continue


def _lists_of_pairs(pairs: Iterable[tuple[Any, Any]]) -> dict[Any, list[Any]]:
    lists: dict[Any, list[Any]] = {}
    for key, value in pairs:
        if key in lists:
            lists[key].append(value)
        else:
            lists[key] = [value]
    return lists


class MultiDict(TypeConversionDict[K, V]):
    """A dict whose keys have a list of values each; where one value is asked for, it is the first.

    A key that is missing raises an exception that is a :exc:`KeyError` and answers a request with status 400.

    Args:
        mapping: Another ``MultiDict``; a mapping, where a list, tuple or set stands for several values of its
            key; or key-value pairs.
    """

    def __init__(
        self,
        mapping: MultiDict[K, V]
        | Mapping[K, V | list[V] | tuple[V, ...] | set[V]]
        | Iterable[tuple[K, V]]
        | None = None,
    ) -> None:
        if mapping is None:
            return
        lists: Any
        if isinstance(mapping, MultiDict):
            lists = mapping.lists()
        elif isinstance(mapping, (list, tuple)) or not isinstance(mapping, Mapping):
            lists = _lists_of_pairs(mapping)  # PERF: a list is not asked whether it is a Mapping: 0.3 us
        else:
            lists = _lists_of_mapping(mapping)
        super().__init__(lists)

    def __getstate__(self) -> Any:
        return dict(self.lists())

    def __setstate__(self, value: Any) -> None:
        super().clear()
        super().update(value)

    def __iter__(self) -> Iterator[K]:
        # dict() and ** copy a dict subclass's lists behind its back unless it has an __iter__ of its own.
        return super().__iter__()

    def __getitem__(self, key: K) -> V:
        values: list[V] | None = _get(self, key)
        if values:
            return values[0]
        raise BadRequestKeyError(key)

    def __setitem__(self, key: K, value: V) -> None:
        _set(self, key, [value])

    @overload
    def get(self, key: K, default: None = None, type: None = None) -> V | None: ...
    @overload
    def get(self, key: K, default: V | T, type: None = None) -> V | T: ...
    @overload
    def get(self, key: K, default: None = None, *, type: Callable[[V], T]) -> T | None: ...
    @overload
    def get(self, key: K, default: D, type: Callable[[V], T]) -> D | T: ...
    def get(self, key: K, default: Any = None, type: Callable[[V], Any] | None = None) -> Any:
        """Return the first value of *key*, converted by *type*.

        Args:
            key: The key to look up.
            default: Returned if the key is missing or its first value cannot be converted.
            type: A function of the value; :exc:`ValueError` and :exc:`TypeError` mean "cannot be converted".
        """
        if self.__class__.__getitem__ is not _GETITEM:  # a subclass's own look-up
            return TypeConversionDict.get(self, key, default, type)
        # PERF: a missing key costs no exception: 0.1 us, not 1.5.
        values = _get(self, key)
        if not values:
            return default
        if type is None:
            return values[0]
        try:
            return type(values[0])
        except (ValueError, TypeError):
            return default

    def add(self, key: K, value: V) -> None:
        """Append *value* to the values of *key*."""
        values = _get(self, key)
        if values is None:
            _set(self, key, [value])
        else:
            values.append(value)

    @overload
    def getlist(self, key: K, type: None = None) -> list[V]: ...
    @overload
    def getlist(self, key: K, type: Callable[[V], T]) -> list[T]: ...
    def getlist(self, key: K, type: Callable[[V], Any] | None = None) -> list[Any]:
        """Return a new list of the values of *key*, empty if it is missing.

        Args:
            key: The key to look up.
            type: Converts each value; those for which it raises :exc:`ValueError` or :exc:`TypeError` are
                left out.
        """
        values = _get(self, key, ())
        return list(values if type is None else _converted(values, type))

    def setlist(self, key: K, new_list: Iterable[V]) -> None:
        """Give *key* the values in *new_list* and no others."""
        _set(self, key, list(new_list))

    def setdefault(self, key: K, default: V | None = None) -> V:
        """Return the first value of *key*; where the key is missing, it gets the value *default*."""
        if key not in self:
            self[key] = default  # type: ignore[assignment]  # None is dict's own default
        return self[key]

    def setlistdefault(self, key: K, default_list: Iterable[V] | None = None) -> list[V]:
        """Return the values of *key*; where the key is missing, it gets those of *default_list*.

        The list is the one that is kept: what is appended to it is a value of the key.
        """
        if key not in self:
            _set(self, key, list(default_list or ()))
        values: list[V] = _get(self, key)
        return values

    def items(self, multi: bool = False) -> Iterable[tuple[K, V]]:  # type: ignore[override]  # dict has views
        """Yield key-value pairs: the first value of each key, or with *multi* a pair for each value.

        Differs from Werkzeug: there a key without values is an :exc:`IndexError`; here it is left out.
        """
        for key, values in _items(self):
            if multi:
                for value in values:
                    yield key, value
            elif values:
                yield key, values[0]

    def lists(self) -> Iterable[tuple[K, list[V]]]:
        """Yield each key with a new list of its values."""
        for key, values in _items(self):
            yield key, list(values)

    def values(self) -> Iterable[V]:  # type: ignore[override]  # dict has views
        """Yield the first value of each key, keys without values left out."""
        for values in _values(self):
            if values:
                yield values[0]

    def listvalues(self) -> Iterable[list[V]]:
        """Return the list of values of each key; these are the lists that are kept."""
        lists: Iterable[list[V]] = _values(self)
        return lists

    def copy(self) -> Self:
        """Return a dict of the same class with the same values in lists of its own."""
        return self.__class__(self)

    def deepcopy(self, memo: Any = None) -> Self:
        """Return a dict of the same class with deep copies of the values."""
        from copy import deepcopy

        lists: Any = self.to_dict(flat=False)
        return self.__class__(deepcopy(lists, memo))

    @overload
    def to_dict(self, flat: Literal[False]) -> dict[K, list[V]]: ...
    @overload
    def to_dict(self, flat: bool = True) -> dict[K, V]: ...
    def to_dict(self, flat: bool = True) -> Any:
        """Return a :class:`dict` of the first values, or with *flat* false of new lists of all values."""
        return dict(self.items()) if flat else dict(self.lists())

    def update(  # type: ignore[override]  # dict's takes keyword arguments
        self,
        mapping: MultiDict[K, V] | Mapping[K, V | list[V] | tuple[V, ...] | set[V]] | Iterable[tuple[K, V]],
    ) -> None:
        """Add the values in *mapping* to those that are there; nothing is replaced.

        Args:
            mapping: As for the constructor.
        """
        if mapping is self:  # its lists must not grow while they are read
            mapping = self.copy()
        for key, value in iter_multi_items(mapping):
            self.add(key, value)

    def __or__(  # type: ignore[override]  # dict's has an own idea of equal keys
        self, other: Mapping[K, V | list[V] | tuple[V, ...] | set[V]]
    ) -> MultiDict[K, V]:
        if not isinstance(other, Mapping):
            return NotImplemented
        result: MultiDict[K, V] = self.copy()
        result.update(other)
        return result

    def __ior__(  # type: ignore[override]
        self, other: Mapping[K, V | list[V] | tuple[V, ...] | set[V]] | Iterable[tuple[K, V]]
    ) -> Self:
        if not isinstance(other, Iterable):
            return NotImplemented
        self.update(other)
        return self

    @overload
    def pop(self, key: K) -> V: ...
    @overload
    def pop(self, key: K, default: V | T) -> V | T: ...
    def pop(self, key: K, default: Any = _MISSING) -> Any:
        """Remove *key* with all its values and return the first.

        Raises:
            KeyError: The key is missing, or has no value, and no *default* is given.
        """
        values = _pop(self, key, None)
        if values:
            return values[0]
        if default is _MISSING:
            raise BadRequestKeyError(key)
        return default

    def popitem(self) -> tuple[K, V]:
        """Remove the key that was set last and return it with its first value.

        Raises:
            KeyError: The dict is empty, or the key has no value.
        """
        key, values = _pop_last(self)
        if not values:
            raise BadRequestKeyError(key)
        return key, values[0]

    def poplist(self, key: K) -> list[V]:
        """Remove *key* and return the list of its values, empty if it is missing."""
        values: list[V] = _pop(self, key, [])
        return values

    def popitemlist(self) -> tuple[K, list[V]]:
        """Remove the key that was set last and return it with the list of its values.

        Raises:
            KeyError: The dict is empty.
        """
        return _pop_last(self)

    def __copy__(self) -> Self:
        return self.copy()

    def __deepcopy__(self, memo: Any) -> Self:
        return self.deepcopy(memo)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({list(self.items(multi=True))!r})"


_GETITEM = MultiDict.__getitem__


def _pop_last(multi_dict: MultiDict[K, V]) -> tuple[K, list[V]]:
    try:
        last: tuple[K, list[V]] = dict.popitem(multi_dict)  # type: ignore[arg-type]  # lists are kept
        return last
    except KeyError as error:
        raise BadRequestKeyError(error.args[0]) from None


class ImmutableMultiDict(ImmutableMultiDictMixin[K, V], MultiDict[K, V]):  # type: ignore[misc]
    """A :class:`MultiDict` that raises :exc:`TypeError` for every change, hashable if its values are."""

    def copy(self) -> MultiDict[K, V]:  # type: ignore[override]  # the copy is one that can be changed
        """Return a :class:`MultiDict` with the same values, which can be changed."""
        return MultiDict(self)

    def __copy__(self) -> Self:
        return self


class CombinedMultiDict(ImmutableMultiDictMixin[K, V], MultiDict[K, V]):  # type: ignore[misc]
    """A read-only view of several ``MultiDict`` as one; the first that has a key gives its value.

    It follows later changes of the dicts. They must not change while they are iterated over.

    Args:
        dicts: The dicts, the most important first.

    Differs from Werkzeug: keys come in the order of the dicts, deep copies have deep copies of them, and two
    of these are equal if their keys and values are (there, all are equal).
    """

    def __init__(self, dicts: Iterable[MultiDict[K, V]] | None = None) -> None:
        super().__init__()
        self.dicts: list[MultiDict[K, V]] = list(dicts or ())

    def __reduce_ex__(self, protocol: SupportsIndex) -> Any:
        return type(self), (self.dicts,)

    @classmethod
    def fromkeys(cls, keys: Any, value: Any = None) -> NoReturn:
        """Raise :exc:`TypeError`: there are no dicts to combine."""
        raise TypeError(f"{cls.__name__!r} combines existing dicts and has no fromkeys(); use MultiDict's.")

    def __getitem__(self, key: K) -> V:
        for one in self.dicts:
            if key in one:
                return one[key]
        raise BadRequestKeyError(key)

    @overload
    def get(self, key: K, default: None = None, type: None = None) -> V | None: ...
    @overload
    def get(self, key: K, default: V | T, type: None = None) -> V | T: ...
    @overload
    def get(self, key: K, default: None = None, *, type: Callable[[V], T]) -> T | None: ...
    @overload
    def get(self, key: K, default: D, type: Callable[[V], T]) -> D | T: ...
    def get(self, key: K, default: Any = None, type: Callable[[V], Any] | None = None) -> Any:
        """Return the value of *key* in the first dict that has one which *type* can convert.

        Args:
            key: The key to look up.
            default: Returned if no dict has such a value.
            type: A function of the value; :exc:`ValueError` and :exc:`TypeError` mean "cannot be converted".
        """
        for one in self.dicts:
            if key not in one:
                continue
            if type is None:
                return one[key]
            try:
                return type(one[key])
            except (ValueError, TypeError):
                continue
        return default

    @overload
    def getlist(self, key: K, type: None = None) -> list[V]: ...
    @overload
    def getlist(self, key: K, type: Callable[[V], T]) -> list[T]: ...
    def getlist(self, key: K, type: Callable[[V], Any] | None = None) -> list[Any]:
        """Return a new list of the values of *key* in all the dicts, as :meth:`MultiDict.getlist`."""
        values: list[Any] = []
        for one in self.dicts:
            values += one.getlist(key, type)
        return values

    def _keys_impl(self) -> dict[K, None]:
        return dict.fromkeys(key for one in self.dicts for key in one)

    def keys(self) -> Iterable[K]:  # type: ignore[override]
        """Return the keys of all the dicts, each once, those of the first dict first."""
        return self._keys_impl().keys()

    def __iter__(self) -> Iterator[K]:
        return iter(self._keys_impl())

    def __reversed__(self) -> Iterator[K]:
        return reversed(self._keys_impl())

    def items(self, multi: bool = False) -> Iterable[tuple[K, V]]:  # type: ignore[override]
        """Yield what ``[]`` gives for each key with the key, or with *multi* the pairs of all the dicts."""
        found: set[K] = set()
        for one in self.dicts:
            for key, value in one.items(multi=multi):
                if multi:
                    yield key, value
                elif key not in found:
                    found.add(key)
                    yield key, value

    def values(self) -> Iterable[V]:  # type: ignore[override]
        """Yield what ``[]`` gives for each key."""
        for _, value in self.items():
            yield value

    def lists(self) -> Iterable[tuple[K, list[V]]]:
        """Return each key with a new list of its values in all the dicts."""
        merged: dict[K, list[V]] = {}
        for one in self.dicts:
            for key, values in one.lists():
                merged.setdefault(key, []).extend(values)
        return merged.items()

    def listvalues(self) -> Iterable[list[V]]:
        """Yield a new list of the values of each key."""
        return (values for _, values in self.lists())

    def copy(self) -> MultiDict[K, V]:  # type: ignore[override]  # a copy is a dict of its own
        """Return a :class:`MultiDict` with the same values, which can be changed."""
        return MultiDict(self)

    def deepcopy(self, memo: Any = None) -> Self:
        """Return a combination of deep copies of the dicts."""
        from copy import deepcopy

        return self.__class__(deepcopy(self.dicts, memo))

    def __len__(self) -> int:
        return len(self._keys_impl())

    def __contains__(self, key: object) -> bool:
        return any(key in one for one in self.dicts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CombinedMultiDict) and dict(self.lists()) == dict(other.lists())

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = ImmutableMultiDictMixin.__hash__  # type: ignore[assignment]  # unlike a dict's

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.dicts!r})"
