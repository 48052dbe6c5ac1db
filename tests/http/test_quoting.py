from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hipflask.http import quoting

# Pieces that header lists are made of, so that random text meets the parser's branches.
PIECES = ["a", "b", "=", ",", " ", "\t", '"', "\\", "*=", "UTF-8''", "iso-8859-1'en'", "%C3", "%A9", "é", ";"]
HEADER_TEXT = st.lists(st.sampled_from(PIECES), max_size=16).map("".join)
HUGE = 200_000


@pytest.mark.parametrize(
    ("value", "quoted"),
    [
        pytest.param("a", "a", id="token"),
        pytest.param("!#$%&'*+-.^_`|~", "!#$%&'*+-.^_`|~", id="all-token-signs"),
        pytest.param("", '""', id="empty"),
        pytest.param("a b", '"a b"', id="space"),
        pytest.param('a"b\\', '"a\\"b\\\\"', id="quote-and-backslash"),
        pytest.param("é", '"é"', id="not-ascii"),
        pytest.param("a\n", '"a\n"', id="line-break-at-the-end"),
        pytest.param(5, "5", id="number"),
        pytest.param(None, "None", id="none"),
    ],
)
def test_quote_header_value_quotes_where_needed(value: Any, quoted: str) -> None:
    assert quoting.quote_header_value(value) == quoted


def test_quote_header_value_without_tokens_always_quotes() -> None:
    assert quoting.quote_header_value("a", allow_token=False) == '"a"'


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        pytest.param('"a b"', "a b", id="quoted"),
        pytest.param('"a\\"b\\\\"', 'a"b\\', id="escapes"),
        pytest.param('"', '"', id="single-quote"),
        pytest.param('""', "", id="empty"),
        pytest.param("a", "a", id="token"),
        pytest.param('"a', '"a', id="open"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_unquote_header_value_resolves_quotes(value: str, plain: str) -> None:
    assert quoting.unquote_header_value(value) == plain


@given(st.text())
def test_quoted_value_is_unquoted_to_the_same(text: str) -> None:
    assert quoting.unquote_header_value(quoting.quote_header_value(text, allow_token=False)) == text


@pytest.mark.parametrize(
    ("value", "items"),
    [
        pytest.param("a, b", ["a", "b"], id="tokens"),
        pytest.param('a, "b, c"', ["a", "b, c"], id="comma-in-quotes"),
        pytest.param(",, a ,", ["a"], id="empty-items"),
        pytest.param('""', [""], id="empty-quoted"),
        pytest.param('a="b, c", d', ['a="b, c"', "d"], id="quotes-inside"),
        pytest.param('"\\",', [], id="escaped-quote-leaves-it-open"),
        pytest.param('a, "b', [], id="open-quote"),
        pytest.param("", [], id="nothing"),
        pytest.param("\ta\n", ["a\n"], id="only-blanks-are-stripped"),
    ],
)
def test_parse_list_header_splits_at_commas(value: str, items: list[str]) -> None:
    assert quoting.parse_list_header(value) == items


@pytest.mark.parametrize(
    ("value", "items"),
    [
        pytest.param('a="b", c=d, e', {"a": "b", "c": "d", "e": None}, id="all-kinds"),
        pytest.param("a=1, a=2", {"a": "2"}, id="last-counts"),
        pytest.param("=b, a", {"a": None}, id="no-name"),
        pytest.param("a*=UTF-8''%C3%A9", {"a": "é"}, id="extended"),
        pytest.param("a*=utf-16''%C3", {"a": "%C3"}, id="other-charset-stays"),
        pytest.param("a*=utf-8''%FF", {"a": "\ufffd"}, id="broken-bytes"),
        pytest.param("a*=x", {"a": "x"}, id="not-extended-after-all"),
        pytest.param("a = b", {"a": "b"}, id="blanks"),
    ],
)
def test_parse_dict_header_reads_names_and_values(value: str, items: dict[str, str | None]) -> None:
    assert quoting.parse_dict_header(value) == items


@pytest.mark.parametrize(
    ("value", "header"),
    [
        pytest.param(["a", "b c", 1], 'a, "b c", 1', id="items"),
        pytest.param(
            {"a": "b c", "d": None, "e*": "UTF-8''%20", "f": 1}, "a=\"b c\", d, e*=UTF-8''%20, f=1", id="dict"
        ),
        pytest.param([], "", id="nothing"),
    ],
)
def test_dump_header_joins_with_commas(value: Any, header: str) -> None:
    assert quoting.dump_header(value) == header


@given(st.lists(st.text(min_size=1)))
def test_dumped_list_is_parsed_to_the_same(items: list[str]) -> None:
    assert quoting.parse_list_header(quoting.dump_header(items)) == items


@given(HEADER_TEXT)
@example('"a" "b"')
@example("a*=\"utf-8''x\"")
def test_list_and_dict_are_read_as_by_werkzeug(value: str) -> None:
    werkzeug = pytest.importorskip("werkzeug.http")
    assert quoting.parse_list_header(value) == werkzeug.parse_list_header(value)
    assert quoting.parse_dict_header(value) == werkzeug.parse_dict_header(value)


@given(st.text())
def test_any_text_is_parsed(value: str) -> None:
    assert isinstance(quoting.parse_dict_header(value), dict)


@pytest.mark.parametrize("piece", ["a,", '"', '"\\', "\\", '"a",', "a=", "'", "a*=''"])
def test_huge_header_is_parsed_in_linear_time(piece: str) -> None:
    assert isinstance(quoting.parse_dict_header(piece * (HUGE // len(piece))), dict)
