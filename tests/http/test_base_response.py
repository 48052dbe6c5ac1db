from __future__ import annotations

import warnings
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import pytest

from hipflask.http.base_response import BaseResponse, split_status
from hipflask.http.datastructures import ContentRange, Headers, WWWAuthenticate
from hipflask.http.fields import COEP, COOP

DATE = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
TEXT_DATE = "Tue, 14 Nov 2023 22:13:20 GMT"


@pytest.mark.parametrize(
    ("status", "line", "code"),
    [
        pytest.param(None, "200 OK", 200, id="default"),
        pytest.param(404, "404 NOT FOUND", 404, id="code"),
        pytest.param(299, "299 UNKNOWN", 299, id="unknown-code"),
        pytest.param(HTTPStatus.CREATED, "201 CREATED", 201, id="enum"),
        pytest.param("404", "404 NOT FOUND", 404, id="text-code"),
        pytest.param("404 Own", "404 Own", 404, id="line"),
        pytest.param("  200  ", "200 OK", 200, id="spaces"),
        pytest.param("Own Words", "0 Own Words", 0, id="reason-alone"),
        pytest.param("999", "999 UNKNOWN", 999, id="unknown-text"),
    ],
)
def test_status_of_arguments(status: Any, line: str, code: int) -> None:
    response = BaseResponse(status)
    assert (response.status, response.status_code) == (line, code)
    assert repr(response) == f"<BaseResponse [{line}]>"
    wrappers = pytest.importorskip("werkzeug.sansio.response")
    theirs = wrappers.Response(status)
    assert (theirs.status, theirs.status_code) == (line, code)


@pytest.mark.parametrize(
    ("status", "error"),
    [("", ValueError), ("  ", ValueError), ("200 OK\r\nX: 1", ValueError), (b"200 OK", TypeError)],
    ids=["empty", "blank", "newline", "bytes"],
)
def test_wrong_status_is_refused(status: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="status"):
        BaseResponse(status)


def test_status_and_code_follow_each_other() -> None:
    response = BaseResponse()
    response.status = "418 Tea"
    assert response.status_code == 418
    response.status_code = 201
    assert response.status == "201 CREATED"
    with pytest.raises(TypeError, match="is a str or an int"):
        response.status = 5.0  # type: ignore[assignment]


@pytest.mark.parametrize("status", [404, HTTPStatus.NOT_FOUND])
def test_status_may_be_set_to_a_code(status: int) -> None:
    response = BaseResponse()
    response.status = status  # type: ignore[assignment]  # read as a str
    assert (response.status, response.status_code) == ("404 NOT FOUND", 404)


def test_split_status_takes_ascii_digits_only() -> None:
    assert split_status("\u0664\u0660\u0664") == ("0 \u0664\u0660\u0664", 0)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param({}, "text/plain; charset=utf-8", id="default"),
        pytest.param({"mimetype": "image/png"}, "image/png", id="binary"),
        pytest.param({"mimetype": "application/xml"}, "application/xml; charset=utf-8", id="xml"),
        pytest.param({"content_type": "a/b"}, "a/b", id="whole"),
        pytest.param({"mimetype": "a/b", "content_type": "c/d"}, "c/d", id="both"),
        pytest.param({"headers": {"Content-Type": "a/b"}}, "a/b", id="in-headers"),
        pytest.param({"headers": {"Content-Type": "a/b"}, "mimetype": "c/d"}, "c/d", id="headers-and-mimetype"),
    ],
)
def test_content_type_of_arguments(arguments: dict[str, Any], expected: str) -> None:
    assert BaseResponse(**arguments).headers.getlist("Content-Type") == [expected]


def test_class_without_default_type_sends_none() -> None:
    own = type("Own", (BaseResponse,), {"default_mimetype": None, "default_status": "202 Own"})
    response = own()
    assert "Content-Type" not in response.headers
    assert response.status == "202 Own"
    assert response.mimetype is None
    assert not response.is_json


def test_headers_object_is_used_and_others_are_copied() -> None:
    headers = Headers()
    assert BaseResponse(headers=headers).headers is headers
    pairs = [("X-A", "1")]
    assert BaseResponse(headers=pairs).headers["X-A"] == "1"
    assert pairs == [("X-A", "1")]


def test_media_type_can_be_changed() -> None:
    response = BaseResponse(mimetype="text/html")
    assert (response.mimetype, response.mimetype_params) == ("text/html", {"charset": "utf-8"})
    response.mimetype_params["charset"] = "latin-1"
    assert response.content_type == "text/html; charset=latin-1"
    response.mimetype = "application/vnd.x+json"
    assert response.is_json
    response.content_type = "application/json"
    assert response.is_json


def test_set_and_delete_cookie() -> None:
    response = BaseResponse()
    response.set_cookie("a", "b c", max_age=5, httponly=True, samesite="Strict", secure=True)
    response.delete_cookie("d", path="/p", domain="example.org")
    first, second = response.headers.getlist("Set-Cookie")
    assert first.startswith('a="b c"; Expires=')
    assert first.endswith("; Max-Age=5; Secure; HttpOnly; Path=/; SameSite=Strict")
    assert "Max-Age=0" in second and "Domain=example.org" in second and "Path=/p" in second


def test_long_cookie_is_warned_about_unless_switched_off() -> None:
    response = BaseResponse()
    with pytest.warns(UserWarning, match="large|long|4093"):
        response.set_cookie("a", "x" * 5000)
    response.max_cookie_size = 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        response.set_cookie("a", "x" * 5000)


PLAIN_FIELDS = [
    ("content_length", 5, "Content-Length", "5"),
    ("content_location", "/a", "Content-Location", "/a"),
    ("content_encoding", "gzip", "Content-Encoding", "gzip"),
    ("content_md5", "x", "Content-MD5", "x"),
    ("date", DATE, "Date", TEXT_DATE),
    ("expires", DATE, "Expires", TEXT_DATE),
    ("last_modified", DATE, "Last-Modified", TEXT_DATE),
    ("age", timedelta(seconds=5), "Age", "5"),
    ("location", "/b", "Location", "/b"),
    ("accept_ranges", "bytes", "Accept-Ranges", "bytes"),
    ("access_control_allow_origin", "*", "Access-Control-Allow-Origin", "*"),
    ("access_control_max_age", 60, "Access-Control-Max-Age", "60"),
    ("access_control_allow_credentials", True, "Access-Control-Allow-Credentials", "true"),
    ("cross_origin_embedder_policy", COEP.REQUIRE_CORP, "Cross-Origin-Embedder-Policy", "require-corp"),
    ("cross_origin_opener_policy", COOP.SAME_ORIGIN, "Cross-Origin-Opener-Policy", "same-origin"),
]


@pytest.mark.parametrize(("name", "value", "field", "text"), PLAIN_FIELDS, ids=[each[0] for each in PLAIN_FIELDS])
def test_attribute_is_its_field(name: str, value: Any, field: str, text: str) -> None:
    response = BaseResponse()
    setattr(response, name, value)
    assert response.headers[field] == text
    assert getattr(response, name) == value


def test_attributes_of_absent_fields() -> None:
    response = BaseResponse()
    assert (response.date, response.age, response.content_length, response.retry_after) == (None, None, None, None)
    assert response.cross_origin_embedder_policy is COEP.UNSAFE_NONE
    assert response.cross_origin_opener_policy is COOP.UNSAFE_NONE
    assert not response.access_control_allow_credentials
    assert response.get_etag() == (None, None)


def test_credentials_are_taken_back() -> None:
    response = BaseResponse(headers={"Access-Control-Allow-Credentials": "true"})
    response.access_control_allow_credentials = None
    assert "Access-Control-Allow-Credentials" not in response.headers


@pytest.mark.parametrize(
    "name", ["access_control_allow_headers", "access_control_allow_methods", "access_control_expose_headers"]
)
def test_lists_of_cors(name: str) -> None:
    response = BaseResponse()
    setattr(response, name, ["A", "B"])
    assert "b" in getattr(response, name)


@pytest.mark.parametrize(
    ("name", "field"), [("vary", "Vary"), ("allow", "Allow"), ("content_language", "Content-Language")]
)
def test_set_in_a_field(name: str, field: str) -> None:
    response = BaseResponse()
    getattr(response, name).add("A")
    getattr(response, name).add("B")
    assert response.headers[field] == "A, B"
    getattr(response, name).clear()
    assert field not in response.headers
    setattr(response, name, ["C", "D"])
    assert response.headers[field] == "C, D"
    setattr(response, name, "E")
    assert response.headers[field] == "E"
    setattr(response, name, None)
    assert field not in response.headers


def test_cache_control() -> None:
    response = BaseResponse()
    response.cache_control.max_age = 5
    response.cache_control.no_store = True
    assert response.headers["Cache-Control"] == "max-age=5, no-store"
    del response.cache_control.max_age
    response.cache_control.no_store = False
    assert "Cache-Control" not in response.headers


def test_etag() -> None:
    response = BaseResponse()
    response.set_etag("a", weak=True)
    assert response.headers["ETag"] == 'W/"a"'
    assert response.get_etag() == ("a", True)


def test_content_range() -> None:
    response = BaseResponse()
    assert not response.content_range
    response.content_range.set(0, 5, 10)
    assert response.headers["Content-Range"] == "bytes 0-4/10"
    assert response.content_range.stop == 5
    response.content_range.unset()
    assert "Content-Range" not in response.headers
    response.content_range = ContentRange("bytes", 1, 2, 3)
    assert response.headers["Content-Range"] == "bytes 1-1/3"
    response.content_range = "bytes 2-3/4"
    assert response.content_range.start == 2
    response.content_range = None
    assert "Content-Range" not in response.headers


def test_retry_after() -> None:
    response = BaseResponse()
    response.retry_after = 60
    assert response.headers["Retry-After"] == "60"
    assert response.retry_after is not None
    assert timedelta(seconds=50) < response.retry_after - datetime.now(UTC) < timedelta(seconds=61)
    response.retry_after = DATE
    assert (response.headers["Retry-After"], response.retry_after) == (TEXT_DATE, DATE)
    response.headers["Retry-After"] = "nonsense"
    assert response.retry_after is None
    response.retry_after = None
    assert "Retry-After" not in response.headers


def test_www_authenticate() -> None:
    response = BaseResponse()
    assert response.www_authenticate.type == "basic"
    response.www_authenticate.realm = "a b"
    assert response.headers["WWW-Authenticate"] == 'Basic realm="a b"'
    response.www_authenticate.realm = "c d"
    assert response.headers.getlist("WWW-Authenticate") == ['Basic realm="c d"']
    response.www_authenticate = WWWAuthenticate("bearer", {"scope": "s"})
    assert response.www_authenticate.type == "bearer"
    response.www_authenticate = [WWWAuthenticate("basic"), WWWAuthenticate("bearer")]
    assert len(response.headers.getlist("WWW-Authenticate")) == 2
    response.www_authenticate = WWWAuthenticate("basic")
    del response.www_authenticate
    assert "WWW-Authenticate" not in response.headers
    response.www_authenticate = None
    assert "WWW-Authenticate" not in response.headers


@pytest.mark.parametrize("name", ["content_security_policy", "content_security_policy_report_only"])
def test_content_security_policy(name: str) -> None:
    field = name.replace("_", "-")
    response = BaseResponse()
    getattr(response, name).default_src = "'self'"
    assert response.headers[field] == "default-src 'self'"
    getattr(response, name).default_src = None
    assert field not in response.headers
    policy = getattr(response, name)
    setattr(response, name, "img-src *")
    assert getattr(response, name).img_src == "*"
    policy["font-src"] = "'none'"
    setattr(response, name, policy)
    assert "font-src 'none'" in response.headers[field]
    setattr(response, name, None)
    assert field not in response.headers
