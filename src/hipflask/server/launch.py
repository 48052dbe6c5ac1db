"""From the command line to the supervisor: binds the sockets, writes down the settings, and puts it in this place."""

from __future__ import annotations

import json
import os
import socket
import stat
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from hipflask.server.first_workers import can_fork, fork_workers
from hipflask.server.listener import BindError, bind_listener, describe_addresses
from hipflask.server.settings import SETTINGS

__all__ = ["Address", "Listener", "Plan", "can_supervise", "inherited_sockets", "launch", "open_listeners", "read_bind"]

#: The first descriptor that systemd passes (sd_listen_fds(3)).
FIRST_INHERITED = 3
#: Not there where Python imports from an archive.
_SUPERVISOR = os.path.join(os.path.dirname(os.path.abspath(__file__)), "supervisor.py")
#: Imported, not run as a script, which Python would compile each time.
_START_SUPERVISOR = "import sys; sys.path.append(sys.argv.pop(1)); from supervisor import main; main()"
_BOOTSTRAP = (
    "import json, sys; text = sys.argv.pop(); told = json.loads(text); "
    "sys.path[:], sys.argv[:] = told['path'], told['argv']; from hipflask.server.worker import main; main(text)"
)


_DEFAULTS = {setting.name: setting.default for setting in SETTINGS}


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen: a host and a port, ``unix://`` and a path, or a descriptor."""

    host: str
    port: int = 0
    fd: int | None = None


@dataclass(frozen=True, slots=True)
class Listener:
    """A listening socket that workers will get."""

    sock: socket.socket
    host: str
    unlink: str | None
    """The file of a Unix socket that was made here."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be served, and how."""

    app: str | None
    """What names the application; ``None`` to look for the usual files."""
    addresses: Sequence[Address]
    given: Mapping[str, Any]
    """The settings that were given, by name."""
    with_threads: bool = True
    cert: Any = None
    """Paths of certificate and key, ``"adhoc"`` or a name to import."""
    set_debug_flag: bool = True


def can_supervise() -> bool:
    """Return whether this process can become a supervisor.

    It is not ours to replace where somebody has taken over its output: a test that calls the command, a notebook.
    """
    can_replace = hasattr(os, "posix_spawn") and hasattr(socket, "send_fds") and bool(sys.executable)
    return can_replace and os.path.isfile(_SUPERVISOR) and sys.stdout is sys.__stdout__


def read_bind(text: str) -> Address:
    """Return the address that ``--bind`` was given.

    Args:
        text: ``HOST:PORT``, ``[ADDRESS]:PORT``, ``unix:PATH`` or ``fd://NUMBER``.

    Raises:
        ValueError: It is none of these.
    """
    if text.startswith("unix:"):
        path = text.removeprefix("unix:").removeprefix("//")
        if path:
            return Address(f"unix://{path}")
    elif text.startswith("fd://"):
        if text[5:].isascii() and text[5:].isdigit():
            return Address("", 0, int(text[5:]))
    else:
        host, colon, port = text.rpartition(":")
        is_bracketed = host.startswith("[") and host.endswith("]")
        if colon and port.isascii() and port.isdigit() and (is_bracketed or (host and ":" not in host)):
            return Address(host.strip("[]"), int(port))
    raise ValueError(f"{text!r} is no address: give HOST:PORT, [IPV6-ADDRESS]:PORT, unix:PATH or fd://NUMBER.")


def inherited_sockets() -> list[Address]:
    """Return the sockets that systemd has passed to this very process, and forget the variables that say so."""
    pid, number = os.environ.get("LISTEN_PID"), os.environ.get("LISTEN_FDS")
    if pid != str(os.getpid()) or number is None or not number.isdigit():
        return []
    for name in ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"):
        os.environ.pop(name, None)
    return [Address("", 0, fd) for fd in range(FIRST_INHERITED, FIRST_INHERITED + int(number))]


def open_listeners(addresses: Sequence[Address], backlog: int) -> list[Listener]:
    """Bind all addresses.

    Raises:
        BindError: One cannot be listened on; a `SystemExit` with one clear line.
    """
    listeners: list[Listener] = []
    try:
        for address in addresses:
            listeners.append(_inherit(address.fd) if address.fd is not None else _bind(address, backlog))
    except BindError:
        for each in listeners:
            each.sock.close()
            if each.unlink is not None:
                os.unlink(each.unlink)
        raise
    return listeners


def _bind(address: Address, backlog: int) -> Listener:
    sock = bind_listener(address.host, address.port, None, backlog)
    path = sock.getsockname() if sock.family == getattr(socket, "AF_UNIX", None) else None
    return Listener(sock, address.host, path)


def _inherit(fd: int) -> Listener:
    """Take over a socket that another program has bound."""
    try:
        if not stat.S_ISSOCK(os.fstat(fd).st_mode):
            raise OSError("it is no socket")
        sock = socket.socket(fileno=fd)
        if sock.type != socket.SOCK_STREAM or not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            sock.detach()
            raise OSError("it is no listening stream socket")
    except OSError as error:
        raise BindError(
            f"Descriptor {fd} cannot be served: {error.strerror or error}. "
            "Pass a listening stream socket, as systemd does with ListenStream=."
        ) from error
    name = sock.getsockname()
    return Listener(sock, name[0] if isinstance(name, tuple) else f"unix://{name}", None)


def launch(plan: Plan) -> NoReturn:
    """Bind the sockets, and become the supervisor: the process stays, its program is another.

    Raises:
        BindError: An address cannot be listened on.
        SystemExit: The user is unknown, or this one may not become it.
    """
    values = {**_DEFAULTS, **plan.given}
    user = _find_user(values["user"])
    if plan.cert == "adhoc" and values["workers"] > 1:
        raise BindError("--cert adhoc makes a certificate for each worker. Use --workers 1, or --cert with a file.")
    listeners = open_listeners(plan.addresses, values["backlog"])
    settings = _describe(plan, values, listeners, user)
    for each in listeners:
        os.set_inheritable(each.sock.fileno(), True)
        if user is not None and each.unlink is not None:
            os.chown(each.unlink, user["uid"], user["gid"])
    sys.stdout.flush()
    sys.stderr.flush()
    settings["forked"] = fork_workers(settings) if can_fork() else []
    # -I -S: what is in the working directory, the environment and site-packages is no concern of the supervisor's.
    # Its folder comes last, so that no module there can stand for one of Python's.
    command = [sys.executable, "-I", "-S", "-c", _START_SUPERVISOR, os.path.dirname(_SUPERVISOR), json.dumps(settings)]
    os.execv(sys.executable, command)


def _describe(
    plan: Plan, values: Mapping[str, Any], listeners: Sequence[Listener], user: dict[str, Any] | None
) -> dict[str, Any]:
    """Return the supervisor's settings; what is under ``worker`` is for the workers.

    Those find out themselves what was not given: their application's configuration has a say in it.
    """
    import subprocess

    descriptors = [each.sock.fileno() for each in listeners]
    # multiprocessing uses the same function to start Python as this one was started.
    flags: list[str] = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    return {
        "command": [sys.executable, *flags, "-c", _BOOTSTRAP],
        "sockets": [{"fd": each.sock.fileno(), "unlink": each.unlink} for each in listeners],
        "lines": _start_lines(plan, listeners, values["workers"]),
        "workers": values["workers"],
        "preload": bool(values["preload"]),
        "pid_file": os.path.abspath(values["pid_file"]) if values["pid_file"] else None,
        **{name: values[name] for name in ("hang_timeout", "start_timeout", "graceful_timeout")},
        "worker": {
            "app": plan.app,
            "path": sys.path,
            "argv": sys.argv,
            "set_debug_flag": plan.set_debug_flag,
            "sockets": descriptors,
            "given": {name: value for name, value in plan.given.items() if name != "bind"},
            "with_threads": plan.with_threads,
            "cert": plan.cert,
            "is_multiprocess": values["workers"] > 1,
            "hang_timeout": values["hang_timeout"],
            "health_check": values["health_check"],
            "user": user,
        },
    }


def _start_lines(plan: Plan, listeners: Sequence[Listener], workers: int) -> list[str]:
    lines = []
    for each in listeners:
        name = each.sock.getsockname()
        port = name[1] if isinstance(name, tuple) else 0
        lines += describe_addresses(each.host, port, each.sock.family, plan.cert is not None)
    many = f" ({workers} workers; main process {os.getpid()})" if workers > 1 else ""
    return [*(f" * {line}" for line in lines), f"Press Ctrl+C to stop{many}"]


def _find_user(text: str | None) -> dict[str, Any] | None:
    """Return the user that workers run as.

    Raises:
        SystemExit: There is no such user or group, or this process may not become it.
    """
    if text is None:
        return None
    import grp
    import pwd

    name, _, group = text.partition(":")
    try:
        entry = pwd.getpwuid(int(name)) if name.isdigit() else pwd.getpwnam(name)
        gid = entry.pw_gid if not group else int(group) if group.isdigit() else grp.getgrnam(group).gr_gid
    except KeyError as error:
        raise BindError(f"--user {text}: there is no such user or group. Give an existing one.") from error
    if os.geteuid() != 0 and (os.geteuid(), os.getegid()) != (entry.pw_uid, gid):
        raise BindError(f"--user {text} takes administrator rights. Start as root, or leave the option out.")
    return {"name": entry.pw_name, "uid": entry.pw_uid, "gid": gid, "home": entry.pw_dir}
