from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from hipflask.http.datastructures import (
    EnvironHeaders,
    ImmutableDict,
    ImmutableList,
    ImmutableMultiDict,
    ImmutableTypeConversionDict,
)

LIST_CHANGES: list[Callable[[Any], object]] = [
    lambda one: one.__delitem__(0),
    lambda one: one.__iadd__([1]),
    lambda one: one.__imul__(2),
    lambda one: one.__setitem__(0, 1),
    lambda one: one.append(1),
    lambda one: one.clear(),
    lambda one: one.extend([1]),
    lambda one: one.insert(0, 1),
    lambda one: one.pop(),
    lambda one: one.remove(1),
    lambda one: one.reverse(),
    lambda one: one.sort(key=None, reverse=True),
]
DICT_CHANGES: list[Callable[[Any], object]] = [
    lambda one: one.__delitem__("a"),
    lambda one: one.__ior__({"b": 1}),
    lambda one: one.__setitem__("a", 2),
    lambda one: one.clear(),
    lambda one: one.pop("a", None),
    lambda one: one.popitem(),
    lambda one: one.setdefault("a"),
    lambda one: one.update({}, b=1),
]
MULTI_DICT_CHANGES: list[Callable[[Any], object]] = [
    lambda one: one.add("a", 1),
    lambda one: one.popitemlist(),
    lambda one: one.poplist("a"),
    lambda one: one.setlist("a", [1]),
    lambda one: one.setlistdefault("b"),
]
HEADERS_CHANGES: list[Callable[[Any], object]] = [
    lambda one: one.__delitem__("a"),
    lambda one: one.__ior__({"b": "1"}),
    lambda one: one.__setitem__("a", "2"),
    lambda one: one.add("a", "1", option="x"),
    lambda one: one.add_header("a", "1", option="x"),
    lambda one: one.clear(),
    lambda one: one.extend({}, b="1"),
    lambda one: one.insert(0, ("b", "1")),
    lambda one: one.pop("a", None),
    lambda one: one.popitem(),
    lambda one: one.remove("a"),
    lambda one: one.set("a", "1", option="x"),
    lambda one: one.setdefault("b", "1"),
    lambda one: one.setlist("a", ["1"]),
    lambda one: one.setlistdefault("b", ["1"]),
    lambda one: one.update({}, b="1"),
]


@pytest.mark.parametrize(
    ("container", "change"),
    [
        *((ImmutableList([1, 2]), change) for change in LIST_CHANGES),
        *((ImmutableDict({"a": 1}), change) for change in DICT_CHANGES),
        *((ImmutableTypeConversionDict({"a": 1}), change) for change in DICT_CHANGES),
        *((ImmutableMultiDict([("a", 1)]), change) for change in DICT_CHANGES + MULTI_DICT_CHANGES),
        *((EnvironHeaders({"HTTP_A": "1"}), change) for change in HEADERS_CHANGES),
    ],
)
def test_immutable_container_refuses_change(container: Any, change: Callable[[Any], object]) -> None:
    before = list(container)
    with pytest.raises(TypeError, match=f"{type(container).__name__!r} cannot be changed"):
        change(container)
    assert list(container) == before


@pytest.mark.parametrize(
    "container",
    [
        ImmutableList([1, 2]),
        ImmutableDict(a=1),
        ImmutableTypeConversionDict(a=1),
        ImmutableMultiDict([("a", 1), ("a", 2)]),
    ],
    ids=lambda container: type(container).__name__,
)
def test_immutable_container_keeps_class_and_hash_when_copied(container: Any) -> None:
    assert hash(container) == hash(container)
    for other in (copy.copy(container), copy.deepcopy(container), pickle.loads(pickle.dumps(container))):
        assert type(other) is type(container)
        assert other == container
        assert hash(other) == hash(container)


@pytest.mark.parametrize(
    "container",
    [ImmutableList([[]]), ImmutableDict(a=[]), ImmutableMultiDict([("a", [])])],
    ids=["list", "dict", "multi"],
)
def test_immutable_container_of_changeable_values_has_no_hash(container: Any) -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(container)


def test_copy_of_immutable_dict_is_a_dict() -> None:
    assert type(ImmutableDict(a=1).copy()) is dict
    assert type(ImmutableDict(a=1) | {"b": 2}) is dict
    assert type(ImmutableList([1]).copy()) is list


def test_fromkeys_keeps_the_class() -> None:
    assert repr(ImmutableDict.fromkeys("ab", 1)) == "ImmutableDict({'a': 1, 'b': 1})"
    assert repr(ImmutableMultiDict.fromkeys("a")) == "ImmutableMultiDict([('a', None)])"


def test_repr_of_list_names_the_class() -> None:
    assert repr(ImmutableList([1])) == "ImmutableList([1])"
