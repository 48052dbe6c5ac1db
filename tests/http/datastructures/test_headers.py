from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from markupsafe import Markup

from hipflask.http.datastructures import EnvironHeaders, Headers, MultiDict
from hipflask.http.datastructures import headers as module
from hipflask.http.exceptions import BadRequestKeyError

PAIRS = [("X-A", "1"), ("Content-Type", "text/plain"), ("x-a", "2")]
REST = [("Content-Type", "text/plain")]


@pytest.fixture
def some() -> Headers:
    return Headers(PAIRS)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param(None, [], id="nothing"),
        pytest.param([("a", 5), ("b", None), ("c", b"x"), ("d", Markup("y"))], ["5", "None", "b'x'", "y"], id="pairs"),
        pytest.param({"a": ["1", "2"], "b": ("3",), "c": {"4"}, "d": "5"}, ["1", "2", "3", "4", "5"], id="mapping"),
        pytest.param(MultiDict([("a", "1"), ("a", "2")]), ["1", "2"], id="multi-dict"),
        pytest.param(Headers([("a", "1"), ("A", "2")]), ["1", "2"], id="headers"),
        pytest.param(EnvironHeaders({"HTTP_A": "1"}), ["1"], id="environ"),
        pytest.param(iter([("a", "1")]), ["1"], id="iterator"),
    ],
)
def test_headers_take_source(source: Any, expected: list[str]) -> None:
    built = Headers(source)
    assert list(built.values()) == expected
    assert {type(value) for value in built.values()} <= {str}


@pytest.mark.parametrize("text", ["a\nb", "a\r", "\r\nX: y", b"a\nb"[:0] or "\n"])
@pytest.mark.parametrize("method", ["add", "set", "setdefault", "add_header", "__setitem__"])
def test_line_break_is_refused(some: Headers, method: str, text: str) -> None:
    for name, value in (("X-New", text), (text, "x")):
        with pytest.raises(ValueError, match="line break"):
            getattr(some, method)(name, value)
    assert list(some) == PAIRS


@pytest.mark.parametrize("value", ["a\nb", type("Text", (str,), {})("a\nb"), ["a\n"]], ids=["str", "subclass", "list"])
def test_line_break_in_update_is_refused(some: Headers, value: Any) -> None:
    if isinstance(value, list):
        value = [text for text in value]
    with pytest.raises(ValueError, match="line break"):
        some.update({"X-New": value})
    assert list(some) == PAIRS


def test_line_break_in_option_is_refused(some: Headers) -> None:
    with pytest.raises(ValueError, match="line break"):
        some.add("X", "attachment", filename="a\r\nSet-Cookie: b")


def test_line_break_at_position_is_refused(some: Headers) -> None:
    with pytest.raises(ValueError, match="line break"):
        some[0] = ("X", "a\n")
    with pytest.raises(ValueError, match="line break"):
        some[0:1] = [("X", "a\n")]
    assert list(some) == PAIRS


def test_value_is_not_in_the_message() -> None:
    with pytest.raises(ValueError, match="'X'") as info:
        Headers([("X", "secret\n")])
    assert "secret" not in str(info.value)


@pytest.mark.parametrize("name", [5, b"x", None])
def test_name_must_be_text(some: Headers, name: Any) -> None:
    with pytest.raises(TypeError, match="header name .* make it a str"):
        some.add(name, "x")
    with pytest.raises(TypeError, match="header name .* make it a str"):
        some.set(name, "x")


def test_text_outside_ascii_and_control_characters_are_kept() -> None:
    assert Headers([("a", "\x0b\u2028é")])["A"] == "\x0b\u2028é"


def test_look_up_ignores_case(some: Headers) -> None:
    assert (some["X-a"], some.get("x-A"), some.getlist("X-A"), some.get_all("x-a")) == (
        "1",
        "1",
        ["1", "2"],
        ["1", "2"],
    )
    assert "CONTENT-TYPE" in some
    assert "nope" not in some
    assert (some.get("nope"), some.get("nope", "d"), some.getlist("nope")) == (None, "d", [])
    with pytest.raises(BadRequestKeyError, match="400"):
        some["nope"]


def test_get_converts() -> None:
    some = Headers([("a", "x"), ("b", "2"), ("A", "3")])
    assert (some.get("b", type=int), some.get("a", 7, int), some.get("a", type=int)) == (2, 7, None)
    assert some.getlist("a", int) == [3]
    with pytest.raises(TypeError, match="int"):
        some.get("a", 7, lambda _: int(None))  # type: ignore[call-overload]


def test_positions_and_slices(some: Headers) -> None:
    assert some[0] == ("X-A", "1")
    assert some[1:] == Headers(PAIRS[1:])
    with pytest.raises(IndexError, match="range"):
        some[9]
    some[0] = ("q", 5)
    some[1:2] = [("r", 6), ("s", "t")]
    assert list(some) == [("q", "5"), ("r", "6"), ("s", "t"), ("x-a", "2")]
    del some[0]
    del some[0:2]
    assert list(some) == [("x-a", "2")]


@pytest.mark.parametrize(
    ("key", "default", "expected", "rest"),
    [
        pytest.param("x-A", (), "1", REST, id="name"),
        pytest.param("nope", ("d",), "d", PAIRS, id="default"),
        pytest.param("nope", (None,), None, PAIRS, id="default-none"),
        pytest.param(0, (), ("X-A", "1"), PAIRS[1:], id="position"),
        pytest.param(None, (), ("x-a", "2"), PAIRS[:2], id="last"),
    ],
)
def test_pop(some: Headers, key: Any, default: tuple[Any, ...], expected: Any, rest: list[tuple[str, str]]) -> None:
    assert some.pop(key, *default) == expected
    assert list(some) == rest


def test_pop_of_what_is_not_there_raises(some: Headers) -> None:
    with pytest.raises(BadRequestKeyError, match="400"):
        some.pop("nope")
    with pytest.raises(IndexError, match="range"):
        some.pop(9)
    with pytest.raises(IndexError, match="empty"):
        Headers().popitem()


def test_set_takes_the_first_place_and_removes_the_others(some: Headers) -> None:
    some.set("X-a", 9)
    assert list(some) == [("X-a", "9"), *REST]
    some["content-type"] = "a/b"
    some["New"] = "x"
    assert list(some) == [("X-a", "9"), ("content-type", "a/b"), ("New", "x")]


def test_options_follow_the_value(some: Headers) -> None:
    some.set("X-A", "form-data", file_name="a b.txt", count=2, nothing=None)
    assert some["X-A"] == 'form-data; file-name="a b.txt"; count=2'
    some.add_header("B", None, q="1")
    assert some["B"] == "q=1"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param(["7", 8, "9"], [("X-A", "7"), *REST, ("X-A", "8"), ("X-A", "9")], id="several"),
        pytest.param(iter(["7"]), [("X-A", "7"), *REST], id="iterator"),
        pytest.param([], REST, id="none"),
    ],
)
def test_setlist_replaces(some: Headers, values: Any, expected: list[tuple[str, str]]) -> None:
    some.setlist("X-A", values)
    assert list(some) == expected


def test_defaults_are_set_only_where_missing(some: Headers) -> None:
    assert (some.setdefault("x-a", "9"), some.setdefault("B", 9)) == ("1", "9")
    assert (some.setlistdefault("x-a", ["9"]), some.setlistdefault("C", [8, 9])) == (["1", "2"], ["8", "9"])


def test_extend_adds_and_update_replaces(some: Headers) -> None:
    some.extend({"x-a": ["3"]}, B="4", C_D=["5", "6"])
    assert some.getlist("x-a") == ["1", "2", "3"]
    assert list(some)[-3:] == [("B", "4"), ("C_D", "5"), ("C_D", "6")]
    some.update(MultiDict([("x-a", "7"), ("x-a", "8")]), B=["9"], C_D="0")
    assert (some.getlist("x-a"), some.getlist("b"), some.getlist("c_d")) == (["7", "8"], ["9"], ["0"])
    some.update([("x-a", "1"), ("X-A", "2")])
    assert some.getlist("x-a") == ["2"]
    some.update({"X-A": ("3", "4"), "b": []})
    assert (some.getlist("x-a"), "B" in some) == (["3", "4"], False)
    some.update()
    some.extend()


def test_extend_with_itself_doubles_the_fields() -> None:
    class Own(Headers):
        pass

    for kind in (Headers, Own):
        some = kind([("a", "1")])
        some.extend(some)
        assert list(some) == [("a", "1"), ("a", "1")]


def test_subclass_hears_of_every_field() -> None:
    class Upper(Headers):
        def add(self, key: str, value: Any, /, **kwargs: Any) -> None:
            super().add(key.upper(), value, **kwargs)

    some = Upper([("a", "1")])
    some.extend({"b": "2"})
    assert list(some.keys()) == list(some.copy().keys()) == ["A", "B"]
    assert type(some | {"c": "3"}) is type(some[0:1]) is Upper


def test_union_takes_mappings(some: Headers) -> None:
    joined = some | {"x-a": "9"}
    assert (list(joined), list(some)) == ([("x-a", "9"), *REST], PAIRS)
    some |= [("x-a", "9")]
    assert some == joined
    with pytest.raises(TypeError, match="unsupported"):
        some | [("a", "b")]  # type: ignore[operator]
    with pytest.raises(TypeError, match="unsupported"):
        some |= 5  # type: ignore[arg-type]


def test_equality_ignores_case_of_names_and_order() -> None:
    assert Headers([("a", "1"), ("b", "2")]) == Headers([("B", "2"), ("A", "1")])
    assert Headers([("a", "x")]) != Headers([("a", "X")])
    assert Headers([("a", "1")]) != [("a", "1")]
    with pytest.raises(TypeError, match="unhashable"):
        hash(Headers())


def test_copies_are_independent(some: Headers) -> None:
    for other in (some.copy(), copy.copy(some), copy.deepcopy(some), pickle.loads(pickle.dumps(some))):
        other.clear()
        assert (len(other), len(some), bool(other)) == (0, 3, False)


def test_text_is_the_head_as_it_is_sent(some: Headers) -> None:
    assert str(some) == "X-A: 1\r\nContent-Type: text/plain\r\nx-a: 2\r\n\r\n"
    assert repr(some) == f"Headers({PAIRS!r})"
    assert some.to_wsgi_list() == PAIRS
    assert list(some.items(lower=True))[0] == ("x-a", "1")
    assert list(some.keys(lower=True)) == ["x-a", "content-type", "x-a"]


def test_removing_is_by_name(some: Headers) -> None:
    some.remove("nope")
    some.remove("X-a")
    del some["nope"]
    assert list(some) == REST
    assert some.popitem() == REST[0]


# EnvironHeaders


ENVIRON: dict[str, Any] = {
    "HTTP_X_A": "1",
    "CONTENT_TYPE": "text/plain",
    "CONTENT_LENGTH": "",
    "HTTP_CONTENT_TYPE": "odd",
    "HTTP_HOST": "h",
    "wsgi.input": object(),
}


def test_environ_headers_show_the_environ() -> None:
    live = EnvironHeaders(ENVIRON)
    expected = [("X-A", "1"), ("Content-Type", "text/plain"), ("Host", "h")]
    assert list(live) == live.to_wsgi_list() == expected
    assert (len(live), repr(live), list(live.keys(lower=True))[0]) == (
        3,
        f"EnvironHeaders({expected!r})",
        "x-a",
    )
    assert (live["x-a"], live.get("HOST"), live.get("content-type")) == ("1", "h", "text/plain")
    assert (live.get("content-length"), live.getlist("content-length")) == ("", [])
    assert (live.get("Accept"), live.get("Accept", "d"), live.getlist("x-a", int)) == (None, "d", [1])
    assert "Host" in live
    assert "Accept" not in live


def test_environ_headers_follow_the_environ() -> None:
    environ: dict[str, Any] = {}
    live = EnvironHeaders(environ)
    assert (live.get("X-Later"), len(live)) == (None, 0)
    environ["HTTP_X_LATER"] = "1"
    assert (live.get("X-Later"), live["X-Later"], len(live)) == ("1", "1", 1)


def test_environ_headers_convert() -> None:
    live = EnvironHeaders({"HTTP_A": "5", "HTTP_B": "x"})
    assert (live.get("a", type=int), live.get("b", 1, int), live.get("c", 2, int)) == (5, 1, 2)
    with pytest.raises(KeyError, match="x"):
        live.get("b", type=lambda text: {"a": 1}[text])


@pytest.mark.parametrize("name", ["Nope", 5, None, b"Host", [], slice(0, 1)])
def test_environ_headers_do_not_have(name: Any) -> None:
    live = EnvironHeaders(ENVIRON)
    assert live.get(name, "d") == "d"
    assert live.get(name, "d", int) == "d"
    assert name not in live
    with pytest.raises(KeyError):  # noqa: PT011  # the key differs
        live[name]


def test_environ_headers_remember_only_so_many_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ENVIRON_KEYS", {})
    monkeypatch.setattr(module, "_MAX_ENVIRON_KEYS", 1)
    live = EnvironHeaders(ENVIRON)
    assert (live.get("Host"), live.get("X-A"), live.get("X-A")) == ("h", "1", "1")
    assert module._ENVIRON_KEYS == {"Host": "HTTP_HOST"}


def test_environ_headers_are_equal_for_the_same_environ() -> None:
    live = EnvironHeaders(ENVIRON)
    assert live == EnvironHeaders(ENVIRON)
    assert live != EnvironHeaders(dict(ENVIRON))
    assert live != Headers(live)
    with pytest.raises(TypeError, match="unhashable"):
        hash(live)


@pytest.mark.parametrize("change", [copy.copy, lambda one: one.copy(), lambda one: one | {"a": "b"}])
def test_environ_headers_cannot_be_copied(change: Any) -> None:
    with pytest.raises(TypeError, match="cannot be copied"):
        change(EnvironHeaders(ENVIRON))
