"""``hipflask run``: serve an application while it is being written."""

from __future__ import annotations

import os
import sys
import traceback
from typing import TYPE_CHECKING, Any

import click

from hipflask.cli.discovery import NoAppException
from hipflask.cli.options import CertParamType, EnvironmentOption, SeparatedPathType, make_debug_option
from hipflask.cli.script_info import ScriptInfo, pass_script_info
from hipflask.flags import get_debug_flag

if TYPE_CHECKING:
    from hipflask.app import Flask

__all__ = ["run_command", "show_server_banner"]


def show_server_banner(debug: bool, app_import_path: str | None) -> None:
    """Print which application is served and whether debug mode is on; not again in a reloader's child.

    Args:
        debug: Whether debug mode is on.
        app_import_path: What names the application; ``None`` to say nothing of it.
    """
    from hipflask.server.runner import is_running_from_reloader

    if is_running_from_reloader():
        return
    if app_import_path is not None:
        click.echo(f" * Serving application {app_import_path!r}")
    click.echo(f" * Debug mode: {'on' if debug else 'off'}")


def _check_key(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """See that ``--cert`` and ``--key`` fit each other, and join them."""
    cert = ctx.params.get("cert")
    is_file = isinstance(cert, str) and cert != "adhoc"
    if value is None:
        if is_file:
            raise click.BadParameter('"--cert" with a file needs "--key" too.', ctx, param)
        return None
    if cert is None:
        raise click.BadParameter('"--key" needs "--cert" too.', ctx, param)
    if not is_file:
        raise click.BadParameter('"--key" belongs to a "--cert" that is a file.', ctx, param)
    ctx.params["cert"] = cert, value
    return value


@click.command("run", short_help="Serve the application.")
@click.option(
    "--host",
    "-h",
    cls=EnvironmentOption,
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on.",
)
@click.option("--port", "-p", cls=EnvironmentOption, default=5000, show_default=True, help="Port to listen on.")
@click.option(
    "--cert",
    cls=EnvironmentOption,
    type=CertParamType(),
    is_eager=True,
    help="Use HTTPS with this certificate file, with 'adhoc' or with an imported ssl.SSLContext.",
)
@click.option(
    "--key",
    cls=EnvironmentOption,
    type=click.Path(exists=True, dir_okay=False, resolve_path=True),
    callback=_check_key,
    expose_value=False,
    help="The certificate's private key.",
)
@click.option(
    "--reload/--no-reload",
    cls=EnvironmentOption,
    default=None,
    help="Restart when a source file changes; on in debug mode. Comes with a later version.",
)
@click.option(
    "--debugger/--no-debugger",
    cls=EnvironmentOption,
    default=None,
    help="Show tracebacks in the browser; on in debug mode. Comes with a later version.",
)
@click.option(
    "--with-threads/--without-threads",
    cls=EnvironmentOption,
    default=True,
    help="Answer several requests at a time (the default), or one after the other.",
)
@click.option(
    "--extra-files",
    cls=EnvironmentOption,
    type=SeparatedPathType(),
    default=None,
    help=f"Further files that the reloader watches, separated by {os.pathsep!r}.",
)
@click.option(
    "--exclude-patterns",
    cls=EnvironmentOption,
    type=SeparatedPathType(),
    default=None,
    help=f"Files that the reloader leaves alone, as fnmatch patterns separated by {os.pathsep!r}.",
)
@pass_script_info
def run_command(
    info: ScriptInfo,
    host: str,
    port: int,
    reload: bool | None,
    debugger: bool | None,
    with_threads: bool,
    cert: Any,
    extra_files: list[str] | None,
    exclude_patterns: list[str] | None,
) -> None:
    """Serve the application on this machine until Ctrl+C."""
    from hipflask.server import runner

    app = _load_app(info)
    debug = get_debug_flag()
    show_server_banner(debug, info.app_import_path or app.name)
    runner.run_simple(
        host,
        port,
        app,
        use_reloader=debug if reload is None else reload,
        use_debugger=debug if debugger is None else debugger,
        threaded=with_threads,
        ssl_context=cert,
        extra_files=extra_files,
        exclude_patterns=exclude_patterns,
    )


run_command.params.insert(0, make_debug_option())


def _load_app(info: ScriptInfo) -> Flask:
    """Load the application; an error inside it is told in one line with its place, in debug mode whole."""
    try:
        return info.load_app()
    except Exception as error:
        # An ImportError inside the application is the cause of a NoAppException; all others of those are told as
        # they are.
        cause = error.__cause__ if isinstance(error, NoAppException) else error
        if cause is None or get_debug_flag():
            raise
        raise click.ClickException(_describe_failure(info, cause)) from error


def _describe_failure(info: ScriptInfo, error: BaseException) -> str:
    """Return one line on what went wrong in the application's code, and where."""
    text = traceback.format_exception_only(error)[-1].strip()
    place = ""
    if isinstance(error, SyntaxError):
        place = f" in {error.filename}, line {error.lineno}"
    else:
        own = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_users(frame.filename)]
        if own:
            place = f" in {own[-1].filename}, line {own[-1].lineno}"
    name = info.app_import_path or "the application"
    return f"Importing {name} failed{place}: {text}. The whole traceback comes with --debug."


def _is_users(filename: str) -> bool:
    """Tell whether a frame is neither the import system's nor ours."""
    ours = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    return not filename.startswith("<") and not os.path.abspath(filename).startswith((ours, sys.base_prefix))
