from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipflask.http.datastructures import cache_control as module
from hipflask.http.datastructures.cache_control import RequestCacheControl, ResponseCacheControl, cache_control_property

NAMES = sorted(name for name, member in vars(ResponseCacheControl).items() if isinstance(member, property))


def observe(kind: Any, changes: list[tuple[str, Any]]) -> list[Any]:
    seen: list[Any] = []
    directives = kind(on_update=lambda changed: seen.append(str(changed)))
    for name, value in changes:
        try:
            if value == "delete":
                delattr(directives, name)
            else:
                setattr(directives, name, value)
        except ValueError:
            seen.append(ValueError)
    return [*seen, str(directives), [getattr(directives, name) for name in NAMES]]


@given(
    st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from([1, 5.5, True, False, None, "", "x", "7", "delete"])))
)
def test_changes_are_written_as_by_werkzeug(changes: list[tuple[str, Any]]) -> None:
    werkzeug = pytest.importorskip("werkzeug.datastructures")
    assert observe(ResponseCacheControl, changes) == observe(werkzeug.ResponseCacheControl, changes)


@pytest.mark.parametrize("name", ["RequestCacheControl", "ResponseCacheControl"])
@pytest.mark.parametrize("value", [None, "5", "x", "", "-5", "1.5", "9" * 5000, 5])
def test_values_are_read_as_by_werkzeug(name: str, value: Any) -> None:
    werkzeug = pytest.importorskip("werkzeug.datastructures")
    theirs = getattr(werkzeug, name)
    names = [key for key in dir(theirs) if isinstance(getattr(theirs, key), property)]
    items = {key.replace("_", "-"): value for key in names}
    ours = getattr(module, name)
    assert [getattr(ours(items), key) for key in names] == [getattr(theirs(items), key) for key in names]
    assert [getattr(ours(), key) for key in names] == [getattr(theirs(), key) for key in names]
    assert str(ours(items)) == str(theirs(items))
    assert repr(ours(items)) == repr(theirs(items))


def test_response_directives_are_set_and_removed() -> None:
    directives = ResponseCacheControl({"max-age": "5", "no-store": None})
    directives.max_age = 10
    directives.private = True
    del directives.no_store
    assert directives.to_header() == "max-age=10, private"
    assert repr(directives) == "<ResponseCacheControl max-age='10' private=None>"
    assert type(copy.copy(directives)) is ResponseCacheControl


def test_request_directives_cannot_be_changed() -> None:
    directives = RequestCacheControl({"max-stale": None, "min-fresh": "7"})
    assert (directives.max_stale, directives.min_fresh, directives.only_if_cached) == (True, 7, False)
    with pytest.raises(TypeError, match="immutable"):
        directives.max_age = 3


@pytest.mark.parametrize("kind", [RequestCacheControl, ResponseCacheControl])
def test_directives_tell_whether_they_were_provided(kind: Any) -> None:
    assert [kind(None).provided, kind().provided, kind({"a": "b"}).provided] == [False, True, True]


def test_subclass_can_have_directives_of_its_own() -> None:
    class Own(ResponseCacheControl):
        surrogate = cache_control_property("surrogate", "all", None)
        ttl = ResponseCacheControl.cache_property("ttl", None, int, doc="Time to live.")

    own = Own({"surrogate": None, "ttl": "5"})
    assert (own.surrogate, own.ttl) == ("all", 5)
    assert Own.ttl.__doc__ == "Time to live."
    assert Own.surrogate.__doc__ == "The directive ``surrogate``."
