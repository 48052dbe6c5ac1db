"""``app.run()``: an application serves itself."""

from __future__ import annotations

import os
import typing as t

from hipflask.flags import get_debug_flag, get_load_dotenv, is_environment_true

if t.TYPE_CHECKING:
    from hipflask.app import Flask

__all__ = ["run_app"]

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 5000


def run_app(
    app: Flask,
    host: str | None,
    port: int | None,
    debug: bool | None,
    load_dotenv: bool,
    options: dict[str, t.Any],
) -> None:
    """Serve an application until Ctrl+C; see :meth:`hipflask.Flask.run`.

    Args:
        app: The application.
        host: Address; ``None`` for that of ``SERVER_NAME``, else 127.0.0.1.
        port: Port; ``None`` for that of ``SERVER_NAME``, else 5000.
        debug: Debug mode; ``None`` to leave it as it is.
        load_dotenv: Whether ``.env`` files are loaded, unless the environment forbids it.
        options: Options of :func:`hipflask.server.runner.run_simple`.
    """
    from hipflask.cli.run import show_server_banner
    from hipflask.server import runner

    if os.environ.get("FLASK_RUN_FROM_CLI") == "true":
        if not runner.is_running_from_reloader():
            print(
                " * app.run() was called while the module was imported by the command 'hipflask run', which serves the "
                "application itself; the call is ignored. Put it under: if __name__ == '__main__'"
            )
        return
    if get_load_dotenv(load_dotenv):
        from hipflask.cli.environment import load_dotenv as load_files

        load_files()
        if is_environment_true("DEBUG") is not None:
            app.debug = get_debug_flag()
    if debug is not None:
        app.debug = bool(debug)
    server_host, _, server_port = (app.config["SERVER_NAME"] or "").partition(":")
    if port is None:
        port = int(server_port) if server_port else DEFAULT_PORT
    options.setdefault("use_reloader", app.debug)
    options.setdefault("use_debugger", app.debug)
    options.setdefault("threaded", True)
    show_server_banner(app.debug, app.name)
    try:
        # Looked up here and now: tests replace it.
        runner.run_simple(host or server_host or DEFAULT_HOST, int(port), t.cast("t.Any", app), **options)
    finally:
        # Routes may be added again, by an interactive session for example.
        app._got_first_request = False
