from __future__ import annotations

import copy
import pickle
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipflask.http.datastructures.auth import Authorization, WWWAuthenticate

PIECES = [
    "Basic ",
    "Bearer ",
    "Digest ",
    "X ",
    "YTpi",
    "YQ==",
    "a=",
    "b",
    "=",
    ",",
    '"',
    " ",
    "\t",
    "realm=",
    "!",
    "/zph",
]
HEADER_TEXT = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)


def basic(text: str | bytes) -> str:
    return "Basic " + b64encode(text if isinstance(text, bytes) else text.encode()).decode()


@pytest.mark.parametrize(
    ("header", "parameters"),
    [
        pytest.param(basic("a:b:c"), {"username": "a", "password": "b:c"}, id="basic"),
        pytest.param(basic("é:☃").replace("Basic", "BASIC"), {"username": "é", "password": "☃"}, id="utf-8"),
        pytest.param(basic("a"), {"username": "a", "password": ""}, id="no-password"),
        pytest.param('Digest username="x", realm="y z"', {"username": "x", "realm": "y z"}, id="digest"),
        pytest.param("Bearer a=b, c", {"a": "b", "c": None}, id="parameters"),
    ],
)
def test_credentials_have_parameters(header: str, parameters: dict[str, str]) -> None:
    found = Authorization.from_header(header)
    assert found is not None
    assert found.type == header.split(maxsplit=1)[0].lower()
    assert found.parameters == parameters
    assert found.token is None


@pytest.mark.parametrize("token", ["abc", "abc=", "abc==", "a b", ""])
def test_credentials_have_a_token(token: str) -> None:
    found = Authorization.from_header(f"Bearer {token}")
    assert found is not None
    assert (found.type, found.parameters, found.token) == ("bearer", {}, token)
    assert found.to_header() == str(found) == f"Bearer {token}"


@pytest.mark.parametrize(
    "header", [None, "", "Basic !!!", "Basic YTp", "Basic é", "Basic \xa0YTpi", basic(b"\xff:a"), "Basic a=b"]
)
def test_malformed_credentials_are_none(header: str | None) -> None:
    assert Authorization.from_header(header) is None


def test_credentials_are_read_by_name() -> None:
    credentials = Authorization("basic", {"username": "a", "password": "b"})
    assert credentials.username == credentials["username"] == credentials.get("username") == "a"
    assert (credentials.realm, credentials["realm"], credentials.get("realm", "x")) == (None, None, "x")
    assert "username" in credentials
    assert "realm" not in credentials


@pytest.mark.parametrize(
    ("credentials", "header"),
    [
        pytest.param(Authorization("basic", {"username": "é", "password": "b"}), basic("é:b"), id="basic"),
        pytest.param(Authorization("Basic", {"username": "a", "password": "b"}), basic("a:b"), id="upper-case"),
        pytest.param(Authorization("digest", {"realm": "a b", "nc": "1"}), 'Digest realm="a b", nc=1', id="digest"),
        pytest.param(Authorization("bearer", token="x"), "Bearer x", id="token"),
    ],
)
def test_credentials_to_header(credentials: Authorization, header: str) -> None:
    assert credentials.to_header() == str(credentials) == header


def test_credentials_are_equal_by_value() -> None:
    credentials = Authorization("basic", {"username": "a"})
    assert credentials == Authorization("basic", {"username": "a"})
    assert credentials != Authorization("basic", {"username": "b"})
    assert credentials != Authorization("basic", {"username": "a"}, "token")
    assert credentials != 5
    with pytest.raises(TypeError, match="unhashable"):
        hash(credentials)


def test_credentials_are_not_shown() -> None:
    assert repr(Authorization("basic", {"username": "a", "password": "secret"})) == "<Authorization Basic>"


@pytest.mark.parametrize("value", [Authorization("basic", {"a": "b"}), WWWAuthenticate("basic", {"a": "b"})])
def test_both_can_be_copied_but_not_iterated(value: Any) -> None:
    for same in (copy.copy(value), copy.deepcopy(value), pickle.loads(pickle.dumps(value))):
        assert same == value
    with pytest.raises(TypeError, match="not iterable"):
        iter(value)
    with pytest.raises(AttributeError, match="__nothing__"):
        _ = value.__nothing__


@given(HEADER_TEXT)
def test_credentials_are_read_as_by_werkzeug(header: str) -> None:
    werkzeug = pytest.importorskip("werkzeug.datastructures")
    assert observe(Authorization, header) == observe(werkzeug.Authorization, header)
    assert observe(WWWAuthenticate, header) == observe(werkzeug.WWWAuthenticate, header)


def observe(kind: Any, header: str) -> Any:
    found = kind.from_header(header)
    return found and (found.type, dict(found.parameters), found.token, str(found).rstrip(), found.a, "a" in found)


def test_challenge_reports_each_change() -> None:
    challenge = WWWAuthenticate("Digest", {"realm": "r", "nonce": "n", "stale": "TRUE"})
    seen: list[str] = []
    challenge._on_update = lambda changed: seen.append(changed.to_header())
    challenge["opaque"] = "o"
    challenge.realm = "new"
    challenge.nonce = None
    challenge["stale"] = None
    del challenge["opaque"]
    del challenge.nothing
    challenge.parameters["qop"] = "auth"
    del challenge.realm
    assert seen == [
        'Digest realm="r", nonce="n", stale=TRUE, opaque="o"',
        'Digest realm="new", nonce="n", stale=TRUE, opaque="o"',
        'Digest realm="new", stale=TRUE, opaque="o"',
        'Digest realm="new", opaque="o"',
        'Digest realm="new"',
        'Digest realm="new", qop="auth"',
        'Digest qop="auth"',
    ]


def test_challenge_is_read_by_name() -> None:
    challenge = WWWAuthenticate("Basic", {"realm": "r"})
    assert (challenge.type, challenge.token, challenge.realm, challenge["realm"]) == ("basic", None, "r", "r")
    assert (challenge.nothing, challenge["nothing"], challenge.get("nothing", "x")) == (None, None, "x")
    assert "realm" in challenge


def test_type_of_a_challenge_cannot_be_set() -> None:
    challenge = WWWAuthenticate("basic", {"realm": "r"})
    challenge.type = "digest"  # type: ignore[misc]  # that is what is tested
    assert (challenge.type, challenge["type"]) == ("basic", "digest")


@pytest.mark.parametrize(
    ("challenge", "header"),
    [
        pytest.param(WWWAuthenticate("basic", {"realm": "x"}), "Basic realm=x", id="basic"),
        pytest.param(WWWAuthenticate("bearer", {"scope": "a b", "x": None}), 'Bearer scope="a b", x', id="bearer"),
        pytest.param(WWWAuthenticate("negotiate", token="abc="), "Negotiate abc=", id="token"),
        pytest.param(WWWAuthenticate("digest"), "Digest", id="nothing"),
    ],
)
def test_challenge_to_header(challenge: WWWAuthenticate, header: str) -> None:
    assert challenge.to_header() == str(challenge) == header
    assert repr(challenge) == f"<WWWAuthenticate {header}>"


def test_challenges_are_equal_by_value() -> None:
    challenge = WWWAuthenticate("Basic", {"realm": "x"})
    assert challenge == WWWAuthenticate("basic", {"realm": "x"})
    assert challenge != WWWAuthenticate("basic")
    assert challenge != 5
    with pytest.raises(TypeError, match="unhashable"):
        hash(challenge)


def test_challenge_without_state_says_so() -> None:
    with pytest.raises(AttributeError, match="call its __init__ first"):
        _ = WWWAuthenticate.__new__(WWWAuthenticate).type


def test_missing_challenge_is_none() -> None:
    assert WWWAuthenticate.from_header(None) is None
