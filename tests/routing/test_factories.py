"""Factories of rules."""

from typing import Any

import pytest

from hipflask.routing import EndpointPrefix, Map, Rule, RuleFactory, RuleTemplate, Subdomain, Submount
from hipflask.routing.factories import _Group


def rules_of(factory: RuleFactory) -> list[Rule]:
    return list(factory.get_rules(Map()))


def test_submount() -> None:
    rules = rules_of(Submount("/news/", [Rule("/", endpoint="all"), Rule("/<day>", endpoint="day", methods=["GET"])]))
    assert [(rule.rule, rule.endpoint) for rule in rules] == [("/news/", "all"), ("/news/<day>", "day")]
    assert rules[1].methods == {"GET", "HEAD"}


def test_subdomain() -> None:
    assert rules_of(Subdomain("shop", [Rule("/", subdomain="x")]))[0].subdomain == "shop"


def test_endpoint_prefix() -> None:
    assert rules_of(EndpointPrefix("shop.", [Rule("/", endpoint="front")]))[0].endpoint == "shop.front"


def test_factories_nest_and_rules_stay_as_they_are() -> None:
    rule = Rule("/", endpoint="front")
    url_map = Map([Subdomain("shop", [Submount("/a", [EndpointPrefix("x.", [rule])])])])
    assert rule.map is None
    assert url_map.bind("h", subdomain="shop").match("/a/") == ("x.front", {})


def test_template() -> None:
    template = RuleTemplate(
        [
            Rule("/$kind/<int:n>", {"a": "$kind-x", "b": 1}, "$kind", ["GET"], False, "$kind.one", False),
            Submount("/s$kind", [Rule("/$$", endpoint=5)]),
        ]
    )
    first, second = rules_of(template(kind="bird"))
    assert (first.rule, first.defaults, first.subdomain) == ("/bird/<int:n>", {"a": "bird-x", "b": 1}, "bird")
    assert (first.methods, first.endpoint, first.strict_slashes) == ({"GET", "HEAD"}, "bird.one", False)
    assert (second.rule, second.endpoint, second.defaults) == ("/sbird/$", 5, None)


def test_template_without_a_name_raises() -> None:
    with pytest.raises(KeyError, match="kind"):
        rules_of(RuleTemplate([Rule("/$kind")])({"other": 1}))


def test_group_is_abstract() -> None:
    class Group(_Group):
        rules: Any = [Rule("/")]

    with pytest.raises(NotImplementedError):
        rules_of(Group())
