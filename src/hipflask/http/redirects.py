"""Responses that send the client to another address."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from markupsafe import escape

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

    from hipflask.http.response import Response as ResponseType

__all__ = ["append_slash_redirect", "redirect"]

_PAGE = """\
<!doctype html>
<html lang=en>
<title>Redirecting...</title>
<h1>Redirecting...</h1>
<p>What you asked for is at <a href="{0}">{0}</a>. Your browser goes there unless it was told not to.</p>
"""


def redirect(location: str, code: int = 302, Response: type[ResponseType] | None = None) -> ResponseType:
    """Return a response that sends the client to another address.

    Args:
        location: The address, relative or absolute. It may have characters outside ASCII.
        code: Status: 301 or 308 for good, 302, 303 or 307 for now; 307 and 308 keep method and body (RFC
            9110, 15.4).
        Response: Class of the response.
    """
    if Response is None:
        from hipflask.http.response import Response as default_class

        Response = default_class
    response = Response(_PAGE.format(escape(location)), code, mimetype="text/html")
    response.headers["Location"] = location
    return response


def append_slash_redirect(environ: WSGIEnvironment, code: int = 308) -> ResponseType:
    """Return a response that sends the client to the same address with a slash at its end.

    Args:
        environ: The request's environ.
        code: Status; 308 keeps method and body.

    The address is relative, so that it is right behind a proxy that shows the application under another path.

    Differs from Werkzeug: what cannot stand in an address as it is, such as ``?`` in a path, is escaped.
    """
    path: str = environ["PATH_INFO"]
    tail = path.rpartition("/")[2] if not path.endswith("/") else ""
    last = quote(tail.encode("latin-1"), safe="!$&'()*+,:;=@")
    # A first segment with a colon would be read as a scheme (RFC 3986, 4.2).
    location = f"{last}/" if last and ":" not in last else f"./{last}/" if last else "./"
    query = environ.get("QUERY_STRING")
    if query:
        location += "?" + quote(query.encode("latin-1"), safe="!$&'()*+,/:;=?@%")
    return redirect(location, code)
