"""The listening socket: addresses, binding, and one clear line for what can go wrong with them."""

from __future__ import annotations

import errno
import os
import socket
import stat
import sys
from contextlib import suppress

__all__ = [
    "BindError",
    "bind_listener",
    "describe_addresses",
    "get_interface_ip",
    "get_sockaddr",
    "remove_unix_socket",
    "select_address_family",
]

_UNIX_PREFIX = "unix://"


class BindError(SystemExit):
    """The server cannot listen where it should.

    Flask's server exits here; so this is a `SystemExit` whose text Python prints as one line on stderr before
    it ends with status 1.

    Args:
        text: What is wrong and what to do.
    """

    def __init__(self, text: str) -> None:
        super().__init__(f"Error: {text}")


def select_address_family(host: str, port: int) -> socket.AddressFamily:
    """Return the socket family that a host is written for; the port says nothing about it."""
    if host.startswith(_UNIX_PREFIX):
        return socket.AF_UNIX
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def get_sockaddr(host: str, port: int, family: socket.AddressFamily) -> tuple[str, int] | str:
    """Return the address to bind to.

    Args:
        host: Name, address, or ``unix://`` and a path.
        port: The port.
        family: As `select_address_family` returns it.

    Returns:
        The path of a Unix socket; else address and port, with the host as given if nobody knows it.
    """
    if family == getattr(socket, "AF_UNIX", None):
        return os.path.abspath(host.removeprefix(_UNIX_PREFIX))
    try:
        found = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    except socket.gaierror:
        return host, port
    return str(found[0][4][0]), int(found[0][4][1])


def get_interface_ip(family: socket.AddressFamily) -> str:
    """Return the address under which other machines probably reach this one, else the loopback address.

    Nothing is sent: a datagram socket is only asked which address it would use towards a documentation
    address (RFC 5737, RFC 3849).
    """
    target = "2001:db8::1" if family == socket.AF_INET6 else "192.0.2.1"
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((target, 9))
        except OSError:
            return "::1" if family == socket.AF_INET6 else "127.0.0.1"
        return str(probe.getsockname()[0])


def bind_listener(host: str, port: int, fd: int | None, backlog: int) -> socket.socket:
    """Return a listening socket that never blocks.

    Args:
        host: Name, address, or ``unix://`` and a path.
        port: The port; 0 for any free one.
        fd: Descriptor of a socket that is bound already.
        backlog: How many connections the system keeps until they are accepted.

    Raises:
        BindError: The address cannot be used.
    """
    if not isinstance(port, int):
        raise TypeError(f"The port is {port!r}: it must be a whole number.")
    if not 0 <= port <= 65535:  # getaddrinfo() would take another port without a word
        raise BindError(f"Port {port} does not exist: ports go from 0 to 65535.")
    if fd is not None:
        listener = socket.socket(fileno=os.dup(fd))
        listener.setblocking(False)
        listener.listen(backlog)
        return listener
    family = select_address_family(host, port)
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        address = get_sockaddr(host, port, family)
        if isinstance(address, str):
            _remove_stale_socket(address)
        elif os.name != "nt":  # there it would let two programs share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(backlog)
    except OSError as error:
        listener.close()
        raise BindError(_explain(error, host, port)) from error
    listener.setblocking(False)
    return listener


def describe_addresses(host: str, port: int, family: int, is_tls: bool) -> list[str]:
    """Return the lines that tell where a server can be reached."""
    if host.startswith(_UNIX_PREFIX):
        return [f"Running on {host}"]
    scheme = "https" if is_tls else "http"
    hosts = [host]
    lines = []
    if host in {"0.0.0.0", "::"}:
        lines.append(f"Running on every address of this machine ({host}); anyone in the network can connect")
        hosts = ["::1" if host == "::" else "127.0.0.1", get_interface_ip(socket.AddressFamily(family))]
    for each in dict.fromkeys(hosts):
        shown = f"[{each}]" if ":" in each else each
        lines.append(f"Running on {scheme}://{shown}:{port}")
    return lines


def remove_unix_socket(listener: socket.socket) -> None:
    """Remove the file of a Unix socket that is about to be closed."""
    with suppress(OSError):
        address = listener.getsockname()
        if isinstance(address, str) and address:
            os.unlink(address)


def _remove_stale_socket(path: str) -> None:
    """Remove the socket that a dead server left behind, but no other kind of file."""
    try:
        if not stat.S_ISSOCK(os.stat(path).st_mode):
            return
    except OSError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)


def _explain(error: OSError, host: str, port: int) -> str:
    """Say in one line why an address cannot be listened on."""
    if isinstance(error, socket.gaierror):
        return (
            f"Host {host!r} is unknown. Use 127.0.0.1 for this machine only, "
            "or 0.0.0.0 for every address of this machine."
        )
    if error.errno == errno.EADDRINUSE:
        if host.startswith(_UNIX_PREFIX):
            return f"{host} is in use: another program listens there, or a file has that name."
        hint = ""
        if sys.platform == "darwin" and port == 5000:
            hint = " On macOS it may be the AirPlay receiver, which the system settings can turn off."
        return (
            f"Port {port} on {host} is in use by another program. "
            f"Stop that program, or choose another port, for example --port {port % 65535 + 1}.{hint}"
        )
    if error.errno in {errno.EACCES, errno.EPERM}:
        if host.startswith(_UNIX_PREFIX):
            return f"{host} cannot be created: permission denied."
        return (
            f"Port {port} needs administrator rights, as all ports below 1024 may. "
            "Choose another one, for example --port 8000."
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return (
            f"{host} is not an address of this machine. Use 127.0.0.1 for this machine only, "
            "or 0.0.0.0 for every address of this machine."
        )
    if host.startswith(_UNIX_PREFIX):
        return f"Cannot listen on {host}: {error.strerror or error}."
    return f"Cannot listen on {host}, port {port}: {error.strerror or error}."
