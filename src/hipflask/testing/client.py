"""A client that calls a WSGI application directly: requests, cookies, redirects."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from hipflask.http.datastructures import Headers
from hipflask.http.request import Request
from hipflask.testing.builder import EnvironBuilder
from hipflask.testing.cookies import Cookie, CookieJar
from hipflask.testing.response import TestResponse
from hipflask.testing.wsgi_run import run_wsgi_app

__all__ = ["Client", "ClientRedirectError"]

# Statuses whose Location is a page to go to instead (RFC 9110, 15.4; 305 is deprecated, and followed as
# Werkzeug follows it).
_REDIRECTS = frozenset((301, 302, 303, 305, 307, 308))

# With these, method and body are repeated at the new place (RFC 9110, 15.4.8 and 15.4.9).
_REPEATING_REDIRECTS = frozenset((307, 308))

_BODY_HEADERS = ("Content-Type", "Content-Length", "Transfer-Encoding")


class ClientRedirectError(Exception):
    """Following redirects led back to a redirect that had been followed already."""


class Client:
    """Sends requests to a WSGI application in this process, and keeps its cookies between them.

    Args:
        application: Any WSGI callable.
        response_wrapper: Class that responses shall also be an instance of, besides
            :class:`~hipflask.testing.response.TestResponse`.
        use_cookies: Keep cookies and send them back.
        allow_subdomain_redirects: Follow redirects to subdomains of the host that was asked.
    """

    def __init__(
        self,
        application: Any,
        response_wrapper: type[Any] | None = None,
        use_cookies: bool = True,
        allow_subdomain_redirects: bool = False,
    ) -> None:
        self.application = application
        self.response_wrapper = _make_response_class(response_wrapper)
        self.allow_subdomain_redirects = allow_subdomain_redirects
        self._cookies = CookieJar() if use_cookies else None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.application!r}>"

    def get_cookie(self, key: str, domain: str = "localhost", path: str = "/") -> Cookie | None:
        """Return the cookie with this decoded name, domain and path, or ``None``.

        Raises:
            TypeError: The client was made with ``use_cookies=False``.
        """
        return self._get_jar().get((domain, path, key))

    def set_cookie(
        self,
        key: str,
        value: str = "",
        *,
        domain: str = "localhost",
        origin_only: bool = True,
        path: str = "/",
        **kwargs: Any,
    ) -> None:
        """Keep a cookie as if the application had set it.

        Args:
            key: Name.
            value: Value, not yet quoted.
            domain: Host name that it is sent to.
            origin_only: Keep it from subdomains of *domain*.
            path: It is sent to this path and to those below it.
            **kwargs: Further arguments of ``dump_cookie``, such as ``max_age`` or ``secure``.

        Raises:
            TypeError: The client was made with ``use_cookies=False``.
        """
        self._get_jar().set(key, value, domain, origin_only, path, **kwargs)

    def delete_cookie(self, key: str, *, domain: str = "localhost", path: str = "/") -> None:
        """Forget a cookie, if it is there.

        Raises:
            TypeError: The client was made with ``use_cookies=False``.
        """
        self._get_jar().pop((domain, path, key), None)

    def open(self, *args: Any, buffered: bool = False, follow_redirects: bool = False, **kwargs: Any) -> TestResponse:
        """Send a request and return the response.

        Args:
            *args: The arguments of :class:`~hipflask.testing.builder.EnvironBuilder`; or nothing else than
                one such builder, one WSGI environ, or one request.
            buffered: Read the body and close the response before returning it.
            follow_redirects: Go where redirects lead, and return what is there; the redirects are the
                response's ``history``.
            **kwargs: The arguments of the builder by name.

        Raises:
            ClientRedirectError: The redirects are a circle.
            RuntimeError: A redirect leads to another host.
        """
        return self._exchange(self._make_request(args, kwargs), buffered, follow_redirects)

    def get(self, *args: Any, **kw: Any) -> TestResponse:
        """Send a ``GET`` request; arguments are those of :meth:`open`."""
        return self._open_with_method("GET", args, kw)

    def post(self, *args: Any, **kw: Any) -> TestResponse:
        """Send a ``POST`` request; arguments are those of :meth:`open`."""
        return self._open_with_method("POST", args, kw)

    def put(self, *args: Any, **kw: Any) -> TestResponse:
        """Send a ``PUT`` request; arguments are those of :meth:`open`."""
        return self._open_with_method("PUT", args, kw)

    def patch(self, *args: Any, **kw: Any) -> TestResponse:
        """Send a ``PATCH`` request; arguments are those of :meth:`open`."""
        return self._open_with_method("PATCH", args, kw)

    def delete(self, *args: Any, **kw: Any) -> TestResponse:
        """Send a ``DELETE`` request; arguments are those of :meth:`open`."""
        return self._open_with_method("DELETE", args, kw)

    def head(self, *args: Any, **kw: Any) -> TestResponse:
        """Send a ``HEAD`` request; arguments are those of :meth:`open`."""
        return self._open_with_method("HEAD", args, kw)

    def options(self, *args: Any, **kw: Any) -> TestResponse:
        """Send an ``OPTIONS`` request; arguments are those of :meth:`open`."""
        return self._open_with_method("OPTIONS", args, kw)

    def trace(self, *args: Any, **kw: Any) -> TestResponse:
        """Send a ``TRACE`` request; arguments are those of :meth:`open`."""
        return self._open_with_method("TRACE", args, kw)

    def run_wsgi_app(self, environ: dict[str, Any], buffered: bool = False) -> tuple[Iterable[bytes], str, Headers]:
        """Call the application once, with the client's cookies in *environ*, and keep those it sets.

        Returns:
            ``(body, status, headers)``, see :func:`~hipflask.testing.wsgi_run.run_wsgi_app`.
        """
        jar = self._cookies
        if jar is None:
            return run_wsgi_app(self.application, environ, buffered=buffered)
        jar.add_to_environ(environ)
        answer = run_wsgi_app(self.application, environ, buffered=buffered)
        jar.update_from_response(environ, answer[2].getlist("Set-Cookie"))
        return answer

    def resolve_redirect(self, response: TestResponse, buffered: bool = False) -> TestResponse:
        """Send the request that a redirect asks for, and return its response.

        The method becomes ``GET`` and the body is left out, except for 307 and 308; ``HEAD`` stays ``HEAD``.

        Raises:
            RuntimeError: The redirect leads to another host, or to a subdomain without
                ``allow_subdomain_redirects``.
        """
        location = _read_location(response)
        url = urlsplit(location)
        builder = EnvironBuilder.from_environ(response.request.environ, query_string=url.query)
        if url.netloc:
            self._check_redirect_host(builder.server_name, url.netloc)
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
        return self.open(builder, buffered=buffered)

    def _open_with_method(self, method: str, args: tuple[Any, ...], kw: dict[str, Any]) -> TestResponse:
        kw["method"] = method
        return self.open(*args, **kw)

    def _make_request(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return the request that the arguments of :meth:`open` stand for."""
        if len(args) == 1 and not kwargs:
            source = args[0]
            if isinstance(source, EnvironBuilder):
                return source.get_request()
            if isinstance(source, dict):
                return EnvironBuilder.from_environ(source).get_request()
            if isinstance(source, Request):
                return source
        builder = EnvironBuilder(*args, **kwargs)
        try:
            return builder.get_request()
        finally:
            builder.close()

    def _exchange(self, request: Any, buffered: bool, follow_redirects: bool) -> TestResponse:
        response = self._send(request, buffered)
        return self._follow_redirects(response, buffered) if follow_redirects else response

    def _send(self, request: Any, buffered: bool) -> TestResponse:
        answer = self.run_wsgi_app(request.environ, buffered=buffered)
        response: TestResponse = self.response_wrapper(*answer, request=request)
        return response

    def _follow_redirects(self, response: TestResponse, buffered: bool) -> TestResponse:
        """Return the response at the end of a chain of redirects, with the chain as its history."""
        history: list[TestResponse] = []
        followed: set[tuple[str | None, int]] = set()
        while response.status_code in _REDIRECTS:
            # The application's teardown happens before the next request, as it does with a browser.
            response.make_sequence()
            response.close()
            redirect = (response.location, response.status_code)
            if redirect in followed:
                raise ClientRedirectError(
                    f"The redirects are a circle: status {redirect[1]} to {redirect[0]!r} came twice. "
                    "Look at the view behind that URL, or leave out follow_redirects to see the response."
                )
            followed.add(redirect)
            response.history = tuple(history)
            history.append(response)
            response = self.resolve_redirect(response, buffered=buffered)
        response.history = tuple(history)
        return response

    def _check_redirect_host(self, asked: str, netloc: str) -> None:
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
        if not self.allow_subdomain_redirects:
            raise RuntimeError(
                f"A redirect leads from {asked!r} to its subdomain {netloc!r}. "
                "Make the client with allow_subdomain_redirects=True to follow it."
            )

    def _get_jar(self) -> CookieJar:
        if self._cookies is None:
            raise TypeError(
                # Tests of Flask look for the first sentence.
                f"Cookies are disabled. {self!r} was made with use_cookies=False; make it with use_cookies=True."
            )
        return self._cookies


def _make_response_class(wrapper: type[Any] | None) -> type[Any]:
    """Return a class that is a :class:`TestResponse` and a *wrapper*."""
    if wrapper is None or wrapper is TestResponse:
        return TestResponse
    if issubclass(wrapper, TestResponse):
        return wrapper
    return type("WrapperTestResponse", (TestResponse, wrapper), {})


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
