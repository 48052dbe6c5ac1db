from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipflask.http.query import KEEP_ESCAPED, parse_query


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", [], id="empty"),
        pytest.param("a=1&b=2", [("a", "1"), ("b", "2")], id="pairs"),
        pytest.param("a=1&a=2", [("a", "1"), ("a", "2")], id="repeated"),
        pytest.param("a", [("a", "")], id="no-value"),
        pytest.param("=v", [("", "v")], id="no-name"),
        pytest.param("a=b=c", [("a", "b=c")], id="second-equals"),
        pytest.param("&&a=1&", [("a", "1")], id="empty-pairs"),
        pytest.param("a=1;b=2", [("a", "1;b=2")], id="semicolon-is-no-separator"),
        pytest.param("a+b=c+d", [("a b", "c d")], id="plus"),
        pytest.param("a%20b=%C3%A9", [("a b", "é")], id="escapes"),
        pytest.param("a=%zz&b=%", [("a", "%zz"), ("b", "%")], id="broken-escapes"),
        pytest.param("a=%ff%C3", [("a", "%FF%C3")], id="not-utf-8"),
        pytest.param("a=%00", [("a", "\0")], id="nul"),
        pytest.param("é=ü", [("é", "ü")], id="not-escaped"),
    ],
)
def test_parse_query(text: str, expected: list[tuple[str, str]]) -> None:
    assert parse_query(text) == expected


def test_bytes_that_are_not_utf_8_stay_escapes() -> None:
    assert b"a\xffb\xc3".decode("utf-8", KEEP_ESCAPED) == "a%FFb%C3"


def test_error_handler_is_for_decoding_only() -> None:
    with pytest.raises(UnicodeEncodeError):
        "é".encode("ascii", KEEP_ESCAPED)


@given(st.text(alphabet="ab=&+%;é0123456789ABCDEFcfx \0", max_size=40))
def test_any_text_is_parsed_as_werkzeug_does(text: str) -> None:
    test = pytest.importorskip("werkzeug.test")
    wrappers = pytest.importorskip("werkzeug.wrappers")
    environ = test.create_environ()
    environ["QUERY_STRING"] = text.encode().decode("latin-1")
    assert parse_query(text) == list(wrappers.Request(environ).args.items(multi=True)) or "&=" in f"&{text}&"
