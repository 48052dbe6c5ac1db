"""A client that calls a WSGI application directly: requests, cookies, redirects."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hipflask.http.datastructures import Headers
from hipflask.http.request import Request
from hipflask.testing.builder import EnvironBuilder
from hipflask.testing.client_base import ClientBase, close_body
from hipflask.testing.redirects import REDIRECTS, ClientRedirectError, RedirectChain, check_redirect, make_next_builder
from hipflask.testing.response import TestResponse
from hipflask.testing.wsgi_run import run_wsgi_app

__all__ = ["Client", "ClientRedirectError"]


class Client(ClientBase):
    """Sends requests to a WSGI application in this process, and keeps its cookies between them.

    Args:
        application: Any WSGI callable.
        response_wrapper: Class that responses shall also be an instance of, besides
            :class:`~hipflask.testing.response.TestResponse`.
        use_cookies: Keep cookies and send them back.
        allow_subdomain_redirects: Follow redirects to subdomains of the host that was asked.
    """

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
        return self.open(make_next_builder(response, self.allow_subdomain_redirects), buffered=buffered)

    def follow(self, response: TestResponse, buffered: bool = False) -> TestResponse:
        """Go where a redirect leads, as ``follow_redirects=True`` does, after having looked at it.

        ::

            response = client.post("/login", data=form)
            assert response.location == "/profile"
            page = client.follow(response)

        Args:
            response: A redirect that this client got.
            buffered: Read the last body and close the response before returning it.

        Returns:
            What is at the end of the chain; the redirects are its ``history``.

        Raises:
            AssertionError: *response* is no redirect.
            ClientRedirectError: The redirects are a circle.
            RuntimeError: A redirect leads to another host.
        """
        check_redirect(response)
        return self._follow_redirects(response, buffered)

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
        try:
            answer = self.run_wsgi_app(request.environ, buffered=buffered)
        except BaseException:
            # The error's traceback holds the body for as long as somebody looks at it; a temporary file need not wait.
            close_body(request.environ)
            raise
        response: TestResponse = self.response_wrapper(*answer, request=request)
        return response

    def _follow_redirects(self, response: TestResponse, buffered: bool) -> TestResponse:
        """Return the response at the end of a chain of redirects, with the chain as its history."""
        chain = RedirectChain()
        while response.status_code in REDIRECTS:
            # The application's teardown happens before the next request, as it does with a browser.
            response.make_sequence()
            response.close()
            chain.add(response)
            response = self.resolve_redirect(response, buffered=buffered)
        response.history = tuple(chain.responses)
        return response
