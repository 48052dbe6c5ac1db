"""The Jinja environment of an application, and the loader that looks into its blueprints too."""

from __future__ import annotations

import typing as t
from collections import ChainMap

from jinja2 import BaseLoader, TemplateNotFound
from jinja2 import Environment as JinjaEnvironment
from jinja2 import Template as JinjaTemplate
from jinja2.runtime import new_context

from hipflask.flashing import get_flashed_messages
from hipflask.globals import g, request, session

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, MutableMapping

    from jinja2.runtime import Context

    from hipflask.app import Flask
    from hipflask.scaffold import Scaffold

__all__ = ["DispatchingJinjaLoader", "Environment", "Template", "make_environment"]

Source = tuple[str, str | None, t.Optional["Callable[[], bool] | None"]]


class Template(JinjaTemplate):
    """A template that comes to the environment's globals without a detour."""

    def new_context(
        self,
        vars: dict[str, t.Any] | None = None,
        shared: bool = False,
        locals: Mapping[str, t.Any] | None = None,
    ) -> Context:
        """Return the context to render with; see :meth:`jinja2.Template.new_context`.

        Args:
            vars: The names that the template is given.
            shared: Whether *vars* is the whole context, globals included.
            locals: Names of the template that includes this one.
        """
        names: MutableMapping[str, t.Any] = self.globals
        # PERF: Jinja asks a ChainMap for each global in turn, a third of the time that a small template takes.
        # Mostly only its second map has names: those of the environment.
        if type(names) is ChainMap and len(names.maps) == 2 and not names.maps[0]:
            names = names.maps[1]
        return new_context(self.environment, self.name, self.blocks, vars, shared, names, locals)


class Environment(JinjaEnvironment):
    """A Jinja environment that belongs to an application.

    Args:
        app: The application.
        **options: Options of :class:`jinja2.Environment`; the loader is the application's by default.
    """

    template_class = Template

    def __init__(self, app: Flask, **options: t.Any) -> None:
        if "loader" not in options:
            options["loader"] = app.create_global_jinja_loader()
        super().__init__(**options)
        self.app = app


def make_environment(app: Flask) -> Environment:
    """Return a new environment with an application's options, names and filters.

    Args:
        app: The application.
    """
    options = dict(app.jinja_options)
    options.setdefault("autoescape", app.select_jinja_autoescape)
    if "auto_reload" not in options:
        auto_reload = app.config["TEMPLATES_AUTO_RELOAD"]
        options["auto_reload"] = app.debug if auto_reload is None else auto_reload
    environment = app.jinja_environment(app, **options)
    environment.globals.update(
        url_for=app.url_for,
        get_flashed_messages=get_flashed_messages,
        config=app.config,
        # Also for imported templates, which do not get the context processors' names.
        request=request,
        session=session,
        g=g,
    )
    environment.policies["json.dumps_function"] = app.json.dumps
    return environment


class DispatchingJinjaLoader(BaseLoader):
    """Looks for a template in the application's folder, then in those of its blueprints.

    Args:
        app: The application.
    """

    def __init__(self, app: Flask) -> None:
        self.app = app

    def get_source(self, environment: JinjaEnvironment, template: str) -> t.Any:
        """Return text, file name and an up-to-date test of a template.

        Args:
            environment: The environment.
            template: Name of the template.

        Raises:
            jinja2.TemplateNotFound: No folder has it.
        """
        if self.app.config["EXPLAIN_TEMPLATE_LOADING"]:
            return self._get_source_explained(environment, template)
        for _, loader in self._loaders():
            try:
                return loader.get_source(environment, template)
            except TemplateNotFound:
                continue
        raise TemplateNotFound(template)

    def _get_source_explained(self, environment: JinjaEnvironment, template: str) -> t.Any:
        from hipflask.debughelpers import explain_template_loading_attempts

        attempts: list[tuple[BaseLoader, Scaffold, t.Any]] = []
        found = None
        for owner, loader in self._loaders():
            try:
                source: t.Any = loader.get_source(environment, template)
            except TemplateNotFound:
                source = None
            found = found or source
            attempts.append((loader, owner, source))
        explain_template_loading_attempts(self.app, template, attempts)
        if found is None:
            raise TemplateNotFound(template)
        return found

    def _loaders(self) -> Iterator[tuple[Scaffold, BaseLoader]]:
        owners: list[Scaffold] = [self.app, *self.app.iter_blueprints()]
        for owner in owners:
            loader = owner.jinja_loader
            if loader is not None:
                yield owner, loader

    def list_templates(self) -> list[str]:
        """Return the names of all templates, sorted not at all, each once."""
        names: dict[str, None] = {}
        for _, loader in self._loaders():
            names.update(dict.fromkeys(loader.list_templates()))
        return list(names)
