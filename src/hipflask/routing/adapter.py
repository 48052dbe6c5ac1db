"""The adapter: a map bound to a host and, mostly, a request; it matches paths and builds URLs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, Literal, overload
from urllib.parse import urljoin

from hipflask.http.datastructures import MultiDict, iter_multi_items
from hipflask.http.exceptions import HTTPException, MethodNotAllowed, NotFound
from hipflask.routing.exceptions import (
    BuildError,
    NoMatch,
    RequestAliasRedirect,
    RequestPath,
    RequestRedirect,
    WebsocketMismatch,
)
from hipflask.routing.quoting import encode_query, quote_path

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    from hipflask.routing.map import Map
    from hipflask.routing.rules import Rule

__all__ = ["MapAdapter"]

# A method that no rule has.
_NO_METHOD = "--"


def _plain_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a dict of the values to build with: without those that are ``None``.

    In a MultiDict, a name with one value has that one, ``None`` too, and with several a list of them.
    """
    if isinstance(values, MultiDict):
        return {name: found[0] if len(found) == 1 else found for name, found in dict.items(values) if found}
    return {name: value for name, value in values.items() if value is not None}


class MapAdapter:
    """Matches and builds for one host. Made by :meth:`Map.bind` and :meth:`Map.bind_to_environ`.

    Args:
        map: The map.
        server_name: The host, with port if it is not the usual one.
        script_name: The path at which the application is mounted.
        subdomain: The subdomain; ``None`` if the map matches hosts.
        url_scheme: ``http``, ``https``, ``ws`` or ``wss``.
        path_info: The path to match where none is given.
        default_method: The method to match where none is given.
        query_args: The query of redirects, as text or by name.

    Source: werkzeug.routing.MapAdapter of Werkzeug 3.1.
    """

    def __init__(
        self,
        map: Map,
        server_name: str,
        script_name: str,
        subdomain: str | None,
        url_scheme: str,
        path_info: str,
        default_method: str,
        query_args: Mapping[str, Any] | str | None = None,
    ) -> None:
        self.map = map
        self.server_name = server_name
        self.script_name = script_name if script_name.endswith("/") else f"{script_name}/"
        self.subdomain = subdomain
        self.url_scheme = url_scheme
        self.path_info = path_info
        self.default_method = default_method
        self.query_args = query_args
        self.websocket = url_scheme in ("ws", "wss")

    def dispatch(
        self,
        view_func: Callable[[str, Mapping[str, Any]], WSGIApplication],
        path_info: str | None = None,
        method: str | None = None,
        catch_http_exceptions: bool = False,
    ) -> WSGIApplication:
        """Match, and return what *view_func* returns for endpoint and arguments, or the redirect.

        Args:
            view_func: Called with endpoint and arguments.
            path_info: The path; the adapter's own if ``None``.
            method: The method; the adapter's own if ``None``.
            catch_http_exceptions: Whether HTTP exceptions are returned, not raised.
        """
        try:
            try:
                endpoint, args = self.match(path_info, method)
            except RequestRedirect as redirect:
                return redirect
            return view_func(endpoint, args)
        except HTTPException as error:
            if catch_http_exceptions:
                return error
            raise

    @overload
    def match(
        self,
        path_info: str | None = None,
        method: str | None = None,
        return_rule: Literal[False] = False,
        query_args: Mapping[str, Any] | str | None = None,
        websocket: bool | None = None,
    ) -> tuple[Any, Mapping[str, Any]]: ...

    @overload
    def match(
        self,
        path_info: str | None = None,
        method: str | None = None,
        return_rule: Literal[True] = True,
        query_args: Mapping[str, Any] | str | None = None,
        websocket: bool | None = None,
    ) -> tuple[Rule, Mapping[str, Any]]: ...

    def match(
        self,
        path_info: str | None = None,
        method: str | None = None,
        return_rule: bool = False,
        query_args: Mapping[str, Any] | str | None = None,
        websocket: bool | None = None,
    ) -> tuple[Any, Mapping[str, Any]]:
        """Return endpoint, or rule, and arguments for a request.

        Args:
            path_info: The path, decoded; the adapter's own if ``None``.
            method: The method; the adapter's own if ``None``.
            return_rule: Whether to return the rule in place of the endpoint.
            query_args: The query of redirects, as text or by name; the adapter's own if ``None``.
            websocket: Whether it is a WebSocket handshake; as the adapter's scheme says if ``None``.

        Raises:
            RequestRedirect: There is a better address (status 308).
            MethodNotAllowed: There are rules for other methods (status 405).
            WebsocketMismatch: The rules are for WebSockets and this is none, or the other way round (status 400).
            NotFound: There is no rule (status 404).
        """
        if self.map._remap:
            self.map.update()
        if path_info is None:
            path_info = self.path_info
        if query_args is None:
            query_args = self.query_args or {}
        if websocket is None:
            websocket = self.websocket
        method = (method or self.default_method).upper()
        path = f"/{path_info.lstrip('/')}" if path_info else ""
        domain = self.server_name if self.map.host_matching else self.subdomain or ""
        is_plain = not websocket and not self.map._matcher.has_missed(domain, path, method)
        found = self.map.find(path, method, domain) if is_plain else None
        if found is None:
            found = self._match(domain, path, method, websocket, query_args)
        rule, values = found
        return (rule if return_rule else rule.endpoint), values

    def _match(
        self, domain: str, path: str, method: str, websocket: bool, query_args: Mapping[str, Any] | str
    ) -> tuple[Rule, dict[str, Any]]:
        """Return rule and arguments; the matcher's words become answers."""
        try:
            rule, values = self.map._matcher.match(domain, path, method, websocket)
        except RequestPath as other:
            raise RequestRedirect(self.make_redirect_url(quote_path(other.path_info), query_args)) from None
        except RequestAliasRedirect as alias:
            url = self.make_alias_redirect_url(
                f"{domain}|{path}", alias.endpoint, alias.matched_values, method, query_args
            )
            raise RequestRedirect(url) from None
        except NoMatch as reason:
            if reason.have_match_for:
                raise MethodNotAllowed(valid_methods=list(reason.have_match_for)) from None
            if reason.websocket_mismatch:
                raise WebsocketMismatch from None
            raise NotFound from None
        if rule._may_redirect:
            self._redirect(rule, values, method, query_args)
        return rule, values

    def _redirect(self, rule: Rule, values: dict[str, Any], method: str, query_args: Mapping[str, Any] | str) -> None:
        """Raise the redirect that follows from a rule, if one does."""
        if self.map.redirect_defaults:
            url = self.get_default_redirect(rule, method, values, query_args)
            if url is not None:
                raise RequestRedirect(url)
        target = rule.redirect_to
        if target is None:
            return
        if isinstance(target, str):
            target = re.sub(r"<([^>]+)>", lambda found: rule._converters[found[1]].to_url(values[found[1]]), target)
        else:
            target = target(self, **values)
        root = f"{self.url_scheme or 'http'}://{self.get_host(None)}{self.script_name}"
        raise RequestRedirect(urljoin(root, target))

    def test(self, path_info: str | None = None, method: str | None = None) -> bool:
        """Return whether a rule would match, or lead to a redirect; arguments as for :meth:`match`."""
        try:
            self.match(path_info, method)
        except RequestRedirect:
            return True
        except HTTPException:
            return False
        return True

    def allowed_methods(self, path_info: str | None = None) -> Iterable[str]:
        """Return the methods that rules have for a path; none if they are for all methods, or there are none."""
        try:
            self.match(path_info, method=_NO_METHOD)
        except MethodNotAllowed as error:
            return error.valid_methods or []
        except HTTPException:
            return []
        return []

    def get_host(self, domain_part: str | None) -> str:
        """Return the host with port for a subdomain, or for a host if the map matches hosts.

        Args:
            domain_part: What :meth:`Rule.build` returned first; the adapter's own if ``None``.
        """
        if self.map.host_matching:
            return self.server_name if domain_part is None else domain_part
        subdomain = self.subdomain if domain_part is None else domain_part
        return f"{subdomain}.{self.server_name}" if subdomain else self.server_name

    def get_default_redirect(
        self,
        rule: Rule,
        method: str,
        values: MutableMapping[str, Any],
        query_args: Mapping[str, Any] | str,
    ) -> str | None:
        """Return the address that has the same arguments by being their default, if another rule has it.

        Args:
            rule: The rule that matched.
            method: The method.
            values: The arguments; receives the defaults.
            query_args: The query of the address.
        """
        for other in self.map._rules_by_endpoint[rule.endpoint]:
            # This rule and those after it come later when URLs are built, so they are not the right address.
            if other is rule:
                break
            if other.provides_defaults_for(rule) and other.suitable_for(values, method):
                values.update(other.defaults or {})
                url = other.build(values)
                if url is not None:
                    return self.make_redirect_url(url[1], query_args, domain_part=url[0])
        return None

    def encode_query_args(self, query_args: Mapping[str, Any] | str) -> str:
        """Return a query as text; text is returned as it is."""
        if isinstance(query_args, str):
            return query_args
        return encode_query(iter_multi_items(query_args))

    def make_redirect_url(
        self,
        path_info: str,
        query_args: Mapping[str, Any] | str | None = None,
        domain_part: str | None = None,
    ) -> str:
        """Return an absolute address.

        Args:
            path_info: The path below the application's root, escaped.
            query_args: The query, as text or by name; the adapter's own if ``None``.
            domain_part: The subdomain or host; the adapter's own if ``None``.
        """
        if query_args is None:
            query_args = self.query_args
        query = f"?{self.encode_query_args(query_args)}" if query_args else ""
        root = self.script_name.strip("/")
        path = f"{root}/{path_info.lstrip('/')}" if root else path_info.lstrip("/")
        return f"{self.url_scheme or 'http'}://{self.get_host(domain_part)}/{path}{query}"

    def make_alias_redirect_url(
        self,
        path: str,
        endpoint: Any,
        values: Mapping[str, Any],
        method: str,
        query_args: Mapping[str, Any] | str,
    ) -> str:
        """Return the address of an endpoint that has been reached by an alias.

        Args:
            path: What was matched, domain and path with ``|`` between them.
            endpoint: The endpoint.
            values: The arguments.
            method: The method.
            query_args: The query of the address.

        Raises:
            BuildError: The endpoint has no rule that builds this.
        """
        url = self.build(endpoint, values, method, append_unknown=False, force_external=True)
        if query_args:
            url += f"?{self.encode_query_args(query_args)}"
        return url

    def _choose(
        self, endpoint: Any, values: Mapping[str, Any], method: str | None, append_unknown: bool
    ) -> tuple[Rule, tuple[str, str]]:
        """Return the first rule that suits, and domain and path with query of its URL.

        If the map matches hosts, rules for the adapter's own host come first, and if no method is given, rules for
        its default method. Without host matching, :meth:`build` has tried those already.

        Raises:
            BuildError: There is no rule that suits.
        """
        methods: tuple[str | None, ...] = (method,)
        if method is None and self.map.host_matching:
            methods = (self.default_method, None)
        for wanted in methods:
            first = None
            for rule, url in self._suitable_urls(endpoint, values, wanted, append_unknown):
                if not self.map.host_matching or url[0] == self.server_name:
                    return rule, url
                first = first or (rule, url)
            if first is not None:
                return first
        # A copy: the caller may go on to change what build() took as it was.
        raise BuildError(endpoint, dict(values), method, self)

    def _suitable_urls(
        self, endpoint: Any, values: Mapping[str, Any], method: str | None, append_unknown: bool
    ) -> Iterator[tuple[Rule, tuple[str, str]]]:
        """Yield the rules that suit, in order, with the two parts of their URLs."""
        for rule in self.map._rules_by_endpoint.get(endpoint, ()):
            url = rule._build_if_suitable(values, method, append_unknown)
            if url is not None:
                yield rule, url

    def build(
        self,
        endpoint: Any,
        values: Mapping[str, Any] | None = None,
        method: str | None = None,
        force_external: bool = False,
        append_unknown: bool = True,
        url_scheme: str | None = None,
    ) -> str:
        """Return the URL of an endpoint.

        It is a path if that is enough for a request to the adapter's host, else an absolute address.

        Args:
            endpoint: The endpoint.
            values: Arguments by name. Those that are ``None`` are left out; a list gives several query arguments.
            method: The method. If ``None``, rules for the adapter's default method come first, then all others.
            force_external: Whether it is to be an absolute address.
            append_unknown: Whether values that the rule has no place for become query arguments.
            url_scheme: The scheme; the adapter's own if ``None``, the page's own if empty.

        Raises:
            BuildError: There is no rule that suits.
        """
        url_map = self.map
        if url_map._remap:
            url_map.update()
        # PERF: a plain dict without None, which url_for() gives, is taken as it is.
        given = values if type(values) is dict else _plain_values(values) if values else {}
        for value in given.values():
            if value is None:
                given = _plain_values(values or {})
                break
        url = None
        if not url_map.host_matching:
            # PERF: as _choose() begins, which is mostly all.
            for rule in url_map._rules_by_endpoint.get(endpoint, ()):
                url = rule._build_if_suitable(given, method or self.default_method, append_unknown)
                if url is not None:
                    break
        if url is None:
            rule, url = self._choose(endpoint, given, method, append_unknown)
        domain, path = url
        own = self.server_name if url_map.host_matching else self.subdomain
        if force_external or domain != own or rule.websocket:
            return self._make_absolute(domain, path, url_scheme, rule.websocket)
        if self.script_name == "/" and path[1:2] != "/":
            return path
        return f"{self.script_name.rstrip('/')}/{path.lstrip('/')}"

    def _make_absolute(self, domain: str, path: str, url_scheme: str | None, websocket: bool) -> str:
        """Return an absolute address; a page cannot open a WebSocket by less."""
        scheme = self.url_scheme if url_scheme is None else url_scheme
        is_secure = scheme in {"https", "wss"}
        if websocket:
            scheme = "wss:" if is_secure else "ws:"
        elif scheme:
            scheme = "https:" if is_secure else "http:"
        return f"{scheme}//{self.get_host(domain)}{self.script_name[:-1]}/{path.lstrip('/')}"
