"""What routing raises: redirects and errors that are answers, and signals between matcher and adapter."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from hipflask.http.exceptions import BadRequest, HTTPException

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping
    from wsgiref.types import WSGIEnvironment

    from hipflask.http.base_request import BaseRequest
    from hipflask.http.base_response import BaseResponse
    from hipflask.http.response import Response
    from hipflask.routing.adapter import MapAdapter
    from hipflask.routing.rules import Rule

__all__ = [
    "BuildError",
    "NoMatch",
    "RequestAliasRedirect",
    "RequestPath",
    "RequestRedirect",
    "RoutingException",
    "WebsocketMismatch",
]


class RoutingException(Exception):
    """The base class of what the routing raises about one request or one URL."""


class RequestRedirect(HTTPException, RoutingException):
    """308: the resource is at another address. Method and body stay the same (RFC 9110, 15.4.9).

    Args:
        new_url: The absolute address to go to.
    """

    code = 308

    def __init__(self, new_url: str) -> None:
        super().__init__(new_url)
        self.new_url = new_url

    def get_response(
        self,
        environ: WSGIEnvironment | BaseRequest | None = None,
        scope: dict[str, Any] | None = None,
    ) -> Response | BaseResponse:
        """Return the redirect as a response."""
        from hipflask.http.redirects import redirect

        return redirect(self.new_url, self.code)


class RequestPath(RoutingException):
    """The matcher's word that another spelling of the path would match.

    Args:
        path_info: That spelling, decoded.
    """

    __slots__ = ("path_info",)

    def __init__(self, path_info: str) -> None:
        super().__init__()
        self.path_info = path_info


class RequestAliasRedirect(RoutingException):
    """The matcher's word that a rule matched which is an alias of its endpoint's own URL.

    Args:
        matched_values: The arguments found, defaults included.
        endpoint: The endpoint of the rule.
    """

    def __init__(self, matched_values: MutableMapping[str, Any], endpoint: Any) -> None:
        super().__init__()
        self.matched_values = matched_values
        self.endpoint = endpoint


class BuildError(RoutingException, LookupError):
    """No rule makes a URL of this endpoint, these values and this method.

    Args:
        endpoint: The endpoint asked for.
        values: The values given, those that are ``None`` left out.
        method: The method asked for, if any.
        adapter: Where to look for a rule that may have been meant.
    """

    def __init__(
        self,
        endpoint: Any,
        values: Mapping[str, Any],
        method: str | None,
        adapter: MapAdapter | None = None,
    ) -> None:
        super().__init__(endpoint, values, method)
        self.endpoint = endpoint
        self.values = values
        self.method = method
        self.adapter = adapter

    @cached_property
    def suggested(self) -> Rule | None:
        """The rule that was most likely meant; looked for on first use."""
        return self.closest_rule(self.adapter)

    def closest_rule(self, adapter: MapAdapter | None) -> Rule | None:
        """Return the rule of the adapter's map whose endpoint is spelled most alike.

        Among equals, one that has all the values given comes first, then one that has the method.
        """
        rules = list(adapter.map.iter_rules()) if adapter is not None else []
        if not rules:
            return None
        from difflib import SequenceMatcher

        matcher = SequenceMatcher(b=str(self.endpoint))
        ratios: dict[str, float] = {}
        given = set(self.values or ())

        def likeness(rule: Rule) -> tuple[float, bool, bool]:
            name = str(rule.endpoint)
            if name not in ratios:
                matcher.set_seq1(name)
                ratios[name] = matcher.ratio()
            has_method = bool(rule.methods and self.method in rule.methods)
            return ratios[name], given <= rule.arguments, has_method

        return max(rules, key=likeness)

    def __str__(self) -> str:
        message = f"Could not build url for endpoint {self.endpoint!r}"
        if self.method:
            message += f" ({self.method!r})"
        if self.values:
            message += f" with values {sorted(self.values)!r}"
        return f"{message}.{self._advice()}"

    def _advice(self) -> str:
        """Return what may be done about it, with a leading space, or an empty string."""
        rule = self.suggested
        if rule is None:
            return ""
        if rule.endpoint != self.endpoint:
            return f" Did you mean {rule.endpoint!r} instead?"
        advice = ""
        if self.method and rule.methods is not None and self.method not in rule.methods:
            advice = f" Did you mean to use methods {sorted(rule.methods)!r}?"
        missing = rule.arguments.difference(rule.defaults or ()).difference(self.values)
        if missing:
            advice += f" Did you forget to specify values {sorted(missing)!r}?"
        return advice


class WebsocketMismatch(BadRequest):
    """400: a WebSocket handshake for an address of HTTP, or the other way round."""

    description = "This address and this request do not go together: one of them is for a WebSocket, the other is not."


class NoMatch(Exception):
    """The matcher's word that no rule fits.

    Args:
        have_match_for: Methods with which the path would have matched.
        websocket_mismatch: Whether a rule fits but for being or not being a WebSocket rule.
    """

    __slots__ = ("have_match_for", "websocket_mismatch")

    def __init__(self, have_match_for: set[str], websocket_mismatch: bool) -> None:
        self.have_match_for = have_match_for
        self.websocket_mismatch = websocket_mismatch
