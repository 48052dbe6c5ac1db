from __future__ import annotations

import copy
import pickle
from collections import ChainMap, UserDict
from types import MappingProxyType
from typing import Any

import pytest

from hipflask.http.datastructures import (
    CombinedMultiDict,
    Headers,
    ImmutableMultiDict,
    MultiDict,
    iter_multi_items,
)
from hipflask.http.exceptions import BadRequestKeyError


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param(None, {}, id="nothing"),
        pytest.param([("a", 1), ("b", 2), ("a", 3)], {"a": [1, 3], "b": [2]}, id="pairs"),
        pytest.param(iter([("a", 1), ("a", 2)]), {"a": [1, 2]}, id="iterator"),
        pytest.param((("a", [1, 2]),), {"a": [[1, 2]]}, id="list-in-pair-is-a-value"),
        pytest.param(
            {"a": 1, "b": [2, 3], "c": (4,), "d": {5}}, {"a": [1], "b": [2, 3], "c": [4], "d": [5]}, id="dict"
        ),
        pytest.param({"a": [], "b": ()}, {}, id="no-values"),
        pytest.param({"a": frozenset([1])}, {"a": [frozenset([1])]}, id="frozenset-is-a-value"),
        pytest.param(MappingProxyType({"a": [1, 2]}), {"a": [1, 2]}, id="mapping-proxy"),
        pytest.param(UserDict({"a": [1, 2]}), {"a": [1, 2]}, id="user-dict"),
        pytest.param(ChainMap({"a": [1, 2]}), {"a": [1, 2]}, id="chain-map"),
        pytest.param(Headers([("A", "1"), ("a", "2")]), {"A": ["1"], "a": ["2"]}, id="headers"),
        pytest.param(CombinedMultiDict([MultiDict([("a", 1)]), MultiDict([("a", 2)])]), {"a": [1, 2]}, id="combined"),
    ],
)
def test_multi_dict_takes_source(source: Any, expected: dict[str, list[Any]]) -> None:
    assert MultiDict(source).to_dict(flat=False) == expected


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        pytest.param(5, TypeError, "not iterable", id="number"),
        pytest.param([1], TypeError, "unpack", id="numbers"),
        pytest.param("ab", ValueError, "unpack", id="text"),
    ],
)
def test_multi_dict_refuses_source(source: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        MultiDict(source)


def test_multi_dict_shares_no_lists_with_its_source() -> None:
    values = [1]
    first: MultiDict[str, int] = MultiDict({"a": values})
    second = MultiDict(first)
    second.add("a", 2)
    assert (values, first.getlist("a"), second.getlist("a")) == ([1], [1], [1, 2])


def test_missing_key_is_key_error_that_answers_400() -> None:
    with pytest.raises(KeyError, match="400") as info:
        MultiDict([("a", 1)])["x"]
    assert isinstance(info.value, BadRequestKeyError)
    assert (info.value.args, info.value.code) == (("x",), 400)


@pytest.mark.parametrize("method", ["popitem", "popitemlist"])
def test_empty_multi_dict_has_no_last_item(method: str) -> None:
    with pytest.raises(BadRequestKeyError, match="400"):
        getattr(MultiDict(), method)()


def test_key_without_values_counts_as_missing() -> None:
    multi_dict: MultiDict[str, int] = MultiDict([("a", 1)])
    multi_dict.setlist("e", [])
    assert "e" in multi_dict
    assert multi_dict.get("e", 7) == 7
    assert list(multi_dict.items()) == list(multi_dict.items(multi=True)) == [("a", 1)]
    assert list(multi_dict.values()) == [1]
    assert multi_dict.to_dict() == {"a": 1}
    assert multi_dict.to_dict(flat=False) == {"a": [1], "e": []}
    with pytest.raises(BadRequestKeyError, match="400"):
        multi_dict["e"]
    with pytest.raises(BadRequestKeyError, match="400"):
        multi_dict.popitem()
    assert "e" not in multi_dict
    multi_dict.setlistdefault("e")
    assert multi_dict.pop("e", 8) == 8


def test_get_asks_a_subclass_that_looks_up_by_itself() -> None:
    class Lower(MultiDict[str, int]):
        def __getitem__(self, key: str) -> int:
            return super().__getitem__(key.lower())

    lower = Lower([("a", 1)])
    assert (lower.get("A"), lower.get("B", 2), lower.get("A", type=str)) == (1, 2, "1")


@pytest.mark.parametrize("convert", [int, lambda value: value + 1], ids=["ValueError", "TypeError"])
@pytest.mark.parametrize("kind", [MultiDict, ImmutableMultiDict, lambda items: CombinedMultiDict([MultiDict(items)])])
def test_get_and_getlist_leave_out_what_cannot_be_converted(kind: Any, convert: Any) -> None:
    source = kind([("a", "x"), ("b", "y")])
    assert source.get("a", type=convert) is None
    assert source.get("a", 5, convert) == 5
    assert source.getlist("a", convert) == []


def test_get_lets_other_errors_of_the_conversion_through() -> None:
    with pytest.raises(ZeroDivisionError, match="zero"):
        MultiDict([("a", 0)]).get("a", type=lambda number: 1 // number)


def test_list_of_setlistdefault_is_the_one_that_is_kept() -> None:
    multi_dict: MultiDict[str, int] = MultiDict()
    multi_dict.setlistdefault("a", (1,)).append(2)
    assert multi_dict.getlist("a") == [1, 2]


@pytest.mark.parametrize(
    ("change", "expected", "after"),
    [
        pytest.param(lambda m: m.pop("a"), 1, {"b": [3]}, id="pop"),
        pytest.param(lambda m: m.pop("x", 5), 5, {"a": [1, 2], "b": [3]}, id="pop-missing"),
        pytest.param(lambda m: m.poplist("a"), [1, 2], {"b": [3]}, id="poplist"),
        pytest.param(lambda m: m.poplist("x"), [], {"a": [1, 2], "b": [3]}, id="poplist-missing"),
        pytest.param(lambda m: m.popitem(), ("b", 3), {"a": [1, 2]}, id="popitem"),
        pytest.param(lambda m: m.popitemlist(), ("b", [3]), {"a": [1, 2]}, id="popitemlist"),
        pytest.param(lambda m: m.setlist("b", (7, 8)), None, {"a": [1, 2], "b": [7, 8]}, id="setlist"),
        pytest.param(lambda m: m.setdefault("a", 9), 1, {"a": [1, 2], "b": [3]}, id="setdefault"),
        pytest.param(lambda m: m.__setitem__("a", 9), None, {"a": [9], "b": [3]}, id="set"),
        pytest.param(lambda m: m.update({"b": [4, 5]}), None, {"a": [1, 2], "b": [3, 4, 5]}, id="update"),
    ],
)
def test_multi_dict_is_changed(change: Any, expected: Any, after: dict[str, list[int]]) -> None:
    multi_dict = MultiDict([("a", 1), ("b", 3), ("a", 2)])
    assert change(multi_dict) == expected
    assert multi_dict.to_dict(flat=False) == after


def test_union_adds_values() -> None:
    multi_dict = MultiDict([("a", 1)])
    assert (multi_dict | {"a": [2, 3]}).getlist("a") == [1, 2, 3]
    assert multi_dict.getlist("a") == [1]
    multi_dict |= [("a", 2)]
    assert multi_dict.getlist("a") == [1, 2]
    with pytest.raises(TypeError, match="unsupported"):
        multi_dict | [("a", 2)]  # type: ignore[operator]
    with pytest.raises(TypeError, match="unsupported"):
        multi_dict |= 5  # type: ignore[arg-type]


def test_multi_dict_is_pickled_with_all_values() -> None:
    for kind in (MultiDict, ImmutableMultiDict):
        multi_dict = kind([("a", 1), ("a", 2)])
        other = pickle.loads(pickle.dumps(multi_dict))
        assert (type(other), other) == (kind, multi_dict)
    combined = CombinedMultiDict([MultiDict([("a", 1)])])
    assert pickle.loads(pickle.dumps(combined)) == combined


def test_update_with_itself_doubles_the_values() -> None:
    multi_dict = MultiDict([("a", 1), ("a", 2)])
    multi_dict.update(multi_dict)
    assert multi_dict.getlist("a") == [1, 2, 1, 2]


def test_dict_and_unpacking_see_first_values() -> None:
    multi_dict = MultiDict([("a", 1), ("a", 2)])
    assert dict(multi_dict) == {"a": 1}
    assert {**multi_dict} == {"a": 1}
    assert {"z": 0} | multi_dict == {"z": 0, "a": 1}


def test_deep_copy_copies_the_values() -> None:
    inner = [1]
    copied = copy.deepcopy(MultiDict([("a", inner)]))
    inner.append(2)
    assert copied["a"] == [1]


def test_copy_of_immutable_multi_dict_can_be_changed() -> None:
    frozen = ImmutableMultiDict([("a", 1)])
    thawed = frozen.copy()
    thawed.add("a", 2)
    assert (type(thawed), frozen.getlist("a"), copy.copy(frozen) is frozen) == (MultiDict, [1], True)


def test_combined_multi_dict_follows_its_dicts() -> None:
    first: MultiDict[str, int] = MultiDict()
    combined = CombinedMultiDict([first, MultiDict([("b", 2)])])
    first.add("a", 1)
    assert list(combined) == list(combined.keys()) == ["a", "b"]
    assert list(reversed(combined)) == ["b", "a"]
    assert (len(combined), bool(combined), "a" in combined, "c" in combined) == (2, True, True, False)
    assert dict(combined) == {"a": 1, "b": 2}
    assert (combined.get("b"), combined.get("c", 3), combined.getlist("c")) == (2, 3, [])
    first.add("b", 3)
    assert list(combined.items()) == [("a", 1), ("b", 3)]
    assert list(combined.items(multi=True)) == [("a", 1), ("b", 3), ("b", 2)]
    assert (list(combined.values()), list(combined.listvalues())) == ([1, 3], [[1], [3, 2]])
    assert combined.copy().to_dict(flat=False) == {"a": [1], "b": [3, 2]}
    assert repr(combined) == f"CombinedMultiDict({combined.dicts!r})"
    with pytest.raises(BadRequestKeyError, match="400"):
        combined["c"]


def test_combined_multi_dict_tries_the_next_dict_if_a_value_cannot_be_converted() -> None:
    combined = CombinedMultiDict([MultiDict([("a", "x")]), MultiDict([("a", "5")])])
    assert (combined.get("a", type=int), combined["a"], combined.getlist("a", int)) == (5, "x", [5])


def test_combined_multi_dicts_are_equal_by_content() -> None:
    split = CombinedMultiDict([MultiDict([("a", 1)]), MultiDict([("a", 2)])])
    whole = CombinedMultiDict([MultiDict([("a", 1), ("a", 2)])])
    assert split == whole
    assert not split != whole
    assert hash(split) == hash(whole)
    assert split != CombinedMultiDict([])
    assert split != {}


def test_combined_multi_dict_is_copied_deeply() -> None:
    combined = CombinedMultiDict([MultiDict([("a", 1)])])
    copied = copy.deepcopy(combined)
    combined.dicts[0].add("a", 2)
    assert (type(copied), copied.getlist("a")) == (CombinedMultiDict, [1])
    assert type(copy.copy(combined)) is MultiDict


def test_combined_multi_dict_has_no_fromkeys() -> None:
    with pytest.raises(TypeError, match="fromkeys"):
        CombinedMultiDict.fromkeys("ab")


def test_iter_multi_items_gives_pairs_back_as_they_are() -> None:
    assert list(iter_multi_items([("a", [1, 2])])) == [("a", [1, 2])]
    assert list(iter_multi_items({"a": [1, 2], "b": 3})) == [("a", 1), ("a", 2), ("b", 3)]
