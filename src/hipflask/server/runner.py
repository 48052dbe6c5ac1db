"""`run_simple` and `make_server`, with the parameters of `werkzeug.serving`'s."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from hipflask.lifespan import Lifespan
from hipflask.server.handler import WSGIRequestHandler
from hipflask.server.pure import BaseWSGIServer, ThreadedWSGIServer, WSGIApplication
from hipflask.server.settings import PROGRAM_DEFAULTS, config_of, find_misnamed, resolve, setting_of

if TYPE_CHECKING:
    from hipflask.server.native_in_process import InProcessServer

__all__ = ["is_running_from_reloader", "make_server", "run_simple"]


def make_server(
    host: str,
    port: int,
    app: WSGIApplication,
    threaded: bool = False,
    processes: int = 1,
    request_handler: type[WSGIRequestHandler] | None = None,
    passthrough_errors: bool = False,
    ssl_context: Any = None,
    fd: int | None = None,
) -> BaseWSGIServer:
    """Return a server that listens already; its ``serve_forever`` serves, in a thread if need be.

    Args:
        host: Name or address to listen on, or ``unix://`` and a path.
        port: Port; 0 for any free one, told by the server's ``port``.
        app: The WSGI application.
        threaded: Answer several requests at a time.
        processes: Answer up to so many requests at a time, each in a process forked for it.
        request_handler: A subclass of `hipflask.server.handler.WSGIRequestHandler`.
        passthrough_errors: Let errors of the application pass out of the server.
        ssl_context: An `ssl.SSLContext`, a pair of paths (certificate, key), or ``"adhoc"``.
        fd: Descriptor of a socket that is listening already.

    Raises:
        BindError: The address cannot be listened on; a `SystemExit`.
        ValueError: Threads and processes are asked for, or the system cannot fork.
    """
    if processes > 1:
        if threaded:
            raise ValueError(
                f"threaded=True and processes={processes}: a server has several threads or several processes. "
                "Leave one of them out."
            )
        from hipflask.server.forking import ForkingWSGIServer

        return ForkingWSGIServer(host, port, app, processes, request_handler, passthrough_errors, ssl_context, fd)
    server_class = ThreadedWSGIServer if threaded else BaseWSGIServer
    return server_class(host, port, app, request_handler, passthrough_errors, ssl_context, fd)


def run_simple(
    hostname: str,
    port: int,
    application: WSGIApplication,
    use_reloader: bool = False,
    use_debugger: bool = False,
    use_evalex: bool = True,
    extra_files: Iterable[str] | None = None,
    exclude_patterns: Iterable[str] | None = None,
    reloader_interval: int = 1,
    reloader_type: str = "auto",
    threaded: bool = False,
    processes: int = 1,
    request_handler: type[WSGIRequestHandler] | None = None,
    static_files: dict[str, str | tuple[str, str]] | None = None,
    passthrough_errors: bool = False,
    ssl_context: Any = None,
) -> None:
    """Serve an application until Ctrl+C, which ends it at once, or SIGTERM.

    The native server serves where it was built and can do what is asked for: several threads in one process, with
    neither HTTPS nor a request handler of one's own. Else it is the pure one, which ``HIPFLASK_RUN_SERVER=pure`` in
    the environment asks for in any case; it does not matter to the application, but for extensions that take the
    socket (``werkzeug.socket``), which is theirs on the pure server only.

    After SIGTERM nobody is accepted any more, and what was accepted is answered, within
    ``limits.graceful_timeout_seconds``; then the function returns. A handler of the program's own is left in place.

    Args:
        hostname: Name or address to listen on, or ``unix://`` and a path.
        port: Port; 0 for any free one.
        application: The WSGI application.
        use_reloader: Restart when a source file changes. Not available yet: one line says so.
        use_debugger: Show tracebacks in the browser. Not available yet: one line says so.
        use_evalex: Belongs to the debugger.
        extra_files: Belongs to the reloader.
        exclude_patterns: Belongs to the reloader.
        reloader_interval: Belongs to the reloader.
        reloader_type: Belongs to the reloader.
        threaded: Answer several requests at a time; else the calling thread answers one after the other.
        processes: Answer up to so many requests at a time, each in a process forked for it.
        request_handler: A subclass of `hipflask.server.handler.WSGIRequestHandler`.
        static_files: Folders and files to serve, by path; see `hipflask.middleware.shared_data`. Those of a Flask
            application's static folder need no setting.
        passthrough_errors: Let errors of the application pass out of the server.
        ssl_context: An `ssl.SSLContext`, a pair of paths (certificate, key), or ``"adhoc"``.

    Raises:
        BindError: The address cannot be listened on; a `SystemExit` with one clear line and exit status 1.
        ValueError: A setting is wrong, or the environment asks for the native server, which cannot serve so.
    """
    lifespan = getattr(application, "_lifespan", None)
    values = resolve(None, config_of(application), defaults=PROGRAM_DEFAULTS)
    for line in find_misnamed(config_of(application)):
        print(f" * {line}", file=sys.stderr)
    _tell_missing(reloader=use_reloader, debugger=use_debugger)
    why_pure = _why_pure(threaded, processes, request_handler, passthrough_errors, ssl_context)
    if values["server"] == "native" and why_pure is not None:
        raise ValueError(f"{setting_of('server').variables[0]}=native: {why_pure}")
    server: BaseWSGIServer | InProcessServer
    if values["server"] == "pure" or why_pure is not None:
        server = make_server(
            hostname,
            port,
            application,
            threaded=threaded,
            processes=processes,
            request_handler=_choose_handler(request_handler, values["access_log"]),
            passthrough_errors=passthrough_errors,
            ssl_context=ssl_context,
        )
        server.set_log_format(values["access_log"])
        server.socket.listen(values["backlog"])
        if values["trusted_proxies"]:
            from hipflask.middleware.proxy_fix import ProxyFix

            server.app = ProxyFix(server.app, values["trusted_proxies"], values["trusted_proxies"])
    else:
        from hipflask.server.native_in_process import InProcessServer

        server = InProcessServer(hostname, port, application, values)
    if static_files:
        from hipflask.middleware.shared_data import SharedDataMiddleware

        # Not before: the server has read its settings from the application's configuration.
        server.app = SharedDataMiddleware(server.app, static_files)
    _serve(server, lifespan if isinstance(lifespan, Lifespan) else None)


def _tell_missing(**wanted: bool) -> None:
    """Say in one line what is asked for and not there yet."""
    missing = [name for name, is_wanted in wanted.items() if is_wanted]
    if missing:
        verb = "comes" if len(missing) == 1 else "come"
        print(f" * The {' and the '.join(missing)} {verb} with a later version; serving without.", file=sys.stderr)


def _choose_handler(own: type[WSGIRequestHandler] | None, log_format: str) -> type[WSGIRequestHandler] | None:
    """Return the pure server's handler for a format of the access log; a program's own one writes its own lines."""
    if log_format == PROGRAM_DEFAULTS["access_log"]:
        return own
    if own is None:
        from hipflask.server.answer_handler import AnswerHandler

        return AnswerHandler
    setting = setting_of("access_log")
    names = f"{setting.variables[0]} ({setting.key})"
    print(f" * {names} is not heeded: request_handler={own.__name__} writes the lines of requests.", file=sys.stderr)
    return own


def _why_pure(
    threaded: bool,
    processes: int,
    request_handler: type[WSGIRequestHandler] | None,
    passthrough_errors: bool,
    ssl_context: Any,
) -> str | None:
    """Return why only the pure server can serve so, ``None`` if the native one can."""
    from hipflask.server import native

    if request_handler is not None:
        return "request_handler is a class of the pure server's."
    if processes > 1:
        return "processes= forks for each request, which the pure server does."
    if not threaded:
        # On Flask such a request is served by the very thread that has called `run_simple`, so that a sqlite3
        # connection made by the program works in views. Natively it would be another, and async views would overlap.
        return "with threaded=False the calling thread serves, one request after the other, on the pure server."
    if passthrough_errors:
        return "passthrough_errors takes the pure server: errors cannot pass out of the native one."
    return native.find_obstacle(has_tls=ssl_context is not None)


def _serve(server: BaseWSGIServer | InProcessServer, lifespan: Lifespan | None) -> None:
    """Have a server serve to its end, between the functions that run at the beginning and at the end."""
    try:
        if lifespan is not None:
            lifespan.start_without_door()
        server.log_startup()
        with _stop_at_sigterm(server):
            server.serve_forever()
    finally:
        server.server_close()
        if lifespan is not None:
            lifespan.stop()


@contextmanager
def _stop_at_sigterm(server: BaseWSGIServer | InProcessServer) -> Iterator[None]:
    """Have SIGTERM stop a server in order, and a second one at once, unless the program has a handler of its own."""

    def stop(*_: object) -> None:
        server.stop(0.0 if server.is_stopping else None)

    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def is_running_from_reloader() -> bool:
    """Tell whether this process was started by a reloader (``WERKZEUG_RUN_MAIN`` is ``true``)."""
    return os.environ.get("WERKZEUG_RUN_MAIN") == "true"
