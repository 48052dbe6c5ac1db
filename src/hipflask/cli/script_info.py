"""What the commands of one call share: the application, loaded when first needed."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hipflask.cli.discovery import NoAppException, load_named_app, locate_app, prepare_import
from hipflask.flags import get_debug_flag
from hipflask.globals import current_app

if TYPE_CHECKING:
    from hipflask.app import Flask

__all__ = ["ScriptInfo", "pass_script_info", "with_appcontext"]

_DEFAULT_FILES = ("wsgi.py", "app.py")
_Function = TypeVar("_Function", bound=Callable[..., Any])


class ScriptInfo:
    """Knows how to get the application; a click context's ``obj``.

    Args:
        app_import_path: What ``--app`` was given, e.g. ``"module:name"``.
        create_app: Function that returns the application; goes before the path.
        set_debug_flag: Set the application's ``debug`` from the environment when it is loaded.
        load_dotenv_defaults: Whether ``.env`` and ``.flaskenv`` are read.

    Attributes:
        data: For commands that want to hand something on.
    """

    def __init__(
        self,
        app_import_path: str | None = None,
        create_app: Callable[..., Flask] | None = None,
        set_debug_flag: bool = True,
        load_dotenv_defaults: bool = True,
    ) -> None:
        self.app_import_path = app_import_path
        self.create_app = create_app
        self.set_debug_flag = set_debug_flag
        self.load_dotenv_defaults = load_dotenv_defaults
        self.data: dict[Any, Any] = {}
        self._loaded_app: Flask | None = None

    def load_app(self) -> Flask:
        """Return the application, imported or made at the first call.

        Raises:
            NoAppException: There is none.
        """
        if self._loaded_app is None:
            app = self._find_app()
            if self.set_debug_flag:
                app.debug = get_debug_flag()
            self._loaded_app = app
        return self._loaded_app

    def _find_app(self) -> Flask:
        """Get the application for the first time."""
        if self.create_app is not None:
            return self.create_app()
        if self.app_import_path:
            return load_named_app(self.app_import_path)
        for file in _DEFAULT_FILES:
            app = locate_app(prepare_import(file), None, raise_if_not_found=False)
            if app is not None:
                return app
        raise NoAppException(
            "Found no application: neither the option --app nor the variable HIPFLASK_APP (or FLASK_APP) names one, "
            f"and there is no wsgi.py and no app.py in {os.getcwd()}. "
            "For an application in hello.py, type --app hello before the command."
        )


pass_script_info = click.make_pass_decorator(ScriptInfo, ensure=True)
"""Decorator that gives a command the `ScriptInfo` as its first argument."""


def with_appcontext(f: _Function) -> _Function:
    """Run a command's function inside the application's context.

    Commands made by ``app.cli.command()`` are so already. An example for any other::

        @click.command()
        @with_appcontext
        def count_users():
            click.echo(current_app.name)
    """

    @click.pass_context
    def run_in_context(ctx: click.Context, /, *args: Any, **kwargs: Any) -> Any:
        if not current_app:
            app = ctx.ensure_object(ScriptInfo).load_app()
            ctx.with_resource(app.app_context())
        return ctx.invoke(f, *args, **kwargs)

    return functools.update_wrapper(run_in_context, f)  # type: ignore[return-value]  # it has f's arguments
