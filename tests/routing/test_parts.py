"""Rules taken apart."""

from typing import Any

import pytest

from hipflask.routing.converters import BaseConverter, IntegerConverter, PathConverter, UnicodeConverter
from hipflask.routing.parts import RulePart, parse_converter_args, split_rule


def get_converter(name: str, converter: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> BaseConverter:
    classes: dict[str, Any] = {"default": UnicodeConverter, "int": IntegerConverter, "path": PathConverter}
    return classes[converter](None, *args, **kwargs)


@pytest.mark.parametrize(
    ("text", "args", "kwargs"),
    [
        ("", (), {}),
        ("1", (1,), {}),
        ("1, 2", (1, 2), {}),
        ("2,3", (2, 3), {}),
        ("-1, min=-2.5", (-1,), {"min": -2.5}),
        ("a=1,b='x'", (), {"a": 1, "b": "x"}),
        ("'x,y',3.5", ("x,y", 3.5), {}),
        ("True,None,False", (True, None, False), {}),
        ("true", ("true",), {}),
        ("1e5", (100000.0,), {}),
        ("a.b", ("a.b",), {}),
        ("1.5.5", ("1.5.5",), {}),
        ("2024-01, 1/2", ("2024-01", "1/2"), {}),
        ("u'x', R\"y\"", ("x", "y"), {}),
        ("''", ("",), {}),
        ("'1'", ("1",), {}),
        ("'\\d{2,3}'", ("\\d{2,3}",), {}),
        ("\u00e9", ("\u00e9",), {}),
        ("1,", (1,), {}),
        ("\\d+", (), {}),
        ("1, \\d+", (1,), {}),
    ],
)
def test_converter_arguments_are_read(text: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    assert parse_converter_args(text) == (args, kwargs)


@pytest.mark.parametrize("text", ["x y", "x-y", "a==1", "a=b=1", "'a' 'b'", "a='it\\'s'"])
def test_converter_arguments_that_cannot_be_read_raise(text: str) -> None:
    with pytest.raises(ValueError, match="cannot be read; put text"):
        parse_converter_args(text)


@pytest.mark.parametrize("rule", ["/<", "/<a", "/<>", "/<a b>", "/<1a>", "/<int :a>", "/<:a>", "/<a:>", "/< a >"])
def test_malformed_rule_raises(rule: str) -> None:
    with pytest.raises(ValueError, match="is malformed at"):
        split_rule(rule, get_converter)


def test_name_used_twice_raises() -> None:
    with pytest.raises(SyntaxError, match="'a' twice"):
        split_rule("/<a>/<a>", get_converter)


def test_static_rule_is_split_at_slashes() -> None:
    parts = split_rule("/a>b/c/", get_converter).parts
    assert [part.content for part in parts] == ["", "a>b", "c", ""]
    assert all(part.static and not part.final for part in parts)


def test_mixed_segment_is_one_regex() -> None:
    found = split_rule("/v<int:major>.<minor>", get_converter)
    assert found.parts[1] == RulePart(
        r"v(?P<__arg0>[0-9]+)\.(?P<__arg1>[^/]{1,})\Z", False, False, False, (-2, ((0, -1), (1, -1)), -2, (50, 100))
    )
    assert list(found.converters) == ["major", "minor"]
    assert found.trace == [(False, "/"), (False, "v"), (True, "major"), (False, "."), (True, "minor")]


def test_path_placeholder_takes_the_rest() -> None:
    parts = split_rule("/<path:a>/x/", get_converter).parts
    assert [(part.content, part.final, part.suffixed) for part in parts[1:]] == [
        (r"(?P<__arg0>[^/].*?)/x(?<!/)(/?)\Z", True, True),
        ("", False, False),
    ]
