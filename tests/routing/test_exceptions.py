"""Exceptions of the routing."""

import pytest

from hipflask.http.exceptions import BadRequest, HTTPException
from hipflask.routing import (
    BuildError,
    Map,
    NoMatch,
    RequestAliasRedirect,
    RequestPath,
    RequestRedirect,
    RoutingException,
    Rule,
    WebsocketMismatch,
)


def test_redirect_is_an_answer() -> None:
    error = RequestRedirect("http://h/\u00e9?x=<b>")
    assert isinstance(error, HTTPException) and isinstance(error, RoutingException)
    assert (error.code, error.new_url, error.name) == (308, "http://h/\u00e9?x=<b>", "Permanent Redirect")
    response = error.get_response()
    assert response.status_code == 308
    assert response.headers["Location"] == "http://h/\u00e9?x=<b>"


def test_words_of_the_matcher_keep_what_they_are_given() -> None:
    assert RequestPath("/p").path_info == "/p"
    alias = RequestAliasRedirect({"a": 1}, "e")
    assert (alias.matched_values, alias.endpoint) == ({"a": 1}, "e")
    missing = NoMatch({"GET"}, True)
    assert (missing.have_match_for, missing.websocket_mismatch) == ({"GET"}, True)
    assert issubclass(WebsocketMismatch, BadRequest)


def test_build_error_without_adapter_suggests_nothing() -> None:
    error = BuildError("e", {"a": 1}, "GET")
    assert isinstance(error, LookupError)
    assert error.args == ("e", {"a": 1}, "GET")
    assert error.suggested is None
    assert str(error) == "Could not build url for endpoint 'e' ('GET') with values ['a']."


@pytest.mark.parametrize(
    ("endpoint", "values", "method", "message"),
    [
        ("item", {}, None, "Could not build url for endpoint 'item'. Did you forget to specify values ['n']?"),
        ("item", {"n": 1}, "POST", "('POST') with values ['n']. Did you mean to use methods ['GET', 'HEAD']?"),
        ("items", {"n": 1}, None, "with values ['n']. Did you mean 'item' instead?"),
        ("fixed", {"p": 4}, None, "Could not build url for endpoint 'fixed' with values ['p']."),
        ("blue.thin", {}, None, "Did you mean 'blue.thing' instead?"),
    ],
)
def test_build_error_suggests_what_was_meant(endpoint: str, values: object, method: str, message: str) -> None:
    url_map = Map(
        [
            Rule("/i/<n>", endpoint="item", methods=["GET"]),
            Rule("/e/<int:p>", endpoint="fixed", defaults={"p": 3}),
            Rule("/b", endpoint="blue.thing"),
        ]
    )
    with pytest.raises(BuildError) as caught:
        url_map.bind("h").build(endpoint, values, method)  # type: ignore[arg-type]
    assert str(caught.value).endswith(message)


def test_build_error_prefers_the_rule_that_has_the_values_and_the_method() -> None:
    url_map = Map(
        [
            Rule("/a/<x>", endpoint="e", methods=["GET"]),
            Rule("/b/<y>", endpoint="e", methods=["PUT"]),
            Rule("/c/<y>/<z>", endpoint="e", methods=["POST"]),
        ]
    )
    with pytest.raises(BuildError) as caught:
        url_map.bind("h").build("e", {"y": 1}, "POST")
    assert caught.value.suggested is not None
    assert caught.value.suggested.rule == "/c/<y>/<z>"


def test_build_error_of_an_empty_map() -> None:
    with pytest.raises(BuildError, match=r"Could not build url for endpoint 'x'\.$"):
        Map().bind("h").build("x")


def test_build_error_keeps_the_values_as_they_were() -> None:
    values = {"a": 1}
    with pytest.raises(BuildError) as caught:
        Map().bind("h").build("x", values)
    values["b"] = 2
    assert caught.value.values == {"a": 1}
