"""Routing: from a path to an endpoint and arguments, and back. The names of ``werkzeug.routing`` 3.1."""

from __future__ import annotations

from hipflask.routing.adapter import MapAdapter
from hipflask.routing.converters import (
    AnyConverter,
    BaseConverter,
    FloatConverter,
    IntegerConverter,
    PathConverter,
    UnicodeConverter,
    UUIDConverter,
    ValidationError,
)
from hipflask.routing.exceptions import (
    BuildError,
    NoMatch,
    RequestAliasRedirect,
    RequestPath,
    RequestRedirect,
    RoutingException,
    WebsocketMismatch,
)
from hipflask.routing.factories import EndpointPrefix, RuleTemplate, RuleTemplateFactory, Subdomain, Submount
from hipflask.routing.map import Map
from hipflask.routing.matcher import StateMachineMatcher
from hipflask.routing.parts import parse_converter_args
from hipflask.routing.rules import Rule, RuleFactory

__all__ = [
    "AnyConverter",
    "BaseConverter",
    "BuildError",
    "EndpointPrefix",
    "FloatConverter",
    "IntegerConverter",
    "Map",
    "MapAdapter",
    "NoMatch",
    "PathConverter",
    "RequestAliasRedirect",
    "RequestPath",
    "RequestRedirect",
    "RoutingException",
    "Rule",
    "RuleFactory",
    "RuleTemplate",
    "RuleTemplateFactory",
    "StateMachineMatcher",
    "Subdomain",
    "Submount",
    "UUIDConverter",
    "UnicodeConverter",
    "ValidationError",
    "WebsocketMismatch",
    "parse_converter_args",
]
