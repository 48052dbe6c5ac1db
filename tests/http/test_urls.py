from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipflask.http.urls import iri_to_uri, uri_to_iri

PIECES = [
    "a",
    "é",
    "☃",
    "%C3%A9",
    "%c3",
    "%20",
    "%2F",
    "%3F",
    "?",
    "#",
    "&",
    "=",
    "/",
    " ",
    "'",
    "\\",
    "%",
    "[",
    "]",
    "+",
]
TAIL = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)


@pytest.mark.parametrize(
    ("iri", "uri"),
    [
        pytest.param("/a?next=%2F", "/a?next=%2F", id="plain-path"),
        pytest.param("/a?", "/a", id="empty-query"),
        pytest.param("", "", id="empty"),
        pytest.param("/p å?q=è#é", "/p%20%C3%A5?q=%C3%A8#%C3%A9", id="path-query-fragment"),
        pytest.param("http://☃.net/", "http://xn--n3h.net/", id="host"),
        pytest.param("HTTP://H:80/", "http://h:80/", id="case-and-port"),
        pytest.param("http://u é:p:@h/", "http://u%20%C3%A9:p%3A@h/", id="user"),
        pytest.param("http://u@[::1]:8/", "http://u@[::1]:8/", id="ipv6"),
        pytest.param("/\\evil.test", "/%5Cevil.test", id="backslash"),
        pytest.param("///evil.test", "/evil.test", id="three-slashes"),
        pytest.param("itms-services://?a=b", "itms-services://?a=b", id="no-host"),
    ],
)
def test_iri_to_uri(iri: str, uri: str) -> None:
    assert iri_to_uri(iri) == uri


@pytest.mark.parametrize(
    ("uri", "iri"),
    [
        pytest.param("http://xn--n3h.net/%C3%A5?q=%C3%A8#%C3%A9", "http://☃.net/å?q=è#é", id="all-parts"),
        pytest.param("/%2F%3F%23%25%20%0A%7F%3A", "/%2F%3F%23%25%20%0A%7F:", id="path-delimiters-stay"),
        pytest.param("/?%26%3D%2B%23%2F", "/?%26%3D%2B%23/", id="query-delimiters-stay"),
        pytest.param("http://%3A%C3%A9:%40@h/", "http://%3Aé:%40@h/", id="user-delimiters-stay"),
        pytest.param("/%ff%C3%A9%c3", "/%FFé%C3", id="not-utf-8-stays"),
        pytest.param("http://xn--a.xn--n3h/", "http://xn--a.☃/", id="bad-punycode-stays"),
        pytest.param("http://☃.xn--n3h/", "http://☃.☃/", id="mixed-host"),
        pytest.param("/plain", "/plain", id="nothing-to-do"),
    ],
)
def test_uri_to_iri(uri: str, iri: str) -> None:
    assert uri_to_iri(uri) == iri


@pytest.mark.parametrize("url", ["http://h:x/", "http://h:99999/", "http://[::1/"])
def test_malformed_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"[Pp]ort|IPv6"):
        iri_to_uri(url)
    with pytest.raises(ValueError, match=r"[Pp]ort|IPv6"):
        uri_to_iri(url)


@given(TAIL)
def test_urls_are_converted_as_by_werkzeug(tail: str) -> None:
    werkzeug = pytest.importorskip("werkzeug.urls")
    for url in (f"/{tail.lstrip('/')}", f"http://u@h.test:8/{tail}"):
        assert iri_to_uri(url) == werkzeug.iri_to_uri(url)
        assert uri_to_iri(url) == werkzeug.uri_to_iri(url)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_uri_is_ascii_and_stays_as_it_is(text: str) -> None:
    uri = iri_to_uri(f"/x/{text}")
    assert uri.isascii()
    assert iri_to_uri(uri) == uri


@pytest.mark.parametrize("piece", ["%C3", "%20", "%", "é", "/", "?", "%C3%A9"])
def test_huge_url_is_converted_in_linear_time(piece: str) -> None:
    url = "/x" + piece * (100_000 // len(piece))
    assert uri_to_iri(iri_to_uri(url))[:2] == "/x"
