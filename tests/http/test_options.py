from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipflask.http.options import dump_options_header, parse_disposition, parse_options_header

PIECES = [
    "a",
    "x",
    "=",
    ";",
    "; x",
    "*0",
    "*1*",
    "*=",
    " ",
    '"',
    "\\",
    "%22",
    "%C3%A9",
    "utf-8''",
    "iso-8859-1''",
    "bad''",
    "''",
    ",",
]
HEADER_TEXT = st.lists(st.sampled_from(PIECES), max_size=16).map("".join)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(None, ("", {}), id="none"),
        pytest.param("", ("", {}), id="empty"),
        pytest.param(" text/html ", ("text/html", {}), id="no-parameter"),
        pytest.param("Text/HTML; Charset=UTF-8", ("Text/HTML", {"charset": "UTF-8"}), id="one-plain-parameter"),
        pytest.param(";a=b", ("", {}), id="no-main-value"),
        pytest.param('f; name="a"; filename="b c.txt"', ("f", {"name": "a", "filename": "b c.txt"}), id="quoted"),
        pytest.param('f; a="\\"\\\\%22"', ("f", {"a": '"\\"'}), id="escapes"),
        pytest.param('f; a="x;y=z"; b=c', ("f", {"a": "x;y=z", "b": "c"}), id="semicolon-in-quotes"),
        pytest.param("f; a; b=; c=d e; g = h", ("f", {"c": "d"}), id="malformed-left-out"),
        pytest.param('f; a=b; c="d; e=f', ("f", {"a": "b"}), id="open-quote-ends-it"),
        pytest.param('f; a=""', ("f", {"a": ""}), id="empty-quoted"),
        pytest.param("f; a=b; a=c", ("f", {"a": "c"}), id="last-counts"),
        pytest.param("f; a*=UTF-8'en'%E2%82%AC", ("f", {"a": "€"}), id="extended"),
        pytest.param("f; a*=x", ("f", {"a": "x"}), id="not-extended-after-all"),
        pytest.param("f; a*=\"UTF-8''x\"", ("f", {"a": "\"UTF-8''x\""}), id="extended-in-quotes-stays"),
        pytest.param('f; a*0=x; b=c; a*1="y z"', ("f", {"b": "c", "a": "xy z"}), id="continued"),
        pytest.param("f; a*0*=utf-8''%C3%A9; a*1*=%C3%A9; a*2=%20", ("f", {"a": "éé%20"}), id="continued-extended"),
        pytest.param("f; a*0*=utf-8''x; a*1*=''%C3%A9", ("f", {"a": "xé"}), id="charset-kept"),
        pytest.param("f; a*0=x; a=y", ("f", {"a": "y"}), id="plain-replaces-continued"),
        pytest.param("f; a=y; a*1=x", ("f", {"a": "x"}), id="continued-replaces-plain"),
        pytest.param("f; a*=koi8-r''%C1", ("f", {"a": "%C1"}), id="other-charset-stays"),
    ],
)
def test_parse_options_header(value: str | None, expected: tuple[str, dict[str, str]]) -> None:
    assert parse_options_header(value) == expected


def test_parsed_options_may_be_changed_without_changing_the_next() -> None:
    parse_options_header("text/html; charset=utf-8")[1].clear()
    assert parse_options_header("text/html; charset=utf-8")[1] == {"charset": "utf-8"}


@pytest.mark.parametrize(
    ("main", "options", "header"),
    [
        pytest.param("a", {}, "a", id="alone"),
        pytest.param(
            "a", {"b": "c d", "e": None, "f*": "utf-8''%20", "g": 5}, "a; b=\"c d\"; f*=utf-8''%20; g=5", id="all"
        ),
        pytest.param(None, {"a": "b", "c": "d"}, "a=b; c=d", id="options-alone"),
        pytest.param("", {"a": ""}, '; a=""', id="empty-values"),
    ],
)
def test_dump_options_header(main: str | None, options: dict[str, Any], header: str) -> None:
    assert dump_options_header(main, options) == header


@given(st.dictionaries(st.text("abcdef-", min_size=1), st.text().filter(lambda text: "%22" not in text), max_size=4))
def test_dumped_options_are_parsed_to_the_same(options: dict[str, str]) -> None:
    assert parse_options_header(dump_options_header("a/b", options)) == ("a/b", options)


@given(HEADER_TEXT)
def test_options_are_read_as_by_werkzeug(value: str) -> None:
    werkzeug = pytest.importorskip("werkzeug.http")
    for text in (value, f"a; {value}"):
        assert parse_options_header(text) == werkzeug.parse_options_header(text)


@given(st.text())
def test_any_text_is_parsed(value: str) -> None:
    main, options = parse_options_header(f"{value};{value}")
    assert isinstance(main, str)
    assert all(isinstance(text, str) for text in options.values())


@pytest.mark.parametrize(
    "piece", [";", ";a", "; a=b", ';a="', ';a="\\', ' ;a="b"', "a*0=b;", " ", "a*0*=''%41;", ";a*='"]
)
def test_huge_header_is_parsed_in_linear_time(piece: str) -> None:
    assert parse_options_header("a" + piece * (200_000 // len(piece)))[0].strip(" ")[:1] == "a"


@pytest.mark.parametrize(
    "value", ["f; name=\"a\"; name*=UTF-8''b", 'f; NAME*0=x; name="a"; name*1*=y', "f; name*=x; name=a"]
)
def test_the_name_of_a_part_is_taken_in_its_plain_form_only(value: str) -> None:
    assert parse_disposition(value) == {"name": "a"}
    assert parse_options_header(value)[1] != {"name": "a"} or value.endswith("name=a")
