"""The map of all rules, to be bound to a request or a host for matching and building."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from threading import Lock
from typing import TYPE_CHECKING, Any
from warnings import warn

from hipflask.http.datastructures import ImmutableDict
from hipflask.http.exceptions import BadHost
from hipflask.http.wsgi import get_host
from hipflask.routing.adapter import MapAdapter
from hipflask.routing.converters import DEFAULT_CONVERTERS, BaseConverter
from hipflask.routing.matcher import StateMachineMatcher
from hipflask.routing.rules import Rule, RuleFactory

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

    from hipflask.http.request import Request

__all__ = ["Map"]

_DEFAULT_PORTS = {"http": ":80", "ws": ":80", "https": ":443", "wss": ":443"}
#: A label of a host name has at most 63 characters (RFC 1035, 2.3.4).
_MAX_LABEL = 63


def _to_ascii(server_name: str) -> str:
    """Return a host name, with its port if it has one, in lower case and in ASCII (IDNA).

    Raises:
        BadHost: It cannot be written in ASCII (status 400).
    """
    name = server_name.lower()
    # PERF: a short name in ASCII stays what it is; the codec takes some microseconds to find that out.
    if len(name) <= _MAX_LABEL and name.isascii() and ".." not in name and not name.startswith("."):
        return name
    try:
        host, colon, port = name.partition(":")
        return f"{host.encode('idna').decode('ascii')}{colon}{port}"
    except UnicodeError as error:
        raise BadHost from error


def _wsgi_text(environ: Mapping[str, Any], name: str) -> str | None:
    """Return a variable of an environ as text; bytes that are not UTF-8 become U+FFFD (PEP 3333)."""
    value = environ.get(name)
    if value is None or value.isascii():
        return value
    text: str = value.encode("latin-1").decode(errors="replace")
    return text


def _is_websocket(environ: Mapping[str, Any]) -> bool:
    """Return whether a request is a WebSocket handshake (RFC 6455, 4.1)."""
    connection = environ.get("HTTP_CONNECTION", "").lower()
    return (
        "upgrade" in connection
        and environ.get("HTTP_UPGRADE", "").lower() == "websocket"
        and any(option.strip() == "upgrade" for option in connection.split(","))
    )


class Map:
    """All rules of an application.

    Rules are not to be changed or taken away; they may be added at any time.

    Args:
        rules: Rules and factories to begin with.
        default_subdomain: The subdomain of rules that name none.
        strict_slashes: Whether a slash at the end of a path must be there as in the rule. A missing one leads to
            a redirect.
        merge_slashes: Whether slashes next to each other count as one; leads to a redirect.
        redirect_defaults: Whether a URL with arguments that are the defaults of another rule leads to that one.
        converters: Converters besides the default ones, by name.
        sort_parameters: Whether query arguments of URLs that are built are sorted.
        sort_key: The key function for that; it gets pairs of name and value.
        host_matching: Whether rules are for hosts, not for subdomains.

    Source: werkzeug.routing.Map of Werkzeug 3.1.
    """

    default_converters: Mapping[str, type[BaseConverter]] = ImmutableDict(DEFAULT_CONVERTERS)
    """The converters a new map begins with; a subclass may have others."""

    lock_class = Lock
    """The type of the lock that is held while rules are sorted."""

    def __init__(
        self,
        rules: Iterable[RuleFactory] | None = None,
        default_subdomain: str = "",
        strict_slashes: bool = True,
        merge_slashes: bool = True,
        redirect_defaults: bool = True,
        converters: Mapping[str, type[BaseConverter]] | None = None,
        sort_parameters: bool = False,
        sort_key: Callable[[Any], Any] | None = None,
        host_matching: bool = False,
    ) -> None:
        self._matcher = StateMachineMatcher(merge_slashes)
        self._rules_by_endpoint: dict[Any, list[Rule]] = {}
        self._unsorted: set[Any] = set()
        self._remap = False
        self._remap_lock = self.lock_class()
        # What somebody has found here and keeps, by path and method; another dict after each rule that is added.
        self._found: dict[str, dict[str, Rule]] = {}
        self.default_subdomain = default_subdomain
        self.strict_slashes = strict_slashes
        self.redirect_defaults = redirect_defaults
        self.host_matching = host_matching
        self.converters: dict[str, type[BaseConverter]] = {**self.default_converters, **(converters or {})}
        self.sort_parameters = sort_parameters
        self.sort_key = sort_key
        for factory in rules or ():
            self.add(factory)

    @property
    def merge_slashes(self) -> bool:
        """Whether slashes next to each other count as one."""
        return self._matcher.merge_slashes

    @merge_slashes.setter
    def merge_slashes(self, value: bool) -> None:
        self._matcher.merge_slashes = value

    @property
    def _rules(self) -> list[Rule]:
        """All rules, by endpoint."""
        return [rule for rules in self._rules_by_endpoint.values() for rule in rules]

    def add(self, rulefactory: RuleFactory) -> None:
        """Add a rule, or all rules of a factory.

        Raises:
            RuntimeError: A rule belongs to a map already.
        """
        for rule in rulefactory.get_rules(self):
            rule.bind(self)
            with self._remap_lock:
                if not rule.build_only:
                    self._matcher.add(rule)
                self._rules_by_endpoint.setdefault(rule.endpoint, []).append(rule)
                self._unsorted.add(rule.endpoint)
                self._remap = True
                self._found = {}

    def update(self) -> None:
        """Bring rules that were added into their order. Matching and building do so when there is need."""
        if not self._remap:
            return
        with self._remap_lock:
            if not self._remap:
                return
            self._matcher.update()
            for endpoint in self._unsorted:
                # A new list: other threads may be going through the old one.
                rules = sorted(self._rules_by_endpoint[endpoint], key=_build_key)
                self._rules_by_endpoint[endpoint] = rules
                _note_redirects(rules)
            self._unsorted.clear()
            self._remap = False

    def find(self, path: str, method: str, domain: str = "") -> tuple[Rule, dict[str, Any]] | None:
        """Return the rule of a plain HTTP request and its arguments, if there is nothing else to say.

        The short way of :meth:`MapAdapter.match`, which explains by exceptions, and needs an adapter; both go
        through the same matcher and find the same rule.

        Args:
            path: The path below the application's root, decoded, with its first slash.
            method: The method, in upper case.
            domain: The subdomain, or the host of a map that matches hosts.

        Returns:
            ``None`` if :meth:`MapAdapter.match` is to be asked: there is no rule, none for the method, there may
            be a redirect, or the domain has placeholders. The dict is a new one.
        """
        if self._remap:
            self.update()
        values: list[str] = []
        rule = self._matcher.find(domain, path, method, values)
        if rule is None or rule._may_redirect:
            return None
        result: dict[str, Any] = {}
        makers = rule._value_makers
        try:
            if len(makers) == 1:  # PERF: half the time of a turn of the loop
                name, make = makers[0]
                result[name] = values[0] if make is None else make(values[0])
            elif makers:
                for (name, make), value in zip(makers, values, strict=True):
                    result[name] = value if make is None else make(value)
        except ValueError:  # a ValidationError, or too many digits
            return None
        if rule.defaults:
            result.update(rule.defaults)
        return rule, result

    def build_path(
        self, endpoint: Any, values: Mapping[str, Any], method: str | None = None, append_unknown: bool = True
    ) -> tuple[str, str] | None:
        """Return the URL of the first rule of an endpoint that suits, in two parts: domain, and path with query.

        Args:
            endpoint: The endpoint.
            values: Arguments by name, none of them ``None``.
            method: The method; any if ``None``.
            append_unknown: Whether values that the rule has no place for become query arguments.
        """
        if self._remap:
            self.update()
        for rule in self._rules_by_endpoint.get(endpoint, ()):
            url = rule._build_if_suitable(values, method, append_unknown)
            if url is not None:
                return url
        return None

    def is_endpoint_expecting(self, endpoint: Any, *arguments: str) -> bool:
        """Return whether a rule of the endpoint has all of these arguments, as placeholders or defaults.

        Raises:
            KeyError: There is no rule of that endpoint.
        """
        self.update()
        wanted = set(arguments)
        return any(wanted <= rule.arguments for rule in self._rules_by_endpoint[endpoint])

    def iter_rules(self, endpoint: Any | None = None) -> Iterator[Rule]:
        """Return an iterator over all rules, or over those of one endpoint.

        Raises:
            KeyError: There is no rule of that endpoint.
        """
        self.update()
        if endpoint is not None:
            return iter(self._rules_by_endpoint[endpoint])
        return iter(self._rules)

    def bind(
        self,
        server_name: str,
        script_name: str | None = None,
        subdomain: str | None = None,
        url_scheme: str = "http",
        default_method: str = "GET",
        path_info: str | None = None,
        query_args: Mapping[str, Any] | str | None = None,
    ) -> MapAdapter:
        """Return an adapter that matches and builds for a host.

        Args:
            server_name: The host, with port if it is not the usual one.
            script_name: The path at which the application is mounted.
            subdomain: The subdomain; the default one if ``None``.
            url_scheme: ``http``, ``https``, ``ws`` or ``wss``.
            default_method: The method to match where none is given.
            path_info: The path to match where none is given.
            query_args: The query of redirects.

        Raises:
            RuntimeError: A subdomain is given, and the map matches hosts.
            BadHost: The host cannot be written in ASCII (status 400).
        """
        if self.host_matching:
            if subdomain is not None:
                raise RuntimeError(
                    "The map has host matching enabled and a subdomain was provided; give the whole host."
                )
        elif subdomain is None:
            subdomain = self.default_subdomain
        if script_name is None:
            script_name = "/"
        if path_info is None:
            path_info = "/"
        return MapAdapter(
            self,
            _to_ascii(server_name),
            script_name,
            subdomain,
            url_scheme,
            path_info,
            default_method,
            query_args,
        )

    def bind_to_environ(
        self,
        environ: WSGIEnvironment | Request,
        server_name: str | None = None,
        subdomain: str | None = None,
    ) -> MapAdapter:
        """Return an adapter for a request.

        Args:
            environ: A WSGI environ, or a request that has one.
            server_name: The host under which the application runs, for finding the subdomain. Without it, there
                is none.
            subdomain: The subdomain, if it is known.

        Raises:
            BadHost: The host cannot be written in ASCII (status 400).
        """
        env = environ if isinstance(environ, dict) else environ.environ
        host = get_host(env).lower()
        scheme = env["wsgi.url_scheme"]
        if _is_websocket(env):
            scheme = "wss" if scheme == "https" else "ws"
        if server_name is None:
            server_name = host
        else:
            server_name = server_name.lower()
            if scheme in _DEFAULT_PORTS:
                server_name = server_name.removesuffix(_DEFAULT_PORTS[scheme])
        if subdomain is None and not self.host_matching:
            subdomain = _find_subdomain(host, server_name)
        return self.bind(
            server_name,
            _wsgi_text(env, "SCRIPT_NAME"),
            subdomain,
            scheme,
            env["REQUEST_METHOD"],
            _wsgi_text(env, "PATH_INFO"),
            _wsgi_text(env, "QUERY_STRING"),
        )

    def __repr__(self) -> str:
        from pprint import pformat

        return f"{type(self).__name__}({pformat(list(self.iter_rules()))})"


def _find_subdomain(host: str, server_name: str) -> str:
    """Return what *host* has before *server_name*; what no rule has if it is another host."""
    if host == server_name:
        return ""
    if server_name and host.endswith(f".{server_name}"):
        return ".".join(filter(None, host.removesuffix(f".{server_name}").split(".")))
    # Somebody may ask for the address by IP, or with the wrong port; answering 404 is what helps to find out.
    warn(
        f"Current server name {host!r} does not match the configured server name {server_name!r}; no rule "
        "will match. Adjust SERVER_NAME, or the proxy in front.",
        stacklevel=3,
    )
    return "<invalid>"


def _build_key(rule: Rule) -> tuple[int, int, int]:
    return rule.build_compare_key()


def _note_redirects(rules: list[Rule]) -> None:
    """Note which rules of an endpoint a redirect may follow from, so that matching need not look for it.

    Args:
        rules: The rules in the order of building, in which the first one that has a URL has the right one.
    """
    providers: list[Rule] = []
    for rule in rules:
        rule._may_redirect = (
            rule.redirect_to is not None
            or rule.alias
            or any(provider.provides_defaults_for(rule) for provider in providers)
        )
        if rule.defaults or type(rule).provides_defaults_for is not Rule.provides_defaults_for:
            providers.append(rule)
