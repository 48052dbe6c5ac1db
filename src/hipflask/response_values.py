"""What a view may return, and the response it stands for."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator

from hipflask.async_body import AsyncBody
from hipflask.globals import _cv_request
from hipflask.http.base_response import BaseResponse

if t.TYPE_CHECKING:
    from hipflask.app import Flask
    from hipflask.http.response import Response

__all__ = ["make_response"]


def _view_name() -> str:
    context = _cv_request.get(None)
    return repr(context.request.endpoint) if context is not None else "(none)"


def _split(value: tuple[t.Any, ...]) -> tuple[t.Any, t.Any, t.Any]:
    """Return body, status and headers of a tuple; ``None`` for what it does not have."""
    if len(value) == 3:
        return value
    if len(value) == 2:
        body, other = value
        # PERF: not isinstance with Mapping, which calls into abc.
        if isinstance(other, (dict, list, tuple)) or hasattr(other, "keys"):
            return body, None, other
        return body, other, None
    raise TypeError(
        f"The view of the endpoint {_view_name()} returned a tuple of {len(value)} items. "
        "The tuple must have the form (body, status, headers), (body, status) or (body, headers)."
    )


def make_response(app: Flask, value: t.Any) -> Response:
    """Return the response that *value* stands for; see :meth:`hipflask.Flask.make_response`.

    Args:
        app: The application, whose response class and JSON provider are used.
        value: What a view returned.

    Raises:
        TypeError: *value* is not among what a view may return.
    """
    status = headers = None
    if isinstance(value, tuple):
        value, status, headers = _split(value)
    if value is None:
        raise TypeError(
            f"The view of the endpoint {_view_name()} returned None, or ended without a return statement. "
            "Return the body of the answer; for an empty one, return ''."
        )
    cls = app.response_class
    if isinstance(value, (str, bytes, bytearray, Iterator)):
        return cls(t.cast("t.Any", value), status=status, headers=headers)  # any of the kinds that it takes
    if isinstance(value, cls):
        response = value
    elif isinstance(value, (dict, list)):
        response = app.json.response(value)
    elif isinstance(value, BaseResponse) or callable(value):
        response = _force(app, value)
    elif hasattr(value, "__aiter__"):
        response = cls(value)
    else:
        raise _unknown(value)
    return _complete(response, status, headers)


def _complete(response: Response, status: t.Any, headers: t.Any) -> Response:
    """Return a response with what stood beside it in a tuple."""
    body: t.Any = getattr(response, "response", None)  # a sansio response has none
    if hasattr(body, "__aiter__"):
        response.response = AsyncBody(body)
    if status is not None:
        if isinstance(status, (str, bytes, bytearray)):
            response.status = t.cast("str", status)  # the setter refuses bytes
        else:
            response.status_code = status
    if headers:
        response.headers.update(headers)
    return response


def _force(app: Flask, value: t.Any) -> Response:
    """Return a response of another class, or what a WSGI callable answers, as one of the application's class."""
    try:
        return app.response_class.force_type(value, _cv_request.get().request.environ)
    except TypeError as error:
        raise _unknown(value) from error


def _unknown(value: t.Any) -> TypeError:
    return TypeError(
        f"The view of the endpoint {_view_name()} returned {value!r}, which is no answer: it was a "
        f"{type(value).__name__}. Return a str, bytes, dict, list, iterator (async too), response, WSGI callable, or a "
        "tuple of one of these with status or headers."
    )
