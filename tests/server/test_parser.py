from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipflask.server.limits import Limits
from hipflask.server.parser import HeadError, RequestHead, is_valid_host, peek_head, take_head

LIMITS = Limits()


def parse(data: bytes, limits: Limits = LIMITS) -> RequestHead:
    head, _ = take_head(bytearray(data), 0, limits)
    assert head is not None
    return head


def request(*lines: str, first: str = "GET /a HTTP/1.1", host: str = "localhost") -> bytes:
    return "\r\n".join([first, f"Host: {host}", *lines, "", ""]).encode("latin-1")


def test_plain_request_is_taken_apart() -> None:
    head = parse(request("X-A:  one two \t", "Content-Length: 012", first="POST /a%20b?x=1?y HTTP/1.1"))
    assert (head.method, head.target, head.path, head.query) == ("POST", "/a%20b?x=1?y", "/a%20b", "x=1?y")
    assert head.fields == [("Host", "localhost"), ("X-A", "one two"), ("Content-Length", "012")]
    assert (head.content_length, head.is_chunked, head.is_keep_alive, head.host) == (12, False, True, "localhost")
    assert head.request_line == "POST /a%20b?x=1?y HTTP/1.1"


def test_body_and_next_request_stay_in_the_buffer() -> None:
    buffer = bytearray(request() + b"rest\n")
    head, scanned = take_head(buffer, 0, LIMITS)
    assert head is not None
    assert (buffer, scanned) == (b"rest\n", 0)


def test_head_that_arrives_byte_by_byte_is_found() -> None:
    data = b"\r\n" + request("X: y")
    buffer, scanned, heads = bytearray(), 0, []
    for position in range(len(data)):
        buffer += data[position : position + 1]
        head, scanned = take_head(buffer, scanned, LIMITS)
        heads.append(head)
    assert heads[:-1] == [None] * (len(data) - 1)
    assert heads[-1] is not None
    assert buffer == b""


@pytest.mark.parametrize(
    ("lines", "first", "alive"),
    [
        pytest.param([], "GET / HTTP/1.1", True, id="1.1"),
        pytest.param(["Connection: Close"], "GET / HTTP/1.1", False, id="1.1-close"),
        pytest.param(["Connection: keep-alive, close"], "GET / HTTP/1.1", False, id="both"),
        pytest.param([], "GET / HTTP/1.0", False, id="1.0"),
        pytest.param(["Connection: Keep-Alive"], "GET / HTTP/1.0", True, id="1.0-keep"),
        pytest.param(["Connection: close", "Connection: keep-alive"], "GET / HTTP/1.0", False, id="1.0-both"),
    ],
)
def test_connection_field_decides_about_the_next_request(lines: list[str], first: str, alive: bool) -> None:
    assert parse(request(*lines, first=first)).is_keep_alive is alive


@pytest.mark.parametrize(
    ("first", "path", "query", "host"),
    [
        pytest.param("GET http://other:81/x?q HTTP/1.1", "/x", "q", "other:81", id="absolute"),
        pytest.param("GET HTTPS://other HTTP/1.1", "/", "", "other", id="absolute-bare"),
        pytest.param("GET http://other?a=/b HTTP/1.1", "/", "a=/b", "other", id="absolute-query"),
        pytest.param("OPTIONS * HTTP/1.1", "*", "", "localhost", id="asterisk"),
        pytest.param("GET //a/b HTTP/1.1", "//a/b", "", "localhost", id="double-slash"),
        pytest.param("GET /\xfc HTTP/1.1", "/\xfc", "", "localhost", id="raw-bytes"),
    ],
)
def test_target_gives_path_query_and_host(first: str, path: str, query: str, host: str) -> None:
    head = parse(request(first=first))
    assert (head.path, head.query, head.host) == (path, query, host)


def test_fields_that_could_be_mistaken_are_left_out() -> None:
    head = parse(request("X_Forwarded_For: 1.2.3.4", "Content_Length: 5", "Proxy: http://evil", "X: 1"))
    assert head.fields == [("Host", "localhost"), ("X", "1")]
    assert head.content_length is None


def test_chunked_and_expect_are_noticed() -> None:
    head = parse(request("Transfer-Encoding: \t ChUnKeD ", "Expect: 100-Continue"))
    assert (head.is_chunked, head.expects_continue) == (True, True)


def test_http_1_0_needs_no_host_and_never_expects() -> None:
    head = parse(b"GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n")
    assert (head.host, head.expects_continue) == ("", False)


BAD = {
    "no-host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "two-hosts": (request("Host: b"), 400),
    "empty-host": (request(host=""), 400),
    "userinfo": (request(host="a@b"), 400),
    "bare-lf": (b"GET / HTTP/1.1\nHost: a\n\n", 400),
    "lf-in-head": (b"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400),
    "cr-in-value": (request("X: a\rb"), 400),
    "cr-cr-lf": (request("X: a\r"), 400),
    "cr-at-the-end": (b"GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", 400),
    "cr-then-end": (b"GET / HTTP/1.1\r\nHost: a\r\n\rZ\r\n\r\n", 400),
    "nul": (request("X: a\0b"), 400),
    "escape": (request("X: \x1b[31m"), 400),
    "delete": (request("X: \x7f"), 400),
    "nul-in-name": (request("X\0: a"), 400),
    "space-before-colon": (request("Content-Length : 5"), 400),
    "folded": (request("X: a", " b"), 400),
    "no-colon": (request("X a"), 400),
    "no-name": (request(": a"), 400),
    "latin-1-name": (request("\xefX: a"), 400),
    "two-lengths": (request("Content-Length: 5", "Content-Length: 5"), 400),
    "length-list": (request("Content-Length: 5, 5"), 400),
    "length-plus": (request("Content-Length: +5"), 400),
    "length-underscore": (request("Content-Length: 5_0"), 400),
    "length-hex": (request("Content-Length: 0x5"), 400),
    "length-empty": (request("Content-Length: "), 400),
    "length-superscript": (request("Content-Length: \xb2"), 400),
    "length-4500-digits": (request("Content-Length: " + "9" * 4500), 400),
    "length-huge": (request("Content-Length: 9999999999"), 413),
    "length-and-chunked": (request("Content-Length: 5", "Transfer-Encoding: chunked"), 400),
    "chunked-1.0": (request("Transfer-Encoding: chunked", first="POST / HTTP/1.0"), 400),
    "chunked-twice": (request("Transfer-Encoding: chunked, chunked"), 400),
    "chunked-two-fields": (request("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), 400),
    "chunked-not-last": (request("Transfer-Encoding: chunked, gzip"), 400),
    "coding-empty": (request("Transfer-Encoding: "), 400),
    "coding-leading-comma": (request("Transfer-Encoding: ,chunked"), 400),
    "coding-unknown": (request("Transfer-Encoding: gzip, chunked"), 501),
    "coding-junk": (request("Transfer-Encoding: xchunked"), 400),
    "two-content-types": (request("Content-Type: a/b", "Content-Type: c/d"), 400),
    "relative-target": (request(first="GET a HTTP/1.1"), 400),
    "asterisk-get": (request(first="GET * HTTP/1.1"), 400),
    "authority-target": (request(first="GET a:80 HTTP/1.1"), 400),
    "foreign-scheme": (request(first="GET ftp://a/ HTTP/1.1"), 400),
    "absolute-userinfo": (request(first="GET http://u:p@a/ HTTP/1.1"), 400),
    "absolute-without-host": (request(first="GET http:///a HTTP/1.1"), 400),
    "fragment": (request(first="GET /a#b HTTP/1.1"), 400),
    "space-in-target": (request(first="GET /a b HTTP/1.1"), 400),
    "two-spaces": (request(first="GET  /a HTTP/1.1"), 400),
    "tab": (request(first="GET\t/a HTTP/1.1"), 400),
    "no-version": (request(first="GET /a"), 400),
    "version-junk": (request(first="GET /a HTTP/1.1X"), 400),
    "other-protocol": (request(first="GET /a RTSP/1.0"), 400),
    "version-2": (request(first="GET /a HTTP/2.0"), 505),
    "version-1.2": (request(first="GET /a HTTP/1.2"), 505),
    "bad-method": (request(first="GE(T /a HTTP/1.1"), 400),
    "connect": (request(first="CONNECT a:80 HTTP/1.1"), 501),
    "leading-space": (b" GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "two-blank-lines": (b"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "tls": (b"\x16\x03\x01\x00\xa5", 400),
    "long-target": (request(first=f"GET /{'a' * 8192} HTTP/1.1"), 414),
    "very-long-target": (b"GET /" + b"a" * 40000, 414),
    "long-field": (request("X: " + "a" * 17000), 431),
    "long-head": (request(*[f"X: {'a' * 8000}"] * 5), 431),
    "unfinished-long-head": (b"GET / HTTP/1.1\r\nX: " + b"a" * 33000, 431),
    "101-fields": (request(*["X: 1"] * 100), 431),
}


@pytest.mark.parametrize(("data", "status"), BAD.values(), ids=BAD)
def test_bad_head_is_refused(data: bytes, status: int) -> None:
    with pytest.raises(HeadError, match=r".") as caught:
        parse(data)
    assert caught.value.status == status


@pytest.mark.parametrize(("data", "status"), BAD.values(), ids=BAD)
def test_bad_head_is_refused_byte_by_byte(data: bytes, status: int) -> None:
    buffer, scanned = bytearray(), 0
    with pytest.raises(HeadError, match=r".") as caught:
        for position in range(len(data)):
            buffer += data[position : position + 1]
            head, scanned = take_head(buffer, scanned, LIMITS)
            assert head is None
    assert caught.value.status == status


def test_100_fields_are_accepted() -> None:
    assert len(parse(request(*["X: 1"] * 99)).fields) == 100


@pytest.mark.parametrize(
    ("host", "valid"),
    [
        ("localhost", True),
        ("LOCALHOST:8000", True),
        ("a.b-c.example.", True),
        ("under_score", True),
        ("127.0.0.1:65535", True),
        ("[::1]:80", True),
        ("[::ffff:1.2.3.4]", True),
        ("a:", True),
        ("", False),
        ("a:65536", False),
        ("a:-1", False),
        ("a:80:90", False),
        ("[::1", False),
        ("[" + ":" * 40 + "]", False),
        ("[v1.fe]", False),
        ("a b", False),
        ("a,b", False),
        ("a/b", False),
        ("a?b", False),
        ("..", False),
        ("%6c", False),
        ("a" * 300, False),
        ("a\n", False),
        ("\u0661", False),
    ],
)
def test_host_is_checked(host: str, valid: bool) -> None:
    assert is_valid_host(host) is valid


@given(st.binary(max_size=300))
def test_any_bytes_are_a_head_unfinished_or_refused(data: bytes) -> None:
    buffer = bytearray(data)
    try:
        head, scanned = take_head(buffer, 0, LIMITS)
    except HeadError as error:
        assert error.status in {400, 413, 414, 431, 501, 505}
    else:
        assert head is not None or scanned >= -1


@given(st.integers(1, 200), st.sampled_from([each for each, _ in BAD.values()]))
def test_a_cut_changes_nothing(cut: int, data: bytes) -> None:
    buffer, scanned = bytearray(data[:cut]), 0
    with pytest.raises(HeadError, match=r"."):
        for rest in (data[cut:], b""):
            head, scanned = take_head(buffer, scanned, LIMITS)
            assert head is None
            buffer += rest


def test_peek_leaves_what_is_not_a_good_head() -> None:
    for data in (b"GET / HT", b"GET / HTTP/1.1\r\n\r\n", b"\r\n"):
        buffer = bytearray(data)
        assert peek_head(buffer, 0, LIMITS) == (None, 0)
        assert buffer == data
    buffer = bytearray(request())
    head, _ = peek_head(buffer, 0, LIMITS)
    assert head is not None
    assert buffer == b""
