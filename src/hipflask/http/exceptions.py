"""Errors that are answers: one exception class for each HTTP status a server may refuse a request with.

Raise one of them in a view, or call :func:`abort` with a status code; each is a small WSGI application of its
own, too. Names and behaviour are those of ``werkzeug.exceptions`` 3.1; the descriptions are hipflask's.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NoReturn

from hipflask.http.http_exception import HTTPException

if TYPE_CHECKING:
    from datetime import datetime
    from wsgiref.types import WSGIEnvironment

    from hipflask.http.base_response import BaseResponse
    from hipflask.http.datastructures.auth import WWWAuthenticate

__all__ = [
    "Aborter",
    "BadGateway",
    "BadHost",
    "BadRequest",
    "BadRequestKeyError",
    "ClientDisconnected",
    "Conflict",
    "ExpectationFailed",
    "FailedDependency",
    "Forbidden",
    "GatewayTimeout",
    "Gone",
    "HTTPException",
    "HTTPVersionNotSupported",
    "ImATeapot",
    "InternalServerError",
    "LengthRequired",
    "Locked",
    "MethodNotAllowed",
    "MisdirectedRequest",
    "NotAcceptable",
    "NotFound",
    "NotImplemented",
    "PreconditionFailed",
    "PreconditionRequired",
    "RequestEntityTooLarge",
    "RequestHeaderFieldsTooLarge",
    "RequestTimeout",
    "RequestURITooLarge",
    "RequestedRangeNotSatisfiable",
    "SecurityError",
    "ServiceUnavailable",
    "TooManyRequests",
    "Unauthorized",
    "UnavailableForLegalReasons",
    "UnprocessableEntity",
    "UnsupportedMediaType",
    "abort",
    "default_exceptions",
]


class BadRequest(HTTPException):
    """400: the server cannot make sense of the request."""

    code = 400
    description = "This request is malformed, and the server could not work out what it asks for."


class BadRequestKeyError(BadRequest, KeyError):
    """400 for a missing key of the request's data, such as a form field; also a :exc:`KeyError`.

    Args:
        arg: The key that is missing.
        args: As for :class:`HTTPException`.
        kwargs: As for :class:`HTTPException`.
    """

    _description: str | None = BadRequest.description

    #: Whether the description names the key. Off by default: a key may tell a client more than it should
    #: know.
    show_exception = False

    def __init__(self, arg: object = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if arg is not None:
            self.args = (arg,)

    @property  # type: ignore[override]  # an attribute of the base class, computed here
    def description(self) -> str | None:
        """The text for the client, followed by the missing key if :attr:`show_exception` is set."""
        if not self.show_exception:
            return self._description
        return f"{self._description}\nKeyError: {', '.join(map(repr, self.args))}"

    @description.setter
    def description(self, value: str | None) -> None:
        self._description = value


class ClientDisconnected(BadRequest):
    """400: the client went away before its request was read to the end. Nobody will see the answer."""


class SecurityError(BadRequest):
    """400: the request breaks a rule that protects the application."""


class BadHost(BadRequest):
    """400: the request's host is invalid or not one of the trusted ones."""


class Unauthorized(HTTPException):
    """401: the client has to say who it is, and has not, or not convincingly.

    Args:
        description: See :class:`HTTPException`.
        response: See :class:`HTTPException`.
        www_authenticate: One challenge or several, sent as ``WWW-Authenticate`` (RFC 9110, 11.6.1).
    """

    code = 401
    description = (
        "You have to prove who you are to see this page. Either the credentials are missing or wrong,"
        " or your browser cannot send them in the form that is asked for."
    )

    def __init__(
        self,
        description: str | None = None,
        response: BaseResponse | None = None,
        www_authenticate: WWWAuthenticate | Iterable[WWWAuthenticate] | None = None,
    ) -> None:
        super().__init__(description, response)
        if www_authenticate is not None and not isinstance(www_authenticate, Iterable):
            www_authenticate = (www_authenticate,)
        self.www_authenticate: Iterable[WWWAuthenticate] | None = www_authenticate

    def get_headers(
        self, environ: WSGIEnvironment | None = None, scope: dict[str, Any] | None = None
    ) -> list[tuple[str, str]]:
        """Return the header fields, with one ``WWW-Authenticate`` for each challenge."""
        headers = super().get_headers(environ, scope)
        if self.www_authenticate:
            headers.extend(("WWW-Authenticate", str(challenge)) for challenge in self.www_authenticate)
        return headers


class Forbidden(HTTPException):
    """403: the client is known, or need not be, and may not do this."""

    code = 403
    description = "You are not allowed to do this. Signing in again will not change that."


class NotFound(HTTPException):
    """404: nothing lives at this address."""

    code = 404
    description = "There is no page at this address. If you typed it in, look for a spelling mistake."


class MethodNotAllowed(HTTPException):
    """405: the address exists, the method does not apply to it.

    Args:
        valid_methods: The methods that do apply, sent as ``Allow`` (RFC 9110, 15.5.6 demands it).
        description: See :class:`HTTPException`.
        response: See :class:`HTTPException`.
    """

    code = 405
    description = "This address cannot be used with the method of this request."

    def __init__(
        self,
        valid_methods: Iterable[str] | None = None,
        description: str | None = None,
        response: BaseResponse | None = None,
    ) -> None:
        super().__init__(description, response)
        self.valid_methods = valid_methods

    def get_headers(
        self, environ: WSGIEnvironment | None = None, scope: dict[str, Any] | None = None
    ) -> list[tuple[str, str]]:
        """Return the header fields, with ``Allow`` if the valid methods are known."""
        headers = super().get_headers(environ, scope)
        if self.valid_methods:
            headers.append(("Allow", ", ".join(self.valid_methods)))
        return headers


class NotAcceptable(HTTPException):
    """406: the server has nothing in a form that the client's ``Accept`` fields allow."""

    code = 406
    description = "This page exists, but in none of the forms that your client says it understands."


class RequestTimeout(HTTPException):
    """408: the client took too long to send its request."""

    code = 408
    description = "The request did not arrive in time, so the server closed the connection."


class Conflict(HTTPException):
    """409: the request contradicts the state that the resource is in."""

    code = 409
    description = "The request does not fit the present state of what it wants to change. Reload and try again."


class Gone(HTTPException):
    """410: the resource was here, and was removed for good."""

    code = 410
    description = "This page has been removed for good, and there is no new address for it."


class LengthRequired(HTTPException):
    """411: the server wants to know the size of the body beforehand."""

    code = 411
    description = "This address takes only requests that announce their size in a valid Content-Length."


class PreconditionFailed(HTTPException):
    """412: a condition of the request, such as ``If-Match``, does not hold."""

    code = 412
    description = "A condition that the request made in its header fields is not met."


class RequestEntityTooLarge(HTTPException):
    """413: the body is larger than the server accepts."""

    code = 413
    description = "The request carries more data than this server accepts."


class RequestURITooLarge(HTTPException):
    """414: the address is longer than the server accepts."""

    code = 414
    description = "The address of the request is longer than this server accepts."


class UnsupportedMediaType(HTTPException):
    """415: the body's media type or encoding is not one that the server can read."""

    code = 415
    description = "The server cannot read data of the media type that the request has."


class RequestedRangeNotSatisfiable(HTTPException):
    """416: no part of the resource lies within the range that was asked for.

    Args:
        length: The size of the whole resource, sent as ``Content-Range`` (RFC 9110, 14.4).
        units: The unit that *length* is counted in.
        description: See :class:`HTTPException`.
        response: See :class:`HTTPException`.
    """

    code = 416
    description = "The part of the file that was asked for lies outside of it."

    def __init__(
        self,
        length: int | None = None,
        units: str = "bytes",
        description: str | None = None,
        response: BaseResponse | None = None,
    ) -> None:
        super().__init__(description, response)
        self.length = length
        self.units = units

    def get_headers(
        self, environ: WSGIEnvironment | None = None, scope: dict[str, Any] | None = None
    ) -> list[tuple[str, str]]:
        """Return the header fields, with ``Content-Range`` if the length is known."""
        headers = super().get_headers(environ, scope)
        if self.length is not None:
            headers.append(("Content-Range", f"{self.units} */{self.length}"))
        return headers


class ExpectationFailed(HTTPException):
    """417: the server cannot do what the ``Expect`` field demands."""

    code = 417
    description = "The server cannot meet the expectation that the request states in its Expect header."


class ImATeapot(HTTPException):
    """418: coffee was asked of a teapot (RFC 2324, 2.3.2)."""

    code = 418
    description = "This is a teapot. It does not make coffee."


class MisdirectedRequest(HTTPException):
    """421: the request reached a server that does not answer for its host."""

    code = 421
    description = "This server does not answer for the host that the request was meant for."


class UnprocessableEntity(HTTPException):
    """422: the body is well-formed, and what it says cannot be acted upon."""

    code = 422
    description = "The request is well-formed, but what it says does not make sense here."


class Locked(HTTPException):
    """423: the resource is locked (RFC 4918, 11.3)."""

    code = 423
    description = "What the request wants to use is locked at the moment."


class FailedDependency(HTTPException):
    """424: an action that this one needs has failed (RFC 4918, 11.4)."""

    code = 424
    description = "This could not be done because another action, which it builds upon, failed."


class PreconditionRequired(HTTPException):
    """428: the server takes this request only with a condition (RFC 6585, 3)."""

    code = 428
    description = "To keep others' changes safe, this request needs a condition, for example an If-Match header."


class _RetryAfter(HTTPException):
    """An error that passes by: the client may be told when to come back.

    Args:
        description: See :class:`HTTPException`.
        response: See :class:`HTTPException`.
        retry_after: Seconds to wait, or the point in time (UTC if naive) to try again, sent as
            ``Retry-After``.
    """

    def __init__(
        self,
        description: str | None = None,
        response: BaseResponse | None = None,
        retry_after: datetime | int | None = None,
    ) -> None:
        super().__init__(description, response)
        self.retry_after = retry_after

    def get_headers(
        self, environ: WSGIEnvironment | None = None, scope: dict[str, Any] | None = None
    ) -> list[tuple[str, str]]:
        """Return the header fields, with ``Retry-After`` if it is set and not zero (RFC 9110, 10.2.3)."""
        headers = super().get_headers(environ, scope)
        if not self.retry_after:
            return headers
        from datetime import datetime

        if isinstance(self.retry_after, datetime):
            from hipflask.http.dates import http_date

            headers.append(("Retry-After", http_date(self.retry_after)))
        else:
            headers.append(("Retry-After", str(self.retry_after)))
        return headers


class TooManyRequests(_RetryAfter):
    """429: the client asks more often than it may (RFC 6585, 4)."""

    code = 429
    description = "You are sending more requests than are allowed. Wait a little before the next one."


class RequestHeaderFieldsTooLarge(HTTPException):
    """431: the header fields, one or all together, are larger than the server accepts (RFC 6585, 5)."""

    code = 431
    description = "The header fields of the request are larger than this server accepts."


class UnavailableForLegalReasons(HTTPException):
    """451: the law forbids to show this (RFC 7725)."""

    code = 451
    description = "This page may not be shown, for legal reasons."


class InternalServerError(HTTPException):
    """500: the application failed while it worked on the request.

    Args:
        description: See :class:`HTTPException`.
        response: See :class:`HTTPException`.
        original_exception: The exception that nobody handled, ``None`` if this error was raised by itself.
    """

    code = 500
    description = "Something went wrong in the application, and it could not answer. Trying again later may help."

    def __init__(
        self,
        description: str | None = None,
        response: BaseResponse | None = None,
        original_exception: BaseException | None = None,
    ) -> None:
        super().__init__(description, response)
        self.original_exception = original_exception


class NotImplemented(HTTPException):
    """501: the server does not know the method at all."""

    code = 501
    description = "This server does not know what to do with the method of this request."


class BadGateway(HTTPException):
    """502: a server behind this one gave an answer that makes no sense."""

    code = 502
    description = "A server that this one had to ask gave an unusable answer."


class ServiceUnavailable(_RetryAfter):
    """503: the server cannot answer now, because of load or maintenance."""

    code = 503
    description = "The server is too busy or under maintenance at the moment. Try again later."


class GatewayTimeout(HTTPException):
    """504: a server behind this one did not answer in time."""

    code = 504
    description = "A server that this one had to ask did not answer in time."


class HTTPVersionNotSupported(HTTPException):
    """505: the server does not speak this version of HTTP."""

    code = 505
    description = "This server does not speak the version of HTTP that the request uses."


def _classes_by_code() -> dict[int, type[HTTPException]]:
    """Return the class of each status code: the one that defines the code, not the special cases below it."""
    classes = (value for value in globals().values() if isinstance(value, type))
    errors = (cls for cls in classes if issubclass(cls, HTTPException))
    return {cls.code: cls for cls in errors if cls.code is not None and "code" in vars(cls)}


#: The exception class for each status code from 400 on that has one.
default_exceptions: dict[int, type[HTTPException]] = _classes_by_code()


class Aborter:
    """Raises the exception that belongs to a status code.

    Args:
        mapping: Exception class by status code; all of this module if left out.
        extra: More of the same, taking precedence over *mapping*.
    """

    def __init__(
        self,
        mapping: dict[int, type[HTTPException]] | None = None,
        extra: dict[int, type[HTTPException]] | None = None,
    ) -> None:
        self.mapping = dict(default_exceptions if mapping is None else mapping)
        if extra is not None:
            self.mapping.update(extra)

    def __call__(self, code: int | BaseResponse, *args: Any, **kwargs: Any) -> NoReturn:
        """Raise the exception of a status code, or end the request with a finished response.

        Args:
            code: A status code of the mapping, or a response.
            args: For the exception's constructor.
            kwargs: For the exception's constructor.

        Raises:
            HTTPException: Always, if *code* is known.
            LookupError: The mapping has no class for *code*.
        """
        if not isinstance(code, int):
            from hipflask.http.base_response import BaseResponse

            if isinstance(code, BaseResponse):
                raise HTTPException(response=code)
        found = self.mapping.get(code)
        if found is None:
            raise LookupError(f"There is no exception for status {code!r}. Pass one of the aborter's mapping.")
        raise found(*args, **kwargs)


_aborter = Aborter()


def abort(status: int | BaseResponse, *args: Any, **kwargs: Any) -> NoReturn:
    """Raise the exception of a status code, or end the request with a finished response.

    Args:
        status: A status code such as ``404``, or a response to send as it is.
        args: For the exception's constructor, usually its description.
        kwargs: For the exception's constructor.

    Raises:
        HTTPException: Always, if *status* is known.
        LookupError: No exception belongs to *status*.
    """
    _aborter(status, *args, **kwargs)
