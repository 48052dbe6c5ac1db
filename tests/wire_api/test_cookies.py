"""Cases CK of the wire table that are calls: cookies that are set."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from hipflask.http.cookies import dump_cookie
from hipflask.http.response import Response


def attributes(header: str) -> set[str]:
    """Return the names of a Set-Cookie header's attributes, in lower case."""
    return {part.partition("=")[0].strip().lower() for part in header.split(";")[1:]}


@pytest.mark.parametrize(
    ("key", "options"),
    [
        pytest.param("a b", {}, id="CK-018-space"),
        pytest.param("a;b", {}, id="CK-018-semicolon"),
        pytest.param("a=b", {}, id="CK-018-equals"),
        pytest.param("a\tb", {}, id="CK-018-tab"),
        pytest.param("a,b", {}, id="CK-018-comma"),
        pytest.param("a", {"domain": "x; HttpOnly"}, id="CK-020"),
        pytest.param("a", {"samesite": "Lax; Secure"}, id="CK-021"),
    ],
)
def test_what_would_inject_is_refused(key: str, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="Remove or encode|not one of"):
        Response().set_cookie(key, "1", **options)


@pytest.mark.parametrize(
    ("key", "value", "options", "expected"),
    [
        pytest.param("a", "x\r\nSet-Cookie: b=1", {}, 'a="x\\015\\012Set-Cookie: b=1"; Path=/', id="CK-016"),
        # As in Flask: a cookie without a name, which browsers keep (RFC 6265bis, 5.7).
        pytest.param("", "1", {}, "=1; Path=/", id="CK-018-empty"),
        # Escaped, as in Flask: the semicolon begins no attribute.
        pytest.param("a", "1", {"path": "/; Domain=.evil"}, "a=1; Path=/%3B%20Domain=.evil", id="CK-019"),
        pytest.param("a", "1", {"partitioned": True}, "a=1; Secure; Path=/; Partitioned", id="CK-025"),
    ],
)
def test_what_is_set_is_one_cookie(key: str, value: str, options: dict[str, Any], expected: str) -> None:
    response = Response()
    response.set_cookie(key, value, **options)
    assert response.headers.getlist("Set-Cookie") == [expected]


@pytest.mark.parametrize(
    ("key", "options", "warned"),
    [
        pytest.param("__Host-a", {}, True, id="CK-022-bare"),
        pytest.param("__Host-a", {"secure": True, "path": "/x"}, True, id="CK-022-path"),
        pytest.param("__Host-a", {"secure": True, "domain": "x.test"}, True, id="CK-022-domain"),
        pytest.param("__host-a", {"partitioned": True}, False, id="CK-022-kept"),
        pytest.param("__Secure-a", {}, True, id="CK-023-bare"),
        pytest.param("__Secure-a", {"secure": True, "path": "/x"}, False, id="CK-023-kept"),
        pytest.param("__a", {}, False, id="CK-023-other"),
    ],
)
def test_a_prefix_that_browsers_would_not_believe_warns(key: str, options: dict[str, Any], warned: bool) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        Response().set_cookie(key, "1", **options)
    assert ["Browsers drop" in str(each.message) for each in caught] == [True] * warned


@pytest.mark.parametrize("size", [pytest.param(5000, id="CK-026")])
def test_a_cookie_that_is_too_large_warns(size: int) -> None:
    with pytest.warns(UserWarning, match="too large"):
        Response().set_cookie("a", "x" * size)


@pytest.mark.parametrize(
    ("max_age", "expires"),
    [
        pytest.param(10**30, "Fri, 31 Dec 9999 23:59:59 GMT", id="CK-027-huge"),
        pytest.param(-(10**30), "Thu, 01 Jan 1970 00:00:00 GMT", id="CK-027-long-ago"),
    ],
)
def test_max_age_does_not_overflow(max_age: int, expires: str) -> None:
    assert dump_cookie("a", "1", max_age=max_age) == f"a=1; Expires={expires}; Max-Age={max_age}; Path=/"


def test_ck_027_negative_max_age_is_sent() -> None:
    assert "Max-Age=-5" in dump_cookie("a", "1", max_age=-5)


def test_ck_029_a_deleted_cookie_has_the_attributes_it_was_set_with() -> None:
    options: dict[str, Any] = {"path": "/x", "domain": "y", "secure": True, "samesite": "None"}
    response = Response()
    response.set_cookie("a", "1", **options)
    response.delete_cookie("a", **options)
    was_set, deleted = response.headers.getlist("Set-Cookie")
    assert attributes(deleted) == attributes(was_set) | {"expires", "max-age"}
    assert {"Domain=y", "Secure", "Path=/x", "SameSite=None", "Max-Age=0"} <= set(deleted.split("; "))
