"""Hosts, addresses and lengths, beside Werkzeug's functions."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipflask.http.exceptions import SecurityError
from hipflask.http.host import get_content_length, get_current_url, get_host, host_is_trusted


@pytest.fixture(scope="module")
def theirs():
    return pytest.importorskip("werkzeug.sansio.utils")


HOSTS = (
    "a A a:80 a:443 a:1 a:0 a:00 a:080 a:65535 a:65536 a:80:80 a: a:b a:-1 a:+1 a_b a-b a..b . -a a. a/b a@b"
    " a?b a#b a%20b 1.2.3.4 ::1 [::1] [::1]:80 [::1]:443 [::1]:8080 [::1]:0 [::FFFF] [::ffff:1.2.3.4] [abc]"
    " [:] [] [::1 [::1]x [1.2.3.4] [::1%25eth0] example.com x.a x.a:80 xn--bcher-kva.de"
).split() + ["", "a b", " a", "a\n", "a:80\n", "é.de", None]


def outcome(function, *args):
    try:
        return function(*args)
    except Exception as error:
        return type(error).__name__


def test_get_host_matches_werkzeug(theirs):
    servers = [
        None,
        ("a", 80),
        ("a", 81),
        ("::1", 8080),
        ("[::1]", 81),
        ("/socket", None),
        ("a", 0),
        ("a b", 80),
    ]
    trusted = [None, [], ["a"], [".a", "é.de"], "a"]
    for case in itertools.product(["http", "https", "ws", "wss", "ftp"], HOSTS, servers, trusted):
        assert outcome(get_host, *case) == outcome(theirs.get_host, *case), case


def test_host_is_trusted_matches_werkzeug(theirs):
    trusted = [
        None,
        [],
        ["a"],
        "a",
        [".a"],
        ["A"],
        ["a:80"],
        ["example.com", ".b"],
        [""],
        ["bücher.de"],
        [".com"],
    ]
    for host, names in itertools.product(HOSTS, trusted):
        assert host_is_trusted(host, names) == theirs.host_is_trusted(host, names), (host, names)


def test_untrusted_host_is_refused_without_repeating_it():
    with pytest.raises(SecurityError, match="does not answer") as caught:
        get_host("http", "evil.example", trusted_hosts=["good.example"])
    assert "evil" not in str(caught.value)


def test_current_url_matches_werkzeug(theirs):
    printable = "".join(map(chr, range(0x20, 0x7F)))
    roots = [None, "", "/", "/r", "/r/", "/r é", "/" + printable]
    paths = [None, "", "/", "/p", "//p", "/p?x#y", "/ü%20%2f;@", printable, "/a\x00\n\xff%zz"]
    queries = [None, b"", b"a=1", b"a=\xff <>&b=%41", printable.encode(), "é".encode()]
    for case in itertools.product(["h", "h:81", "xn--bcher-kva.de", "A.de"], roots, paths, queries):
        assert get_current_url("http", *case) == theirs.get_current_url("http", *case), case


@given(path=st.text(max_size=20), query=st.binary(max_size=20))
def test_current_url_of_any_path_matches_werkzeug(path, query):
    theirs = pytest.importorskip("werkzeug.sansio.utils")
    path = "/" + path.encode(errors="replace").decode()
    assert get_current_url("https", "h", "", path, query) == theirs.get_current_url("https", "h", "", path, query)


@pytest.mark.parametrize("value", ["5", "-5", "", " 5 ", "\t5", "x", "+5", "1_0", "５", "007", "5.0", "9" * 4300, None])
@pytest.mark.parametrize("encoding", [None, "", "chunked", "gzip, Chunked", "gzip"])
def test_content_length_matches_werkzeug(theirs, value, encoding):
    assert get_content_length(value, encoding) == theirs.get_content_length(value, encoding)


def test_content_length_of_very_many_digits_is_zero():
    assert get_content_length("9" * 5000) == 0
