"""Blueprints: parts of an application that are registered together."""

from __future__ import annotations

import typing as t
from functools import update_wrapper

from hipflask.scaffold import Scaffold, endpoint_from_view_func, setupmethod

if t.TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from hipflask import typing as ft
    from hipflask.app_setup import App

__all__ = ["Blueprint", "BlueprintSetupState"]

F = t.TypeVar("F", bound="Callable[..., t.Any]")
MISSING: t.Any = object()
# The registries of a blueprint that are merged into the application's, name by name.
MERGED = (
    "before_request_funcs",
    "after_request_funcs",
    "teardown_request_funcs",
    "url_default_functions",
    "url_value_preprocessors",
    "template_context_processors",
)


class BlueprintSetupState:
    """What a blueprint's deferred functions are given: where, and how, it is being registered.

    Args:
        blueprint: The blueprint.
        app: The application.
        options: Options of the registration.
        first_registration: Whether the blueprint was not registered before.
    """

    def __init__(self, blueprint: Blueprint, app: App, options: dict[str, t.Any], first_registration: bool) -> None:
        self.app = app
        self.blueprint = blueprint
        self.options = options
        self.first_registration = first_registration
        subdomain = options.get("subdomain")
        self.subdomain = blueprint.subdomain if subdomain is None else subdomain
        url_prefix = options.get("url_prefix")
        self.url_prefix = blueprint.url_prefix if url_prefix is None else url_prefix
        self.name = options.get("name", blueprint.name)
        self.name_prefix = options.get("name_prefix", "")
        self.url_defaults = dict(blueprint.url_values_defaults)
        self.url_defaults.update(options.get("url_defaults", ()))

    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: ft.RouteCallable | None = None,
        **options: t.Any,
    ) -> None:
        """Add a rule to the application, with the blueprint's prefix, subdomain, defaults and name.

        Args:
            rule: URL path below the prefix.
            endpoint: Name of the route, by default the view's.
            view_func: The view.
            **options: As of :meth:`hipflask.Flask.add_url_rule`.
        """
        if self.url_prefix is not None:
            rule = f"{self.url_prefix.rstrip('/')}/{rule.lstrip('/')}" if rule else self.url_prefix
        options.setdefault("subdomain", self.subdomain)
        if endpoint is None:
            endpoint = endpoint_from_view_func(view_func)
        defaults = self.url_defaults
        if "defaults" in options:
            defaults = dict(defaults, **options.pop("defaults"))
        name = f"{self.name_prefix}.{self.name}.{endpoint}".lstrip(".")
        self.app.add_url_rule(rule, name, view_func, defaults=defaults, **options)


class Blueprint(Scaffold):
    """Routes, hooks, templates and static files that an application registers together.

    Args:
        name: Name; it stands before the endpoints.
        import_name: Name of the module that it belongs to, mostly ``__name__``.
        static_folder: Folder of static files, relative to *root_path*; none by default.
        static_url_path: URL path of the static files, below *url_prefix*.
        template_folder: Folder of templates, relative to *root_path*; searched after the application's.
        url_prefix: Path in front of all its routes.
        subdomain: Subdomain of all its routes.
        url_defaults: Values that its views get, and need not be given, for all routes.
        root_path: Absolute folder of the module.
        cli_group: Name of its command group; ``None`` puts the commands among the application's.

    Raises:
        ValueError: The name is empty or has a dot.

    Example::

        pages = Blueprint("pages", __name__, url_prefix="/pages")

        @pages.route("/")
        def index():
            return "Pages"

        app.register_blueprint(pages)
    """

    _got_registered_once = False

    def __init__(
        self,
        name: str,
        import_name: str,
        static_folder: str | os.PathLike[str] | None = None,
        static_url_path: str | None = None,
        template_folder: str | os.PathLike[str] | None = None,
        url_prefix: str | None = None,
        subdomain: str | None = None,
        url_defaults: dict[str, t.Any] | None = None,
        root_path: str | None = None,
        cli_group: str | None = MISSING,
    ) -> None:
        super().__init__(import_name, static_folder, static_url_path, template_folder, root_path)
        if not name:
            raise ValueError("A blueprint needs a name that is not empty: it stands before its endpoints.")
        if "." in name:
            raise ValueError(
                f"The blueprint name {name!r} has a dot, which separates the names of nested blueprints. Leave it out."
            )
        self.name = name
        self.url_prefix = url_prefix
        self.subdomain = subdomain
        self.deferred_functions: list[Callable[[BlueprintSetupState], None]] = []
        self.url_values_defaults = {} if url_defaults is None else url_defaults
        self.cli_group = cli_group
        self._blueprints: list[tuple[Blueprint, dict[str, t.Any]]] = []

    def _check_setup_finished(self, f_name: str) -> None:
        if self._got_registered_once:
            raise AssertionError(
                f"The setup method {f_name!r} was called on {self!r} after it had been registered; what it adds would "
                "be missing from the application. Move the call, or its import, above register_blueprint()."
            )

    # Registration

    @setupmethod
    def record(self, func: Callable[[BlueprintSetupState], None]) -> None:
        """Have *func* called with the setup state at each registration."""
        self.deferred_functions.append(func)

    @setupmethod
    def record_once(self, func: Callable[[BlueprintSetupState], None]) -> None:
        """Have *func* called with the setup state at the first registration only."""

        def wrapper(state: BlueprintSetupState) -> None:
            if state.first_registration:
                func(state)

        self.record(update_wrapper(wrapper, func))

    def make_setup_state(
        self, app: App, options: dict[str, t.Any], first_registration: bool = False
    ) -> BlueprintSetupState:
        """Return the state of a registration.

        Args:
            app: The application.
            options: Options of the registration.
            first_registration: Whether it is the first.
        """
        return BlueprintSetupState(self, app, options, first_registration)

    @setupmethod
    def register_blueprint(self, blueprint: Blueprint, **options: t.Any) -> None:
        """Nest another blueprint in this one.

        Args:
            blueprint: The inner blueprint.
            **options: As of :meth:`hipflask.Flask.register_blueprint`.

        Raises:
            ValueError: It is this blueprint itself.
        """
        if blueprint is self:
            raise ValueError(f"{self!r} cannot be registered on itself. Pass another blueprint.")
        self._blueprints.append((blueprint, options))

    def register(self, app: App, options: dict[str, t.Any]) -> None:
        """Add everything to an application; called by :meth:`hipflask.Flask.register_blueprint`.

        Args:
            app: The application.
            options: Options of the registration.

        Raises:
            ValueError: The name is taken.
        """
        name = f"{options.get('name_prefix', '')}.{options.get('name', self.name)}".lstrip(".")
        self._check_name(app, name)
        is_first = not any(blueprint is self for blueprint in app.blueprints.values())
        app.blueprints[name] = self
        self._got_registered_once = True
        state = self.make_setup_state(app, options, is_first)
        if self.has_static_folder:
            state.add_url_rule(
                f"{self.static_url_path}/<path:filename>", view_func=self.send_static_file, endpoint="static"
            )
        self._merge_into(app, name)
        for deferred in self.deferred_functions:
            deferred(state)
        self._register_commands(app, name, options.get("cli_group", self.cli_group))
        for blueprint, inner_options in self._blueprints:
            blueprint.register(app, _nest(state, blueprint, inner_options, name))

    def _check_name(self, app: App, name: str) -> None:
        taken_by = app.blueprints.get(name)
        if taken_by is not None:
            which = "this blueprint" if taken_by is self else f"another one, {taken_by!r},"
            raise ValueError(
                f"The blueprint name {name!r} is taken: {which} has been registered under it. "
                "Pass name= to register_blueprint()."
            )

    def _merge_into(self, app: App, name: str) -> None:
        """Add views, error handlers and hooks to the application's, under the blueprint's full name."""
        for key, by_code in self.error_handler_spec.items():
            target = app.error_handler_spec[name if key is None else f"{name}.{key}"]
            for code, handlers in by_code.items():
                target[code].update(handlers)
        for endpoint, view in self.view_functions.items():
            app.view_functions[endpoint] = view
        for registry in MERGED:
            for key, functions in getattr(self, registry).items():
                getattr(app, registry)[name if key is None else f"{name}.{key}"].extend(functions)

    def _register_commands(self, app: App, name: str, group: str | None) -> None:
        # Commands would have been made through self.cli, which imports click.
        if "cli" not in self.__dict__ or not self.cli.commands:
            return
        if group is None:
            app.cli.commands.update(self.cli.commands)
            return
        self.cli.name = name if group is MISSING else group
        app.cli.add_command(self.cli)

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
            rule: URL path below the blueprint's prefix.
            endpoint: Name of the route without the blueprint's, by default the view's.
            view_func: The view.
            provide_automatic_options: Answer OPTIONS; by default if the view does not.
            **options: As of :meth:`hipflask.Flask.add_url_rule`.

        Raises:
            ValueError: The endpoint, or the view's name, has a dot.
        """
        if endpoint and "." in endpoint:
            raise ValueError(f"The endpoint {endpoint!r} has a dot, which separates it from the blueprint's name.")
        name = getattr(view_func, "__name__", "")
        if not endpoint and "." in name:
            raise ValueError(f"The view's name {name!r} has a dot, so it cannot be an endpoint. Pass endpoint=.")
        self.record(
            lambda state: state.add_url_rule(
                rule, endpoint, view_func, provide_automatic_options=provide_automatic_options, **options
            )
        )

    # For the whole application

    def _on_app(self, add: Callable[[App], None]) -> None:
        self.record_once(lambda state: add(state.app))

    @setupmethod
    def app_template_filter(self, name: str | None = None) -> Callable[[F], F]:
        """Register a filter for all templates of the application, under the function's name or *name*.

        Example:
            ``@pages.app_template_filter()``
        """
        return self._decorator(self.add_app_template_filter, name)

    @setupmethod
    def add_app_template_filter(self, f: Callable[..., t.Any], name: str | None = None) -> None:
        """Register *f* as a filter for all templates of the application, under its own name or *name*."""
        self._on_app(lambda app: app.add_template_filter(f, name=name))

    @setupmethod
    def app_template_test(self, name: str | None = None) -> Callable[[F], F]:
        """Register a test for all templates of the application, under the function's name or *name*.

        Example:
            ``@pages.app_template_test()``
        """
        return self._decorator(self.add_app_template_test, name)

    @setupmethod
    def add_app_template_test(self, f: Callable[..., t.Any], name: str | None = None) -> None:
        """Register *f* as a test for all templates of the application, under its own name or *name*."""
        self._on_app(lambda app: app.add_template_test(f, name=name))

    @setupmethod
    def app_template_global(self, name: str | None = None) -> Callable[[F], F]:
        """Register a name for all templates of the application, the function's own or *name*.

        Example:
            ``@pages.app_template_global()``
        """
        return self._decorator(self.add_app_template_global, name)

    @setupmethod
    def add_app_template_global(self, f: Callable[..., t.Any], name: str | None = None) -> None:
        """Register *f* as a name for all templates of the application, its own name or *name*."""
        self._on_app(lambda app: app.add_template_global(f, name=name))

    def _decorator(self, add: Callable[..., None], name: str | None) -> Callable[[F], F]:
        def decorator(f: F) -> F:
            add(f, name=name)
            return f

        return decorator

    @setupmethod
    def before_app_request(self, f: F) -> F:
        """Register a function to run before each view of the application.

        Example:
            ``@pages.before_app_request``
        """
        self._on_app(lambda app: app.before_request_funcs.setdefault(None, []).append(f))
        return f

    @setupmethod
    def after_app_request(self, f: F) -> F:
        """Register a function that receives each response of the application.

        Example:
            ``@pages.after_app_request``
        """
        self._on_app(lambda app: app.after_request_funcs.setdefault(None, []).append(f))
        return f

    @setupmethod
    def teardown_app_request(self, f: F) -> F:
        """Register a function to run when any request's context ends.

        Example:
            ``@pages.teardown_app_request``
        """
        self._on_app(lambda app: app.teardown_request_funcs.setdefault(None, []).append(f))
        return f

    @setupmethod
    def app_context_processor(self, f: F) -> F:
        """Register a function that returns a dict of names for all templates of the application.

        Example:
            ``@pages.app_context_processor``
        """
        self._on_app(lambda app: app.template_context_processors.setdefault(None, []).append(f))
        return f

    @setupmethod
    def app_url_value_preprocessor(self, f: F) -> F:
        """Register a URL value preprocessor for the whole application.

        Example:
            ``@pages.app_url_value_preprocessor``
        """
        self._on_app(lambda app: app.url_value_preprocessors.setdefault(None, []).append(f))
        return f

    @setupmethod
    def app_url_defaults(self, f: F) -> F:
        """Register a function of URL defaults for the whole application.

        Example:
            ``@pages.app_url_defaults``
        """
        self._on_app(lambda app: app.url_default_functions.setdefault(None, []).append(f))
        return f

    @setupmethod
    def app_errorhandler(self, code: type[Exception] | int) -> Callable[[F], F]:
        """Register a function that answers for an error anywhere in the application.

        Example:
            ``@pages.app_errorhandler(404)``
        """

        def decorator(f: F) -> F:
            self._on_app(lambda app: app.register_error_handler(code, f))
            return f

        return decorator


def _nest(state: BlueprintSetupState, blueprint: Blueprint, options: dict[str, t.Any], name: str) -> dict[str, t.Any]:
    """Return the options to register an inner blueprint with: prefix, subdomain and name below the outer one's."""
    options = options.copy()
    prefix = options.get("url_prefix")
    if prefix is None:
        prefix = blueprint.url_prefix
    if state.url_prefix is not None and prefix is not None:
        options["url_prefix"] = f"{state.url_prefix.rstrip('/')}/{prefix.lstrip('/')}"
    elif prefix is not None or state.url_prefix is not None:
        options["url_prefix"] = state.url_prefix if prefix is None else prefix
    subdomain = options.get("subdomain")
    if subdomain is None:
        subdomain = blueprint.subdomain
    if state.subdomain is not None and subdomain is not None:
        options["subdomain"] = f"{subdomain}.{state.subdomain}"
    elif subdomain is not None or state.subdomain is not None:
        options["subdomain"] = state.subdomain if subdomain is None else subdomain
    options["name_prefix"] = name
    return options
