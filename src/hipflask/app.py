"""The application: how a request becomes a response.

Every door ends in :meth:`Flask.handle`. The stages that it walks through are methods, and each may be overridden.
"""

from __future__ import annotations

import os
import sys
import typing as t
from types import FunctionType

from hipflask import dispatch, originals, signals
from hipflask.app_setup import App
from hipflask.concurrency import CO_COROUTINE, is_coroutine_function, to_sync
from hipflask.ctx import AppContext, RequestContext
from hipflask.dispatch import PLAIN
from hipflask.globals import _cv_app, _cv_request
from hipflask.http.exceptions import BadRequestKeyError, HTTPException, InternalServerError, SecurityError
from hipflask.http.head import Head, WsgiHead
from hipflask.http.properties import cached_property
from hipflask.originals import ORIGINALS
from hipflask.response_values import make_response
from hipflask.sessions import SecureCookieSessionInterface, SessionInterface
from hipflask.url_building import build_url, create_url_adapter
from hipflask.wrappers import Request, Response

if t.TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from hipflask import typing as ft
    from hipflask.http.response import Response as HttpResponse
    from hipflask.routing.adapter import MapAdapter
    from hipflask.testing.async_client import AsyncFlaskClient
    from hipflask.testing.cli_runner import FlaskCliRunner
    from hipflask.testing.flask_client import FlaskClient

    # ASGI's scope, receive and send.
    ASGIApplication = Callable[[t.Any, t.Any, t.Any], Awaitable[None]]

__all__ = ["Flask"]

MISSING: t.Any = object()
# PERF: calling a class goes through C to its __init__, which costs more than calling that from Python.
new_object = object.__new__
# Key of the environ under which a test client asks to be given the contexts.
PRESERVE_CONTEXT = "werkzeug.debug.preserve_context"
# PERF: CPython 3.11 makes a new bound method for `imported_name.get()`.
current_request_context = _cv_request.get


class Flask(App):
    """A web application: routes, hooks and settings, and the way a request takes through them.

    Args:
        import_name: Name of the module or package it belongs to, mostly ``__name__``.
        static_url_path: URL path of the static files; by default the name of *static_folder*.
        static_folder: Folder of static files, relative to *root_path*.
        static_host: Host of the static files; needed, and only allowed, with *host_matching*.
        host_matching: Match rules by their ``host``.
        subdomain_matching: Match rules by their ``subdomain``, below ``SERVER_NAME``.
        template_folder: Folder of templates, relative to *root_path*.
        instance_path: Absolute folder of files of one installation.
        instance_relative_config: File names of the configuration are relative to *instance_path*.
        root_path: Absolute folder of the module; found by *import_name* if not given.

    Example::

        app = Flask(__name__)

        @app.route("/")
        def index():
            return "Hello"
    """

    request_class: type[Request] = Request
    response_class: type[HttpResponse] = Response
    session_interface: SessionInterface = SecureCookieSessionInterface()
    #: Classes of :meth:`test_client`, :meth:`async_test_client` and :meth:`test_cli_runner`; ``None`` for ours.
    test_client_class: type[FlaskClient] | None = None
    async_test_client_class: type[AsyncFlaskClient] | None = None
    test_cli_runner_class: type[FlaskCliRunner] | None = None

    def __init__(
        self,
        import_name: str,
        static_url_path: str | None = None,
        static_folder: str | os.PathLike[str] | None = "static",
        static_host: str | None = None,
        host_matching: bool = False,
        subdomain_matching: bool = False,
        template_folder: str | os.PathLike[str] | None = "templates",
        instance_path: str | None = None,
        instance_relative_config: bool = False,
        root_path: str | None = None,
    ) -> None:
        super().__init__(
            import_name,
            static_url_path,
            static_folder,
            static_host,
            host_matching,
            subdomain_matching,
            template_folder,
            instance_path,
            instance_relative_config,
            root_path,
        )
        if self.has_static_folder:
            from hipflask.static import add_static_route

            add_static_route(self, static_host, host_matching)

    # One request

    def __call__(self, environ: dict[str, t.Any], start_response: Callable[..., t.Any]) -> Iterable[bytes]:
        """Answer as a WSGI application, through :meth:`wsgi_app`, which middleware may wrap."""
        return self.wsgi_app(environ, start_response)

    def wsgi_app(self, environ: dict[str, t.Any], start_response: Callable[..., t.Any]) -> Iterable[bytes]:
        """Answer as a WSGI application.

        Args:
            environ: Environ of the request.
            start_response: The server's callable of PEP 3333.

        Example:
            ``app.wsgi_app = SomeMiddleware(app.wsgi_app)``
        """
        head = new_object(WsgiHead)
        head.__init__(environ)  # type: ignore[misc]  # see new_object
        response = self.handle(head)
        # PERF: calling the object itself leaves the interpreter's loop and enters it again (1 % of a request).
        return response.__call__(environ, start_response)  # type: ignore[operator]  # a Suspended is for who asks

    @cached_property
    def asgi_app(self) -> ASGIApplication:
        """The application as an ASGI 3 callable, for servers: ``uvicorn module:app.asgi_app``.

        May be wrapped by ASGI middleware: ``app.asgi_app = Middleware(app.asgi_app)``.
        """
        from hipflask.asgi import AsgiApp

        return AsgiApp(self)

    def handle(self, head: Head, /, *, can_suspend: bool = False) -> HttpResponse | dispatch.Suspended:
        """Answer a request. Every door ends here.

        Args:
            head: What the door received.
            can_suspend: The door can have an async view awaited elsewhere; it calls this in a fresh context.

        Returns:
            The response; with *can_suspend*, for an async view, a :class:`~hipflask.dispatch.Suspended`.
        """
        if not self._got_first_request:
            self._begin_serving()
        # PERF: originals.is_original and the original, written out: every request passes here.
        if getattr(self.request_context, "__func__", None) is ORIGINALS["request_context"]:
            ctx = new_object(RequestContext)
            ctx.__init__(self, head)  # type: ignore[misc]  # see new_object
        else:
            ctx = self.request_context(head.to_environ())
        error: BaseException | None = None
        response: t.Any
        try:
            try:
                ctx.push()
                begun = dispatch.begin(self, ctx) if can_suspend else None
                if type(begun) is dispatch.Suspended:
                    return begun
                response = self.full_dispatch_request() if begun is None else begun
            except Exception as caught:
                error = caught
                response = self.handle_exception(caught)
            except BaseException as caught:
                error = caught
                raise
            if type(response) not in PLAIN and not dispatch.is_plain(type(response)):
                response = dispatch.finish_now(response, head.to_environ())
            return response  # type: ignore[no-any-return]  # a response by now
        finally:
            if error is None and not can_suspend and not (type(head) is WsgiHead and PRESERVE_CONTEXT in head.environ):
                ctx.pop(None)  # PERF: what _end_request() comes to
            elif not ctx.is_suspended:
                self._end_request(ctx, error)

    def _end_request(self, ctx: RequestContext, error: BaseException | None) -> None:
        """Pop the context; a test client may have asked to keep it for a while."""
        head = ctx.request._head
        if type(head) is WsgiHead and PRESERVE_CONTEXT in head.environ:
            preserve = head.environ[PRESERVE_CONTEXT]
            preserve(_cv_app.get())
            preserve(_cv_request.get())
        if error is not None and self.should_ignore_error(error):
            error = None
        ctx.pop(error)

    def full_dispatch_request(self) -> HttpResponse:
        """Return the response to the current request: hooks, view, error handlers, and what follows."""
        if not self._got_first_request:
            self._begin_serving()
            self._got_first_request = True
        try:
            if signals.in_use and signals.request_started.receivers:
                signals.request_started.send(self, _async_wrapper=self.ensure_sync)
            value = self.preprocess_request()
            if value is None:
                value = self.dispatch_request()
        except Exception as error:
            value = self.handle_user_exception(error)
        return self.finalize_request(value)

    def preprocess_request(self) -> ft.ResponseReturnValue | None:
        """Run the URL value preprocessors and the ``before_request`` functions; return the first answer of these."""
        if not (self.url_value_preprocessors or self.before_request_funcs):
            return None
        request = current_request_context().request
        if isinstance(request.routing_exception, SecurityError):
            raise request.routing_exception  # not one of TRUSTED_HOSTS: nothing of the application's is to run
        names = (None, *reversed(request.blueprints))
        for name in names:
            for preprocess in self.url_value_preprocessors.get(name, ()):
                preprocess(request.endpoint, request.view_args)
        for name in names:
            for func in self.before_request_funcs.get(name, ()):
                value = self.ensure_sync(func)()
                if value is not None:
                    return t.cast("ft.ResponseReturnValue", value)  # what the hook's type says
        return None

    def dispatch_request(self) -> ft.ResponseReturnValue:
        """Call the view of the current request and return what it returns, or raise what prevented a match."""
        request = current_request_context().request
        if request.routing_exception is not None:
            self.raise_routing_exception(request)
        rule: t.Any = request.url_rule
        if request.method == "OPTIONS" and getattr(rule, "provide_automatic_options", False):
            return self.make_default_options_response()
        view: t.Any = self.view_functions[rule.endpoint]
        if self._sync_views.get(rule.endpoint) is not view:
            view = self._ensure_sync_view(rule.endpoint, view)
        arguments: t.Any = request.view_args
        # PERF: a call without ** is faster.
        return view(**arguments) if arguments else view()  # type: ignore[no-any-return]  # what a view may return

    def _ensure_sync_view(self, endpoint: t.Any, view: t.Any) -> t.Any:
        """Return a view made sync; that it is so already is remembered, unless it is not for us to say."""
        sync = self.ensure_sync(view)
        if sync is view and originals.is_original(self, "ensure_sync"):
            self._sync_views[endpoint] = view
        return sync

    def finalize_request(
        self, rv: ft.ResponseReturnValue | HTTPException, from_error_handler: bool = False
    ) -> HttpResponse:
        """Return the response made of *rv*, after ``after_request`` functions and session.

        Args:
            rv: What a view, hook or error handler returned.
            from_error_handler: Only log what goes wrong here.
        """
        response = self.make_response(rv)
        try:
            response = self.process_response(response)
            if signals.in_use and signals.request_finished.receivers:
                signals.request_finished.send(self, _async_wrapper=self.ensure_sync, response=response)
        except Exception:
            if not from_error_handler:
                raise
            self.logger.exception("An after_request function failed on the answer of an error handler")
        return response

    def process_response(self, response: HttpResponse) -> HttpResponse:
        """Return *response* after the ``after_request`` functions, with the session saved in it.

        Args:
            response: Answer to the current request.
        """
        ctx = current_request_context()
        for func in ctx._after_request_functions:
            response = self.ensure_sync(func)(response)
        if self.after_request_funcs:
            for name in (*ctx.request.blueprints, None):
                for func in reversed(self.after_request_funcs.get(name, ())):
                    response = self.ensure_sync(func)(response)
        if ctx._opened_session is None:
            # A session that nobody opened is saved all the same if the client has one: its life may be prolonged.
            head = ctx.request._head
            cookies = head.environ.get("HTTP_COOKIE") if type(head) is WsgiHead else head.get_header("cookie")
            if cookies is None or self.config["SESSION_COOKIE_NAME"] not in cookies:
                return response
        session = ctx._get_session()
        interface = self.session_interface
        if not interface.is_null_session(session):
            interface.save_session(self, session, response)
        return response

    # Errors

    def raise_routing_exception(self, request: Request) -> t.NoReturn:
        """Raise what prevented a match; in debug mode, a redirect that would lose a form becomes an error.

        Args:
            request: Request with a ``routing_exception``.
        """
        from hipflask.routing.exceptions import RequestRedirect

        error = request.routing_exception
        if (
            self.debug
            and isinstance(error, RequestRedirect)
            and error.code not in (307, 308)
            and request.method not in ("GET", "HEAD", "OPTIONS")
        ):
            from hipflask.debughelpers import FormDataRoutingRedirect

            raise FormDataRoutingRedirect(request)
        raise t.cast("HTTPException", error)  # the caller has looked

    def handle_http_exception(self, e: HTTPException) -> HTTPException | ft.ResponseReturnValue:
        """Return the answer to an HTTPException: that of its handler, else the exception itself.

        Args:
            e: The exception.
        """
        from hipflask.routing.exceptions import RoutingException

        if e.code is None or isinstance(e, RoutingException):
            return e
        handler = self._find_error_handler(e, current_request_context().request.blueprints)
        return e if handler is None else self.ensure_sync(handler)(e)

    def handle_user_exception(self, e: Exception) -> HTTPException | ft.ResponseReturnValue:
        """Return the answer to an exception that a view or hook raised; raise it if it has no handler.

        Args:
            e: The exception.
        """
        if isinstance(e, HTTPException):
            if isinstance(e, BadRequestKeyError) and (self.debug or self.config["TRAP_BAD_REQUEST_ERRORS"]):
                e.show_exception = True
            if not self.trap_http_exception(e):
                return self.handle_http_exception(e)
        handler = self._find_error_handler(e, current_request_context().request.blueprints)
        if handler is not None:
            return self.ensure_sync(handler)(e)  # type: ignore[no-any-return]  # what a view may return
        raise e

    def handle_exception(self, e: Exception) -> HttpResponse:
        """Return the answer to an exception that nobody handled: log it, answer 500.

        Args:
            e: The exception; raised again with ``PROPAGATE_EXCEPTIONS``, by default in debug mode and in tests.
        """
        if signals.in_use and signals.got_request_exception.receivers:
            signals.got_request_exception.send(self, _async_wrapper=self.ensure_sync, exception=e)
        propagate = self.config["PROPAGATE_EXCEPTIONS"]
        if self.testing or self.debug if propagate is None else propagate:
            raise e
        exc_info = sys.exc_info()
        self.log_exception(exc_info if exc_info[1] is not None else (type(e), e, e.__traceback__))
        answer: t.Any = InternalServerError(original_exception=e)
        handler = self._find_error_handler(answer, current_request_context().request.blueprints)
        if handler is not None:
            answer = self.ensure_sync(handler)(answer)
        return self.finalize_request(answer, from_error_handler=True)

    def log_exception(self, exc_info: t.Any) -> None:
        """Log an exception that nobody handled.

        Args:
            exc_info: Class, exception and traceback.
        """
        request = current_request_context().request
        self.logger.error(f"Exception on {request.path} [{request.method}]", exc_info=exc_info)

    # Contexts and teardown

    def app_context(self) -> AppContext:
        """Return a context in which this application is current.

        Example:
            ``with app.app_context(): ...``
        """
        context = new_object(AppContext)
        context.__init__(self)  # type: ignore[misc]  # see new_object
        return context

    def request_context(self, environ: dict[str, t.Any] | Head) -> RequestContext:
        """Return a context of a request, in which ``request`` and ``session`` work.

        Args:
            environ: WSGI environ or head of the request.
        """
        context = new_object(RequestContext)
        context.__init__(self, environ)  # type: ignore[misc]  # see new_object
        return context

    def test_request_context(self, *args: t.Any, **kwargs: t.Any) -> RequestContext:
        """Return a context of a made-up request, for tests and the shell.

        Args:
            *args: As of :class:`hipflask.testing.EnvironBuilder`: path, base URL, ...
            **kwargs: Likewise.

        Example:
            ``with app.test_request_context("/?a=1"): ...``
        """
        from hipflask.testing.flask_client import EnvironBuilder

        builder = EnvironBuilder(self, *args, **kwargs)
        try:
            return self.request_context(builder.get_environ())
        finally:
            builder.close()

    def do_teardown_request(self, exc: BaseException | None = MISSING) -> None:
        """Run the ``teardown_request`` functions; called when a request context ends.

        Args:
            exc: What they are told; by default the exception that is being handled.
        """
        if exc is MISSING:
            exc = sys.exc_info()[1]
        if self.teardown_request_funcs:
            for name in (*current_request_context().request.blueprints, None):
                for func in reversed(self.teardown_request_funcs.get(name, ())):
                    self.ensure_sync(func)(exc)
        if signals.in_use and signals.request_tearing_down.receivers:
            signals.request_tearing_down.send(self, _async_wrapper=self.ensure_sync, exc=exc)

    def do_teardown_appcontext(self, exc: BaseException | None = MISSING) -> None:
        """Run the ``teardown_appcontext`` functions; called when an application context ends.

        Args:
            exc: What they are told; by default the exception that is being handled.
        """
        if exc is MISSING:
            exc = sys.exc_info()[1]
        if self.teardown_appcontext_funcs:
            for func in reversed(self.teardown_appcontext_funcs):
                self.ensure_sync(func)(exc)
        if signals.in_use and signals.appcontext_tearing_down.receivers:
            signals.appcontext_tearing_down.send(self, _async_wrapper=self.ensure_sync, exc=exc)

    # Sync and async

    def ensure_sync(self, func: Callable[..., t.Any]) -> Callable[..., t.Any]:
        """Return *func*, or a function that waits for it if it is async.

        Args:
            func: Any callable.
        """
        # PERF: a plain function, which nearly every view is, needs no further look.
        if type(func) is FunctionType and not func.__code__.co_flags & CO_COROUTINE and not func.__dict__:
            return func
        return self.async_to_sync(func) if is_coroutine_function(func) else func

    def async_to_sync(self, func: Callable[..., t.Any]) -> Callable[..., t.Any]:
        """Return a function that runs the async function *func* on the process's event loop and waits.

        Args:
            func: Function whose calls give coroutines.
        """
        return to_sync(func)

    # Responses and URLs

    def make_response(self, rv: ft.ResponseReturnValue) -> HttpResponse:
        """Return the response that a view's return value stands for.

        Args:
            rv: Text, bytes, an iterator of them, a dict or list for JSON, a response, a WSGI callable, or a tuple
                ``(body, status)``, ``(body, headers)`` or ``(body, status, headers)``.

        Raises:
            TypeError: It is anything else, ``None`` for example.
        """
        kind = type(rv)
        # PERF: the two commonest kinds, before what every view may return.
        if kind is str:
            return self.response_class(rv)  # type: ignore[arg-type]  # a str, which mypy does not see here
        if kind is dict:
            return self.json.response(rv)
        return make_response(self, rv)

    def make_default_options_response(self) -> HttpResponse:
        """Return the answer to OPTIONS for a view that gives none: the methods of the URL in ``Allow``."""
        response = self.response_class()
        adapter = current_request_context().url_adapter
        response.allow.update(t.cast("MapAdapter", adapter).allowed_methods())  # a request that matched has one
        return response

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Return the adapter that matches and builds URLs.

        Args:
            request: Request to match; ``None`` outside of one, where ``SERVER_NAME`` is needed.

        Returns:
            The adapter; ``None`` outside of a request without ``SERVER_NAME``.
        """
        return create_url_adapter(self, request)

    def url_for(
        self,
        /,
        endpoint: str,
        *,
        _anchor: str | None = None,
        _method: str | None = None,
        _scheme: str | None = None,
        _external: bool | None = None,
        **values: t.Any,
    ) -> str:
        """Return the URL of an endpoint.

        Args:
            endpoint: Its name; with a leading dot, one of the current blueprint.
            _anchor: Fragment.
            _method: Method that the rule must have.
            _scheme: Scheme; the URL is then absolute.
            _external: Whether the URL is absolute; by default only outside of a request.
            **values: Values of the rule's variable parts; the rest becomes the query.

        Raises:
            BuildError: No rule fits.
            RuntimeError: Outside of a request, without ``SERVER_NAME``.
        """
        return build_url(self, endpoint, values, (_anchor, _method, _scheme, _external))

    # Doors

    def run(
        self,
        host: str | None = None,
        port: int | None = None,
        debug: bool | None = None,
        load_dotenv: bool = True,
        **options: t.Any,
    ) -> None:
        """Serve the application until Ctrl+C.

        Args:
            host: Address to listen on; by default that of ``SERVER_NAME``, else ``127.0.0.1``.
            port: Port; by default that of ``SERVER_NAME``, else 5000.
            debug: Turn debug mode on or off.
            load_dotenv: Load ``.env`` and ``.flaskenv``.
            **options: Options of :func:`hipflask.server.runner.run_simple`.
        """
        from hipflask.server.start import run_app

        run_app(self, host, port, debug, load_dotenv, options)

    def test_client(self, use_cookies: bool = True, **kwargs: t.Any) -> FlaskClient:
        """Return a client that makes requests without a server.

        Args:
            use_cookies: Keep cookies between requests.
            **kwargs: Arguments of :attr:`test_client_class`.
        """
        from hipflask.testing.flask_client import FlaskClient

        cls = self.test_client_class or FlaskClient
        return cls(self, self.response_class, use_cookies=use_cookies, **kwargs)

    def async_test_client(self, use_cookies: bool = True, **kwargs: t.Any) -> AsyncFlaskClient:
        """Return a client whose requests are awaited; they go through :attr:`asgi_app`.

        Args:
            use_cookies: Keep cookies between requests.
            **kwargs: Arguments of :attr:`async_test_client_class`.

        Example:
            ``async with app.async_test_client() as client: await client.get("/")``
        """
        from hipflask.testing.async_client import AsyncFlaskClient

        cls = self.async_test_client_class or AsyncFlaskClient
        return cls(self, self.response_class, use_cookies=use_cookies, **kwargs)

    def test_cli_runner(self, **kwargs: t.Any) -> FlaskCliRunner:
        """Return a runner for this application's commands.

        Args:
            **kwargs: Arguments of :attr:`test_cli_runner_class`.
        """
        from hipflask.testing.cli_runner import FlaskCliRunner

        cls = self.test_cli_runner_class or FlaskCliRunner
        return cls(self, **kwargs)


originals.remember(Flask, (*dispatch.STAGES, *dispatch.STEPS, *dispatch.ENTRANCES, "create_url_adapter"))
