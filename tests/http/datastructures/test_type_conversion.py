from __future__ import annotations

import copy
from typing import Any

import pytest

from hipflask.http.datastructures import ImmutableTypeConversionDict, TypeConversionDict


@pytest.mark.parametrize(
    ("value", "convert", "expected"),
    [
        pytest.param("5", int, 5, id="converted"),
        pytest.param("x", int, "default", id="ValueError"),
        pytest.param(None, int, "default", id="TypeError"),
        pytest.param("x", None, "x", id="as-it-is"),
    ],
)
@pytest.mark.parametrize("kind", [TypeConversionDict, ImmutableTypeConversionDict])
def test_get_converts(kind: Any, value: Any, convert: Any, expected: Any) -> None:
    assert kind({"a": value}).get("a", "default", convert) == expected
    assert kind().get("a", "default", convert) == "default"


def test_copy_of_immutable_dict_can_be_changed() -> None:
    frozen = ImmutableTypeConversionDict({"a": "1"})
    thawed = frozen.copy()
    thawed["b"] = "2"
    assert (type(thawed), frozen, copy.copy(frozen) is frozen) == (TypeConversionDict, {"a": "1"}, True)
