"""What an application and a blueprint have in common: registries, and the decorators that fill them."""

from __future__ import annotations

import os
import typing as t
from collections import defaultdict
from functools import update_wrapper

from hipflask.files import send_from_directory
from hipflask.globals import _cv_app, current_app
from hipflask.http.exceptions import HTTPException, default_exceptions
from hipflask.http.properties import cached_property
from hipflask.paths import get_root_path

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from jinja2.loaders import BaseLoader

    from hipflask import typing as ft
    from hipflask.cli.groups import AppGroup
    from hipflask.http.response import Response

__all__ = ["Scaffold", "endpoint_from_view_func", "setupmethod"]

F = t.TypeVar("F", bound="Callable[..., t.Any]")
T_route = t.TypeVar("T_route", bound="ft.RouteCallable")
T_error_handler = t.TypeVar("T_error_handler", bound="ft.ErrorHandlerCallable")


def setupmethod(f: F) -> F:
    """Mark a method as one that only makes sense before the first request; later calls raise AssertionError."""
    name = f.__name__

    def wrapper_func(self: Scaffold, *args: t.Any, **kwargs: t.Any) -> t.Any:
        self._check_setup_finished(name)
        return f(self, *args, **kwargs)

    return t.cast("F", update_wrapper(wrapper_func, f))  # same signature


def endpoint_from_view_func(view_func: Callable[..., t.Any] | None) -> str:
    """Return the endpoint of a view that was given none: its name.

    Raises:
        AssertionError: There is no view to name it after.
    """
    if view_func is None:
        raise AssertionError("A route without a view function needs a name. Pass endpoint= or view_func=.")
    return view_func.__name__


class Scaffold:
    """Base of :class:`~hipflask.Flask` and :class:`~hipflask.Blueprint`.

    Args:
        import_name: Name of the module that this object belongs to, mostly ``__name__``.
        static_folder: Folder of static files, relative to *root_path*.
        static_url_path: URL path of the static files; by default the folder's name.
        template_folder: Folder of templates, relative to *root_path*.
        root_path: Absolute folder of the module; found by *import_name* if not given.
    """

    name: str
    _static_folder: str | None = None
    _static_url_path: str | None = None

    def __init__(
        self,
        import_name: str,
        static_folder: str | os.PathLike[str] | None = None,
        static_url_path: str | None = None,
        template_folder: str | os.PathLike[str] | None = None,
        root_path: str | None = None,
    ) -> None:
        self.import_name = import_name
        self.static_folder = static_folder
        self.static_url_path = static_url_path
        self.template_folder = template_folder
        self.root_path = get_root_path(import_name) if root_path is None else root_path
        # All keyed by the name of a blueprint, None for the whole application.
        self.view_functions: dict[str, ft.RouteCallable] = {}
        self.error_handler_spec: dict[str | None, dict[int | None, dict[type[Exception], ft.ErrorHandlerCallable]]] = (
            defaultdict(lambda: defaultdict(dict))
        )
        self.before_request_funcs: dict[str | None, list[ft.BeforeRequestCallable]] = defaultdict(list)
        self.after_request_funcs: dict[str | None, list[ft.AfterRequestCallable[t.Any]]] = defaultdict(list)
        self.teardown_request_funcs: dict[str | None, list[ft.TeardownCallable]] = defaultdict(list)
        self.template_context_processors: dict[str | None, list[ft.TemplateContextProcessorCallable]] = defaultdict(
            list
        )
        self.url_value_preprocessors: dict[str | None, list[ft.URLValuePreprocessorCallable]] = defaultdict(list)
        self.url_default_functions: dict[str | None, list[ft.URLDefaultCallable]] = defaultdict(list)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

    def _check_setup_finished(self, f_name: str) -> None:
        raise NotImplementedError

    @cached_property
    def cli(self) -> AppGroup:
        """Commands of this object, a click group."""
        from hipflask.cli.groups import AppGroup

        return AppGroup(name=self._cli_name())

    def _cli_name(self) -> str | None:
        return self.name

    # Files

    @property
    def static_folder(self) -> str | None:
        """Absolute folder of static files, ``None`` if there is none."""
        folder = self._static_folder
        if folder is None or folder[:1] == "/" == os.sep:
            return folder
        return os.path.join(self.root_path, folder)

    @static_folder.setter
    def static_folder(self, value: str | os.PathLike[str] | None) -> None:
        self._static_folder = None if value is None else os.fspath(value).rstrip(r"\/")

    @property
    def has_static_folder(self) -> bool:
        """Whether there is a folder of static files (it need not exist)."""
        return self.static_folder is not None

    @property
    def static_url_path(self) -> str | None:
        """URL path of the static files; ``None`` if there is no folder."""
        if self._static_url_path is not None:
            return self._static_url_path
        if self.static_folder is None:
            return None
        return f"/{os.path.basename(self.static_folder)}".rstrip("/")

    @static_url_path.setter
    def static_url_path(self, value: str | None) -> None:
        self._static_url_path = None if value is None else value.rstrip("/")

    @cached_property
    def jinja_loader(self) -> BaseLoader | None:
        """Loader of this object's templates; ``None`` if it has no folder of them."""
        if self.template_folder is None:
            return None
        from jinja2 import FileSystemLoader

        return FileSystemLoader(os.path.join(self.root_path, self.template_folder))

    def get_send_file_max_age(self, filename: str | None) -> int | None:
        """Return how long a browser may keep a file, in seconds; ``None`` to have it ask each time.

        Args:
            filename: Name of the file; a subclass may decide by it.
        """
        context = _cv_app.get(None)
        value = (current_app if context is None else context.app).config["SEND_FILE_MAX_AGE_DEFAULT"]
        if value is None:
            return None
        return int(value.total_seconds()) if hasattr(value, "total_seconds") else value

    def send_static_file(self, filename: str) -> Response:
        """Return the answer to a request for a static file.

        Args:
            filename: Path below :attr:`static_folder`.

        Raises:
            RuntimeError: There is no static folder.
            NotFound: There is no such file (status 404).
        """
        folder = self.static_folder
        if folder is None:
            raise RuntimeError(f"{self!r} has no static folder. Pass static_folder= where it is made.")
        return send_from_directory(folder, filename, max_age=self.get_send_file_max_age(filename))

    def open_resource(self, resource: str, mode: str = "rb", encoding: str | None = None) -> t.IO[t.Any]:
        """Open a file below :attr:`root_path` for reading.

        Args:
            resource: Path of the file.
            mode: ``"r"``, ``"rt"`` or ``"rb"``.
            encoding: Encoding of text, UTF-8 by default.

        Raises:
            ValueError: *mode* is for writing.
        """
        if mode not in {"r", "rt", "rb"}:
            raise ValueError(f"Resources are opened for reading; the mode {mode!r} is not. Use 'r', 'rt' or 'rb'.")
        path = os.path.join(self.root_path, resource)
        if mode == "rb":
            return open(path, mode)
        return open(path, mode, encoding=encoding or "utf-8")

    # Routes

    def _method_route(self, method: str, rule: str, options: dict[str, t.Any]) -> Callable[[T_route], T_route]:
        if "methods" in options:
            raise TypeError(f"@{method.lower()} sets the method itself. Use @route() to pass methods=.")
        return self.route(rule, methods=[method], **options)

    @setupmethod
    def get(self, rule: str, **options: t.Any) -> Callable[[T_route], T_route]:
        """Register a view for GET, as :meth:`route` does.

        Example:
            ``@app.get("/items")``
        """
        return self._method_route("GET", rule, options)

    @setupmethod
    def post(self, rule: str, **options: t.Any) -> Callable[[T_route], T_route]:
        """Register a view for POST, as :meth:`route` does.

        Example:
            ``@app.post("/items")``
        """
        return self._method_route("POST", rule, options)

    @setupmethod
    def put(self, rule: str, **options: t.Any) -> Callable[[T_route], T_route]:
        """Register a view for PUT, as :meth:`route` does.

        Example:
            ``@app.put("/items/<int:number>")``
        """
        return self._method_route("PUT", rule, options)

    @setupmethod
    def delete(self, rule: str, **options: t.Any) -> Callable[[T_route], T_route]:
        """Register a view for DELETE, as :meth:`route` does.

        Example:
            ``@app.delete("/items/<int:number>")``
        """
        return self._method_route("DELETE", rule, options)

    @setupmethod
    def patch(self, rule: str, **options: t.Any) -> Callable[[T_route], T_route]:
        """Register a view for PATCH, as :meth:`route` does.

        Example:
            ``@app.patch("/items/<int:number>")``
        """
        return self._method_route("PATCH", rule, options)

    @setupmethod
    def route(self, rule: str, **options: t.Any) -> Callable[[T_route], T_route]:
        """Register a view.

        Args:
            rule: URL path, e.g. ``"/user/<int:number>"``.
            **options: ``endpoint``, ``methods`` and whatever else :class:`~hipflask.routing.Rule` takes.

        Example:
            ``@app.route("/user/<name>", methods=["GET", "POST"])``
        """

        def decorator(f: T_route) -> T_route:
            endpoint = options.pop("endpoint", None)
            self.add_url_rule(rule, endpoint, f, **options)
            return f

        return decorator

    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: ft.RouteCallable | None = None,
        provide_automatic_options: bool | None = None,
        **options: t.Any,
    ) -> None:
        """Register a view, or a rule whose view comes later by :meth:`endpoint`.

        Args:
            rule: URL path, e.g. ``"/user/<int:number>"``.
            endpoint: Name of the route, by default the view's.
            view_func: The view.
            provide_automatic_options: Answer OPTIONS; by default if the view does not.
            **options: ``methods`` and whatever else :class:`~hipflask.routing.Rule` takes.
        """
        raise NotImplementedError

    @setupmethod
    def endpoint(self, endpoint: str) -> Callable[[F], F]:
        """Register the view of an endpoint whose rules were, or will be, added without one.

        Example:
            ``@app.endpoint("index")``
        """

        def decorator(f: F) -> F:
            self.view_functions[endpoint] = f
            return f

        return decorator

    # Hooks

    @setupmethod
    def before_request(self, f: F) -> F:
        """Register a function to run before each view; if it returns something, that is the answer.

        Example:
            ``@app.before_request``
        """
        self.before_request_funcs.setdefault(None, []).append(f)
        return f

    @setupmethod
    def after_request(self, f: F) -> F:
        """Register a function that receives each response and returns it, or another one.

        Example:
            ``@app.after_request``
        """
        self.after_request_funcs.setdefault(None, []).append(f)
        return f

    @setupmethod
    def teardown_request(self, f: F) -> F:
        """Register a function to run when a request's context ends, with the exception or ``None``.

        Example:
            ``@app.teardown_request``
        """
        self.teardown_request_funcs.setdefault(None, []).append(f)
        return f

    @setupmethod
    def context_processor(self, f: F) -> F:
        """Register a function that returns a dict of names for templates.

        Example:
            ``@app.context_processor``
        """
        self.template_context_processors[None].append(f)
        return f

    @setupmethod
    def url_value_preprocessor(self, f: F) -> F:
        """Register a function that receives the endpoint and the URL's values, and may change these.

        Example:
            ``@app.url_value_preprocessor``
        """
        self.url_value_preprocessors[None].append(f)
        return f

    @setupmethod
    def url_defaults(self, f: F) -> F:
        """Register a function that receives an endpoint and the values to build a URL with, and may change these.

        Example:
            ``@app.url_defaults``
        """
        self.url_default_functions[None].append(f)
        return f

    @setupmethod
    def errorhandler(self, code_or_exception: type[Exception] | int) -> Callable[[T_error_handler], T_error_handler]:
        """Register a function that answers for an exception class or a status code.

        Example:
            ``@app.errorhandler(404)``
        """

        def decorator(f: T_error_handler) -> T_error_handler:
            self.register_error_handler(code_or_exception, f)
            return f

        return decorator

    @setupmethod
    def register_error_handler(self, code_or_exception: type[Exception] | int, f: ft.ErrorHandlerCallable) -> None:
        """Register a function that answers for an exception class or a status code.

        Args:
            code_or_exception: The class or code; subclasses count too, the nearest class wins.
            f: Function from the exception to what a view may return.
        """
        exc_class, code = self._get_exc_class_and_code(code_or_exception)
        self.error_handler_spec[None][code][exc_class] = f

    @staticmethod
    def _get_exc_class_and_code(
        exc_class_or_code: type[Exception] | int,
    ) -> tuple[type[Exception], int | None]:
        """Return the exception class that is meant, and its status code if it has one."""
        if isinstance(exc_class_or_code, int):
            found = default_exceptions.get(exc_class_or_code)
            if found is None:
                raise ValueError(
                    f"There is no HTTP error with the code {exc_class_or_code!r}. Use a subclass of HTTPException with "
                    "that code, or a code that abort() knows."
                )
            return found, found.code
        if isinstance(exc_class_or_code, Exception):
            raise TypeError(
                f"{exc_class_or_code!r} is an instance, not a class. "
                "Register the handler for its class, or for a status code."
            )
        if not isinstance(exc_class_or_code, type):
            raise TypeError(
                f"{exc_class_or_code!r} is neither a class nor a status code. "
                "Register the handler for an exception class, or for a status code as an int."
            )
        if not issubclass(exc_class_or_code, Exception):
            raise ValueError(
                f"{getattr(exc_class_or_code, '__name__', exc_class_or_code)!r} is not a subclass of Exception. "
                "Register the handler for an exception class, or for a status code."
            )
        if issubclass(exc_class_or_code, HTTPException):
            return exc_class_or_code, exc_class_or_code.code
        return exc_class_or_code, None
