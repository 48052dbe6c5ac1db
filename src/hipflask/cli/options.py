"""The options of the command line and the kinds of values that they take."""

from __future__ import annotations

import os
import platform
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from hipflask.cli.environment import load_dotenv
from hipflask.cli.script_info import ScriptInfo
from hipflask.flags import compat_versions

if TYPE_CHECKING:
    import ssl

__all__ = [
    "CertParamType",
    "EnvironmentOption",
    "SeparatedPathType",
    "get_version",
    "make_app_option",
    "make_compat_option",
    "make_debug_option",
    "make_env_file_option",
    "make_version_option",
]


class EnvironmentOption(click.Option):
    """An option that ``HIPFLASK_...`` sets too, before ``FLASK_...``."""

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """Return the variable's value; empty ones count as not set."""
        prefix = ctx.auto_envvar_prefix
        if prefix is not None and prefix.startswith("FLASK") and self.allow_from_autoenv and self.name:
            value = os.environ.get(f"HIP{prefix}_{self.name.upper()}")
            if value:
                return value
        return super().resolve_envvar_value(ctx)


def make_app_option() -> click.Option:
    """Return the option ``--app``."""
    return EnvironmentOption(
        ["-A", "--app"],
        metavar="IMPORT",
        is_eager=True,
        expose_value=False,
        callback=_set_app,
        help=(
            "The application, or the function that makes it, as 'module:name'. The module is a dotted name "
            "or a path. The name may be left out if it is 'app', 'application', 'create_app' or 'make_app'; "
            "'name(args)' calls a function with arguments."
        ),
    )


def make_compat_option() -> click.Option:
    """Return the option ``--compat``."""
    return EnvironmentOption(
        ["--compat"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_start_compat_mode,
        help="Stand for flask and werkzeug, for an application that uses extensions of Flask.",
    )


def make_env_file_option() -> click.Option:
    """Return the option ``--env-file``."""
    return EnvironmentOption(
        ["-e", "--env-file"],
        type=click.Path(exists=True, dir_okay=False),
        is_eager=True,
        expose_value=False,
        callback=_load_env_file,
        help=(
            "Set environment variables from this file, which comes before '.env' and '.flaskenv'. Variables "
            "that are set already stay as they are. Takes python-dotenv."
        ),
    )


def make_debug_option() -> click.Option:
    """Return the option ``--debug``."""
    return EnvironmentOption(
        ["--debug/--no-debug"], expose_value=False, callback=_set_debug, help="Turn debug mode on or off."
    )


def make_version_option() -> click.Option:
    """Return the option ``--version``."""
    return click.Option(
        ["--version"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=get_version,
        help="Show the versions of hipflask and Python.",
    )


def get_version(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    """Print the versions and end the program, if the option was given."""
    if not value or ctx.resilient_parsing:
        return
    from importlib.metadata import PackageNotFoundError, version

    try:
        ours = version("hipflask")
    except PackageNotFoundError:  # run from a source tree
        ours = "(not installed)"
    lines = [f"Python {platform.python_version()}", f"hipflask {ours}"]
    lines += [f"{name} {number} (by hipflask)" for name, number in compat_versions.items()]
    click.echo("\n".join(lines), color=ctx.color)
    ctx.exit()


class CertParamType(click.ParamType):  # type: ignore[type-arg,unused-ignore]  # generic from click 8.5 on
    """A certificate: the path of a file, ``adhoc``, or the import name of an `ssl.SSLContext`."""

    name = "path"

    def __init__(self) -> None:
        self.path_type = click.Path(exists=True, dir_okay=False, resolve_path=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str | ssl.SSLContext:
        """Return a path, ``"adhoc"`` or a context.

        Raises:
            click.BadParameter: It is none of them, or what it takes is not installed.
        """
        try:
            import ssl
        except ImportError:
            raise click.BadParameter("This Python was built without SSL support.", ctx, param) from None
        try:
            return str(self.path_type(value, param, ctx))
        except click.BadParameter as error:
            not_a_file = error
        if str(value).lower() == "adhoc":
            return _check_adhoc(ctx, param)
        from hipflask.imports import import_string

        found = import_string(str(value), silent=True)
        if isinstance(found, ssl.SSLContext):
            return found
        raise not_a_file


def _check_adhoc(ctx: click.Context | None, param: click.Parameter | None) -> str:
    """Return ``"adhoc"`` if a certificate can be made."""
    try:
        import cryptography  # type: ignore[import-not-found,unused-ignore]  # noqa: F401
    except ImportError:
        raise click.BadParameter(
            "A certificate is made with the package cryptography: pip install cryptography.",
            ctx,
            param,
        ) from None
    return "adhoc"


class SeparatedPathType(click.Path):
    """Several paths in one value, separated as in ``PATH`` (by ``:``, on Windows by ``;``)."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the list of paths, each checked as `click.Path` does."""
        convert = super().convert
        return [convert(each, param, ctx) for each in self.split_envvar_value(value)]


def _start_compat_mode(ctx: click.Context, param: click.Parameter, value: bool) -> bool:
    """Install compat mode, before the application is imported."""
    if value and not ctx.resilient_parsing:
        from hipflask.compat import install

        install()
    return value


def _set_app(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Tell the `ScriptInfo` which application is meant."""
    if value is not None:
        ctx.ensure_object(ScriptInfo).app_import_path = value
    return value


def _load_env_file(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Read the file, and the default ones unless that is turned off."""
    info = ctx.ensure_object(ScriptInfo)
    if value is not None or info.load_dotenv_defaults:
        if value is not None and not _has_dotenv():
            raise click.BadParameter("Reading it takes python-dotenv: pip install python-dotenv.", ctx=ctx, param=param)
        load_dotenv(value, load_defaults=info.load_dotenv_defaults)
    return value


def _has_dotenv() -> bool:
    """Tell whether python-dotenv is installed."""
    try:
        import dotenv  # noqa: F401 - only whether it is there
    except ImportError:
        return False
    return True


def _set_debug(ctx: click.Context, param: click.Parameter, value: bool) -> bool | None:
    """Put the choice into the environment, where every later reader finds it, the reloader's child too."""
    source = ctx.get_parameter_source(str(param.name))
    if source is not None and source in {ParameterSource.DEFAULT, ParameterSource.DEFAULT_MAP}:
        return None
    os.environ["FLASK_DEBUG"] = "1" if value else "0"
    if "HIPFLASK_DEBUG" in os.environ:  # it would win over the option otherwise
        os.environ["HIPFLASK_DEBUG"] = os.environ["FLASK_DEBUG"]
    return value
