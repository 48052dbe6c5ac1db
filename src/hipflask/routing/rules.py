"""Rules: the patterns of URLs, matched by :mod:`hipflask.routing.matcher` and built here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from hipflask.routing.converters import BaseConverter, NumberConverter, ValidationError
from hipflask.routing.parts import EMPTY_PART, RulePart, SplitRule, split_rule
from hipflask.routing.quoting import encode_query
from hipflask.routing.templates import UrlTemplate

if TYPE_CHECKING:
    from hipflask.routing.map import Map

__all__ = ["Rule", "RuleFactory"]

#: The methods that a WebSocket handshake may have.
_WEBSOCKET_METHODS = {"GET", "HEAD", "OPTIONS"}
#: The settings of a rule that its map decides if it does not, and their names there.
_TAKEN_FROM_MAP = (
    ("strict_slashes", "strict_slashes"),
    ("merge_slashes", "merge_slashes"),
    ("subdomain", "default_subdomain"),
)


class RuleFactory:
    """The base class of what gives rules to a map; a :class:`Rule` gives itself."""

    def get_rules(self, map: Map) -> Iterable[Rule]:
        """Return the rules to add to *map*."""
        raise NotImplementedError(f"{type(self).__name__}.get_rules() is to be defined by the subclass.")


def _normalize_methods(methods: Iterable[str] | None, websocket: bool) -> set[str] | None:
    """Return methods in upper case, with HEAD where GET is.

    Raises:
        TypeError: They are one string.
        ValueError: A WebSocket rule has one that is not for handshakes.
    """
    if methods is None:
        return None
    if isinstance(methods, str):
        raise TypeError(f"'methods' is {methods!r}, but should be a list of strings: [{methods!r}].")
    found = {method.upper() for method in methods}
    if "GET" in found:
        found.add("HEAD")
    if websocket and not found <= _WEBSOCKET_METHODS:
        raise ValueError("WebSocket rules can only use 'GET', 'HEAD', and 'OPTIONS' methods.")
    return found


def _value_maker(converter: BaseConverter) -> Callable[[str], Any] | None:
    """Return what makes a value of text, ``None`` if the value is the text."""
    # PERF: text is taken as it is and integers are made by int itself: no Python call for the usual converters.
    make = converter.to_python
    function = getattr(make, "__func__", None)
    if function is BaseConverter.to_python:
        return None
    if (
        isinstance(converter, NumberConverter)
        and function is NumberConverter.to_python
        and converter.num_convert is int
        and not converter.fixed_digits
        and converter.min is None
        and converter.max is None
    ):
        return int
    return make


class Rule(RuleFactory):
    """A pattern of URLs for an endpoint.

    Placeholders are written ``<name>``, ``<converter:name>`` or ``<converter(arguments):name>``.

    Args:
        string: The path, beginning with a slash. One that ends with a slash is a *branch*, others are *leaves*.
        defaults: Arguments that have the same value for all URLs of this rule.
        subdomain: The subdomain, which may have placeholders; the map's default subdomain if ``None``.
        methods: The methods it is for; all if ``None``. GET brings HEAD with it.
        build_only: Never match, only build.
        endpoint: What stands for the view, usually its name.
        strict_slashes: Whether a slash at the end must be there as written; as the map says if ``None``.
        merge_slashes: Whether slashes next to each other count as one; as the map says if ``None``.
        redirect_to: Answer with a redirect to this URL: text with ``<name>`` in it, or a function that gets the
            adapter and the arguments.
        alias: This is another address of the endpoint; redirect to the first one.
        host: The host, with port if it is not the usual one, when the map matches hosts. May have placeholders.
        websocket: Match WebSocket handshakes and nothing else.

    Source: werkzeug.routing.Rule of Werkzeug 3.1.
    """

    # Equal rules may get different while they are in a set.
    __hash__ = None  # type: ignore[assignment]  # the way to say it

    def __init__(
        self,
        string: str,
        defaults: Mapping[str, Any] | None = None,
        subdomain: str | None = None,
        methods: Iterable[str] | None = None,
        build_only: bool = False,
        endpoint: Any | None = None,
        strict_slashes: bool | None = None,
        merge_slashes: bool | None = None,
        redirect_to: str | Callable[..., str] | None = None,
        alias: bool = False,
        host: str | None = None,
        websocket: bool = False,
    ) -> None:
        if not string.startswith("/"):
            raise ValueError(f"The URL rule {string!r} must start with a slash.")
        self.rule = string
        self.is_leaf = not string.endswith("/")
        self.is_branch = string.endswith("/")
        self.map: Map = None  # type: ignore[assignment]  # set by bind(), before anything needs it
        self.strict_slashes = strict_slashes
        self.merge_slashes = merge_slashes
        self.subdomain = subdomain
        self.host = host
        self.defaults = defaults
        self.build_only = build_only
        self.alias = alias
        self.websocket = websocket
        self.methods = _normalize_methods(methods, websocket)
        self.endpoint: Any = endpoint
        self.redirect_to = redirect_to
        self.arguments: set[str] = {str(name) for name in defaults or ()}
        self._converters: dict[str, BaseConverter] = {}
        self._trace: list[tuple[bool, str]] = []
        self._parts: list[RulePart] = []
        self._value_makers: tuple[tuple[str, Callable[[str], Any] | None], ...] = ()
        # Whether a match may be answered by a redirect. Map.update() finds out; until then it may.
        self._may_redirect = True

    def empty(self) -> Rule:
        """Return a copy that is not bound to a map.

        Subclasses with further arguments override :meth:`get_empty_kwargs`.
        """
        return type(self)(self.rule, **self.get_empty_kwargs())

    def get_empty_kwargs(self) -> Mapping[str, Any]:
        """Return the keyword arguments for :meth:`empty`."""
        return {
            "defaults": dict(self.defaults) if self.defaults else None,
            "subdomain": self.subdomain,
            "methods": self.methods,
            "build_only": self.build_only,
            "endpoint": self.endpoint,
            "strict_slashes": self.strict_slashes,
            "redirect_to": self.redirect_to,
            "alias": self.alias,
            "host": self.host,
        }

    def get_rules(self, map: Map) -> Iterator[Rule]:
        """Yield this rule."""
        yield self

    def refresh(self) -> None:
        """Bind the rule again and compile it, after its attributes were changed."""
        self.bind(self.map, rebind=True)

    def bind(self, map: Map, rebind: bool = False) -> None:
        """Attach the rule to a map, take from it what is not set here, and compile it.

        Raises:
            RuntimeError: It is attached to one and *rebind* is false.
        """
        if not rebind and self.map is not None:
            raise RuntimeError(f"The URL rule {self!r} belongs to a map, {self.map!r}. Add a copy of it: rule.empty().")
        for name, name_in_map in _TAKEN_FROM_MAP:
            if getattr(self, name) is None:
                setattr(self, name, getattr(map, name_in_map))
        self.map = map
        self.compile()

    def get_converter(
        self, variable_name: str, converter_name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> BaseConverter:
        """Return a converter for a placeholder.

        Args:
            variable_name: The placeholder's name.
            converter_name: The converter's name in the map.
            args: The arguments written in the rule.
            kwargs: The named ones.

        Raises:
            LookupError: The map has no converter of that name.
        """
        converter = self.map.converters.get(converter_name)
        if converter is None:
            raise LookupError(
                f"The converter {converter_name!r} of the URL rule {self.rule!r} does not exist; "
                "add it to the map's 'converters' before the rule."
            )
        return converter(self.map, *args, **kwargs)

    def compile(self) -> None:
        """Take the rule apart for matching and building."""
        domain_rule = (self.host if self.map.host_matching else self.subdomain) or ""
        domain = split_rule(domain_rule, self.get_converter) if domain_rule else SplitRule([EMPTY_PART], [], {})
        path_rule = re.sub("/{2,}", "/", self.rule) if self.merge_slashes else self.rule
        path = split_rule(path_rule, self.get_converter)
        repeated = domain.converters.keys() & path.converters
        if repeated:
            raise SyntaxError(f"The URL rule {self.rule!r} has placeholders of its domain again: {repeated}.")
        self._parts = domain.parts + path.parts
        self._trace = [*domain.trace, (False, "|"), *path.trace]
        self._converters = domain.converters | path.converters
        self.arguments.update(self._converters)
        self._value_makers = tuple((name, _value_maker(made)) for name, made in self._converters.items())
        defaults = self.defaults or {}
        self._domain_template = UrlTemplate(domain.trace, domain.converters, defaults)
        self._path_template = UrlTemplate(path.trace, path.converters, defaults)
        # PERF: what building asks for each time.
        self._is_plain = (
            not defaults
            and type(self).suitable_for is Rule.suitable_for
            and type(self).build is Rule.build
            and not self._domain_template.names
        )

    def build(self, values: Mapping[str, Any], append_unknown: bool = True) -> tuple[str, str] | None:
        """Return the URL for *values*, in two parts: subdomain or host, and path with query.

        Args:
            values: Arguments by name. All that :meth:`suitable_for` asks for must be there.
            append_unknown: Whether values that the rule has no place for become query arguments.

        Returns:
            ``None`` if a converter does not take its value.
        """
        try:
            domain = self._domain_template.fill(values)
            path = self._path_template.fill(values)
        except ValidationError:
            return None
        except KeyError:
            missing = {*self._domain_template.names, *self._path_template.names}.difference(values)
            if not missing:
                raise
            raise TypeError(f"The URL rule {self!r} needs values for {sorted(missing)}.") from None
        # Without defaults, all arguments are among the values: there are others only if there are more.
        if append_unknown and (self.defaults or len(values) > len(self.arguments)):
            query = self._encode_query_vars(values)
            if query:
                path = f"{path}?{query}"
        return domain, path

    def _build_if_suitable(
        self, values: Mapping[str, Any], method: str | None, append_unknown: bool
    ) -> tuple[str, str] | None:
        """Return the URL if the rule is suitable, ``None`` if it is not, or does not take the values."""
        if not self._is_plain:
            return self.build(values, append_unknown) if self.suitable_for(values, method) else None
        # PERF: the same for the usual rule, and two calls less.
        if method is not None and self.methods is not None and method not in self.methods:
            return None
        template = self._path_template
        names = template.names
        for name in names:
            if name not in values:
                return None
        if append_unknown and len(values) > len(names):
            return self.build(values)
        try:
            return self._domain_template.head, template.fill(values) if names else template.head
        except ValidationError:
            return None

    def _encode_query_vars(self, values: Mapping[str, Any]) -> str:
        """Return the query string of the values that are no arguments, sorted if the map says so."""
        arguments = self.arguments
        pairs: list[tuple[str, Any]] = []
        for name, value in values.items():
            if name in arguments:
                continue
            if isinstance(value, (list, tuple, set)):
                pairs += [(name, member) for member in value if member is not None]
            elif value is not None:
                pairs.append((name, value))
        if self.map.sort_parameters:
            pairs.sort(key=self.map.sort_key)
        return encode_query(pairs)

    def provides_defaults_for(self, rule: Rule) -> bool:
        """Return whether this rule is another address of what *rule* is for, by having defaults for its arguments."""
        return bool(
            not self.build_only
            and self.defaults
            and self.endpoint == rule.endpoint
            and self.arguments == rule.arguments
            and self != rule
        )

    def suitable_for(self, values: Mapping[str, Any], method: str | None = None) -> bool:
        """Return whether a URL can be built: the method fits, no argument is missing, no default is contradicted.

        Args:
            values: Arguments by name.
            method: The method; any if ``None``.
        """
        if method is not None and self.methods is not None and method not in self.methods:
            return False
        defaults = self.defaults
        if not defaults:
            for name in self.arguments:
                if name not in values:
                    return False
            return True
        for name in self.arguments:
            if name in defaults:
                if name in values and defaults[name] != values[name]:
                    return False
            elif name not in values:
                return False
        return True

    def build_compare_key(self) -> tuple[int, int, int]:
        """Return the sort key for building: aliases last, then the rule with the most arguments and defaults."""
        return (1 if self.alias else 0, -len(self.arguments), -len(self.defaults or ()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self._trace == other._trace

    def __str__(self) -> str:
        return self.rule

    def __repr__(self) -> str:
        if self.map is None:
            return f"<{type(self).__name__} (unbound)>"
        pieces = "".join(f"<{piece}>" if is_placeholder else piece for is_placeholder, piece in self._trace)
        methods = f" ({', '.join(self.methods)})" if self.methods is not None else ""
        return f"<{type(self).__name__} {pieces.lstrip('|')!r}{methods} -> {self.endpoint}>"
