"""The fast path of a request in which nobody but its view has a say: what :meth:`Flask.handle` comes to then.

Most requests have no hook, signal, session or replaced stage on their way. For these, the contexts are pushed, the view
is called and its text is sent, without a walk through the stages. :meth:`FastPath.find` says whether a request is of
that kind, before anything has been done; :meth:`FastPath.answer` whether it still is after the view. Whoever gets a
"no" goes on by ``handle``, or by :class:`~hipflask.dispatch.Suspended` if the view was called. A stage that is left out
here would have done nothing. Who changes a stage looks at :meth:`FastPath._judge` and the conditions.

Only for doors with a native head, which has the parts in Rust that make it worth while.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from types import FunctionType
from typing import TYPE_CHECKING, Any

from hipflask import signals
from hipflask.app import Flask
from hipflask.concurrency import is_coroutine_function
from hipflask.ctx import (
    AppContext,
    RequestContext,
    _get_app_context,
    _get_request_context,
    _is_plain,
    _set_app_context,
    _set_request_context,
)
from hipflask.dispatch import is_plain
from hipflask.http.base_response import content_type_field
from hipflask.http.response import is_plain_sender
from hipflask.json.provider import DefaultJSONProvider
from hipflask.originals import are_original, are_untouched
from hipflask.routing.converters import DEFAULT_CONVERTERS
from hipflask.server._native import Head, Preset, Snapshot
from hipflask.sessions import SecureCookieSessionInterface
from hipflask.url_building import _is_plain_map, _learn_host
from hipflask.wrappers import RESPONSE_CLASSES, Response

if TYPE_CHECKING:
    from hipflask.routing.rules import Rule

__all__ = ["MOST_VIEWS", "FastPath", "Plan", "fast_path_of"]

#: Views that are remembered; an application that makes new ones all the time must not fill the memory.
MOST_VIEWS = 10_000

#: What is to be done for a request whose view decides alone: the rule, the arguments, the view, whether that is async,
#: method, path, and whether there are cookies. PERF: a named tuple takes five times as long to make.
Plan = tuple["Rule", dict[str, Any], Callable[..., Any], bool, str, str, bool]

# What a response class may have of its own without a say in how text is answered.
_HARMLESS = {"__module__", "__qualname__", "__doc__", "__firstlineno__", "__static_attributes__", "default_mimetype"}
_JSON_RESPONSE = DefaultJSONProvider.response
_NO_RULES: dict[str, Any] = {}


class FastPath:
    """The fast path of one application; it is told by :meth:`Flask.__setattr__` of what is set there.

    Args:
        app: The application.

    Attributes:
        state: Stands for the application as it is; another object whenever something is set on it.
    """

    def __init__(self, app: Flask) -> None:
        self._app: Any = app
        self._lock = Lock()
        self.state = object()
        # What _look() has found, and in which state.
        self._seen: object = None
        self._snapshot: Snapshot
        self._url_map: Any = None
        self._found: dict[str, dict[str, Rule]] = {}
        self._view_functions: dict[Any, Any] = {}
        self._preset: Preset
        # For JSON of a media type.
        self._json: tuple[Any, Preset | None] = (None, None)
        # Views that were looked at, and whether they are async.
        self._views: dict[Any, bool] = {}

    def find(self, head: Head) -> Plan | None:
        """Return what is to be done for a request, ``None`` if more than its view has a say in that.

        Args:
            head: The request.
        """
        if self._seen is not self.state or self._url_map._found is not self._found:
            self._look()
        outline = self._snapshot.outline(head)
        if outline is None:
            if self._snapshot.is_stale():
                self.state = object()
            return None
        method, path, is_approved, has_cookie = outline
        if not is_approved:
            if not _learn_host(head.get_header("host")):
                return None
            head.approve_host()
        arguments: dict[str, Any] = {}
        known = self._found
        rule: Any = known.get(path, _NO_RULES).get(method) or self._match(path, method, arguments, known)
        if rule is None:
            return None
        view: Any = self._view_functions.get(rule.endpoint)
        if type(view) is not FunctionType:
            return None
        is_async = self._views.get(view)
        if is_async is None:
            if len(self._views) >= MOST_VIEWS:
                self._views.clear()
            is_async = self._views[view] = is_coroutine_function(view)
        return rule, arguments, view, is_async, method, path, has_cookie

    def _match(self, path: str, method: str, arguments: dict[str, Any], known: dict[str, Any]) -> Rule | None:
        """Return the rule of a request, if nothing else is to be said; its arguments are put into *arguments*.

        Args:
            path: The path.
            method: The method.
            arguments: An empty dict.
            known: Takes a rule that the path alone decides; nobody's any more if rules are added meanwhile.
        """
        found = self._url_map.find(path, method, self._url_map.default_subdomain)
        if found is None:
            return None
        rule: Rule = found[0]
        arguments.update(found[1])
        if not rule.arguments and not rule.defaults:  # there are no more paths of this kind than rules
            known.setdefault(path, {})[method] = rule
        return rule

    def begin(self, plan: Plan, head: Head) -> RequestContext:
        """Make a request current, in a context in which nothing is; return its context.

        Args:
            plan: What was found.
            head: The request.
        """
        rule, arguments, _, _, method, path, _ = plan
        app = self._app
        request: Any
        outer: AppContext
        ctx: RequestContext
        # PERF: RequestContext(app, head).push(), without what find() has found out already.
        request, outer, ctx = self._snapshot.make()
        request._head = head
        request.method = method
        request.path = path
        request._body_is_read = False
        request.json_module = app.json
        request.url_rule = rule
        request.view_args = arguments
        outer.app = app
        ctx.app = app
        ctx.request = request
        ctx._opened_session = None
        ctx._after_request_functions = ()
        ctx._app_context = outer
        outer._token = _set_app_context(outer)
        ctx._token = _set_request_context(ctx)
        return ctx

    def holds(self) -> bool:
        """Return whether what was found out is still true."""
        return self._seen is self.state and self._snapshot.holds()

    def answer(self, plan: Plan, head: Head, ctx: RequestContext, value: Any, is_soon: bool) -> bool:
        """Send what the view has returned and end the request, if that is text or JSON and nobody else has a say in it.

        Args:
            plan: What was found.
            head: The request.
            ctx: What `begin` returned. The context that holds it is not to be used again.
            value: What the view returned.
            is_soon: The caller will call `Server.flush`.

        Returns:
            Whether the request is over. If not, nothing has been done.

        Raises:
            Exception: What the JSON provider has raised. It is not to be asked a second time, as it may by then
                have used up what it was given.
        """
        if (
            plan[6]
            or ctx._opened_session is not None
            or ctx._after_request_functions
            or ctx.request._body_is_read
            or self._seen is not self.state
            or _get_request_context(None) is not ctx
            or _get_app_context(None) is not ctx._app_context
        ):
            return False
        kind = type(value)
        if kind is str:
            if not self._snapshot.answer(self._preset, head, value, is_soon):
                return False
        elif (kind is not dict and kind is not list) or not self._answer_in_json(head, value, is_soon):
            return False
        # Tokens lead to the context that leads to their owners; a cycle would wait for the garbage collector.
        ctx._token = None
        ctx._app_context._token = None  # type: ignore[union-attr]  # begin() has set it
        return True

    def _answer_in_json(self, head: Head, value: Any, is_soon: bool) -> bool:
        provider = self._app.json
        if getattr(provider.response, "__func__", None) is not _JSON_RESPONSE or not self._snapshot.holds():
            return False
        kind, preset = self._json
        if preset is None or kind is not provider.mimetype:
            kind = provider.mimetype
            preset = Preset("200 OK", [content_type_field(kind)])
            self._json = kind, preset
        head.answer_text(preset, provider._response_text(self._app, value), is_soon)
        return True

    def _look(self) -> None:
        """Find out whether the application leaves everything to us."""
        with self._lock:
            state = self.state
            app = self._app
            self._url_map = app.url_map
            self._found = app.url_map._found
            self._view_functions = app.view_functions
            try:
                self._snapshot = self._take_snapshot()
            except (TypeError, ValueError, AttributeError):
                self._snapshot = Snapshot([], [], [], [object] * 3)  # something is of a kind that we do not know
            self._seen = state

    def _take_snapshot(self) -> Snapshot:
        app = self._app
        classes = [type(app), app.response_class, app.request_class, type(app.url_map), RequestContext, AppContext]
        empties = [
            app.before_request_funcs,
            app.after_request_funcs,
            app.url_value_preprocessors,
            app.teardown_request_funcs,
            app.teardown_appcontext_funcs,
            vars(app.session_interface),
            *(signal.receivers for signal in signals._of_every_request),
        ]
        entries = [(app.config, "TRUSTED_HOSTS", app.config["TRUSTED_HOSTS"])]
        snapshot = Snapshot(classes, empties, entries, [app.request_class, AppContext, RequestContext])
        if self._judge():
            kind = app.response_class.default_mimetype
            self._preset = Preset("200 OK", [] if kind is None else [content_type_field(kind)])
            snapshot.open()
        return snapshot

    def _judge(self) -> bool:
        """Return whether classes and attributes of the application are as we know them."""
        app = self._app
        response: Any = app.response_class
        return (
            app._got_first_request
            and are_original(app)
            and app.config["TRUSTED_HOSTS"] is None
            and type(app.session_interface) is SecureCookieSessionInterface
            and (app.url_map is app._plain_map or _is_plain_map(app))
            and app.url_map.converters == DEFAULT_CONVERTERS  # others may want to know what is current
            and _is_plain(app.request_class)
            and issubclass(response, Response)
            and all(vars(cls).keys() <= _HARMLESS for cls in response.__mro__[: response.__mro__.index(Response)])
            and are_untouched(*RESPONSE_CLASSES, RequestContext, AppContext)
            and is_plain(response)
            and is_plain_sender(response)
        )


def fast_path_of(app: Any) -> FastPath | None:
    """Return the fast path of an application, ``None`` if it is not one of ours.

    Args:
        app: Any WSGI application.
    """
    if not isinstance(app, Flask):
        return None
    if app._fast_path is None:
        app._fast_path = FastPath(app)
    found: FastPath = app._fast_path
    return found
