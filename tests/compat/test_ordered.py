from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from hipflask.compat.ordered import ImmutableOrderedMultiDict, OrderedMultiDict
from hipflask.http.datastructures import MultiDict

PAIRS = [("a", 1), ("b", 2), ("a", 3)]


def pairs(values: Any) -> list[tuple[Any, Any]]:
    return list(values.items(multi=True))


@pytest.mark.parametrize("cls", [OrderedMultiDict, ImmutableOrderedMultiDict])
def test_order_of_all_values_is_kept(cls: type[OrderedMultiDict]) -> None:
    values = cls(PAIRS)
    assert pairs(values) == PAIRS
    assert list(values.items()) == [("a", 1), ("b", 2)]
    assert list(values.lists()) == [("a", [1, 3]), ("b", [2])]
    for same in (copy.copy(values), copy.deepcopy(values), pickle.loads(pickle.dumps(values)), values.copy()):
        assert pairs(same) == PAIRS
    assert pairs(values.deepcopy()) == PAIRS


def test_what_is_set_anew_moves_to_the_end() -> None:
    values = OrderedMultiDict(PAIRS)
    values["a"] = 4
    assert pairs(values) == [("b", 2), ("a", 4)]
    values.setlist("b", [5, 6])
    values.update({"a": [7]})
    assert pairs(values) == [("a", 4), ("b", 5), ("b", 6), ("a", 7)]


@pytest.mark.parametrize(
    ("remove", "returned", "left"),
    [
        pytest.param(lambda values: values.pop("a"), 1, [("b", 2)], id="pop"),
        pytest.param(lambda values: values.pop("x", 9), 9, PAIRS, id="pop-default"),
        pytest.param(lambda values: values.poplist("a"), [1, 3], [("b", 2)], id="poplist"),
        pytest.param(lambda values: values.popitem(), ("b", 2), [("a", 1), ("a", 3)], id="popitem"),
        pytest.param(lambda values: values.popitemlist(), ("b", [2]), [("a", 1), ("a", 3)], id="popitemlist"),
        pytest.param(lambda values: values.__delitem__("a"), None, [("b", 2)], id="delete"),
        pytest.param(lambda values: values.clear(), None, [], id="clear"),
    ],
)
def test_removed_keys_are_gone_and_can_come_again(remove: Any, returned: Any, left: Any) -> None:
    values = OrderedMultiDict(PAIRS)
    assert remove(values) == returned
    assert pairs(values) == left
    values.add("z", 0)
    assert pairs(values) == [*left, ("z", 0)]


@pytest.mark.parametrize(
    ("other", "is_equal"),
    [
        (OrderedMultiDict(PAIRS), True),
        (OrderedMultiDict([("a", 1), ("a", 3), ("b", 2)]), False),
        (MultiDict([("a", 1), ("a", 3), ("b", 2)]), True),
        ({"a": [1, 3], "b": [2]}, False),
        (MultiDict([("a", 1)]), False),
    ],
)
def test_equality_heeds_the_order_among_their_kind(other: Any, is_equal: bool) -> None:
    values = OrderedMultiDict(PAIRS)
    assert (values == other) is is_equal
    assert (values != other) is not is_equal


def test_only_the_immutable_one_can_be_hashed() -> None:
    assert hash(ImmutableOrderedMultiDict(PAIRS)) == hash(ImmutableOrderedMultiDict(PAIRS))
    with pytest.raises(TypeError, match="unhashable"):
        hash(OrderedMultiDict(PAIRS))
    with pytest.raises(TypeError, match="immutable"):
        ImmutableOrderedMultiDict(PAIRS).add("a", 1)


def test_lists_cannot_be_shared() -> None:
    with pytest.raises(TypeError, match="setlistdefault"):
        OrderedMultiDict().setlistdefault("a")
