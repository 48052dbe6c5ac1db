"""``hipflask run``: serve an application, under a supervisor or, in debug mode, in this process."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from hipflask.cli.loading import load_served_app
from hipflask.cli.options import CertParamType, EnvironmentOption, SeparatedPathType, make_debug_option
from hipflask.cli.script_info import ScriptInfo, pass_script_info
from hipflask.flags import get_debug_flag
from hipflask.server.settings import SETTINGS, Group, Kind, Setting, config_of, export, resolve

if TYPE_CHECKING:
    from hipflask.server.launch import Address

__all__ = ["run_command", "show_server_banner"]

#: What only a supervisor can do.
_SUPERVISED = tuple(
    setting.name for setting in SETTINGS if not setting.has_key and setting.name not in {"server", "backlog"}
)
_GROUPS = {
    **dict.fromkeys(("host", "port", "cert", "key"), Group.ADDRESS),
    "with_threads": Group.PROCESSES,
    **{setting.name: setting.group for setting in SETTINGS},
}
_CERT_TEXT = "hipflask.cert"


def show_server_banner(debug: bool, app_import_path: str | None) -> None:
    """Print which application is served and whether debug mode is on; not again in a reloader's child.

    Args:
        debug: Whether debug mode is on.
        app_import_path: What names the application; ``None`` to say nothing of it.
    """
    # As `runner.is_running_from_reloader` has it, without the servers that come with its module.
    if os.environ.get("WERKZEUG_RUN_MAIN") == "true":
        return
    if app_import_path is not None:
        click.echo(f" * Serving application {app_import_path!r}")
    click.echo(f" * Debug mode: {'on' if debug else 'off'}")


class _RunCommand(click.Command):
    """A command whose help has its options under headings."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, group by group."""
        records: dict[Group, list[tuple[str, str]]] = {group: [] for group in Group}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None:
                records[_GROUPS.get(param.name or "", Group.DEVELOPMENT)].append(record)
        for group, rows in records.items():
            with formatter.section(group.value):
                formatter.write_dl(rows)
        formatter.write_paragraph()
        formatter.write_text(
            "Each option is also a variable: HIPFLASK_RUN_PORT, else FLASK_RUN_PORT, for --port. --trusted-proxies, "
            "--threads, --max-threads, --access-log and those of overload, time-outs and limits are also keys of the "
            "application's configuration: SERVER_HEAD_TIMEOUT for --head-timeout. --hang-timeout and --start-timeout "
            "are not: the main process heeds them."
        )


class _SettingType(click.ParamType):  # type: ignore[type-arg,unused-ignore]  # generic from click 8.5 on
    """The values of one setting."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self.name = setting.kind.value.lower()

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the value.

        Raises:
            click.BadParameter: It is not allowed.
        """
        try:
            return self._setting.parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class _BindType(click.ParamType):  # type: ignore[type-arg,unused-ignore]  # generic from click 8.5 on
    """An address to listen on."""

    name = "address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Address:
        """Return the address.

        Raises:
            click.BadParameter: It is none.
        """
        from hipflask.server.launch import read_bind

        try:
            return read_bind(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class _NamedCertType(CertParamType):
    """A certificate; what names it is kept, as another process has to find it."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return a path, ``"adhoc"`` or a context."""
        found = super().convert(value, param, ctx)
        if ctx is not None:
            ctx.meta[_CERT_TEXT] = found if isinstance(found, str) else str(value)
        return found


def _make_option(setting: Setting) -> click.Option:
    """Return the option of a setting; ``None`` stands for one that was not given."""
    if setting.kind is Kind.FLAG:
        return EnvironmentOption([setting.option], is_flag=True, default=None, help=setting.help)
    if setting.kind is Kind.TEXTS:
        return EnvironmentOption([setting.option], multiple=True, type=_BindType(), help=setting.help)
    metavar = "|".join(setting.choices) or setting.kind.value
    default = "" if setting.default is None else f"  [default: {_shown(setting)}]"
    return EnvironmentOption(
        [setting.option], type=_SettingType(setting), default=None, metavar=metavar, help=setting.help + default
    )


def _shown(setting: Setting) -> str:
    """Return a default as a person would type it."""
    value = setting.default
    if setting.kind is Kind.SIZE:
        for unit, size in (("M", 2**20), ("K", 2**10)):
            if value >= size and not value % size:
                return f"{value // size}{unit}"
    return f"{value:g}" if isinstance(value, float) else str(value)


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


@click.command("run", short_help="Serve the application.", cls=_RunCommand)
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
    type=_NamedCertType(),
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
    /,
    host: str,
    port: int,
    reload: bool | None,
    debugger: bool | None,
    with_threads: bool,
    cert: Any,
    extra_files: list[str] | None,
    exclude_patterns: list[str] | None,
    **options: Any,
) -> None:
    """Serve the application until Ctrl+C.

    A main process keeps the workers alive that serve. SIGHUP has it load the application anew, SIGTERM ends it when
    what was accepted is answered. With --debug everything is one process.
    """
    ctx = click.get_current_context()
    given = {name: value for name, value in options.items() if value is not None and value != ()}
    alone = _why_alone(info, reload, debugger)
    if alone is None:
        _launch(ctx, info, host, port, with_threads, given)
    _leave_out_supervised(ctx, given, alone)
    from hipflask.server import runner
    from hipflask.server.launch import inherited_sockets

    if inherited_sockets():
        click.echo(f" * The sockets passed to this process (LISTEN_FDS) are not heeded: {alone}.", err=True)
    os.environ.update(export(given))
    app = load_served_app(info)
    try:
        resolve(None, config_of(app))
    except ValueError as error:
        raise click.ClickException(f"A setting is wrong. {error}") from None
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
run_command.params.extend(_make_option(setting) for setting in SETTINGS)


def _why_alone(info: ScriptInfo, reload: bool | None, debugger: bool | None) -> str | None:
    """Return why this very process has to serve, ``None`` if a supervisor can take its place."""
    from hipflask.server.launch import can_supervise

    if get_debug_flag():
        return "debug mode serves in one process"
    if reload or debugger:
        return f"--{'reload' if reload else 'debugger'} serves in one process"
    if info.create_app is not None or type(info) is not ScriptInfo:
        return "a script with a function that makes the application serves in one process"
    return None if can_supervise() else "there is no supervisor here, so one process serves"


def _leave_out_supervised(ctx: click.Context, given: dict[str, Any], why: str | None) -> None:
    """Refuse what takes a supervisor, or say that a variable of it is not heeded."""
    for name in [name for name in _SUPERVISED if name in given]:
        option = f"--{name.replace('_', '-')}"
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"{option} takes the supervisor, but {why}. Leave one of the two out.", ctx)
        click.echo(f" * The setting of {option} in the environment is not heeded: {why}.", err=True)
        del given[name]


def _launch(
    ctx: click.Context, info: ScriptInfo, host: str, port: int, with_threads: bool, given: dict[str, Any]
) -> None:
    """Become the supervisor."""
    from hipflask.server.launch import Plan, launch

    if "threads" in given and not with_threads:
        raise click.UsageError("--threads and --without-threads contradict each other. Leave one of them out.", ctx)
    addresses = _find_addresses(ctx, host, port, given.pop("bind", ()))
    cert = ctx.params["cert"]
    name = info.app_import_path or next((file for file in ("wsgi.py", "app.py") if os.path.exists(file)), None)
    show_server_banner(False, name)
    launch(
        Plan(
            app=info.app_import_path,
            addresses=addresses,
            given=given,
            with_threads=with_threads,
            cert=list(cert) if isinstance(cert, tuple) else cert and ctx.meta[_CERT_TEXT],
            set_debug_flag=info.set_debug_flag,
        )
    )


def _find_addresses(ctx: click.Context, host: str, port: int, bound: tuple[Address, ...]) -> list[Address]:
    """Return where to listen: the sockets that were inherited, those of ``--bind``, or host and port."""
    from hipflask.server.launch import Address, inherited_sockets

    typed = [name for name in ("host", "port") if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE]
    inherited = inherited_sockets()
    if inherited:
        if bound or typed:
            raise click.UsageError(
                "Sockets were passed to this process (LISTEN_FDS), and addresses given too. Leave the addresses out.",
                ctx,
            )
        return inherited
    if bound and typed:
        if ctx.get_parameter_source("bind") is not ParameterSource.COMMANDLINE:
            return [Address(host, port)]  # what is typed comes before a variable
        raise click.UsageError(f"--bind and --{typed[0]} contradict each other. Leave one of them out.", ctx)
    return list(bound) or [Address(host, port)]
