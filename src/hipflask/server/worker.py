"""A worker process: imports the application, serves it on the sockets it was given, and ends when it is told to.

The other side is `hipflask.server.supervisor`, which describes what passes between the two.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

from hipflask.server.serving import Probe, Serving, start_serving

if TYPE_CHECKING:
    from hipflask.app import Flask
    from hipflask.lifespan import Lifespan

__all__ = ["Channel", "StartError", "load_app", "main", "run_preloader", "run_worker"]

#: How long requests may go on when the supervisor is dead: its port is to be free within two seconds.
ORPHAN_SECONDS = 1.0
_PROBE_SECONDS = 30.0


class StartError(Exception):
    """The worker cannot serve.

    Args:
        text: Why, in one line; what to do about it.
        status: The exit status.
    """

    def __init__(self, text: str, status: int = 1) -> None:
        super().__init__(text)
        self.status = status


class Channel:
    """The worker's end of its channel to the supervisor.

    Args:
        sock: The socket.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock

    def say(self, **message: Any) -> None:
        """Send a message; a supervisor that is gone is noticed elsewhere."""
        with suppress(OSError):
            self.sock.sendall(json.dumps(message).encode() + b"\n")

    def beat(self) -> None:
        """Give a sign of life, unless the supervisor has some unread."""
        with suppress(OSError):
            self.sock.send(b"\n", socket.MSG_DONTWAIT)

    def wait(self, seconds: float) -> bytes | None:
        """Return the next command, ``b""`` if the supervisor is dead, ``None`` if nothing came in time."""
        try:
            if not select.select([self.sock], [], [], seconds)[0]:
                return None
            return self.sock.recv(1)
        except (OSError, ValueError):  # the application has closed it
            return b""


class _Control(threading.Thread):
    """Gives signs of life and takes commands, in a thread of Python: it stands still if the interpreter does."""

    def __init__(self, channel: Channel, beat_seconds: float) -> None:
        super().__init__(name="hipflask-control", daemon=True)
        self._channel = channel
        self._beat_seconds = beat_seconds
        self._lock = threading.Lock()
        self._serving: Serving | None = None
        self.is_stopping = False

    def run(self) -> None:
        while True:
            self._channel.beat()
            command = self._channel.wait(self._beat_seconds)
            if command == b"":
                self._leave_an_orphan()
                return
            if command == b"D":
                self.stop()

    def attach(self, serving: Serving) -> None:
        """Say what is to be stopped."""
        with self._lock:
            self._serving = serving
            if self.is_stopping:
                serving.stop(serving.graceful_seconds)

    def stop(self) -> None:
        """Have the worker answer what it has accepted, and end; before it serves it ends at once."""
        self.is_stopping = True
        serving = self._serving
        if serving is None:
            os._exit(0)
        serving.stop(serving.graceful_seconds)

    def _leave_an_orphan(self) -> None:
        """The supervisor was killed: free the port soon, whatever the application is doing."""
        threading.Timer(ORPHAN_SECONDS + 0.5, os._exit, (1,)).start()
        if self._serving is None:
            os._exit(1)
        self._serving.stop(ORPHAN_SECONDS)


def load_app(settings: dict[str, Any]) -> Flask:
    """Import the application.

    Raises:
        StartError: There is none, or its code fails.
    """
    import click

    from hipflask.cli.loading import load_served_app
    from hipflask.cli.script_info import ScriptInfo

    # In compat mode the environment has had it installed already (`hipflask.compat.children`).
    try:
        return load_served_app(ScriptInfo(settings["app"], set_debug_flag=settings["set_debug_flag"]))
    except click.ClickException as error:
        raise StartError(error.format_message(), error.exit_code) from error
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else 1
        raise StartError(f"The application ended the process while it was imported: {error!r}.", status or 1) from error


def run_worker(settings: dict[str, Any], channel: Channel, load: Callable[[], Flask]) -> int:
    """Serve until told to stop; return the exit status.

    Args:
        settings: What `hipflask.server.launch` has written for workers.
        channel: The way to the supervisor.
        load: Returns the application.
    """
    control = _Control(channel, max(0.05, min(1.0, settings["hang_timeout"] / 4)))
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=control.stop, daemon=True).start())
    control.start()
    probe = Probe()
    try:
        app = load()
        lifespan = _begin(app)
        serving = start_serving(app, settings, probe.listener)
    except StartError as error:
        return _fail(channel, str(error), error.status)
    except ValueError as error:
        return _fail(channel, f"A setting is wrong. {error}", 1)
    control.attach(serving)

    def say_ready() -> None:
        problem = probe.ask(settings["health_check"], _host_of(app), _PROBE_SECONDS)
        if problem is None:
            channel.say(ready=serving.notices, graceful_timeout=serving.graceful_seconds)
            return
        if control.is_stopping:
            return  # it came too late to be answered, and the process ends by itself
        channel.say(failed=problem, status=1)
        os._exit(1)

    try:
        serving.serve(lambda: threading.Thread(target=say_ready, daemon=True).start())
    finally:
        if lifespan is not None:
            lifespan.stop()
    return 0


def _begin(app: Flask) -> Lifespan | None:
    """Run the start-up functions and return what ends them; most applications have none."""
    lifespan = app._lifespan
    if lifespan is not None:
        try:
            lifespan.start_without_door()
        except SystemExit as error:
            # One that is a message was logged as well.
            status = error.code if isinstance(error.code, int) else 1
            raise StartError("A function of on_startup failed; the log above says how.", status) from error
    return lifespan


def _fail(channel: Channel, text: str, status: int) -> int:
    channel.say(failed=text, status=status)
    return status


def _host_of(app: Flask) -> str:
    """Return a host that the application accepts."""
    config = app.config
    hosts = [config.get("SERVER_NAME"), *(config.get("TRUSTED_HOSTS") or ())]
    return next((host.lstrip(".") for host in hosts if host), "localhost")


def run_preloader(settings: dict[str, Any], channel: Channel) -> int:
    """Import the application and fork a worker for each channel that the supervisor sends; return the exit status.

    A forked worker returns from here too, when it has ended.
    """
    try:
        app = load_app(settings)
    except StartError as error:
        return _fail(channel, str(error), error.status)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    signal.signal(signal.SIGCHLD, lambda *_: _reap())
    channel.say(ready=[])
    while True:
        word, fds, _, _ = socket.recv_fds(channel.sock, 1, 1)
        if word != b"F" or not fds:
            return 0
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid:
            os.close(fds[0])
            continue
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        channel.sock.close()
        own = Channel(socket.socket(fileno=fds[0]))
        own.say(pid=os.getpid())
        return run_worker(settings, own, lambda: app)


def _reap() -> None:
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _prepare(settings: dict[str, Any]) -> None:
    """Set up the process: signals, traces of a stuck interpreter, the user."""
    import faulthandler

    # Functions, not SIG_IGN: programs that the application starts would inherit that.
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    if sys.stderr is not None:
        faulthandler.enable()
    user = settings["user"]
    if user is not None:
        os.initgroups(user["name"], user["gid"])
        os.setgid(user["gid"])
        os.setuid(user["uid"])
        os.environ.update(HOME=user["home"], USER=user["name"], LOGNAME=user["name"])


def main(text: str) -> NoReturn:
    """Run a worker or a preloader, and end the process.

    Args:
        text: The settings as JSON.
    """
    settings = json.loads(text)
    channel = Channel(socket.socket(fileno=settings["channel"]))
    channel.sock.set_inheritable(False)
    for fd in settings["sockets"]:
        os.set_inheritable(fd, False)
    _prepare(settings)
    status = run_preloader(settings, channel) if settings["is_preloader"] else _run_spawned(settings, channel)
    # Threads of the application that are no daemons may go on; the supervisor ends them in time.
    sys.exit(status)


def _run_spawned(settings: dict[str, Any], channel: Channel) -> int:
    return run_worker(settings, channel, lambda: load_app(settings))
