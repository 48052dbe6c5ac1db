"""What holds while the application works: the application context, and with a request the request context."""

from __future__ import annotations

import sys
import typing as t
from functools import update_wrapper

from hipflask import signals
from hipflask.globals import _cv_app, _cv_request
from hipflask.http.exceptions import HTTPException
from hipflask.http.head import WsgiHead
from hipflask.http.request import Request as HttpRequest
from hipflask.http.verdicts import remember_verdict
from hipflask.originals import is_original, remember_classes
from hipflask.sessions import SecureCookieSessionInterface
from hipflask.url_building import find_plainly

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextvars import Token
    from types import TracebackType

    from hipflask.app import Flask
    from hipflask.http.head import Head
    from hipflask.routing.adapter import MapAdapter
    from hipflask.routing.rules import Rule
    from hipflask.sessions import SessionMixin
    from hipflask.typing import AfterRequestCallable
    from hipflask.wrappers import Request

__all__ = [
    "AppContext",
    "RequestContext",
    "after_this_request",
    "copy_current_request_context",
    "has_app_context",
    "has_request_context",
]

F = t.TypeVar("F", bound="Callable[..., t.Any]")
MISSING: t.Any = object()
new_object = object.__new__
# PERF: CPython 3.11 makes a new bound method for `imported_name.get()`.
_get_app_context, _set_app_context, _reset_app_context = _cv_app.get, _cv_app.set, _cv_app.reset
_get_request_context, _set_request_context, _reset_request_context = _cv_request.get, _cv_request.set, _cv_request.reset
# Request classes that are made as from_head() makes them, and need no close() where no form was read.
_plain_requests: set[type] = set()
_ORIGINAL = {name: getattr(HttpRequest, name) for name in ("__new__", "__init__", "close")}


def _is_plain(cls: type) -> bool:
    """Return whether a request class has our own constructor and close(); a yes is remembered."""
    found = all(getattr(cls, name, None) is original for name, original in _ORIGINAL.items())
    return remember_verdict(_plain_requests, cls, found)


class _AppCtxGlobals:
    """A namespace for whatever one application context needs; ``g`` stands for the current one.

    Supports ``in`` and iteration over the names.
    """

    if t.TYPE_CHECKING:
        # Any name may be set.
        def __getattr__(self, name: str) -> t.Any: ...
        def __setattr__(self, name: str, value: t.Any) -> None: ...
        def __delattr__(self, name: str) -> None: ...

    def get(self, name: str, default: t.Any = None) -> t.Any:
        """Return the value of *name*, *default* if it is not set."""
        return self.__dict__.get(name, default)

    def pop(self, name: str, default: t.Any = MISSING) -> t.Any:
        """Remove *name* and return its value.

        Raises:
            KeyError: It is not set and there is no *default*.
        """
        if default is MISSING:
            return self.__dict__.pop(name)
        return self.__dict__.pop(name, default)

    def setdefault(self, name: str, default: t.Any = None) -> t.Any:
        """Return the value of *name*; set it to *default* first if it is not set."""
        return self.__dict__.setdefault(name, default)

    def __contains__(self, item: str) -> bool:
        return item in self.__dict__

    def __iter__(self) -> Iterator[str]:
        return iter(self.__dict__)

    def __repr__(self) -> str:
        context = _cv_app.get(None)
        return object.__repr__(self) if context is None else f"<flask.g of {context.app.name!r}>"


def after_this_request(f: AfterRequestCallable[t.Any]) -> AfterRequestCallable[t.Any]:
    """Have *f* called with the response of the current request; it returns that or another one.

    Args:
        f: Function from response to response.

    Raises:
        RuntimeError: There is no request context.

    Example:
        ``@after_this_request`` on a function inside a view.
    """
    context = _cv_request.get(None)
    if context is None:
        raise RuntimeError(
            "after_this_request() was called without a request context, so there is no response to wait for. "
            "Call it inside a view or a before_request function; for every request use @app.after_request."
        )
    if not context._after_request_functions:
        context._after_request_functions = []
    t.cast("list[t.Any]", context._after_request_functions).append(f)  # made a list just above
    return f


def copy_current_request_context(f: F) -> F:
    """Wrap *f* so that it runs in a copy of the current request context, e.g. in another thread or greenlet.

    Args:
        f: Function, sync or async; the wrapper is sync.

    Raises:
        RuntimeError: There is no request context.
    """
    context = _cv_request.get(None)
    if context is None:
        raise RuntimeError(
            "copy_current_request_context() was called without a request context, so there is nothing to copy. "
            "Use it on a function inside a view."
        )
    copied = context.copy()

    def wrapper(*args: t.Any, **kwargs: t.Any) -> t.Any:
        with copied:
            return copied.app.ensure_sync(f)(*args, **kwargs)

    return t.cast("F", update_wrapper(wrapper, f))  # same signature


def has_request_context() -> bool:
    """Return whether there is a current request."""
    return _cv_request.get(None) is not None


def has_app_context() -> bool:
    """Return whether there is a current application."""
    return _cv_app.get(None) is not None


class _Lazy:
    """An attribute that is made when it is first asked for.

    PERF: it has no ``__set__``, so that later access costs no call; and a class with ``__getattr__`` instead, or a look
    into ``__dict__``, makes every attribute of the object slower (CPython 3.11).
    """

    def __init__(self, make: Callable[[t.Any], t.Any], doc: str) -> None:
        self.make = make
        self.__doc__ = doc

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, obj: t.Any, owner: type) -> t.Any:
        if obj is None:
            return self
        value = self.make(obj)
        setattr(obj, self.name, value)
        return value


def _url_adapter_of(ctx: RequestContext) -> MapAdapter | None:
    try:
        return ctx.app.create_url_adapter(ctx.request)
    except HTTPException as error:
        ctx.request.routing_exception = error
        # Matches nothing, but the page that tells of the error can link to its style sheet.
        return ctx.app.url_map.bind("", script_name=ctx.request.root_path)


def _mismatch(popped: t.Any, current: t.Any) -> Exception:
    if current is None:
        return LookupError(f"{popped!r} was popped without having been pushed.")
    return AssertionError(f"{popped!r} was popped while {current!r} was the current context. Pop in reverse order.")


class AppContext:
    """Makes an application current: ``current_app`` and ``g`` work inside.

    Args:
        app: The application.
    """

    # PERF: what every request reads is set here and in RequestContext, not as class attributes: CPython 3.11 reads an
    # instance's own attributes about five times faster.
    def __init__(self, app: Flask) -> None:
        self.app = app
        # Of the first push, and of further ones: one push, the usual case, makes no list.
        self._token: Token[AppContext] | None = None
        self._more_tokens = None

    # Set by __init__; the fast path leaves it out.
    _more_tokens: list[Token[AppContext]] | None = None
    # PERF: made when they are first asked for; most requests use neither.
    g = _Lazy(lambda self: self.app.app_ctx_globals_class(), "Free attributes of this context, behind ``g``.")
    url_adapter = _Lazy(
        lambda self: self.app.create_url_adapter(None),
        "Builds URLs outside of a request, if ``SERVER_NAME`` is set.",
    )

    def push(self) -> None:
        """Make the application current."""
        if self._token is None:
            self._token = _set_app_context(self)
        else:
            self._more_tokens = [*(self._more_tokens or ()), _set_app_context(self)]
        if signals.in_use and signals.appcontext_pushed.receivers:
            signals.appcontext_pushed.send(self.app, _async_wrapper=self.app.ensure_sync)

    def pop(self, exc: BaseException | None = MISSING) -> None:
        """End what :meth:`push` began; the last one runs the teardown functions.

        Args:
            exc: What they are told; by default the exception that is being handled.

        Raises:
            LookupError: It was not pushed.
            AssertionError: Another context is current.
        """
        if exc is MISSING:
            exc = sys.exc_info()[1]
        try:
            if not self._more_tokens:
                self.app.do_teardown_appcontext(exc)
        finally:
            current = _get_app_context(None)
            if self._more_tokens:
                _reset_app_context(self._more_tokens.pop())
            elif (token := self._token) is not None:
                _reset_app_context(token)
                self._token = None
        if current is not self:
            raise _mismatch(self, current)
        if signals.in_use and signals.appcontext_popped.receivers:
            signals.appcontext_popped.send(self.app, _async_wrapper=self.app.ensure_sync)

    def __enter__(self) -> AppContext:
        self.push()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_value: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.pop(exc_value)


def _take_match(app: Flask, head: t.Any) -> tuple[Rule, dict[str, t.Any]] | None:
    """Return what the door has found in the application's map, if it has looked."""
    take = getattr(head, "take_match", None)
    matched = None if take is None else take()
    return matched[1] if matched is not None and matched[0] is app else None


class RequestContext:
    """Makes a request current: ``request`` and ``session`` work inside, and an application context with them.

    Args:
        app: The application.
        environ: Head or WSGI environ of the request.
        request: The request, if there is one already.
        session: The session, if there is one already.
    """

    #: Whether a coroutine is being awaited elsewhere; whoever resumes the request then ends it.
    is_suspended = False
    #: Flashed messages of this request, once they have been read.
    flashes: list[tuple[str, str]] | None = None
    # Set by __init__; the fast path leaves it out.
    _more_tokens: list[tuple[Token[RequestContext], AppContext | None]] | None = None

    def __init__(
        self,
        app: Flask,
        environ: Head | dict[str, t.Any],
        request: Request | None = None,
        session: SessionMixin | None = None,
    ) -> None:
        self.app = app
        if request is None:
            cls = app.request_class
            if cls not in _plain_requests and not _is_plain(cls):
                request = cls(environ if isinstance(environ, dict) else environ.to_environ())
            else:
                head = WsgiHead(environ) if isinstance(environ, dict) else environ
                # PERF: cls.from_head(head), written out (2 % of a request).
                request = new_object(cls)
                request._head = head
                request.method = head.method
                request.path = head.path
                request._body_is_read = False
                request.routing_exception = None
                if type(head) is WsgiHead:
                    head.environ["werkzeug.request"] = request
            request.json_module = app.json
        self.request: Request = request
        self._opened_session = session
        self._after_request_functions: t.Sequence[AfterRequestCallable[t.Any]] = ()
        # Of the first push, with the application context that it pushed, and of further ones; as in AppContext.
        self._token: Token[RequestContext] | None = None
        self._app_context: AppContext | None = None
        self._more_tokens = None

    # PERF: most requests are matched without an adapter.
    url_adapter = _Lazy(_url_adapter_of, "Matches the request and builds URLs; builds only if the host was refused.")

    @property
    def session(self) -> SessionMixin:
        """The session, opened at first use; reading it here counts as an access (``Vary: Cookie``)."""
        session = self._get_session()
        session.accessed = True
        return session

    @session.setter
    def session(self, value: SessionMixin) -> None:
        self._opened_session = value

    @property
    def _session(self) -> SessionMixin:
        """The session, for tests of Flask's that look at it without counting that as an access."""
        return self._get_session()

    def _get_session(self) -> SessionMixin:
        """Return the session, opened at first use, without counting that as an access."""
        session = self._opened_session
        if session is None:
            interface = self.app.session_interface
            session = interface.open_session(self.app, self.request)
            if session is None:
                session = interface.make_null_session(self.app)
            self._opened_session = session
        return session

    def copy(self) -> RequestContext:
        """Return a context of the same request and session, for another thread or greenlet."""
        return type(self)(self.app, self.request._head, request=self.request, session=self._get_session())

    def match_request(self) -> None:
        """Find the rule for the request; what prevents it is kept for the view to be raised."""
        app, request = self.app, self.request
        head = request._head
        if type(head) is WsgiHead or self._opened_session is not None:  # a session may change what matching sees
            found = find_plainly(app, head)
        else:
            found = _take_match(app, head) or find_plainly(app, head)
        if found is not None:
            request.url_rule, request.view_args = found
            return
        adapter = self.url_adapter
        if not is_original(app, "create_url_adapter"):
            # Flask asks for both adapters at once; an override may count on it.
            _ = _get_app_context().url_adapter
        if adapter is None or request.routing_exception is not None:
            return
        try:
            request.url_rule, request.view_args = adapter.match(return_rule=True)
        except HTTPException as error:
            request.routing_exception = error

    def push(self) -> None:
        """Make the request, and its application, current."""
        app = self.app
        app_context = _get_app_context(None)
        if app_context is None or app_context.app is not app:
            app_context = app.app_context()
            app_context.push()
        else:
            app_context = None
        if self._token is None:
            self._token = _set_request_context(self)
            self._app_context = app_context
        else:
            self._more_tokens = [*(self._more_tokens or ()), (_set_request_context(self), app_context)]
        # Our own sessions wait until they are used. An interface of the user's may need the database early, or set what
        # matching looks at.
        if self._opened_session is None:
            interface = app.session_interface
            # PERF: may_open_late, written out: every request passes here.
            if type(interface) is not SecureCookieSessionInterface or interface.__dict__:
                self._get_session()
        self.match_request()

    def pop(self, exc: BaseException | None = MISSING) -> None:
        """End what :meth:`push` began; the last one runs the teardown functions and closes the request.

        Args:
            exc: What they are told; by default the exception that is being handled.

        Raises:
            LookupError: It was not pushed.
            AssertionError: Another context is current.
        """
        if exc is MISSING:
            exc = sys.exc_info()[1]
        request = self.request
        app_context = self._app_context
        try:
            if not self._more_tokens:
                self.app.do_teardown_request(exc)
                if request._body_is_read or type(request) not in _plain_requests:
                    request.close()
        finally:
            current = _get_request_context(None)
            if self._more_tokens:
                token, app_context = self._more_tokens.pop()
                _reset_request_context(token)
            elif self._token is not None:
                _reset_request_context(self._token)
                self._token = None
                head = request._head
                if type(head) is WsgiHead:
                    head.environ["werkzeug.request"] = None  # breaks the cycle between request and environ
            if app_context is not None:
                app_context.pop(exc)
        if current is not self:
            raise _mismatch(self, current)

    def __enter__(self) -> RequestContext:
        self.push()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_value: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.pop(exc_value)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.request.url!r} [{self.request.method}] of {self.app.name}>"


remember_classes(AppContext, RequestContext)
