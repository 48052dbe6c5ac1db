from __future__ import annotations

import inspect
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipflask.http import cookies, dates, fields, ranges, urls
from hipflask.http.datastructures import (
    Accept,
    ContentSecurityPolicy,
    Headers,
    MIMEAccept,
    RequestCacheControl,
    ResponseCacheControl,
)

PAIRS = [("Expires", "x"), ("Content-Type", "a"), ("Date", "d"), ("Connection", "c"), ("TE", "t")]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("text/html;q=0.5, */*", [("*/*", 1), ("text/html", 0.5)], id="sorted"),
        pytest.param('a;x=y z;Q=0.2;v="1 2"', [('a; x=y; v="1 2"', 0.2)], id="parameters-stay"),
        pytest.param("a;q=0, b;q=-0", [("a", 0.0), ("b", -0.0)], id="zero"),
        pytest.param('a;q=1.1, b;q=-1, c;q=.5, d;q=nan, e;q=1e0, f;q=""', [], id="bad-quality"),
        pytest.param('a, "b', [], id="malformed"),
        pytest.param('" a "', [("a", 1)], id="blanks"),
    ],
)
def test_parse_accept_header(value: str, expected: list[tuple[str, float]]) -> None:
    parsed = fields.parse_accept_header(value)
    assert parsed == expected
    assert parsed.provided


@pytest.mark.parametrize("value", [None, ""])
def test_missing_accept_header_gives_an_empty_list(value: str | None) -> None:
    parsed = fields.parse_accept_header(value, MIMEAccept)
    assert type(parsed) is MIMEAccept
    assert parsed == []
    assert not parsed.provided


def test_accept_header_is_parsed_into_its_class() -> None:
    assert type(fields.parse_accept_header("a")) is Accept
    assert type(fields.parse_accept_header("a", MIMEAccept)) is MIMEAccept


@given(
    st.lists(st.sampled_from(["a/b", "*", ";q=", "q", "0.5", "1", "-", ".", ",", '"', ";l=1", " "]), max_size=12).map(
        "".join
    )
)
def test_accept_header_is_read_as_by_werkzeug(value: str) -> None:
    werkzeug = pytest.importorskip("werkzeug.http")
    assert list(fields.parse_accept_header(value)) == list(werkzeug.parse_accept_header(value))


def test_parse_cache_control_header_takes_class_and_callback() -> None:
    seen: list[str] = []
    request = fields.parse_cache_control_header("max-age=5, no-cache")
    assert type(request) is RequestCacheControl
    assert (request.max_age, request.no_cache) == (5, True)
    response = fields.parse_cache_control_header(
        'private="a, b"', lambda directives: seen.append(str(directives)), ResponseCacheControl
    )
    response.max_age = 1
    assert seen == ['private="a, b", max-age=1']


@pytest.mark.parametrize("value", [None, ""])
def test_missing_cache_control_header_is_empty(value: str | None) -> None:
    assert fields.parse_cache_control_header(value, cls=ResponseCacheControl) == {}


@pytest.mark.parametrize(
    ("value", "directives"),
    [
        pytest.param("default-src 'self'; img-src *;", {"default-src": "'self'", "img-src": "*"}, id="values"),
        pytest.param("sandbox; a  b c ;", {"sandbox": "", "a": "b c"}, id="without-value"),
        pytest.param("a\tb; ;", {"a": "b"}, id="white-space"),
        pytest.param("", {}, id="empty"),
    ],
)
def test_parse_csp_header(value: str, directives: dict[str, str]) -> None:
    policy = fields.parse_csp_header(value)
    assert policy == directives
    assert policy.provided


def test_missing_csp_header_takes_class_and_callback() -> None:
    class Policy(ContentSecurityPolicy):
        pass

    seen: list[str] = []
    policy = fields.parse_csp_header(None, lambda changed: seen.append(str(changed)), cls=Policy)
    assert type(policy) is Policy
    assert not policy.provided
    policy.sandbox = ""
    policy.img_src = "*"
    assert seen == ["sandbox", "sandbox; img-src *"]


def test_parse_set_header_reads_tokens_and_reports_changes() -> None:
    seen: list[str] = []
    tokens = fields.parse_set_header('a, "b c"', lambda changed: seen.append(changed.to_header()))
    assert "A" in tokens
    tokens.add("D")
    assert seen == ['a, "b c", D']
    assert list(fields.parse_set_header(None)) == []


@pytest.mark.parametrize("headers", [list(PAIRS), Headers(PAIRS)], ids=["list", "headers"])
def test_entity_headers_are_removed_in_place(headers: Any) -> None:
    fields.remove_entity_headers(headers)
    assert [name for name, _ in headers] == ["Expires", "Date", "Connection", "TE"]
    fields.remove_entity_headers(headers, allowed=[])
    assert [name for name, _ in headers] == ["Date", "Connection", "TE"]


@pytest.mark.parametrize("headers", [list(PAIRS), Headers(PAIRS)], ids=["list", "headers"])
def test_hop_by_hop_headers_are_removed_in_place(headers: Any) -> None:
    fields.remove_hop_by_hop_headers(headers)
    assert [name for name, _ in headers] == ["Expires", "Content-Type", "Date"]


def test_policies_have_the_values_of_their_headers() -> None:
    assert fields.COEP("require-corp") is fields.COEP.REQUIRE_CORP
    assert fields.COOP("same-origin-allow-popups") is fields.COOP.SAME_ORIGIN_ALLOW_POPUPS


def test_functions_have_the_parameters_of_werkzeug() -> None:
    werkzeug = pytest.importorskip("werkzeug.http")
    ours = {name: vars(module)[name] for module in (fields, cookies, dates, ranges, urls) for name in module.__all__}
    for name, function in vars(werkzeug).items():
        if inspect.isfunction(function) and function.__module__ == "werkzeug.http" and name[0] != "_":
            parameters = inspect.signature(ours[name]).parameters
            assert list(parameters) == list(inspect.signature(function).parameters), name
            for parameter in inspect.signature(function).parameters.values():
                assert parameters[parameter.name].default == parameter.default, (name, parameter.name)
