"""URLs of an application: adapters for requests, and ``url_for``."""

from __future__ import annotations

import typing as t
from urllib.parse import quote

from hipflask.globals import _cv_app, _cv_request
from hipflask.http.exceptions import BadHost
from hipflask.http.head import WsgiHead
from hipflask.originals import ORIGINALS
from hipflask.routing.exceptions import BuildError
from hipflask.routing.map import Map

if t.TYPE_CHECKING:
    from hipflask.app import Flask
    from hipflask.http.head import Head
    from hipflask.routing.adapter import MapAdapter
    from hipflask.routing.rules import Rule
    from hipflask.wrappers import Request

__all__ = ["BuildOptions", "build_url", "create_url_adapter", "find_plainly"]

# Host headers found acceptable; the bound keeps a client that invents hosts from filling the memory.
KNOWN_HOSTS_LIMIT = 256
_known_hosts: set[str | None] = set()


#: How a URL is to be built: anchor, method, scheme and external of :meth:`hipflask.Flask.url_for`.
BuildOptions = tuple[str | None, str | None, str | None, bool | None]


def _is_acceptable(host: str | None) -> bool:
    """Return whether a Host header may be answered at all; no header, or an empty one, may.

    Underscores are let through: container networks use them, though RFC 952 does not have them.
    """
    if not host:
        return True
    from hipflask.http.host import get_host

    return get_host("http", host.replace("_", "-")) != ""


def find_plainly(app: Flask, head: Head) -> tuple[Rule, dict[str, t.Any]] | None:
    """Return the rule and its arguments where path and method alone decide: no host or subdomain, no WebSocket.

    Args:
        app: The application.
        head: Head of the request.

    Returns:
        ``None`` if an adapter is to be asked: more decides, no rule matches, or there is a redirect.
    """
    if type(head) is WsgiHead:
        environ = head.environ
        # A mounted application that is asked without a path redirects to its root, so that relative URLs work.
        if "HTTP_UPGRADE" in environ or not environ.get("PATH_INFO"):
            return None
        host = environ.get("HTTP_HOST")
    else:
        if head.get_header("upgrade") is not None or not head.path_info:
            return None
        host = head.get_header("host")
    url_map = app.url_map
    if (
        (host in _known_hosts or _learn_host(host))
        and app.config["TRUSTED_HOSTS"] is None
        and (url_map is app._plain_map or _is_plain_map(app))
        # PERF: originals.is_original, written out: every request passes here.
        and getattr(app.create_url_adapter, "__func__", None) is ORIGINALS["create_url_adapter"]
    ):
        return url_map.find(head.path, head.method, url_map.default_subdomain)
    return None


def _learn_host(host: str | None) -> bool:
    """Return whether a Host header is acceptable, and remember it if so."""
    if not _is_acceptable(host):
        return False
    if len(_known_hosts) < KNOWN_HOSTS_LIMIT:
        _known_hosts.add(host)
    return True


def _is_plain_map(app: Flask) -> bool:
    """Return whether neither host nor subdomain has a part in matching; a yes is remembered for the map."""
    url_map = app.url_map
    if app.subdomain_matching or url_map.host_matching or type(url_map).bind_to_environ is not Map.bind_to_environ:
        return False
    app._plain_map = url_map
    return True


def create_url_adapter(app: Flask, request: Request | None) -> MapAdapter | None:
    """Return the adapter of *request*, or of the configured server name.

    Args:
        app: The application.
        request: Request to match; ``None`` outside of one.

    Raises:
        BadHost: The request's host is not valid (status 400; Flask goes on with an empty host).
        SecurityError: It is not one of ``TRUSTED_HOSTS`` (status 400).
    """
    config = app.config
    if request is not None:
        if config["TRUSTED_HOSTS"] is not None:
            request.trusted_hosts = config["TRUSTED_HOSTS"]
        # The host raises if it is not trusted.
        if not request.host and not _is_acceptable(request._head.get_header("host")):
            raise BadHost("The Host header of the request is not a valid host.")
        url_map = app.url_map
        server_name = None if url_map.host_matching else config["SERVER_NAME"]
        subdomain = None
        if not url_map.host_matching and not app.subdomain_matching:
            subdomain = url_map.default_subdomain or ""
        return url_map.bind_to_environ(request.environ, server_name=server_name, subdomain=subdomain)
    if config["SERVER_NAME"] is None:
        return None
    return app.url_map.bind(
        config["SERVER_NAME"],
        script_name=config["APPLICATION_ROOT"],
        url_scheme=config["PREFERRED_URL_SCHEME"],
    )


def build_url(app: Flask, endpoint: str, values: dict[str, t.Any], options: BuildOptions) -> str:
    """Return the URL of an endpoint; see :meth:`hipflask.Flask.url_for`.

    Args:
        app: The application.
        endpoint: Name of the endpoint.
        values: Values of the variable parts and of the query; may be changed.
        options: How to build it.

    Raises:
        BuildError: No rule fits.
        RuntimeError: There is no request and no ``SERVER_NAME``.
        ValueError: A scheme was given for a URL that is not to be absolute.
    """
    anchor, method, scheme, external = options
    adapter: MapAdapter | None
    request_context = _cv_request.get(None)
    has_request = request_context is not None
    if request_context is not None:
        adapter = request_context.url_adapter
        if endpoint[:1] == ".":
            blueprint = request_context.request.blueprint
            endpoint = endpoint[1:] if blueprint is None else blueprint + endpoint
    else:
        app_context = _cv_app.get(None)
        adapter = app.create_url_adapter(None) if app_context is None else app_context.url_adapter
    if adapter is None:
        raise RuntimeError(
            f"The URL of the endpoint {endpoint!r} cannot be built: there is no request to take the host from. Set "
            "SERVER_NAME (and APPLICATION_ROOT, PREFERRED_URL_SCHEME), or build it inside a request."
        )
    if external is None:
        external = scheme is not None if has_request else True
    if scheme is not None and not external:
        raise ValueError(f"_scheme={scheme!r} makes the URL absolute, but _external is False. Leave one of them out.")
    app.inject_url_defaults(endpoint, values)
    try:
        url = adapter.build(endpoint, values, method=method, url_scheme=scheme, force_external=external)
    except BuildError as error:
        values.update(_anchor=anchor, _method=method, _scheme=scheme, _external=external)
        return app.handle_url_build_error(error, endpoint, values)
    if anchor is not None:
        # PERF: a word needs no quoting, and most anchors are one.
        if type(anchor) is str and anchor.isalnum() and anchor.isascii():
            return f"{url}#{anchor}"
        url = f"{url}#{quote(anchor, safe='%!#$&()*+,/:;=?@' + chr(39))}"
    return url
