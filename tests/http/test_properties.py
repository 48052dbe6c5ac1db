from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from hipflask.http.datastructures import Headers
from hipflask.http.properties import cached_property, environ_property, get_content_type, header_property


class Counter:
    def __init__(self) -> None:
        self.calls = 0

    @cached_property
    def value(self) -> int:
        """How often it was computed."""
        self.calls += 1
        return self.calls

    def _other(self) -> int:
        return 7

    other = cached_property(_other)
    renamed = cached_property(_other, name="hidden", doc="Kept under another name.")


class Slotted:
    __slots__ = ("_cache_value", "calls")

    def __init__(self) -> None:
        self.calls = 0

    @cached_property
    def value(self) -> int:
        self.calls += 1
        return self.calls


class SlotMissing:
    __slots__ = ()

    @cached_property
    def value(self) -> int:
        return 1


class SlottedWithDict:
    __slots__ = ("__dict__", "_cache_value")

    @cached_property
    def value(self) -> int:
        return 1


class Child(Counter):
    @cached_property
    def value(self) -> int:
        return super().value + 100


@pytest.mark.parametrize("kind", [Counter, Slotted])
def test_cached_property_is_computed_once(kind: Any) -> None:
    one = kind()
    assert (one.value, one.value, one.calls) == (1, 1, 1)
    del one.value
    assert one.value == 2
    one.value = 50
    assert one.value == 50
    del one.value
    assert one.value == 3


def test_cached_property_is_an_attribute_of_the_object() -> None:
    one = Counter()
    assert (one.value, one.__dict__) == (1, {"calls": 1, "value": 1})
    assert copy.copy(one).value == pickle.loads(pickle.dumps(one)).value == 1
    with pytest.raises(AttributeError, match="other"):
        del one.other


def test_cached_property_of_child_can_ask_its_parent() -> None:
    child = Child()
    assert (child.value, child.value, child.calls) == (101, 101, 1)
    assert super(Child, child).value == 101


def test_cached_property_without_name_takes_the_attributes() -> None:
    one = Counter()
    assert (one.other, one.__dict__["other"], one._other()) == (7, 7, 7)


def test_cached_property_with_name_keeps_its_value_there() -> None:
    one = Counter()
    assert (one.renamed, one.__dict__["hidden"]) == (7, 7)
    one.renamed = 8
    assert (one.renamed, one.__dict__["hidden"]) == (8, 8)
    del one.renamed
    assert "hidden" not in one.__dict__
    with pytest.raises(AttributeError, match="hidden"):
        del one.renamed


def test_cached_property_in_slots_with_dict_uses_the_dict() -> None:
    one = SlottedWithDict()
    assert (one.value, one.__dict__, hasattr(one, "_cache_value")) == (1, {"value": 1}, False)


def test_cached_property_needs_its_slot() -> None:
    with pytest.raises(AttributeError, match="_cache_value"):
        SlotMissing().value  # noqa: B018


def test_cached_property_of_class_is_the_descriptor() -> None:
    for prop, name, doc in (
        (Counter.value, "value", "How often it was computed."),
        (Counter.renamed, "hidden", "Kept under another name."),
        (Slotted.value, "value", None),
    ):
        assert isinstance(prop, cached_property)
        assert (prop.__name__, prop.__doc__, prop.__module__, prop.slot_name) == (
            name,
            doc,
            __name__,
            f"_cache_{name}",
        )
        assert callable(prop.fget)


class Message:
    plain = header_property[str | None]("X-K")
    number = header_property("X-K", 7, int, str, doc="A number.")
    frozen = header_property[str | None]("X-K", read_only=True)
    variable = environ_property[str | None]("k")
    with_default = environ_property("k", "none")
    writable = environ_property("k", 7, int, str, read_only=False)
    strict = environ_property("k", None, lambda text: {"a": 1}[text])
    careless = environ_property("k", 7, lambda text: text + 1)  # type: ignore[operator]

    def __init__(self) -> None:
        self.headers = Headers()
        self.environ: dict[str, Any] = {}


def test_header_property_reads_and_writes_the_header() -> None:
    message = Message()
    assert (message.plain, message.number) == (None, 7)
    message.number = 5
    assert (message.headers["x-k"], message.number, message.plain, message.frozen) == ("5", 5, "5", "5")
    message.plain = "x"
    assert message.number == 7
    del message.number
    del message.number
    assert "X-K" not in message.headers


def test_environ_property_reads_the_environ() -> None:
    message = Message()
    assert (message.variable, message.with_default, message.writable) == (None, "none", 7)
    message.writable = 9
    assert (message.environ, message.variable, message.writable, message.careless) == ({"k": "9"}, "9", 9, 7)
    with pytest.raises(KeyError, match="9"):
        message.strict  # noqa: B018
    del message.writable
    assert message.environ == {}


@pytest.mark.parametrize("name", ["frozen", "variable", "with_default"])
def test_read_only_property_refuses_change(name: str) -> None:
    message = Message()
    with pytest.raises(AttributeError, match="only be read"):
        setattr(message, name, "x")
    with pytest.raises(AttributeError, match="only be read"):
        delattr(message, name)


def test_property_of_class_is_the_descriptor() -> None:
    message = Message()
    assert repr(Message.number) == "<header_property X-K>"
    assert repr(Message.variable) == "<environ_property k>"
    assert Message.number.__doc__ == "A number."
    assert (Message.number.read_only, Message.variable.read_only, Message.writable.read_only) == (
        False,
        True,
        False,
    )
    headers: object = Message.number.lookup(message)
    assert headers is message.headers
    assert Message.variable.lookup(message) is message.environ


@pytest.mark.parametrize(
    "mimetype",
    """text/html text/plain application/xml application/xhtml+xml image/svg+xml
    application/javascript application/ecmascript application/sql application/xml-dtd
    application/xml-external-parsed-entity""".split(),
)
def test_content_type_of_text_has_charset(mimetype: str) -> None:
    assert get_content_type(mimetype, "utf-8") == f"{mimetype}; charset=utf-8"


@pytest.mark.parametrize("mimetype", ["application/json", "image/png", "", "TEXT/html", "application/x-javascript"])
def test_content_type_of_other_data_has_none(mimetype: str) -> None:
    assert get_content_type(mimetype, "utf-8") == mimetype


def test_mapping_property_alone_knows_no_mapping() -> None:
    with pytest.raises(NotImplementedError):  # noqa: PT011  # it has no message
        header_property.__mro__[1]("x").lookup(None)
