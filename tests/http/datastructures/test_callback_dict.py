from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from hipflask.http.datastructures import CallbackDict, UpdateDictMixin


@pytest.mark.parametrize(
    ("change", "after", "calls"),
    [
        pytest.param(lambda d: d.__setitem__("b", 2), {"a": 1, "b": 2}, 1, id="set"),
        pytest.param(lambda d: d.__delitem__("a"), {}, 1, id="delete"),
        pytest.param(lambda d: d.clear(), {}, 1, id="clear"),
        pytest.param(lambda d: d.pop("a"), {}, 1, id="pop"),
        pytest.param(lambda d: d.pop("a", 2), {}, 1, id="pop-with-default"),
        pytest.param(lambda d: d.pop("b", 2), {"a": 1}, 0, id="pop-missing"),
        pytest.param(lambda d: d.popitem(), {}, 1, id="popitem"),
        pytest.param(lambda d: d.setdefault("a", 2), {"a": 1}, 0, id="setdefault-present"),
        pytest.param(lambda d: d.setdefault("b", 2), {"a": 1, "b": 2}, 1, id="setdefault-missing"),
        pytest.param(lambda d: d.update({"a": 2}, b=3), {"a": 2, "b": 3}, 1, id="update"),
        pytest.param(lambda d: d.update(), {"a": 1}, 1, id="update-nothing"),
        pytest.param(lambda d: d.update(None), {"a": 1}, 1, id="update-none"),
        pytest.param(lambda d: d.__ior__([("b", 2)]), {"a": 1, "b": 2}, 1, id="ior"),
        pytest.param(lambda d: d.get("a"), {"a": 1}, 0, id="get"),
    ],
)
def test_callback_dict_calls_after_change(change: Callable[[Any], object], after: dict[str, int], calls: int) -> None:
    seen: list[dict[str, int]] = []
    changed = CallbackDict({"a": 1}, on_update=lambda d: seen.append(dict(d)))
    change(changed)
    assert changed == after
    assert seen == [after] * calls


@pytest.mark.parametrize(
    "change", [lambda d: d.__delitem__("b"), lambda d: d.pop("b"), lambda d: CallbackDict().popitem()]
)
def test_failed_change_calls_nothing(change: Callable[[Any], object]) -> None:
    seen: list[object] = []
    with pytest.raises(KeyError, match="b|empty"):
        change(CallbackDict({"a": 1}, seen.append))
    assert seen == []


@pytest.mark.parametrize("initial", [None, {"a": 1}, [("a", 1)]], ids=["nothing", "dict", "pairs"])
def test_callback_dict_without_function_is_a_dict(initial: Any) -> None:
    plain = CallbackDict(initial)
    plain["b"] = 2
    assert plain == {**dict(initial or ()), "b": 2}
    assert plain.on_update is None
    assert pickle.loads(pickle.dumps(plain)) == plain
    assert type(copy.copy(plain)) is CallbackDict


def test_mixin_makes_other_dicts_tell() -> None:
    class Counter(UpdateDictMixin[str, int]):
        pass

    seen: list[object] = []
    counter = Counter(a=1)
    counter["a"] = 2
    counter.on_update = seen.append
    counter["a"] = 3
    assert seen == [counter]


def test_repr_names_the_class() -> None:
    assert repr(CallbackDict({"a": 1})) == "<CallbackDict {'a': 1}>"
