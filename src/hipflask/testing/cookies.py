"""The cookies that a test client keeps between its requests.

What is kept and sent is what Werkzeug's client keeps and sends: domain and path are matched as in RFC 6265,
but ``Secure`` and times in the future or past are recorded, not enforced, so that a test sees each cookie
the application set. A cookie is dropped when it is deleted the way applications delete one, by ``Max-Age=0``
or by ``Expires`` at the start of 1970.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit

from hipflask.http.cookies import dump_cookie, parse_cookie
from hipflask.http.dates import parse_date

__all__ = ["Cookie", "CookieJar"]

# Where a cookie belongs when the request has no usable host name.
_DEFAULT_DOMAIN = "localhost"


@dataclass
class Cookie:
    """One cookie of a test client, as the application set it.

    Attributes:
        key: Name as it is sent.
        value: Value as it is sent, perhaps quoted.
        decoded_key: Name as ``request.cookies`` has it.
        decoded_value: Value as ``request.cookies`` has it.
        expires: Time of ``Expires``, or ``None``.
        max_age: Seconds of ``Max-Age``, or ``None``.
        domain: Host name that the cookie is sent to.
        origin_only: Whether it is kept from subdomains of *domain*.
        path: It is sent to this path and to those below it.
        secure: Whether ``Secure`` was given.
        http_only: Whether ``HttpOnly`` was given.
        same_site: Value of ``SameSite``, or ``None``.
    """

    key: str
    value: str
    decoded_key: str
    decoded_value: str
    expires: datetime | None
    max_age: int | None
    domain: str
    origin_only: bool
    path: str
    secure: bool | None
    http_only: bool | None
    same_site: str | None

    @classmethod
    def from_response_header(cls, server_name: str, path: str, header: str) -> Cookie:
        """Return the cookie of one ``Set-Cookie`` value that came from *path* on *server_name*.

        Raises:
            ValueError: The header has no name, no value that can be read, or a ``Max-Age`` that is no number.

        Source: RFC 6265, 5.2 and 5.3.
        """
        pair, *parameters = header.split(";")
        key, _, value = pair.partition("=")
        decoded = next(iter(parse_cookie(pair).items()), None)
        if decoded is None:
            raise ValueError(
                f"The response sets a cookie that no browser can send back: {pair!r}. "
                "A name is a token, and a value with spaces, quotes or semicolons has to be quoted; "
                "Response.set_cookie does both."
            )
        attributes: dict[str, str | None] = {}
        for parameter in parameters:
            name, given, text = parameter.partition("=")
            attributes[name.strip().lower()] = text.strip() if given else None
        max_age = attributes.get("max-age", "")
        return cls(
            key=key.strip(),
            value=value.strip(),
            decoded_key=decoded[0],
            decoded_value=decoded[1],
            expires=parse_date(attributes.get("expires")),
            max_age=int(max_age or 0) if "max-age" in attributes else None,
            domain=attributes.get("domain") or server_name,
            origin_only="domain" not in attributes,
            path=attributes.get("path") or path.rpartition("/")[0] or "/",
            secure="secure" in attributes,
            http_only="httponly" in attributes,
            same_site=attributes.get("samesite"),
        )

    @property
    def storage_key(self) -> tuple[str, str, str]:
        """Domain, path and name: a later cookie with the same three takes this one's place."""
        return self.domain, self.path, self.decoded_key

    @property
    def is_deletion(self) -> bool:
        """Whether the application asks by this cookie that it be forgotten."""
        return self.max_age == 0 or (self.expires is not None and self.expires.timestamp() == 0)

    def matches_request(self, server_name: str, path: str) -> bool:
        """Return whether the cookie is sent with a request for *path* on *server_name*.

        Source: RFC 6265, 5.1.3 and 5.1.4.
        """
        if server_name != self.domain and (self.origin_only or not server_name.endswith(f".{self.domain}")):
            return False
        return path == self.path or path.startswith(f"{self.path.removesuffix('/')}/")

    def to_request_header(self) -> str:
        """Return ``name=value`` for the ``Cookie`` header."""
        return f"{self.key}={self.value}"


class CookieJar(dict[tuple[str, str, str], Cookie]):
    """All cookies of one client by their ``storage_key``, in the order in which they were first set.

    Tests of extensions read ``client._cookies`` as the dict that it is in Werkzeug.
    """

    def set(self, key: str, value: str, domain: str, origin_only: bool, path: str, **options: Any) -> None:
        """Keep a cookie that the test makes up; *options* are those of ``dump_cookie``."""
        header = dump_cookie(key, value, domain=domain, path=path, **options)
        cookie = Cookie.from_response_header(domain, path or "/", header)
        cookie.origin_only = origin_only
        self._store(cookie)

    def update_from_response(self, environ: dict[str, Any], headers: Iterable[str]) -> None:
        """Keep, replace or forget cookies as the ``Set-Cookie`` values that answer *environ* say."""
        origin = _find_origin(environ)
        for header in headers:
            self._store(Cookie.from_response_header(*origin, header))

    def add_to_environ(self, environ: dict[str, Any]) -> None:
        """Make the matching cookies, and nothing else, the ``Cookie`` header of *environ*."""
        origin = _find_origin(environ)
        header = "; ".join(cookie.to_request_header() for cookie in self.values() if cookie.matches_request(*origin))
        if header:
            environ["HTTP_COOKIE"] = header
        else:
            environ.pop("HTTP_COOKIE", None)

    def _store(self, cookie: Cookie) -> None:
        if cookie.is_deletion:
            self.pop(cookie.storage_key, None)
        else:
            self[cookie.storage_key] = cookie


def _find_origin(environ: dict[str, Any]) -> tuple[str, str]:
    """Return ``(host name, path)`` of a request as cookies are matched by it; the path is percent-encoded."""
    host = environ.get("HTTP_HOST") or environ.get("SERVER_NAME") or ""
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:  # an IPv6 address without its closing bracket
        name = None
    root = environ.get("SCRIPT_NAME", "").rstrip("/")
    path = f"{root}/{environ.get('PATH_INFO', '').lstrip('/')}"
    return name or _DEFAULT_DOMAIN, quote(path.encode("latin-1", "replace"), safe="/!$&'()*+,:;=@%")
