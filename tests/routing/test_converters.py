"""Converters."""

from typing import Any
from uuid import UUID

import pytest

from hipflask.routing import (
    AnyConverter,
    BaseConverter,
    FloatConverter,
    IntegerConverter,
    Map,
    PathConverter,
    Rule,
    UnicodeConverter,
    UUIDConverter,
    ValidationError,
)
from hipflask.routing.converters import NumberConverter

MAP = Map()


@pytest.mark.parametrize(
    ("converter", "regex"),
    [
        (UnicodeConverter(MAP), "[^/]{1,}"),
        (UnicodeConverter(MAP, 2), "[^/]{2,}"),
        (UnicodeConverter(MAP, minlength=2, maxlength=3), "[^/]{2,3}"),
        (UnicodeConverter(MAP, maxlength=0), "[^/]{1,0}"),
        (UnicodeConverter(MAP, length=2, minlength=5), "[^/]{2}"),
        (AnyConverter(MAP, "a", "b c", "d.e"), r"(?:a|b\ c|d\.e)"),
        (IntegerConverter(MAP), r"[0-9]+"),
        (IntegerConverter(MAP, signed=True), r"-?[0-9]+"),
        (FloatConverter(MAP, signed=True), r"-?[0-9]+\.[0-9]+"),
        (PathConverter(MAP), "[^/].*?"),
    ],
)
def test_regex(converter: BaseConverter, regex: str) -> None:
    assert converter.regex == regex


@pytest.mark.parametrize(
    ("converter", "text", "value"),
    [
        (BaseConverter(MAP, 1, x=2), "a b", "a b"),
        (IntegerConverter(MAP), "007", 7),
        (IntegerConverter(MAP, fixed_digits=3), "007", 7),
        (IntegerConverter(MAP, min=7, max=7), "7", 7),
        (IntegerConverter(MAP, signed=True), "-7", -7),
        (FloatConverter(MAP, min=1.5, max=2.5), "1.5", 1.5),
        (UUIDConverter(MAP), f"{UUID(int=5)}", UUID(int=5)),
    ],
)
def test_to_python(converter: BaseConverter, text: str, value: Any) -> None:
    assert converter.to_python(text) == value


@pytest.mark.parametrize(
    ("converter", "text"),
    [
        (IntegerConverter(MAP, fixed_digits=3), "07"),
        (IntegerConverter(MAP, min=7), "6"),
        (IntegerConverter(MAP, max=7), "8"),
        (FloatConverter(MAP, max=7.5), "7.6"),
        (IntegerConverter(MAP), "1" * 5000),
    ],
)
def test_to_python_refuses(converter: BaseConverter, text: str) -> None:
    with pytest.raises(ValidationError, match="number"):
        converter.to_python(text)


@pytest.mark.parametrize(
    ("converter", "value", "text"),
    [
        (BaseConverter(MAP), "a b/\u00e9?", "a%20b/%C3%A9%3F"),
        (BaseConverter(MAP), 5, "5"),
        (IntegerConverter(MAP), "007", "7"),
        (IntegerConverter(MAP, fixed_digits=3), 7, "007"),
        (FloatConverter(MAP), 2, "2.0"),
        (UUIDConverter(MAP), UUID(int=5), f"{UUID(int=5)}"),
        (AnyConverter(MAP, "a", "b c"), "b c", "b c"),
    ],
)
def test_to_url(converter: BaseConverter, value: Any, text: str) -> None:
    assert converter.to_url(value) == text


def test_any_refuses_other_values() -> None:
    with pytest.raises(ValueError, match="'c' is not one of 'a', 'b'"):
        AnyConverter(MAP, "b", "a").to_url("c")


def test_part_isolating_follows_from_regex() -> None:
    class Slash(BaseConverter):
        regex = "a/b"

    class Inherits(Slash):
        weight = 1

    class Says(Slash):
        regex = "[^/]+"
        part_isolating = True

    class Plain(PathConverter):
        regex = "abc"

    assert [cls.part_isolating for cls in (Slash, Inherits, Says, Plain)] == [False, False, True, True]


def test_number_converter_with_own_conversion() -> None:
    class Double(IntegerConverter):
        def num_convert(self, value: Any) -> int:
            return int(value) * 2

    adapter = Map([Rule("/<double:n>", endpoint="n")], converters={"double": Double}).bind("h")
    assert adapter.match("/3") == ("n", {"n": 6})
    assert adapter.build("n", {"n": 3}) == "/6"
    assert issubclass(Double, NumberConverter)


def test_other_errors_of_converters_are_not_hidden() -> None:
    class Broken(BaseConverter):
        def to_python(self, value: str) -> Any:
            raise ValueError("of its own")

    adapter = Map([Rule("/<broken:n>", endpoint="n")], converters={"broken": Broken}).bind("h")
    with pytest.raises(ValueError, match="of its own"):
        adapter.match("/3")


def test_validation_error_ends_the_search() -> None:
    class Never(BaseConverter):
        weight = 1

        def to_python(self, value: str) -> Any:
            raise ValidationError

    rules = [Rule("/<never:n>", endpoint="n"), Rule("/<other>", endpoint="other")]
    adapter = Map(rules, converters={"never": Never}).bind("h")
    assert not adapter.test("/3")


def test_groups_in_a_regex_are_no_values() -> None:
    class Pair(BaseConverter):
        regex = r"([a-z])\.(?P<second>[a-z])"

    adapter = Map([Rule("/<pair:p>-<x>", endpoint="p")], converters={"pair": Pair}).bind("h")
    assert adapter.match("/a.b-c") == ("p", {"p": "a.b", "x": "c"})


@pytest.mark.parametrize("rule", ["/<int:x>", "/<int:x>/y", "/<int(signed=True):x>", "/<float:x>", "/a<int:x>"])
def test_digits_are_ascii(rule: str) -> None:
    adapter = Map([Rule(rule, endpoint="e")]).bind("h")
    text = rule.replace("<int(signed=True):x>", "-3").replace("<int:x>", "3").replace("<float:x>", "3.0")
    assert adapter.test(text)
    assert not adapter.test(text.replace("3", "\u0663"))
