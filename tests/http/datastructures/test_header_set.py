from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hipflask.http.datastructures import HeaderSet


@pytest.mark.parametrize(
    ("change", "after", "calls"),
    [
        pytest.param(lambda s: s.add("new"), ["Foo", "Bar", "new"], 1, id="add"),
        pytest.param(lambda s: s.add("FOO"), ["Foo", "Bar"], 0, id="add-present"),
        pytest.param(lambda s: s.remove("Foo"), ["Bar"], 1, id="remove"),
        pytest.param(lambda s: s.remove("fOO"), ["Bar"], 1, id="remove-other-spelling"),
        pytest.param(lambda s: s.discard("Foo"), ["Bar"], 1, id="discard"),
        pytest.param(lambda s: s.discard("x"), ["Foo", "Bar"], 0, id="discard-missing"),
        pytest.param(lambda s: s.pop(), ["Bar"], 1, id="pop"),
        pytest.param(lambda s: s.update(["a", "foo", "B"]), ["Foo", "Bar", "a", "B"], 1, id="update"),
        pytest.param(lambda s: s.update(["foo"]), ["Foo", "Bar"], 0, id="update-present"),
        pytest.param(lambda s: s.clear(), [], 1, id="clear"),
        pytest.param(lambda s: s.__delitem__(0), ["Bar"], 1, id="delete"),
        pytest.param(lambda s: s.__setitem__(0, "New"), ["New", "Bar"], 1, id="set"),
        pytest.param(lambda s: s.__ior__({"x"}), ["Foo", "Bar", "x"], 1, id="ior"),
    ],
)
def test_header_set_calls_after_change(change: Callable[[Any], object], after: list[str], calls: int) -> None:
    seen: list[list[str]] = []
    header_set = HeaderSet(["Foo", "Bar"], on_update=lambda s: seen.append(list(s)))
    change(header_set)
    assert list(header_set) == after
    assert header_set.as_set() == {name.lower() for name in after}
    assert seen == [after] * calls


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        pytest.param(lambda s: s.remove("x"), KeyError, "x", id="remove"),
        pytest.param(lambda s: s.index("x"), IndexError, "x", id="index"),
        pytest.param(lambda s: s.__delitem__(9), IndexError, "range", id="delete"),
        pytest.param(lambda s: s.__setitem__(9, "x"), IndexError, "range", id="set"),
        pytest.param(lambda s: s[9], IndexError, "range", id="get"),
    ],
)
def test_header_set_refuses_what_it_does_not_have(
    change: Callable[[Any], object], error: type[Exception], message: str
) -> None:
    seen: list[object] = []
    header_set = HeaderSet(["Foo"], seen.append)
    with pytest.raises(error, match=message):
        change(header_set)
    assert (list(header_set), seen) == (["Foo"], [])


def test_header_set_ignores_case_and_keeps_spelling() -> None:
    header_set = HeaderSet(["Foo", "Bar"])
    assert "fOO" in header_set
    assert "x" not in header_set
    assert (header_set.find("BAR"), header_set.find("x"), header_set.index("bar")) == (1, -1, 1)
    assert (header_set[0], len(header_set), bool(header_set), bool(HeaderSet())) == ("Foo", 2, True, False)
    assert header_set.as_set(preserve_casing=True) == {"Foo", "Bar"}
    same: object = {"Foo", "Bar"}
    assert header_set == same
    assert list(header_set | {"x"}) == ["Foo", "Bar", "x"]
    assert repr(header_set) == "HeaderSet(['Foo', 'Bar'])"


def test_header_set_without_function_can_be_changed() -> None:
    header_set = HeaderSet()
    header_set.add("x")
    assert list(header_set) == ["x"]


def test_header_set_keeps_a_name_that_stands_twice() -> None:
    header_set = HeaderSet(["a", "A"])
    del header_set[0]
    assert "a" in header_set
    header_set = HeaderSet(["a", "A"])
    header_set.remove("A")
    assert list(header_set) == []


def test_header_set_quotes_what_is_no_token() -> None:
    assert HeaderSet(["a", "b c", "d,e", ""]).to_header() == str(HeaderSet(["a", "b c", "d,e", ""]))
    assert str(HeaderSet(["a", "b c", "d,e", ""])) == 'a, "b c", "d,e", ""'
