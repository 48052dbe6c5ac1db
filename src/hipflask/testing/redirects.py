"""What a client does with a redirect: the request that follows from it, and the end of a chain of them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from hipflask.testing.builder import EnvironBuilder
from hipflask.testing.response import TestResponse

__all__ = ["REDIRECTS", "ClientRedirectError", "RedirectChain", "check_redirect", "make_next_builder"]

#: Statuses whose Location is a page to go to instead (RFC 9110, 15.4; 305 is deprecated, and followed as Werkzeug
#: follows it).
REDIRECTS = frozenset((301, 302, 303, 305, 307, 308))

# With these, method and body are repeated at the new place (RFC 9110, 15.4.8 and 15.4.9).
_REPEATING_REDIRECTS = frozenset((307, 308))

_BODY_HEADERS = ("Content-Type", "Content-Length", "Transfer-Encoding")


class ClientRedirectError(Exception):
    """Following redirects led back to a redirect that had been followed already."""


class RedirectChain:
    """The redirects that were followed so far.

    Attributes:
        responses: They themselves, oldest first.
    """

    def __init__(self) -> None:
        self.responses: list[TestResponse] = []
        self._followed: set[tuple[str | None, int]] = set()

    def add(self, response: TestResponse) -> None:
        """Take note of a redirect that is to be followed, and give it its history.

        Raises:
            ClientRedirectError: It was followed already.
        """
        redirect = (response.location, response.status_code)
        if redirect in self._followed:
            raise ClientRedirectError(
                f"The redirects are a circle: status {redirect[1]} to {redirect[0]!r} came twice. "
                "Look at the view behind that URL, or leave out follow_redirects to see the response."
            )
        self._followed.add(redirect)
        response.history = tuple(self.responses)
        self.responses.append(response)


def check_redirect(response: TestResponse) -> None:
    """Raise an AssertionError that tells what came instead, if a response is no redirect."""
    if response.status_code not in REDIRECTS:
        request = response.request
        raise AssertionError(
            f"{request.method} {request.path} was answered by {response.status}, which is no redirect to follow."
        )


def make_next_builder(response: TestResponse, allow_subdomains: bool) -> EnvironBuilder:
    """Return a builder for the request that a redirect asks for.

    The method becomes ``GET`` and the body is left out, except for 307 and 308; ``HEAD`` stays ``HEAD``.

    Args:
        response: The redirect.
        allow_subdomains: It may lead to a subdomain of the host that was asked.

    Raises:
        RuntimeError: The redirect leads to a host that it may not lead to.
        TypeError: It has no ``Location``.
    """
    url = urlsplit(_read_location(response))
    builder = EnvironBuilder.from_environ(response.request.environ, query_string=url.query)
    if url.netloc:
        _check_host(builder.server_name, url.netloc, allow_subdomains)
        builder.url_scheme = url.scheme or builder.url_scheme
        builder.host = url.netloc
    root = builder.script_root
    if url.path == root or url.path.startswith(f"{root}/"):
        builder.path = url.path[len(root) :]
    else:
        builder.path = url.path
        builder.script_root = ""
    builder.request_uri = url.path
    if response.status_code not in _REPEATING_REDIRECTS:
        _drop_body(builder)
    return builder


def _check_host(asked: str, netloc: str, allow_subdomains: bool) -> None:
    """Raise unless a redirect from host *asked* to *netloc* may be followed."""
    target = netloc.partition(":")[0].lower()
    if netloc.startswith("["):
        target = netloc.partition("]")[0].lower() + "]"
    asked = asked.lower()
    if target == asked:
        return
    if not target.endswith(f".{asked}"):
        raise RuntimeError(
            f"A redirect leads from {asked!r} to another host, {netloc!r}, which the client cannot ask. "
            "Call open() without follow_redirects and look at response.location."
        )
    if not allow_subdomains:
        raise RuntimeError(
            f"A redirect leads from {asked!r} to its subdomain {netloc!r}. "
            "Make the client with allow_subdomain_redirects=True to follow it."
        )


def _read_location(response: TestResponse) -> str:
    location: str | None = response.location
    if location is None:
        raise TypeError(
            f"{response!r} is a redirect without a Location header, so there is nothing to follow. "
            "Give the response a Location, or another status."
        )
    return location


def _drop_body(builder: EnvironBuilder) -> None:
    """Make *builder* a request without body, as browsers send after 301, 302 and 303."""
    if builder.method != "HEAD":
        builder.method = "GET"
    stream: Any = builder.input_stream  # never None: the builder was made from an environ
    stream.close()
    builder.input_stream = None
    for name in _BODY_HEADERS:
        builder.headers.pop(name, None)
