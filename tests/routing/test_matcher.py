"""The order in which rules are tried."""

from typing import Any

import pytest

from hipflask.routing import BaseConverter, Map, NoMatch, RequestPath, Rule, StateMachineMatcher
from hipflask.routing.matcher import State
from hipflask.routing.parts import EMPTY_PART


def endpoint_of(rules: list[Any], path: str, method: str = "GET") -> Any:
    url_map = Map([Rule(rule, endpoint=rule) if isinstance(rule, str) else rule for rule in rules])
    return url_map.bind("h").match(path, method)[0]


OVERLAPS = [
    "/a/<x>/c",
    "/a/b/<y>",
    "/<w>/b/c",
    "/a/<path:p>",
    "/<path:q>/c",
    "/<x>/<y>/<z>",
    "/a/<int:n>/<m>",
    "/a/<x>/<int:n>",
]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/a/b/c", "/a/b/<y>"),
        ("/a/x/c", "/a/<x>/c"),
        ("/q/b/c", "/<path:q>/c"),
        ("/q/b/d", "/<x>/<y>/<z>"),
        ("/a/1/2", "/a/<int:n>/<m>"),
        ("/a/x/2", "/a/<x>/<int:n>"),
        ("/z/y/x", "/<x>/<y>/<z>"),
        ("/a/b", "/a/<path:p>"),
        ("/q/w/e/c", "/<path:q>/c"),
        ("/a/1/c", "/a/<int:n>/<m>"),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_the_more_special_rule_wins_in_any_order(path: str, expected: str, turned: bool) -> None:
    assert endpoint_of(OVERLAPS[::-1] if turned else OVERLAPS, path) == expected


def test_equal_rules_are_tried_in_the_order_of_adding() -> None:
    rules = [
        Rule("/x/<a>", endpoint="post", methods=["POST"]),
        Rule("/x/<string:b>", endpoint="first"),
        Rule("/x/<c>", endpoint="second"),
    ]
    url_map = Map(rules)
    assert url_map.bind("h").match("/x/1") == ("first", {"b": "1"})
    assert url_map.bind("h").match("/x/1", "POST") == ("post", {"a": "1"})


@pytest.mark.parametrize(
    ("rules", "path", "expected"),
    [
        (["/a/b/c", "/a/<x>/d"], "/a/b/d", "/a/<x>/d"),
        (["/<int:a>/x", "/<b>/y"], "/1/y", "/<b>/y"),
        (["/<a>/<int:b>/", "/<path:p>"], "/x/1/", "/<a>/<int:b>/"),
        (["/<a>/", "/<path:p>/"], "/x/", "/<a>/"),
        (["/<a>-<b>", "/<a>"], "/x-", "/<a>"),
        (["/v<a>", "/<path:p>/x"], "/v/x", "/<path:p>/x"),
    ],
)
def test_other_ways_are_tried(rules: list[str], path: str, expected: str) -> None:
    assert endpoint_of(rules, path) == expected


def test_a_slash_too_few_comes_before_other_ways() -> None:
    url_map = Map([Rule("/a/", endpoint="a"), Rule("/<x>", endpoint="x")])
    with pytest.raises(RequestPath) as caught:
        url_map._matcher.match("", "/a", "GET", False)
    assert caught.value.path_info == "/a/"


def test_values_of_ways_given_up_are_forgotten() -> None:
    url_map = Map([Rule("/<a>/<b>/x", endpoint="1"), Rule("/<c>/s/<path:d>", endpoint="2")])
    assert url_map.bind("h").match("/p/s/y") == ("2", {"c": "p", "d": "y"})
    assert url_map.bind("h").match("/p/s/x/y") == ("2", {"c": "p", "d": "x/y"})


def test_no_match_says_what_nearly_fits() -> None:
    rules = [
        Rule("/a", endpoint="1", methods=["PUT"]),
        Rule("/<x>", endpoint="2", methods=["DELETE"]),
        Rule("/<path:x>", endpoint="3", websocket=True),
    ]
    url_map = Map(rules)
    url_map.update()
    with pytest.raises(NoMatch) as caught:
        url_map._matcher.match("", "/a", "GET", False)
    assert caught.value.have_match_for == {"PUT", "DELETE"}
    assert caught.value.websocket_mismatch


def test_no_match_of_a_path_that_is_merged_but_not_for_the_rule() -> None:
    rules = [Rule("/a/b", endpoint="e", merge_slashes=False)]
    with pytest.raises(NoMatch):
        Map(rules)._matcher.match("", "/a//b", "GET", False)


def test_loose_rules_of_other_methods_are_noted() -> None:
    rules = [Rule("/a", endpoint="e", methods=["PUT"], strict_slashes=False), Rule("/a", endpoint="strict")]
    url_map = Map(rules)
    url_map.update()
    with pytest.raises(NoMatch) as caught:
        url_map._matcher.match("", "/a/", "GET", False)
    assert caught.value.have_match_for == {"PUT"}


def test_converters_that_match_nothing() -> None:
    class Maybe(BaseConverter):
        regex = "x*"

    url_map = Map(converters={"maybe": Maybe})
    url_map.add(Rule("/<maybe:a>", endpoint="a"))
    url_map.add(Rule("/q/<maybe:a>/", endpoint="b"))
    bound = url_map.bind("h")
    assert [bound.match(path) for path in ("/", "/xx", "/q//")] == [
        ("a", {"a": ""}),
        ("a", {"a": "xx"}),
        ("b", {"a": ""}),
    ]


def test_a_matcher_by_itself() -> None:
    rule = Rule("/a/<int:x>", endpoint="e")
    Map([rule])
    matcher = StateMachineMatcher(merge_slashes=True)
    matcher.add(rule)
    matcher.update()
    assert matcher.match("", "/a/1", "GET", False) == (rule, {"x": 1})


def test_states_may_be_given_what_they_know() -> None:
    child = State()
    part = EMPTY_PART._replace(content=r"(?P<__arg0>[0-9]+)\Z", static=False)
    state = State(dynamic=[(part, child)], static={"a": child}, rules=[])
    assert state.follow(part) is child
    assert state.only is child and state.only_digits
