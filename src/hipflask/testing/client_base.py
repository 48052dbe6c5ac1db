"""What every test client has, however it sends: its application, its cookies, its class of responses."""

from __future__ import annotations

from typing import Any

from hipflask.testing.cookies import Cookie, CookieJar
from hipflask.testing.multipart import BodyFile
from hipflask.testing.response import TestResponse

__all__ = ["ClientBase", "close_body", "make_response_class"]


class ClientBase:
    """Knows the application and keeps its cookies; a subclass sends.

    Args:
        application: What requests are sent to.
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
        self.response_wrapper = make_response_class(response_wrapper)
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

    def _get_jar(self) -> CookieJar:
        if self._cookies is None:
            raise TypeError(
                # Tests of Flask look for the first sentence.
                f"Cookies are disabled. {self!r} was made with use_cookies=False; make it with use_cookies=True."
            )
        return self._cookies


def close_body(environ: dict[str, Any]) -> None:
    """Close the body of a request that failed, if it is a temporary file of ours; a stream of the test's stays open."""
    stream = environ["wsgi.input"]
    if isinstance(stream, BodyFile):
        stream.close()


def make_response_class(wrapper: type[Any] | None, base: type[Any] = TestResponse) -> type[Any]:
    """Return a class that is a *base*, by default a :class:`TestResponse`, and a *wrapper*."""
    if wrapper is None or wrapper is base:
        return base
    if issubclass(wrapper, base):
        return wrapper
    return type(f"Wrapper{base.__name__}", (base, wrapper), {})
