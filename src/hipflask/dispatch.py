"""The parts of :meth:`Flask.handle` that only some requests need: suspension, and responses that want to be asked."""

from __future__ import annotations

import typing as t

from hipflask import signals
from hipflask.concurrency import is_coroutine_function
from hipflask.http.response import Response
from hipflask.http.verdicts import remember_verdict
from hipflask.originals import are_original, is_original

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hipflask.app import Flask
    from hipflask.ctx import RequestContext

__all__ = ["ENTRANCES", "PLAIN", "STAGES", "STEPS", "FinishedResponse", "Suspended", "begin", "finish_now", "is_plain"]

# What a response class may override to have a say when the answer is sent (design, section 3).
ASKED = ("__call__", "get_wsgi_response", "get_wsgi_headers", "get_app_iter")
_original = {name: getattr(Response, name) for name in ASKED}
# The stages that a suspended request would pass by.
STAGES = ("full_dispatch_request", "dispatch_request", "ensure_sync", "async_to_sync")
# Those that it walks through all the same; an override of one is sync code, which must not run on an event loop.
STEPS = (
    "request_context",
    "app_context",
    "preprocess_request",
    "finalize_request",
    "make_response",
    "process_response",
    "handle_http_exception",
    "handle_user_exception",
    "handle_exception",
    "should_ignore_error",
    "do_teardown_request",
    "do_teardown_appcontext",
)

# Where a door comes in.
ENTRANCES = ("handle", "wsgi_app", "__call__")


class Suspended:
    """A request whose view is a coroutine that somebody else will run.

    The door that got it awaits :attr:`coroutine` in the context it called ``handle`` in, and then calls
    :meth:`finish` or :meth:`fail` in that same context, on the thread that called ``handle``.

    Args:
        app: The application.
        ctx: Context of the request, pushed.
        coroutine: What the view gave back, not started; none for a view that was called to its end.
    """

    __slots__ = ("_app", "_ctx", "coroutine")

    def __init__(self, app: Flask, ctx: RequestContext, coroutine: t.Any = None) -> None:
        self._app = app
        self._ctx = ctx
        self.coroutine = coroutine

    @property
    def has_late_functions(self) -> bool:
        """Whether the view has registered functions by ``after_this_request``."""
        return bool(self._ctx._after_request_functions)

    def finish(self, value: t.Any) -> Response:
        """Return the response made of what the coroutine returned.

        Args:
            value: Anything that a view may return.
        """
        return self._conclude(lambda: self._app.finalize_request(value))

    def fail_late(self, error: Exception) -> Response:
        """Return the response to an exception that was raised after the view, where error handlers of it do not count.

        Args:
            error: The exception.
        """

        def respond() -> t.NoReturn:
            raise error

        return self._conclude(respond)

    def fail(self, error: BaseException) -> Response:
        """Return the response made of what the coroutine raised.

        Args:
            error: The exception; one that is no :class:`Exception` ends the request and is raised again.
        """
        app = self._app

        def respond() -> Response:
            if not isinstance(error, Exception):
                raise error
            try:
                raise error
            except Exception as caught:
                return app.finalize_request(app.handle_user_exception(caught))

        return self._conclude(respond)

    def _conclude(self, respond: Callable[[], Response]) -> Response:
        """End the request as ``handle`` ends one that was not suspended."""
        app, ctx = self._app, self._ctx
        error: BaseException | None = None
        try:
            try:
                response = respond()
            except Exception as caught:
                error = caught
                response = app.handle_exception(caught)
            except BaseException as caught:
                error = caught
                raise
            if type(response) not in PLAIN and not is_plain(type(response)):
                response = finish_now(response, ctx.request._head.to_environ())
            return response
        finally:
            app._end_request(ctx, error)


def begin(app: Flask, ctx: RequestContext) -> Suspended | Response | None:
    """Start a request whose view is ``async def``.

    Args:
        app: The application.
        ctx: Context of the request, pushed.

    Returns:
        The suspended request; the response if a hook answered; ``None``, with nothing begun, if the view is sync or
        one of the stages has been overridden.
    """
    request = ctx.request
    # PERF: typing.cast is a call, so what is known better than its type says is Any here.
    rule: t.Any = request.url_rule
    if rule is None or (getattr(rule, "provide_automatic_options", False) and request.method == "OPTIONS"):
        return None
    view: t.Any = app.view_functions.get(rule.endpoint)
    if view is None or not is_coroutine_function(view):
        return None
    if not are_original(app) and not all(is_original(app, name) for name in STAGES):
        return None
    if not app._got_first_request:
        app._got_first_request = True
    try:
        if signals.in_use and signals.request_started.receivers:
            signals.request_started.send(app, _async_wrapper=app.ensure_sync)
        value = app.preprocess_request()
        if value is None:
            ctx.is_suspended = True
            arguments = request.view_args
            return Suspended(app, ctx, view(**arguments) if arguments else view())
    except Exception as error:
        value = app.handle_user_exception(error)
    return app.finalize_request(value)


class FinishedResponse(Response):
    """What a response that wanted to be asked has answered: sent as it is."""

    automatically_set_content_length = False

    def get_wsgi_response(self, environ: dict[str, t.Any]) -> tuple[Iterable[bytes], str, list[tuple[str, str]]]:
        """Return the recorded body, status line and fields."""
        return self.response, self._status, self.headers.to_wsgi_list()


#: Classes that :func:`is_plain` has found to be so.
PLAIN: set[type] = {FinishedResponse}


def is_plain(cls: type) -> bool:
    """Return whether a response class leaves to us how it is sent; a yes is remembered.

    Args:
        cls: Class of a response.
    """
    found = cls in PLAIN or all(getattr(cls, name, None) is _original[name] for name in ASKED)
    return remember_verdict(PLAIN, cls, found)


def finish_now(response: t.Any, environ: dict[str, t.Any]) -> FinishedResponse:
    """Ask a response that is not plain how it is sent, while the contexts are still there.

    Args:
        response: Any WSGI callable.
        environ: Environ of the request.
    """
    recorded: list[t.Any] = []
    written: list[bytes] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: t.Any = None) -> t.Any:
        recorded[:] = status, headers
        return written.append

    body = response(environ, start_response)
    if written or not recorded:
        from hipflask.http.wsgi import body_once_started

        body = body_once_started(body, recorded, written)
    status, headers = recorded
    finished = FinishedResponse(body, status, None, direct_passthrough=True)
    finished.headers._list = list(headers)
    return finished
