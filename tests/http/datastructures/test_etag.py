from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipflask.http.datastructures.etag import ETags, generate_etag, parse_etags, quote_etag, unquote_etag

PIECES = ["a", "b", '"', ",", " ", "\t", "W/", "w/", "*", '"a"', 'W/"b"', "\\", "é", ";"]


@pytest.mark.parametrize(
    ("value", "strong", "weak", "star"),
    [
        pytest.param(None, set(), set(), False, id="none"),
        pytest.param("*", set(), set(), True, id="star"),
        pytest.param('"a", W/"b", w/c, d', {"a", "d"}, {"b", "c"}, False, id="all-kinds"),
        pytest.param('"a,b"', {"a,b"}, set(), False, id="comma-inside"),
        pytest.param('"a" "b", c', {"c"}, set(), False, id="malformed-skipped"),
        pytest.param('x, "a, b', {"x", "b"}, set(), False, id="open-quote"),
        pytest.param('"", W/""', {""}, {""}, False, id="empty-tag"),
        pytest.param("W/", {"W/"}, set(), False, id="only-the-mark"),
    ],
)
def test_parse_etags(value: str | None, strong: set[str], weak: set[str], star: bool) -> None:
    tags = parse_etags(value)
    assert (tags.as_set(), tags.as_set(include_weak=True), tags.star_tag) == (strong, strong | weak, star)


@given(st.lists(st.sampled_from(PIECES), max_size=10).map("".join).filter(lambda text: '""' not in text))
def test_etags_are_read_as_by_werkzeug(value: str) -> None:
    werkzeug = pytest.importorskip("werkzeug.http")
    ours, theirs = parse_etags(value), werkzeug.parse_etags(value)
    assert ours.as_set() == theirs.as_set()
    assert ours.as_set(include_weak=True) == theirs.as_set(include_weak=True)
    assert ours.star_tag == theirs.star_tag


@pytest.mark.parametrize("piece", [",", '"', "a,", '"a",', " ", "W/", ',"', "a"])
def test_huge_header_is_parsed_in_linear_time(piece: str) -> None:
    assert isinstance(parse_etags(piece * (200_000 // len(piece))), ETags)


def test_quote_etag() -> None:
    assert quote_etag("a") == '"a"'
    assert quote_etag("a", weak=True) == 'W/"a"'
    with pytest.raises(ValueError, match="has a quote in it"):
        quote_etag('a"')


@pytest.mark.parametrize(
    ("etag", "expected"),
    [
        ('"a"', ("a", False)),
        ('W/"a"', ("a", True)),
        ('w/"a"', ("a", True)),
        ("a", ("a", False)),
        ('"a', ('"a', False)),
        ('"', ("", False)),
        ("", (None, None)),
        (None, (None, None)),
    ],
)
def test_unquote_etag(etag: str | None, expected: tuple[str | None, bool | None]) -> None:
    assert unquote_etag(etag) == expected


def test_generate_etag_is_a_hash() -> None:
    assert generate_etag(b"x") == "11f6ad8ec52a2984abaafd7c3b516503785c2072"


def test_etags_compare_strongly_and_weakly() -> None:
    tags = ETags(["a"], ["w"])
    assert [tags.contains(tag) for tag in "awx"] == [True, False, False]
    assert [tags.contains_weak(tag) for tag in "awx"] == [True, True, False]
    assert [tags.is_strong(tag) for tag in "awx"] == [True, False, False]
    assert [tags.is_weak(tag) for tag in "awx"] == [False, True, False]
    assert [tag in tags for tag in "awx"] == [True, False, False]
    assert [tags.contains_raw(tag) for tag in ('"a"', 'W/"w"', '"w"', "")] == [True, True, False, False]
    assert [tags("a"), tags("w"), tags("w", include_weak=True), tags(data=b"x")] == [True, False, True, False]


def test_star_matches_every_tag() -> None:
    tags = ETags(["a"], ["w"], star_tag=True)
    assert tags.contains("x")
    assert tags.contains_weak("x")
    assert tags.contains_raw("")
    assert "x" in tags
    assert not tags("x")
    assert str(tags) == "*"
    assert tags.as_set(include_weak=True) == {"w"}


def test_etags_are_a_collection_of_the_strong_tags() -> None:
    tags = ETags(["a"], ["b"])
    assert (len(tags), list(tags), bool(tags)) == (1, ["a"], True)
    assert tags.to_header() == str(tags) == '"a", W/"b"'
    assert repr(tags) == '<ETags \'"a", W/"b"\'>'
    assert not ETags()
    assert ETags([], ["b"])


def test_etags_need_something_to_look_for() -> None:
    with pytest.raises(TypeError, match="'etag' or 'data'"):
        ETags()()
