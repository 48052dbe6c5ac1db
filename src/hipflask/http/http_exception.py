"""The exception that is an answer: the base class of everything in :mod:`hipflask.http.exceptions`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from hipflask.http.status import HTTP_STATUS_CODES

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

    from hipflask.http.base_response import BaseResponse
    from hipflask.http.request import Request
    from hipflask.http.response import Response

__all__ = ["HTTPException"]

_BREAK = Markup("<br>")
_PAGE = "<!doctype html>\n<html lang=en>\n<title>{code} {name}</title>\n<h1>{name}</h1>\n{description}\n"


class HTTPException(Exception):
    """An error with an HTTP status, raised to answer the request at once.

    Args:
        description: What went wrong, for the client. The class's own ``description`` if left out.
        response: A finished response to send instead of the one that would be made.
    """

    code: int | None = None
    description: str | None = None

    def __init__(self, description: str | None = None, response: BaseResponse | None = None) -> None:
        super().__init__()
        if description is not None:
            self.description = description
        self.response = response

    @property
    def name(self) -> str:
        """The reason phrase of the status code, ``"Unknown Error"`` for a code without one."""
        return HTTP_STATUS_CODES.get(self.code or 0, "Unknown Error")

    def get_description(self, environ: WSGIEnvironment | None = None, scope: dict[str, Any] | None = None) -> str:
        """Return the description as an HTML paragraph, escaped, with ``<br>`` for line ends."""
        description = "" if self.description is None else self.description
        return f"<p>{escape(description).replace(chr(10), _BREAK)}</p>"

    def get_body(self, environ: WSGIEnvironment | None = None, scope: dict[str, Any] | None = None) -> str:
        """Return the page to show: status, name and description as a small HTML document."""
        return _PAGE.format(code=self.code, name=escape(self.name), description=self.get_description(environ, scope))

    def get_headers(
        self, environ: WSGIEnvironment | None = None, scope: dict[str, Any] | None = None
    ) -> list[tuple[str, str]]:
        """Return the header fields of the response as name and value pairs, a new list each time."""
        return [("Content-Type", "text/html; charset=utf-8")]

    def get_response(
        self,
        environ: WSGIEnvironment | Request | None = None,
        scope: dict[str, Any] | None = None,
    ) -> Response | BaseResponse:
        """Return the response to send: the one given to the constructor, else one made from this error.

        Args:
            environ: The request's WSGI environ, or a request that has one; handed on to the other methods.
            scope: The request's ASGI scope, handed on likewise.
        """
        if self.response is not None:
            return self.response
        from hipflask.http.response import Response

        known: Any = environ if environ is None or isinstance(environ, dict) else environ.environ
        headers = self.get_headers(known, scope)
        return Response(self.get_body(known, scope), self.code, headers)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer as a WSGI application."""
        response: Any = self.get_response(environ)  # a response without WSGI is not callable: TypeError
        answer: Iterable[bytes] = response(environ, start_response)
        return answer

    def __str__(self) -> str:
        code = "???" if self.code is None else self.code
        return f"{code} {self.name}: {self.description}"

    def __repr__(self) -> str:
        code = "???" if self.code is None else self.code
        return f"<{type(self).__name__} '{code}: {self.name}'>"
