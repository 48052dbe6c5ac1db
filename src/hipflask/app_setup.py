"""What an application is set up with: settings, routes, hooks, blueprints. How it answers stands in ``app.py``."""

from __future__ import annotations

import os
import sys
import typing as t
from datetime import timedelta
from itertools import product

from hipflask.config import Config, ConfigAttribute
from hipflask.ctx import _AppCtxGlobals
from hipflask.default_config import DEFAULT_CONFIG
from hipflask.globals import _cv_request
from hipflask.http.exceptions import Aborter, BadRequest, BadRequestKeyError
from hipflask.http.properties import cached_property
from hipflask.json.provider import DefaultJSONProvider, JSONProvider
from hipflask.originals import ORIGINALS
from hipflask.paths import find_instance_path
from hipflask.routing.map import Map
from hipflask.routing.rules import Rule
from hipflask.scaffold import Scaffold, endpoint_from_view_func, setupmethod
from hipflask.template_globals import default_template_names

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterable, ValuesView

    from jinja2 import BaseLoader

    from hipflask import typing as ft
    from hipflask.blueprints import Blueprint
    from hipflask.http.response import Response
    from hipflask.lifespan import Lifespan
    from hipflask.template_engine import Environment

__all__ = ["App"]

T_shell = t.TypeVar("T_shell", bound="Callable[[], dict[str, t.Any]]")
T_lifespan = t.TypeVar("T_lifespan", bound="Callable[[], t.Any]")
T_teardown = t.TypeVar("T_teardown", bound="ft.TeardownCallable")
F = t.TypeVar("F", bound="Callable[..., t.Any]")


def _to_timedelta(value: timedelta | int | None) -> timedelta | None:
    return timedelta(seconds=value) if isinstance(value, int) else value


class _DefaultEnvironment:
    """A class attribute whose value is imported when it is first needed: it needs Jinja."""

    def __get__(self, app: App | None, owner: type) -> type[Environment]:
        from hipflask.template_engine import Environment

        return Environment


class App(Scaffold):
    """An application as it is set up, before it answers requests (``flask.sansio.app.App``).

    The arguments are those of :class:`~hipflask.Flask`.
    """

    aborter_class = Aborter
    app_ctx_globals_class = _AppCtxGlobals
    config_class = Config
    json_provider_class: type[JSONProvider] = DefaultJSONProvider
    url_rule_class = Rule
    url_map_class = Map
    #: Class of the Jinja environment, and its arguments.
    jinja_environment = _DefaultEnvironment()
    jinja_options: dict[str, t.Any] = {}
    default_config: t.Mapping[str, t.Any] = DEFAULT_CONFIG
    # What begins and ends with the process, once there is any.
    _lifespan: Lifespan | None = None

    testing = ConfigAttribute[bool]("TESTING")
    secret_key = ConfigAttribute["str | bytes | None"]("SECRET_KEY")
    permanent_session_lifetime = ConfigAttribute[timedelta](
        "PERMANENT_SESSION_LIFETIME",
        get_converter=_to_timedelta,  # type: ignore[arg-type]  # None stays None
    )

    #: Whether one of the stages of a request was ever replaced on this object; see :mod:`hipflask.originals`.
    _has_replaced = False
    #: Made by a server that has a use for it; see :mod:`hipflask.server.native_fast_path`.
    _fast_path: t.Any = None

    def __setattr__(self, name: str, value: t.Any) -> None:
        super().__setattr__(name, value)
        if name in ORIGINALS:
            object.__setattr__(self, "_has_replaced", True)
        if self._fast_path is not None:
            self._fast_path.state = object()

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)
        if self._fast_path is not None:
            self._fast_path.state = object()

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
        super().__init__(import_name, static_folder, static_url_path, template_folder, root_path)
        if instance_path is None:
            instance_path = self.auto_find_instance_path()
        elif not os.path.isabs(instance_path):
            raise ValueError(f"instance_path must be absolute, but {instance_path!r} is relative. Pass the whole path.")
        self.instance_path = instance_path
        self.config = self.make_config(instance_relative_config)
        self.aborter = self.make_aborter()
        self.json: JSONProvider = self.json_provider_class(t.cast("t.Any", self))  # a Flask, in practice
        self.url_build_error_handlers: list[Callable[[Exception, str, dict[str, t.Any]], str]] = []
        self.teardown_appcontext_funcs: list[ft.TeardownCallable] = []
        self.shell_context_processors: list[Callable[[], dict[str, t.Any]]] = []
        self.blueprints: dict[str, Blueprint] = {}
        self.extensions: dict[str, t.Any] = {}
        self.url_map = self.url_map_class(host_matching=host_matching)
        self.subdomain_matching = subdomain_matching
        self._got_first_request = False
        # The map that find_plainly() has found to need neither host nor subdomain.
        self._plain_map: Map | None = None
        # By endpoint, the view that dispatch_request() has found to be sync.
        self._sync_views: dict[t.Any, t.Any] = {}
        self.template_context_processors[None].append(default_template_names)

    def _check_setup_finished(self, f_name: str) -> None:
        if self._got_first_request:
            raise AssertionError(
                f"The setup method {f_name!r} was called on {self!r} after its first request; what it adds would hold "
                "for some requests and not for others. Move the call, or the import that makes it, above app.run()."
            )

    # What it is

    @cached_property
    def name(self) -> str:
        """Import name; for a script, the name of its file."""
        if self.import_name == "__main__":
            file = getattr(sys.modules["__main__"], "__file__", None)
            return "__main__" if file is None else os.path.splitext(os.path.basename(file))[0]
        return self.import_name

    @cached_property
    def logger(self) -> logging.Logger:
        """Logger named like the application; writes to the request's error stream if nothing else is set up."""
        from hipflask.logging import create_logger

        return create_logger(t.cast("t.Any", self))  # a Flask, in practice

    @cached_property
    def jinja_env(self) -> Environment:
        """Jinja environment of the templates, made at first use."""
        return self.create_jinja_environment()

    def make_config(self, instance_relative: bool = False) -> Config:
        """Return the settings to begin with.

        Args:
            instance_relative: File names are relative to the instance folder instead of the root folder.
        """
        from hipflask.flags import get_debug_flag

        root_path = self.instance_path if instance_relative else self.root_path
        defaults = dict(self.default_config)
        defaults["DEBUG"] = get_debug_flag()
        return self.config_class(root_path, defaults)

    def make_aborter(self) -> Aborter:
        """Return the object behind :func:`~hipflask.abort`."""
        return self.aborter_class()

    def auto_find_instance_path(self) -> str:
        """Return the instance folder for an application that names none."""
        return find_instance_path(self.import_name)

    def select_jinja_autoescape(self, filename: str | None) -> bool:
        """Return whether a template's values are escaped for HTML.

        Args:
            filename: The template's name; ``None`` for a string, which is escaped.
        """
        return filename is None or filename.endswith((".html", ".htm", ".xml", ".xhtml", ".svg"))

    @property
    def debug(self) -> bool:
        """Whether debug mode is on; setting it has templates reloaded when they change."""
        return self.config["DEBUG"]  # type: ignore[no-any-return]  # a bool, by make_config

    @debug.setter
    def debug(self, value: bool) -> None:
        self.config["DEBUG"] = value
        if self.config["TEMPLATES_AUTO_RELOAD"] is None and "jinja_env" in self.__dict__:
            self.jinja_env.auto_reload = value

    # Registration

    @setupmethod
    def register_blueprint(self, blueprint: Blueprint, **options: t.Any) -> None:
        """Add a blueprint's routes and hooks.

        Args:
            blueprint: The blueprint.
            **options: ``url_prefix``, ``subdomain``, ``url_defaults``, ``name``, ``name_prefix``, ``cli_group``;
                they win over the blueprint's own.

        Raises:
            ValueError: The name is taken.
        """
        blueprint.register(self, options)

    def iter_blueprints(self) -> ValuesView[Blueprint]:
        """Return the registered blueprints."""
        return self.blueprints.values()

    @setupmethod
    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: ft.RouteCallable | None = None,
        provide_automatic_options: bool | None = None,
        **options: t.Any,
    ) -> None:
        """Register a view, or a rule whose view comes later.

        Args:
            rule: URL path, e.g. ``"/user/<int:number>"``.
            endpoint: Name of the route, by default the view's.
            view_func: The view.
            provide_automatic_options: Answer OPTIONS; by default if the view does not and the setting
                ``PROVIDE_AUTOMATIC_OPTIONS`` is on.
            **options: ``methods`` and whatever else :class:`~hipflask.routing.Rule` takes.

        Raises:
            AssertionError: Another view has the same endpoint.
            TypeError: *methods* is a str.
        """
        if endpoint is None:
            endpoint = endpoint_from_view_func(view_func)
        methods = options.pop("methods", None)
        if methods is None:
            methods = getattr(view_func, "methods", None) or ("GET",)
        if isinstance(methods, str):
            raise TypeError(f"methods= is a list of names, not the str {methods!r}. Write methods=[{methods!r}].")
        methods = {method.upper() for method in methods} | set(getattr(view_func, "required_methods", ()))
        if provide_automatic_options is None:
            provide_automatic_options = getattr(view_func, "provide_automatic_options", None)
        if provide_automatic_options is None:
            provide_automatic_options = "OPTIONS" not in methods and self.config["PROVIDE_AUTOMATIC_OPTIONS"]
            if provide_automatic_options:
                methods.add("OPTIONS")
        added = self.url_rule_class(rule, endpoint=endpoint, methods=methods, **options)
        added.provide_automatic_options = provide_automatic_options  # type: ignore[attr-defined]  # Flask's own mark
        self.url_map.add(added)
        if view_func is not None:
            self._set_view(endpoint, view_func)

    def _set_view(self, endpoint: str, view_func: ft.RouteCallable) -> None:
        old = self.view_functions.get(endpoint)
        if old is not None and old != view_func:
            raise AssertionError(
                f"Two views have the endpoint {endpoint!r}: {old!r} and {view_func!r}. "
                "Rename one of them, pass endpoint=, or use functools.wraps in the decorator that hides their names."
            )
        self.view_functions[endpoint] = view_func

    def _template_decorator(self, add: Callable[..., None], name: str | None) -> Callable[[F], F]:
        def decorator(f: F) -> F:
            add(f, name=name)
            return f

        return decorator

    @setupmethod
    def template_filter(self, name: str | None = None) -> Callable[[F], F]:
        """Register a filter for templates, under the function's name or *name*.

        Example:
            ``@app.template_filter()``
        """
        return self._template_decorator(self.add_template_filter, name)

    @setupmethod
    def add_template_filter(self, f: Callable[..., t.Any], name: str | None = None) -> None:
        """Register *f* as a filter for templates, under its own name or *name*."""
        self.jinja_env.filters[name or f.__name__] = f

    @setupmethod
    def template_test(self, name: str | None = None) -> Callable[[F], F]:
        """Register a test for templates, under the function's name or *name*.

        Example:
            ``@app.template_test("prime")``
        """
        return self._template_decorator(self.add_template_test, name)

    @setupmethod
    def add_template_test(self, f: Callable[..., t.Any], name: str | None = None) -> None:
        """Register *f* as a test for templates, under its own name or *name*."""
        self.jinja_env.tests[name or f.__name__] = f

    @setupmethod
    def template_global(self, name: str | None = None) -> Callable[[F], F]:
        """Register a function that templates may call, under its own name or *name*.

        Example:
            ``@app.template_global()``
        """
        return self._template_decorator(self.add_template_global, name)

    @setupmethod
    def add_template_global(self, f: Callable[..., t.Any], name: str | None = None) -> None:
        """Register *f* as a name for templates, under its own name or *name*."""
        self.jinja_env.globals[name or f.__name__] = f

    @setupmethod
    def teardown_appcontext(self, f: T_teardown) -> T_teardown:
        """Register a function to run when an application context ends, with the exception or ``None``.

        Example:
            ``@app.teardown_appcontext``
        """
        self.teardown_appcontext_funcs.append(f)
        return f

    @setupmethod
    def shell_context_processor(self, f: T_shell) -> T_shell:
        """Register a function that returns a dict of names for ``hipflask shell``.

        Example:
            ``@app.shell_context_processor``
        """
        self.shell_context_processors.append(f)
        return f

    @setupmethod
    def on_startup(self, f: T_lifespan) -> T_lifespan:
        """Register a function, sync or async, to run once per process before the first request.

        It takes no argument and runs in an application context; several run in the order of registration. If it fails,
        the process ends with status 1, or that of its ``sys.exit``. When exactly it runs is up to the door: an ASGI
        server's lifespan, ``hipflask run`` and ``app.run()`` when they start, ``with app.test_client():`` when the
        block begins, anything else at the first request.

        Example:
            ::

                @app.on_startup
                async def connect():
                    app.extensions["pool"] = await make_pool()
        """
        self._get_lifespan().startup.append(f)
        return f

    @setupmethod
    def on_shutdown(self, f: T_lifespan) -> T_lifespan:
        """Register a function, sync or async, to run once when the application ends serving.

        It takes no argument and runs in an application context; several run in the reverse order of registration, and
        only if the functions of :meth:`on_startup` have run.

        Example:
            ``@app.on_shutdown``
        """
        self._get_lifespan().shutdown.append(f)
        return f

    def _get_lifespan(self) -> Lifespan:
        from hipflask.lifespan import Lifespan

        found = self._lifespan
        if found is None:
            found = self._lifespan = Lifespan(t.cast("t.Any", self))  # a Flask, in practice
        return found

    def _begin_serving(self) -> None:
        """Run the start-up functions if no door has; called until the first request has begun."""
        if self._lifespan is not None and not self._lifespan.is_started:
            self._lifespan.start_without_door()

    # Templates, files, shell

    def create_jinja_environment(self) -> Environment:
        """Return a new Jinja environment with this application's options, names and filters."""
        from hipflask.template_engine import make_environment

        return make_environment(t.cast("t.Any", self))  # a Flask, in practice

    def create_global_jinja_loader(self) -> BaseLoader:
        """Return the loader that finds templates of the application and of its blueprints."""
        from hipflask.template_engine import DispatchingJinjaLoader

        return DispatchingJinjaLoader(t.cast("t.Any", self))  # a Flask, in practice

    def update_template_context(self, context: dict[str, t.Any]) -> None:
        """Add what the context processors give; names that a view passed win.

        Args:
            context: Names for a template; changed in place.
        """
        names: Iterable[str | None] = (None,)
        request_context = _cv_request.get(None)
        if request_context is not None:
            names = (None, *reversed(request_context.request.blueprints))
        given = context.copy()
        for name in names:
            for func in self.template_context_processors.get(name, ()):
                context.update(t.cast("t.Any", self).ensure_sync(func)())  # Flask's method
        context.update(given)

    def open_instance_resource(self, resource: str, mode: str = "rb", encoding: str | None = "utf-8") -> t.IO[t.Any]:
        """Open a file below :attr:`instance_path`.

        Args:
            resource: Path of the file.
            mode: Mode of :func:`open`; writing is allowed.
            encoding: Encoding of text.
        """
        path = os.path.join(self.instance_path, resource)
        return open(path, mode) if "b" in mode else open(path, mode, encoding=encoding)

    def make_shell_context(self) -> dict[str, t.Any]:
        """Return the names that ``hipflask shell`` begins with."""
        from hipflask.globals import g

        names: dict[str, t.Any] = {"app": self, "g": g}
        for processor in self.shell_context_processors:
            names.update(processor())
        return names

    # Errors

    def _find_error_handler(self, e: Exception, blueprints: Iterable[str]) -> ft.ErrorHandlerCallable | None:
        """Return the handler for *e*: by code before by class, a blueprint's before the application's."""
        exc_class, code = self._get_exc_class_and_code(type(e))
        names = (*blueprints, None)
        keys = (None,) if code is None else (code, None)
        for key, name in product(keys, names):
            # Not by [], which would fill these default dicts with empty entries.
            handlers = self.error_handler_spec.get(name, {}).get(key, {})
            for cls in exc_class.__mro__ if handlers else ():
                if cls in handlers:
                    return handlers[cls]
        return None

    def trap_http_exception(self, e: Exception) -> bool:
        """Return whether an HTTPException is to be treated as an error of the program.

        That is so with ``TRAP_HTTP_EXCEPTIONS``, for a bad request with ``TRAP_BAD_REQUEST_ERRORS``, and in debug mode
        for a form key that is missing.
        """
        if self.config["TRAP_HTTP_EXCEPTIONS"]:
            return True
        trap_bad_request = self.config["TRAP_BAD_REQUEST_ERRORS"]
        if trap_bad_request is None and self.debug and isinstance(e, BadRequestKeyError):
            return True
        return bool(trap_bad_request) and isinstance(e, BadRequest)

    def should_ignore_error(self, error: BaseException | None) -> bool:
        """Return whether teardown functions are told nothing of *error*; a subclass may decide so."""
        return False

    # URLs

    def redirect(self, location: str, code: int = 302) -> Response:
        """Return an answer that sends the client to *location*.

        Args:
            location: URL.
            code: Status: 301, 302, 303, 305, 307 or 308.
        """
        from hipflask.http.redirects import redirect

        return redirect(location, code, Response=t.cast("t.Any", self).response_class)  # Flask's attribute

    def inject_url_defaults(self, endpoint: str, values: dict[str, t.Any]) -> None:
        """Have the functions of :meth:`url_defaults` add to the values to build a URL with.

        Args:
            endpoint: Endpoint to build for.
            values: Values; changed in place.
        """
        functions = self.url_default_functions
        if not functions:
            return
        names: Iterable[str | None] = (None,)
        if "." in endpoint:
            names = (None, *reversed(_blueprint_path(endpoint.rpartition(".")[0])))
        for name in names:
            for func in functions.get(name, ()):
                func(endpoint, values)

    def handle_url_build_error(self, error: t.Any, endpoint: str, values: dict[str, t.Any]) -> str:
        """Return the URL that one of ``url_build_error_handlers`` finds instead, or raise *error*.

        Args:
            error: BuildError.
            endpoint: Endpoint that could not be built.
            values: Values it was to be built with.
        """
        for handler in self.url_build_error_handlers:
            try:
                found = handler(error, endpoint, values)
            except type(error) as e:
                error = e
            else:
                if found is not None:
                    return found
        raise error


def _blueprint_path(name: str) -> list[str]:
    """Return a blueprint's name and those of its parents, innermost first: ``["a.b", "a"]``."""
    path = [name]
    while "." in name:
        name = name.rpartition(".")[0]
        path.append(name)
    return path
