"""Rules with several placeholders for paths: the same matches as on Werkzeug, in time that grows with the path."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hipflask import routing as ours
from hipflask.routing import matcher

theirs: Any = pytest.importorskip("werkzeug.routing")

NAMES = "abcdefgh"
PIECES = ["a", "b", "ab", "-", "1", "<path:{}>", "<path:{}>", "<path:{}>", "<int:{}>", "<{}>", "<deep:{}>"]
SEGMENTS = st.lists(st.sampled_from(PIECES), max_size=3).map("".join)
PATH_TEXTS = ["a", "b", "ab", "-", "1", "12", "1.5", "", "a-b", "a1", "\u00e9", "a/b", "ab-1/a"]


def name_placeholders(text: str) -> str:
    for name in NAMES:
        text = text.replace("{}", name, 1)
    return text


RULES = st.tuples(st.lists(SEGMENTS, min_size=1, max_size=5), st.booleans()).map(
    lambda made: name_placeholders("/" + "/".join(made[0]) + "/" * made[1])
)
PATHS = st.tuples(
    st.lists(st.lists(st.sampled_from(PATH_TEXTS), min_size=1, max_size=2).map("".join), min_size=1, max_size=8),
    st.sampled_from(["", "", "/", "//"]),
).map(lambda made: "/" + "/".join(made[0]) + made[1])


def make_map(routing: Any, rules: list[str], options: dict[str, bool]) -> Any:
    class Deep(routing.BaseConverter):  # type: ignore[misc]
        regex = "[a-z]+(?:/[a-z]+)?"
        part_isolating = False

    url_map = routing.Map(converters={"deep": Deep}, **options)
    for rule in rules:
        methods = ["POST"] if len(rule) % 5 == 0 else None
        try:
            url_map.add(routing.Rule(rule, endpoint=rule, methods=methods))
        except ValueError:
            url_map.add(routing.Rule("/never", endpoint=rule))
    return url_map


def outcome(url_map: Any, path: str) -> Any:
    try:
        return url_map.bind("h").match(path)
    except Exception as error:
        return type(error).__name__, getattr(error, "new_url", None), getattr(error, "valid_methods", None)


@settings(max_examples=100, deadline=None)
@given(
    rules=st.lists(RULES.filter(lambda rule: "{}" not in rule), min_size=1, max_size=4),
    paths=st.lists(PATHS, min_size=1, max_size=12),
    options=st.fixed_dictionaries({"strict_slashes": st.booleans(), "merge_slashes": st.booleans()}),
)
def test_same_matches_as_werkzeug(rules: list[str], paths: list[str], options: dict[str, bool]) -> None:
    mine, other = make_map(ours, rules, options), make_map(theirs, rules, options)
    for path in paths:
        assert outcome(mine, path) == outcome(other, path), (rules, path)


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        pytest.param("/<path:a>/x/<path:b>/y", "/a/x" * 20_000, id="literal"),
        pytest.param("/<path:a>/x/<path:b>/y/<path:c>/z", "/a/x" * 10_000 + "/a/y" * 10_000, id="three"),
        pytest.param("/<path:a>/x/<path:b>/y/<path:c>/z", "/a/x" * 20_000, id="three-without-the-second"),
        pytest.param("/<path:a>/<int:n>/<path:b>/z", "/a/1" * 20_000, id="int"),
        pytest.param("/<path:a>/<n>/<path:b>/z", "/a" * 40_000, id="segment"),
        pytest.param("/<path:a>-<path:b>.txt", "/a" + "-a" * 40_000, id="inside-a-segment"),
        pytest.param("/<path:a>/x/<path:b>/", "/a/x" * 20_000 + "//", id="slashes-at-the-end"),
    ],
)
def test_time_grows_with_the_path_and_no_faster(rule: str, path: str) -> None:
    """Trying each pair of ends would take half an hour, so this ends or it does not."""
    url_map = ours.Map([ours.Rule(rule, endpoint="x")], merge_slashes=False)
    assert url_map.bind("h").test(path) is False


def test_line_break_is_no_part_of_a_path_that_follows_another() -> None:
    url_map = ours.Map([ours.Rule("/<path:a>/x/<path:b>", endpoint="x")])
    assert url_map.bind("h").match("/a/x/\nb") == ("x", {"a": "a", "b": "\nb"})
    assert url_map.bind("h").test("/a/x/b/x/\nb") is False


def count_walks(*functions: Callable[[], Any]) -> int:
    """How often the matcher's states are walked through, steps aside included."""
    seen = []

    def note(frame: FrameType, event: str, argument: object) -> None:
        if event == "call" and frame.f_code is matcher.walk.__code__:
            seen.append(frame)

    sys.setprofile(note)
    try:
        for function in functions:
            function()
    finally:
        sys.setprofile(None)
    return len(seen)


RULE_SET = [
    ("/a/<path:p>/x", None),
    ("/a/<path:p>/x/<path:q>/y/", None),
    ("/put/<path:p>/z", ["PUT"]),
    ("/socket/<path:p>/z", None),
]


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/a/b/c", "NotFound"),
        ("/b/c", "NotFound"),
        ("/a/1/x/2/y", "RequestRedirect"),
        ("/put/1/z", "MethodNotAllowed"),
        ("/socket/1/z", "WebsocketMismatch"),
    ],
)
def test_failing_match_searches_once(path: str, error: str) -> None:
    url_map = ours.Map(
        [
            ours.Rule(rule, endpoint=rule, methods=methods, websocket=rule.startswith("/socket"))
            for rule, methods in RULE_SET
        ]
    )
    url_map.update()
    once = count_walks(lambda: url_map.find(path, "GET"))
    assert once > 0
    assert outcome(url_map, path)[0] == error
    # As a request does: first without an adapter, then with one for the reason.
    assert count_walks(lambda: url_map.find(path, "GET"), lambda: outcome(url_map, path)) == once
    assert count_walks(lambda: outcome(url_map, path)) == once


def test_rule_that_is_added_after_a_miss_is_found() -> None:
    url_map = ours.Map([ours.Rule("/a", endpoint="a")])
    assert url_map.find("/b/c", "GET") is None
    url_map.add(ours.Rule("/b/<x>", endpoint="b"))
    assert url_map.bind("h").match("/b/c") == ("b", {"x": "c"})


def test_miss_of_one_kind_is_not_that_of_another() -> None:
    url_map = ours.Map(
        [
            ours.Rule("/b/<path:x>/y", endpoint="get", methods=["GET"]),
            ours.Rule("/b/<path:x>/y", endpoint="socket", websocket=True),
            ours.Rule("/b/<path:x>/y", endpoint="sub", subdomain="sub"),
        ]
    )
    assert url_map.find("/b/c/y", "POST") is None
    assert url_map.bind("h").match("/b/c/y", "GET")[0] == "get"
    assert url_map.find("/b/c/y", "POST") is None
    assert url_map.bind("h", subdomain="sub").match("/b/c/y", "POST")[0] == "sub"
    assert url_map.bind("h", url_scheme="ws").match("/b/c/y", "GET")[0] == "socket"


def test_miss_says_nothing_where_domains_have_placeholders() -> None:
    url_map = ours.Map(
        [
            ours.Rule("/b", endpoint="plain"),
            ours.Rule("/c/<path:x>/y", endpoint="any", subdomain="<sub>"),
            ours.Rule("/d", endpoint="d", subdomain="api"),
        ]
    )
    assert url_map.find("/c/1/y", "GET", "api") is None
    assert url_map.bind("h", subdomain="api").match("/c/1/y") == ("any", {"sub": "api", "x": "1"})
