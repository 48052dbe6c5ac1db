"""Takes a request's client, scheme, host, port and prefix from what trusted proxies say about them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["ProxyFix"]

_SCHEMES = frozenset({"http", "https", "ws", "wss"})
_PORT_RE = re.compile(r"[1-9][0-9]{0,4}")
_MAX_PORT = 65535
# The end of a host with a port; the colons of an IPv6 address in brackets are none.
_PORT_END_RE = re.compile(r":([^:\]]*)\Z")
_NOT_IN_PREFIX_RE = re.compile(r"[\x00-\x1f\x7f\\]")
_CHANGED = ("REMOTE_ADDR", "wsgi.url_scheme", "HTTP_HOST", "SERVER_NAME", "SERVER_PORT", "SCRIPT_NAME")


class ProxyFix:
    """Corrects the environ of requests that come through proxies.

    A client can send these headers too, and only a proxy's own are to be believed. So each number says how many
    proxies in a row add a value to the header; the value that far from the end is taken, and a header with fewer
    values is ignored. Say 0 for a header that the proxies do not set.

    What was there before is in the environ as ``werkzeug.proxy_fix.orig``, a dict.

    Args:
        app: The application behind.
        x_for: ``X-Forwarded-For``, which sets ``REMOTE_ADDR``.
        x_proto: ``X-Forwarded-Proto``, which sets ``wsgi.url_scheme``.
        x_host: ``X-Forwarded-Host``, which sets ``HTTP_HOST``, ``SERVER_NAME`` and ``SERVER_PORT``.
        x_port: ``X-Forwarded-Port``, which sets the port of ``HTTP_HOST``, and ``SERVER_PORT``.
        x_prefix: ``X-Forwarded-Prefix``, which sets ``SCRIPT_NAME``.

    Raises:
        ValueError: One of the numbers is negative.

    Example::

        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)

    Differs from Werkzeug: what can be no scheme of HTTP, no port or no path is ignored, and prefixes begin with
    exactly one slash: these values end up in links and redirects. A host that can be none is still taken over,
    and the request refused for it.
    """

    def __init__(
        self,
        app: WSGIApplication,
        x_for: int = 1,
        x_proto: int = 1,
        x_host: int = 0,
        x_port: int = 0,
        x_prefix: int = 0,
    ) -> None:
        numbers = {"x_for": x_for, "x_proto": x_proto, "x_host": x_host, "x_port": x_port, "x_prefix": x_prefix}
        for name, number in numbers.items():
            if number < 0:
                raise ValueError(f"ProxyFix has {name}={number!r}. Pass the number of proxies that set it, or 0.")
        self.app = app
        self.x_for = x_for
        self.x_proto = x_proto
        self.x_host = x_host
        self.x_port = x_port
        self.x_prefix = x_prefix

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Call the application with a corrected environ."""
        get = environ.get
        environ["werkzeug.proxy_fix.orig"] = {key: get(key) for key in _CHANGED}
        client = _trusted(self.x_for, get("HTTP_X_FORWARDED_FOR"))
        if client:
            environ["REMOTE_ADDR"] = client
        scheme = _trusted(self.x_proto, get("HTTP_X_FORWARDED_PROTO")).lower()
        if scheme in _SCHEMES:
            environ["wsgi.url_scheme"] = scheme
        _set_host(environ, _trusted(self.x_host, get("HTTP_X_FORWARDED_HOST")))
        _set_port(environ, _trusted(self.x_port, get("HTTP_X_FORWARDED_PORT")))
        prefix = _trusted(self.x_prefix, get("HTTP_X_FORWARDED_PREFIX"))
        if prefix and not _NOT_IN_PREFIX_RE.search(prefix):
            environ["SCRIPT_NAME"] = "/" + prefix.lstrip("/")
        return self.app(environ, start_response)


def _trusted(proxies: int, value: str | None) -> str:
    """Return the value that the first of some proxies has added to a header, "" if there are fewer values."""
    if not proxies or not value:
        return ""
    if "," not in value and '"' not in value:  # PERF: the usual case, without a parser
        return value.strip() if proxies == 1 else ""
    from hipflask.http.quoting import parse_list_header

    values = parse_list_header(value)
    return values[-proxies] if len(values) >= proxies else ""


def _set_host(environ: WSGIEnvironment, host: str) -> None:
    """Set the host, and the port if the host has one."""
    if not host:
        return
    environ["HTTP_HOST"] = host
    end = _PORT_END_RE.search(host)
    if end is None:
        environ["SERVER_NAME"] = host
    else:
        environ["SERVER_NAME"] = host[: end.start()]
        environ["SERVER_PORT"] = end[1]


def _set_port(environ: WSGIEnvironment, port: str) -> None:
    """Set the port, also that of the ``Host`` header if there is one."""
    if not _PORT_RE.fullmatch(port) or int(port) > _MAX_PORT:
        return
    environ["SERVER_PORT"] = port
    host = environ.get("HTTP_HOST")
    if host:
        environ["HTTP_HOST"] = f"{_PORT_END_RE.sub('', host)}:{port}"
