"""Factories: several rules at once, with something in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from hipflask.routing.rules import Rule, RuleFactory

if TYPE_CHECKING:
    from hipflask.routing.map import Map

__all__ = ["EndpointPrefix", "RuleTemplate", "RuleTemplateFactory", "Subdomain", "Submount"]


class _Group(RuleFactory):
    """Copies of rules, each changed in one way."""

    rules: Iterable[RuleFactory]

    def _change(self, rule: Rule) -> None:
        """Change a copy in place."""
        raise NotImplementedError

    def get_rules(self, map: Map) -> Iterator[Rule]:
        """Yield changed copies of the rules."""
        for factory in self.rules:
            for rule in factory.get_rules(map):
                copy = rule.empty()
                self._change(copy)
                yield copy


class Subdomain(_Group):
    """Puts rules under a subdomain: ``Subdomain("shop", [Rule("/", endpoint="shop.front")])``.

    Args:
        subdomain: The subdomain, which may have placeholders.
        rules: Rules or factories.
    """

    def __init__(self, subdomain: str, rules: Iterable[RuleFactory]) -> None:
        self.subdomain = subdomain
        self.rules = rules

    def _change(self, rule: Rule) -> None:
        rule.subdomain = self.subdomain


class Submount(_Group):
    """Puts rules under a path: ``Submount("/news", [Rule("/of/<day>", endpoint="news.day")])``.

    Args:
        path: The path; a slash at its end has no effect.
        rules: Rules or factories.
    """

    def __init__(self, path: str, rules: Iterable[RuleFactory]) -> None:
        self.path = path.rstrip("/")
        self.rules = rules

    def _change(self, rule: Rule) -> None:
        rule.rule = self.path + rule.rule


class EndpointPrefix(_Group):
    """Puts a prefix before endpoints: ``EndpointPrefix("shop.", [Rule("/", endpoint="front")])``.

    Args:
        prefix: The prefix.
        rules: Rules or factories.
    """

    def __init__(self, prefix: str, rules: Iterable[RuleFactory]) -> None:
        self.prefix = prefix
        self.rules = rules

    def _change(self, rule: Rule) -> None:
        rule.endpoint = self.prefix + rule.endpoint


class RuleTemplate:
    """Rules with ``$name`` in their text, to be used several times.

    Example::

        shelf = RuleTemplate([
            Rule("/$kind", endpoint="all_$kind"),
            Rule("/$kind/<slug>/edit", endpoint="edit_$kind"),
        ])
        url_map = Map([shelf(kind="books"), shelf(kind="maps")])

    Args:
        rules: Rules or factories.
    """

    def __init__(self, rules: Iterable[RuleFactory]) -> None:
        self.rules = list(rules)

    def __call__(self, *args: Any, **kwargs: Any) -> RuleTemplateFactory:
        """Return the rules with the names replaced; the arguments are those of ``dict``."""
        return RuleTemplateFactory(self.rules, dict(*args, **kwargs))


class RuleTemplateFactory(RuleFactory):
    """The rules of a :class:`RuleTemplate` with the names replaced.

    Replaced are those in the rule, in text that is a default, in the subdomain, and in an endpoint that is text.
    Only defaults, methods, ``build_only``, ``strict_slashes``, subdomain and endpoint are taken over, as in
    Werkzeug 3.1.

    Args:
        rules: Rules or factories.
        context: Text by name.
    """

    def __init__(self, rules: Iterable[RuleFactory], context: dict[str, Any]) -> None:
        self.rules = rules
        self.context = context

    def get_rules(self, map: Map) -> Iterator[Rule]:
        """Yield the rules.

        Raises:
            KeyError: A name has no text.
        """
        for factory in self.rules:
            for rule in factory.get_rules(map):
                yield Rule(
                    self._replace(rule.rule),
                    self._replace_values(rule.defaults),
                    self._replace(rule.subdomain),
                    rule.methods,
                    rule.build_only,
                    self._replace(rule.endpoint),
                    rule.strict_slashes,
                )

    def _replace(self, value: Any) -> Any:
        """Return *value*, if it is text with the names in it replaced."""
        from string import Template

        return Template(value).substitute(self.context) if isinstance(value, str) else value

    def _replace_values(self, values: Mapping[str, Any] | None) -> dict[str, Any] | None:
        """Return a mapping with the names in its values replaced."""
        return {key: self._replace(value) for key, value in values.items()} if values else None
