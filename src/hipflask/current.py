"""Functions that act for the current application or request: URLs, redirects, errors, responses, streams."""

from __future__ import annotations

import typing as t

from hipflask.globals import _cv_app, _cv_request, current_app

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hipflask.ctx import AppContext, RequestContext
    from hipflask.http.response import Response
    from hipflask.wrappers import Response as AppResponse

__all__ = ["abort", "make_response", "redirect", "stream_with_context", "url_for"]


def url_for(
    endpoint: str,
    *,
    _anchor: str | None = None,
    _method: str | None = None,
    _scheme: str | None = None,
    _external: bool | None = None,
    **values: t.Any,
) -> str:
    """Return the URL of an endpoint of the current application; see :meth:`hipflask.Flask.url_for`.

    Args:
        endpoint: Its name; with a leading dot, one of the current blueprint.
        _anchor: Fragment.
        _method: Method that the rule must have.
        _scheme: Scheme; the URL is then absolute.
        _external: Whether the URL is absolute; by default only outside of a request.
        **values: Values of the rule's variable parts; the rest becomes the query.
    """
    context = _cv_app.get(None)
    app = current_app if context is None else context.app  # PERF: without the proxy, which only raises well
    return app.url_for(endpoint, _anchor=_anchor, _method=_method, _scheme=_scheme, _external=_external, **values)


def redirect(location: str, code: int = 302, Response: type[Response] | None = None) -> Response:  # noqa: N803  # Flask's name
    """Return an answer that sends the client to *location*.

    Args:
        location: URL.
        code: Status: 301, 302, 303, 305, 307 or 308.
        Response: Class of the answer outside of an application.
    """
    context = _cv_app.get(None)
    if context is not None:
        return context.app.redirect(location, code=code)
    from hipflask.http.redirects import redirect as redirect_without_app

    return redirect_without_app(location, code=code, Response=Response)


def abort(code: int | Response, *args: t.Any, **kwargs: t.Any) -> t.NoReturn:
    """Raise the HTTPException of a status.

    Args:
        code: Status, or a response to answer with.
        *args: Arguments of the exception, e.g. its description.
        **kwargs: Likewise.

    Raises:
        HTTPException: Always.
    """
    context = _cv_app.get(None)
    if context is not None:
        context.app.aborter(code, *args, **kwargs)
    from hipflask.http.exceptions import abort as abort_without_app

    abort_without_app(code, *args, **kwargs)


def make_response(*args: t.Any) -> AppResponse:
    """Return what a view's return value stands for as a response that can still be changed.

    Args:
        *args: What a view may return; several arguments stand for a tuple of them, none for an empty body.
    """
    if not args:
        return current_app.response_class()  # type: ignore[return-value]  # usually ours
    value = args[0] if len(args) == 1 else t.cast("t.Any", args)  # a tuple of two or three
    return current_app.make_response(value)  # type: ignore[return-value]  # of the application's response class


@t.overload
def stream_with_context(generator_or_function: Iterator[t.AnyStr]) -> Iterator[t.AnyStr]: ...


@t.overload
def stream_with_context(
    generator_or_function: Callable[..., Iterator[t.AnyStr]],
) -> Callable[..., Iterator[t.AnyStr]]: ...


def stream_with_context(generator_or_function: t.Any) -> t.Any:
    """Keep the request's context for a generator that is read after the view has returned.

    Args:
        generator_or_function: A generator, or a generator function (usable as a decorator).

    Raises:
        RuntimeError: There is no request context.

    Example:
        ``return stream_with_context(lines())``
    """
    if not hasattr(generator_or_function, "__next__") and callable(generator_or_function):
        from functools import wraps

        @wraps(generator_or_function)
        def decorated(*args: t.Any, **kwargs: t.Any) -> t.Any:
            return stream_with_context(generator_or_function(*args, **kwargs))

        return decorated
    request_context = _cv_request.get(None)
    if request_context is None:
        raise RuntimeError(
            "stream_with_context() was called without a request context, so there is none to keep. "
            "Call it inside a view."
        )
    return _stream(_cv_app.get(), request_context, iter(generator_or_function))


def _stream(app_context: AppContext, request_context: RequestContext, source: Iterator[t.Any]) -> Iterator[t.Any]:
    """Yield the items of *source* with both contexts pushed; their teardown runs again at the end."""
    with app_context, request_context:
        try:
            yield from source
        finally:
            close = getattr(source, "close", None)
            if close is not None:
                close()
