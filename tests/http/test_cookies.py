from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hipflask.http.cookies import dump_cookie, parse_cookie, parse_decoded_cookie
from hipflask.http.datastructures import ImmutableMultiDict, MultiDict
from hipflask.http.dates import parse_date

PIECES = [
    "a",
    "b",
    "=",
    ";",
    "; ",
    " ",
    "\t",
    '"',
    "\\",
    '="',
    '";',
    "\\054",
    "\\303\\251",
    "\\400",
    ",",
    "c=d",
    "é",
    "\x00",
]
HEADER_TEXT = st.lists(st.sampled_from(PIECES), max_size=16).map("".join)
PLAIN = {"path": None}


@pytest.mark.parametrize(
    ("header", "pairs"),
    [
        pytest.param("a=b; c=d", [("a", "b"), ("c", "d")], id="two"),
        pytest.param("a=b; a=c", [("a", "b"), ("a", "c")], id="repeated"),
        pytest.param(" a = b ;c\t", [("a", "b"), ("c", "")], id="blanks"),
        pytest.param("a=b=c; d=", [("a", "b=c"), ("d", "")], id="equals-in-value"),
        pytest.param("=b; =; ;", [], id="no-name"),
        pytest.param("a=b c; d e=f; g=h", [("g", "h")], id="blank-inside"),
        pytest.param('a="b;c\\054\\"\\\\"', [("a", 'b;c,"\\')], id="quoted"),
        pytest.param('a="\\303\\251"; b="\\400"', [("a", "é"), ("b", "400")], id="octal"),
        pytest.param('a="\\377"', [("a", "\ufffd")], id="octal-not-utf-8"),
        pytest.param('a="b; c=d', [("c", "d")], id="open-quote"),
        pytest.param('a=b"c"; "d"=e; f="g"h; i=j', [("i", "j")], id="quote-in-the-wrong-place"),
        pytest.param("a=\xc3\xa9", [("a", "é")], id="utf-8"),
        pytest.param("a=\xe9", [("a", "\ufffd")], id="not-utf-8"),
        pytest.param("", [], id="empty"),
        pytest.param(None, [], id="none"),
    ],
)
def test_parse_cookie(header: str | None, pairs: list[tuple[str, str]]) -> None:
    assert list(parse_cookie(header).items(multi=True)) == pairs


@pytest.mark.parametrize("environ", [{"HTTP_COOKIE": "a=b"}, {}], ids=["with", "without"])
def test_parse_cookie_of_environ(environ: dict[str, Any]) -> None:
    assert parse_cookie(environ).get("a") == ("b" if environ else None)


def test_parse_cookie_gives_the_class_asked_for() -> None:
    class Own(MultiDict[str, str]):
        def __init__(self, mapping: Any = None) -> None:
            super().__init__(mapping)
            self.was_called = True

    assert type(parse_cookie("a=b")) is MultiDict
    assert type(parse_cookie("a=b", ImmutableMultiDict)) is ImmutableMultiDict
    assert type(parse_cookie(None, ImmutableMultiDict)) is ImmutableMultiDict
    own = parse_cookie("a=b; a=c", Own)
    assert isinstance(own, Own)
    assert own.was_called
    assert own.getlist("a") == ["b", "c"]
    assert parse_cookie("a=b; c=d", dict) == {"a": "b", "c": "d"}  # type: ignore[arg-type]


def test_parse_decoded_cookie_takes_text_as_it_is() -> None:
    assert parse_decoded_cookie("a=é; ☃=☃") == MultiDict([("a", "é"), ("☃", "☃")])
    assert parse_decoded_cookie() == MultiDict()


@given(HEADER_TEXT)
@example('x=y";z="q;w=e')
def test_cookies_are_read_as_by_werkzeug(header: str) -> None:
    werkzeug = pytest.importorskip("werkzeug.sansio.http")
    expected = list(werkzeug.parse_cookie(header).items(multi=True))
    assert list(parse_decoded_cookie(header).items(multi=True)) == expected


@given(st.text(st.characters(max_codepoint=255)))
def test_any_header_is_parsed(header: str) -> None:
    assert isinstance(parse_cookie(header), MultiDict)


@pytest.mark.parametrize("piece", ["a=b;", ";", " ", '="', 'a="\\', "a", '"', ';a="b', "a=b; a="])
def test_huge_header_is_parsed_in_linear_time(piece: str) -> None:
    assert isinstance(parse_cookie(piece * (200_000 // len(piece))), MultiDict)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        pytest.param("", "", id="empty"),
        pytest.param("a/b?c#d[e]{f}<g>|^`~'=%!", "a/b?c#d[e]{f}<g>|^`~'=%!", id="plain"),
        pytest.param("a b", '"a b"', id="space"),
        pytest.param('a;b,c"d\\', '"a\\073b\\054c\\"d\\\\"', id="delimiters"),
        pytest.param("é", '"\\303\\251"', id="not-ascii"),
        pytest.param("\x00\x1f\x7f\n", '"\\000\\037\\177\\012"', id="control-characters"),
    ],
)
def test_dump_cookie_quotes_the_value(value: str, written: str) -> None:
    assert dump_cookie("k", value) == f"k={written}; Path=/"


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_dumped_value_is_parsed_to_the_same(value: str) -> None:
    assert parse_cookie(dump_cookie("k", value, **PLAIN))["k"] == value  # type: ignore[arg-type]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_cookies_are_interchangeable_with_werkzeug(value: str) -> None:
    werkzeug = pytest.importorskip("werkzeug.http")
    assert werkzeug.parse_cookie(dump_cookie("k", value, **PLAIN))["k"] == value  # type: ignore[arg-type]
    assert parse_cookie(werkzeug.dump_cookie("k", value, path=None))["k"] == value


@pytest.mark.parametrize(
    ("options", "attributes"),
    [
        pytest.param({"max_age": 5, "sync_expires": False}, "; Max-Age=5; Path=/", id="max-age"),
        pytest.param(
            {"max_age": timedelta(minutes=2), "expires": 0},
            "; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=120; Path=/",
            id="both",
        ),
        pytest.param(
            {"expires": datetime(1999, 1, 1, tzinfo=UTC)},
            "; Expires=Fri, 01 Jan 1999 00:00:00 GMT; Path=/",
            id="datetime",
        ),
        pytest.param({"expires": "soon"}, "; Expires=soon; Path=/", id="text"),
        pytest.param({"path": "/a b;é%20"}, "; Path=/a%20b%3B%C3%A9%20", id="path"),
        pytest.param({"path": None}, "", id="no-path"),
        pytest.param({"domain": ".x.test:80"}, "; Domain=x.test; Path=/", id="domain"),
        pytest.param({"domain": "é.test"}, "; Domain=xn--9ca.test; Path=/", id="international-domain"),
        pytest.param({"domain": ""}, "; Domain=; Path=/", id="empty-domain"),
        pytest.param(
            {"secure": True, "httponly": True, "samesite": "lax"},
            "; Secure; HttpOnly; Path=/; SameSite=Lax",
            id="flags",
        ),
        pytest.param({"samesite": "NONE"}, "; Path=/; SameSite=None", id="samesite-none"),
        pytest.param({"partitioned": True}, "; Secure; Path=/; Partitioned", id="partitioned"),
        pytest.param(
            {"secure": 1, "httponly": None, "max_age": True, "sync_expires": False},
            "; Max-Age; Secure=1; Path=/",
            id="odd-flags",
        ),
    ],
)
def test_dump_cookie_writes_attributes(options: dict[str, Any], attributes: str) -> None:
    assert dump_cookie("k", "v", **options) == f"k=v{attributes}"


def test_dump_cookie_writes_the_expiry_of_max_age() -> None:
    header = dump_cookie("k", "v", max_age=3600)
    moment = parse_date(header.partition("Expires=")[2].partition(";")[0])
    assert moment is not None
    assert abs(moment.timestamp() - time.time() - 3600) < 30


def test_dump_cookie_encodes_the_name_for_wsgi() -> None:
    header = dump_cookie("é", "v", **PLAIN)  # type: ignore[arg-type]
    assert header == "Ã©=v"
    assert parse_cookie(header)["é"] == "v"


@given(
    st.text("ab ;,é", max_size=5),
    st.fixed_dictionaries(
        {},
        optional={
            "expires": st.sampled_from([None, "x", 0, datetime(1999, 1, 1)]),
            "path": st.sampled_from(["/", None, "", "/a b", "/é;"]),
            "domain": st.sampled_from([None, "", "x.test", ".x:80", "é.test", "a.", "a" * 63]),
            "secure": st.sampled_from([True, False, None, 0, 1]),
            "httponly": st.sampled_from([True, False, None, 0]),
            "samesite": st.sampled_from([None, "lax", "NONE", "Strict"]),
            "partitioned": st.sampled_from([True, False, None, 1]),
        },
    ),
)
def test_cookie_is_written_as_by_werkzeug(value: str, options: dict[str, Any]) -> None:
    werkzeug = pytest.importorskip("werkzeug.http")
    assert dump_cookie("k", value, **options) == werkzeug.dump_cookie("k", value, **options)


@pytest.mark.parametrize("samesite", ["bad", ""])
def test_unknown_samesite_is_refused(samesite: str) -> None:
    with pytest.raises(ValueError, match="not one of 'Strict', 'Lax' and 'None'"):
        dump_cookie("k", "v", samesite=samesite)


@pytest.mark.parametrize(
    ("options", "what"),
    [
        pytest.param({"key": "k; Domain=evil.test"}, "name", id="name"),
        pytest.param({"key": "k\r\nX: y"}, "name", id="name-with-line-break"),
        pytest.param({"domain": "x.test; Secure"}, "domain", id="domain"),
        pytest.param({"expires": "now; Path=/x"}, "expiry date", id="expires"),
    ],
)
def test_attribute_injection_is_refused(options: dict[str, Any], what: str) -> None:
    with pytest.raises(ValueError, match=f"The {what} of cookie"):
        dump_cookie(**{"key": "k", "value": "v", **options})


@pytest.mark.parametrize("domain", ["a..b", "a" * 64])
def test_impossible_domain_is_refused(domain: str) -> None:
    with pytest.raises(UnicodeError, match="empty or too long"):
        dump_cookie("k", "v", domain=domain)


def test_large_cookie_warns() -> None:
    with pytest.warns(
        UserWarning, match="'k' cookie is too large: it takes 4094 bytes.*the limit is 4093 bytes"
    ) as seen:
        dump_cookie("k", "v" * 4084)
    assert seen[0].filename == __file__
    with pytest.warns(UserWarning, match="the limit is 10 bytes"):
        dump_cookie("k", "v", max_size=10)


def test_cookie_within_the_limit_does_not_warn() -> None:
    assert len(dump_cookie("k", "v" * 4083)) == 4093
    assert len(dump_cookie("k", "v" * 5000, max_size=0)) == 5010


@given(header=st.text(alphabet='ab=;"\\ \t\n,', max_size=20))
def test_cookies_are_found_alike_with_and_without_a_space(header: str) -> None:
    # A tab at the end of a header says nothing, but has it read by the pattern.
    assert parse_cookie(header).to_dict(flat=False) == parse_cookie(header + ";\t").to_dict(flat=False)
