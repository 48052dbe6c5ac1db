"""Groups of commands: an application's own, and the whole command line."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, overload

import click

from hipflask.cli.discovery import NoAppException
from hipflask.cli.script_info import ScriptInfo, with_appcontext
from hipflask.flags import compat_versions, get_load_dotenv
from hipflask.globals import current_app

if TYPE_CHECKING:
    from hipflask.app import Flask

__all__ = ["AppGroup", "FlaskGroup"]

#: Entry point groups whose commands are added, and the one that is added in compat mode.
PLUGIN_GROUPS = ("hipflask.commands",)
COMPAT_PLUGIN_GROUP = "flask.commands"


_Answer = TypeVar("_Answer")


def _ask_app(ctx: click.Context, question: Callable[[Flask], _Answer], *, told: type[Exception]) -> _Answer | None:
    """Return what *question* returns for the application that the command line is for.

    An error of the kind *told* is written to stderr, and the answer is ``None``: a lack of an application in a
    sentence, others with their traceback, as they come from the user's code.
    """
    try:
        return question(ctx.ensure_object(ScriptInfo).load_app())
    except told as error:
        text = f"Error: {error.format_message()}" if isinstance(error, NoAppException) else traceback.format_exc()
    click.secho(f"{text}\n", err=True, fg="red")
    return None


class AppGroup(click.Group):
    """A group whose commands run inside the application's context.

    ``app.cli`` and ``blueprint.cli`` are such groups::

        @app.cli.command("create-user")
        @click.argument("name")
        def create_user(name):
            ...

    Args:
        name: Name of the group.
        commands: Commands that it has from the start.
        invoke_without_command: Run the group's function also when no command is given.
        no_args_is_help: Show the help when no command is given.
        subcommand_metavar: What stands for the command in the help.
        chain: Allow several commands in one call.
        result_callback: Called with what the command returns.
        **kwargs: Further arguments of `click.Command`.
    """

    def __init__(
        self,
        name: str | None = None,
        commands: Mapping[str, click.Command] | Iterable[click.Command] | None = None,
        invoke_without_command: bool = False,
        no_args_is_help: bool | None = None,
        subcommand_metavar: str | None = None,
        chain: bool = False,
        result_callback: Callable[..., Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            name,
            dict(commands) if isinstance(commands, Mapping) else list(commands or ()),
            invoke_without_command=invoke_without_command,  # by keyword: click 8.1 takes no more by position
            no_args_is_help=no_args_is_help,
            subcommand_metavar=subcommand_metavar,
            chain=chain,
            result_callback=result_callback,
            **kwargs,
        )

    @overload
    def command(self, __func: Callable[..., Any]) -> click.Command: ...

    @overload
    def command(self, *args: Any, **kwargs: Any) -> Callable[[Callable[..., Any]], click.Command]: ...

    def command(self, *args: Any, **kwargs: Any) -> Any:
        """Return a decorator that makes a function a command of this group.

        Args:
            *args: As for ``click.Group.command``.
            **kwargs: Likewise; ``with_appcontext=False`` for a command that needs no application.

        Example::

            @app.cli.command()
            def clean():
                current_app.logger.info("cleaning")
        """
        wants_context = kwargs.pop("with_appcontext", True)
        make_command = super().command
        if args and callable(args[0]):  # used as a bare decorator
            return make_command(**kwargs)(with_appcontext(args[0]) if wants_context else args[0])

        def decorate(function: Callable[..., Any]) -> click.Command:
            command: click.Command = make_command(*args, **kwargs)(
                with_appcontext(function) if wants_context else function
            )
            return command

        return decorate

    def group(self, *args: Any, **kwargs: Any) -> Any:
        """Return a decorator that makes a function a group inside this one, an `AppGroup` too.

        Args:
            *args: As for ``click.Group.group``.
            **kwargs: Likewise.

        Example::

            @app.cli.group()
            def users():
                "Manage users."
        """
        kwargs.setdefault("cls", AppGroup)
        return super().group(*args, **kwargs)


class FlaskGroup(AppGroup):
    """The command line: the built-in commands, those of plugins, and those of the application.

    Args:
        add_default_commands: Have ``run``, ``shell``, ``routes`` and ``secret``.
        create_app: Function that returns the application; without it ``--app`` and its like decide.
        add_version_option: Have ``--version``.
        load_dotenv: Read ``.env`` and ``.flaskenv``.
        set_debug_flag: Set the application's ``debug`` from the environment when it is loaded.
        **extra: Further arguments of `AppGroup`.
    """

    def __init__(
        self,
        add_default_commands: bool = True,
        create_app: Callable[..., Flask] | None = None,
        add_version_option: bool = True,
        load_dotenv: bool = True,
        set_debug_flag: bool = True,
        **extra: Any,
    ) -> None:
        from hipflask.cli import options

        self._env_file_option = options.make_env_file_option()
        self._app_option = options.make_app_option()
        params = [self._env_file_option, self._app_option, options.make_debug_option()]
        if add_version_option:
            params.append(options.make_version_option())
        params[:0] = extra.pop("params", None) or ()
        context_settings = {"auto_envvar_prefix": "FLASK", **(extra.pop("context_settings", None) or {})}
        super().__init__(params=params, context_settings=context_settings, **extra)
        self.create_app = create_app
        self.load_dotenv = load_dotenv
        self.set_debug_flag = set_debug_flag
        self._has_plugins = False
        if add_default_commands:
            self._add_default_commands()

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Return a command: a built-in one or a plugin's, else the application's."""
        self._add_plugin_commands()

        def find(app: Flask) -> click.Command | None:
            if not current_app or current_app != app:  # the proxy is never the object itself
                # The command may use the application while its parameters are parsed.
                ctx.with_resource(app.app_context())
            return app.cli.get_command(ctx, name)

        return super().get_command(ctx, name) or _ask_app(ctx, find, told=NoAppException)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands; what keeps the application's from being known goes to stderr."""
        self._add_plugin_commands()
        # Whatever is wrong with the application: the help of the other commands must stay within reach.
        of_app = _ask_app(ctx, lambda app: app.cli.list_commands(ctx), told=Exception)
        return sorted({*super().list_commands(ctx), *(of_app or ())})

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Return a context with a `ScriptInfo`; from now on ``app.run()`` does nothing."""
        os.environ["FLASK_RUN_FROM_CLI"] = "true"
        if "obj" not in extra and "obj" not in self.context_settings:
            extra["obj"] = ScriptInfo(
                create_app=self.create_app,
                set_debug_flag=self.set_debug_flag,
                load_dotenv_defaults=self.load_dotenv and get_load_dotenv(),
            )
        return super().make_context(info_name, args, parent=parent, **extra)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments; files and application are known already where only the help is asked for."""
        is_help = len(args) == 1 and args[0] in self.get_help_option_names(ctx)
        try:
            if is_help or (not args and self.no_args_is_help):
                for option in (self._env_file_option, self._app_option):
                    option.handle_parse_result(ctx, {}, [])
            return super().parse_args(ctx, args)
        except BaseException:
            ctx.close()  # the help has pushed the application's context, and click leaves it there
            raise

    def _add_default_commands(self) -> None:
        """Add the commands that need no application of a certain kind."""
        from hipflask.cli.routes import routes_command
        from hipflask.cli.run import run_command
        from hipflask.cli.secret import secret_command
        from hipflask.cli.shell import shell_command

        for command in (run_command, shell_command, routes_command, secret_command):
            self.add_command(command)

    def _add_plugin_commands(self) -> None:
        """Add the commands that installed packages offer, once."""
        if self._has_plugins:
            return
        self._has_plugins = True
        from importlib.metadata import entry_points

        for group in (*PLUGIN_GROUPS, COMPAT_PLUGIN_GROUP) if compat_versions else PLUGIN_GROUPS:
            for entry_point in entry_points(group=group):
                self.add_command(entry_point.load(), entry_point.name)
