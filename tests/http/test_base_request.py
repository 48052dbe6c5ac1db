from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from hipflask.http.base_request import BaseRequest
from hipflask.http.datastructures import Headers, ImmutableMultiDict, MultiDict
from hipflask.http.exceptions import SecurityError
from hipflask.http.request import Request


def make(*headers: tuple[str, str], **options: Any) -> BaseRequest:
    values: dict[str, Any] = {
        "method": "get",
        "scheme": "http",
        "server": ("localhost", 80),
        "root_path": "/root/",
        "path": "path",
        "query_string": b"a=1&a=2",
        "headers": Headers(headers),
        "remote_addr": "1.2.3.4",
    }
    return BaseRequest(**(values | options))


def test_arguments_are_attributes() -> None:
    request = make()
    assert (request.method, request.scheme, request.path, request.root_path) == ("GET", "http", "/path", "/root")
    assert (request.server, request.remote_addr, request.query_string) == (("localhost", 80), "1.2.3.4", b"a=1&a=2")
    assert repr(request) == "<BaseRequest 'http://localhost/root/path?a=1&a=2' [GET]>"


def test_url_in_parts() -> None:
    request = make(("Host", "example.org:8080"))
    assert request.host == "example.org:8080"
    assert request.url == "http://example.org:8080/root/path?a=1&a=2"
    assert request.base_url == "http://example.org:8080/root/path"
    assert request.root_url == "http://example.org:8080/root/"
    assert request.host_url == "http://example.org:8080/"
    assert request.full_path == "/path?a=1&a=2"
    assert make(query_string=b"").full_path == "/path?"


@pytest.mark.parametrize(("scheme", "expected"), [("http", False), ("https", True), ("wss", True), ("ws", False)])
def test_is_secure(scheme: str, expected: bool) -> None:
    assert make(scheme=scheme).is_secure is expected


def test_host_that_is_not_trusted_is_refused() -> None:
    request = make(("Host", "evil.org"))
    request.trusted_hosts = ["good.org"]
    with pytest.raises(SecurityError):
        _ = request.host
    assert repr(request).startswith("<BaseRequest '(invalid URL: ")


@pytest.mark.parametrize(
    ("headers", "remote", "expected"),
    [
        pytest.param([("X-Forwarded-For", "a, b")], "c", ["a", "b"], id="forwarded"),
        pytest.param([], "c", ["c"], id="peer"),
        pytest.param([], None, [], id="unknown"),
    ],
)
def test_access_route(headers: list[tuple[str, str]], remote: str | None, expected: list[str]) -> None:
    assert make(*headers, remote_addr=remote).access_route == expected


def test_args_have_the_class_that_is_set() -> None:
    assert type(make().args) is ImmutableMultiDict
    assert make().args.getlist("a") == ["1", "2"]

    class Own(BaseRequest):
        parameter_storage_class = MultiDict

    own = Own("GET", "http", None, "", "/", b"a=\xff", Headers(), None)
    assert type(own.args) is MultiDict
    assert own.args["a"] == "%FF"


def test_cookies_of_several_fields_are_joined() -> None:
    assert make(("Cookie", "a=1; b=2"), ("Cookie", "c=3")).cookies.to_dict() == {"a": "1", "b": "2", "c": "3"}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param({"Content-Length": "5"}, 5, id="number"),
        pytest.param({}, None, id="absent"),
        pytest.param({"Content-Length": "x"}, 0, id="no-number"),
        pytest.param({"Content-Length": "5", "Transfer-Encoding": "chunked"}, None, id="chunked"),
    ],
)
def test_content_length_agrees_with_werkzeug(headers: dict[str, str], expected: int | None) -> None:
    assert make(*headers.items()).content_length == expected
    sansio = pytest.importorskip("werkzeug.sansio.request")
    structures = pytest.importorskip("werkzeug.datastructures")
    theirs = sansio.Request("GET", "http", None, "", "/", b"", structures.Headers(headers), None)
    assert theirs.content_length == expected


@pytest.mark.parametrize(
    ("value", "mimetype", "parameters", "is_json"),
    [
        (None, "", {}, False),
        ("Text/HTML; charset=utf-8", "text/html", {"charset": "utf-8"}, False),
        ("application/json", "application/json", {}, True),
        ("application/vnd.api+json; v=1", "application/vnd.api+json", {"v": "1"}, True),
        ("text/x+json", "text/x+json", {}, False),
        ("application/jsonp", "application/jsonp", {}, False),
    ],
)
def test_media_type(value: str | None, mimetype: str, parameters: dict[str, str], is_json: bool) -> None:
    request = make(*([] if value is None else [("Content-Type", value)]))
    assert (request.mimetype, request.mimetype_params, request.is_json) == (mimetype, parameters, is_json)
    assert request.content_type == value


def test_what_the_client_accepts() -> None:
    request = make(
        ("Accept", "text/html;q=0.5, application/json"),
        ("Accept-Charset", "utf-8"),
        ("Accept-Encoding", "gzip, br;q=0.5"),
        ("Accept-Language", "de, en;q=0.8"),
    )
    assert request.accept_mimetypes.best == "application/json"
    assert list(request.accept_charsets.values()) == ["utf-8"]
    assert request.accept_encodings.quality("br") == 0.5
    assert request.accept_languages.best_match(["en", "de"]) == "de"


def test_conditions_and_ranges() -> None:
    request = make(
        ("If-Match", '"a"'),
        ("If-None-Match", 'W/"b"'),
        ("If-Modified-Since", "Tue, 14 Nov 2023 22:13:20 GMT"),
        ("If-Unmodified-Since", "nonsense"),
        ("If-Range", '"c"'),
        ("Range", "bytes=0-4"),
        ("Cache-Control", "no-cache, max-age=5"),
        ("Pragma", "no-cache"),
    )
    assert "a" in request.if_match
    assert request.if_none_match.contains_weak("b")
    assert request.if_modified_since == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert request.if_unmodified_since is None
    assert request.if_range.etag == "c"
    assert request.range is not None and request.range.ranges == [(0, 5)]
    assert (request.cache_control.no_cache, request.cache_control.max_age) == (
        "*",
        5,
    ) or request.cache_control.max_age == 5
    assert "no-cache" in request.pragma
    assert make().range is None


def test_who_asks() -> None:
    request = make(
        ("User-Agent", "Browser/1"),
        ("Authorization", "Basic YW5uYTpzZWNyZXQ="),
        ("Date", "Tue, 14 Nov 2023 22:13:20 GMT"),
        ("Max-Forwards", "3"),
        ("Referer", "http://a/"),
        ("Origin", "http://b"),
        ("Access-Control-Request-Method", "PUT"),
        ("Access-Control-Request-Headers", "X-A, X-B"),
        ("Content-Encoding", "gzip"),
        ("Content-MD5", "x"),
    )
    assert request.user_agent.string == "Browser/1"
    assert request.authorization is not None and request.authorization.username == "anna"
    assert request.date.year == 2023
    assert request.max_forwards == 3
    assert (request.referrer, request.origin) == ("http://a/", "http://b")
    assert request.access_control_request_method == "PUT"
    assert "x-b" in request.access_control_request_headers
    assert (request.content_encoding, request.content_md5) == ("gzip", "x")
    assert make().authorization is None


def test_attributes_of_the_head_may_be_set() -> None:
    request = Request({"REQUEST_METHOD": "GET", "wsgi.url_scheme": "http", "REMOTE_ADDR": "1.1.1.1"})
    assert request.remote_addr == "1.1.1.1"
    request.remote_addr = "2.2.2.2"  # type: ignore[misc]
    assert request.remote_addr == "2.2.2.2"
    assert type(Request.scheme).__name__ == "_OfHead"
    assert Request({"REQUEST_METHOD": "GET"}).remote_addr is None


FIELDS = {
    "accept": ["text/html;q=0.5, */*;q=0.1", "", ";", "a/b;q=x"],
    "cookie": ["a=1; b", "a=1;a=2", '"', "a=\\"],
    "content-type": ["a/b; c", ";", "multipart/form-data; boundary=x; y", 'a; b="c'],
    "range": ["bytes=0-1,3-", "x", "bytes=-1", "bytes="],
    "authorization": ["Basic", "Basic !!", "Digest a=b", "Bearer x"],
    "if-none-match": ['"a", W/"b"', "*", "a", '"'],
    "cache-control": ["no-cache", "max-age=x", "a=b, c", "="],
    "host": ["a:80", "a", "[::1]:5", "a:443"],
    "content-length": ["1", "-1", "1_0", "\u0664"],
}
ATTRIBUTES = {
    "accept": lambda request: list(request.accept_mimetypes),
    "cookie": lambda request: request.cookies.to_dict(flat=False),
    "content-type": lambda request: (request.mimetype, request.mimetype_params),
    "range": lambda request: request.range and request.range.ranges,
    "authorization": lambda request: (
        request.authorization and (request.authorization.type, request.authorization.token)
    ),
    "if-none-match": lambda request: request.if_none_match.to_header(),
    "cache-control": lambda request: (request.cache_control.max_age, request.cache_control.no_cache),
    "host": lambda request: (request.host, request.url),
    "content-length": lambda request: request.content_length,
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in FIELDS.items() for value in values])
def test_field_is_read_as_werkzeug_reads_it(name: str, value: str) -> None:
    sansio = pytest.importorskip("werkzeug.sansio.request")
    structures = pytest.importorskip("werkzeug.datastructures")
    arguments = ("GET", "http", ("localhost", 80), "", "/p")
    ours = BaseRequest(*arguments, b"", Headers([(name, value)]), None)
    theirs = sansio.Request(*arguments, b"", structures.Headers([(name, value)]), None)
    look = ATTRIBUTES[name]
    assert look(ours) == look(theirs)
