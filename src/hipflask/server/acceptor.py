"""Accepting connections: as many as the process can have, the others wait in the system's queue."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from hipflask.server.connection import Connection
from hipflask.server.limits import Limits

if TYPE_CHECKING:
    import ssl

__all__ = ["Acceptor"]

_ACCEPTS_PER_ROUND = 64  # then the clients that are connected already have their turn
_FULL_PAUSE_SECONDS = 0.5  # out of descriptors: no use to try again at once
_DESCRIPTOR_HEADROOM = 64  # descriptors left to the application


class Acceptor:
    """Makes connections of what a listening socket has.

    Args:
        listener: The listening socket; it does not block.
        limits: For the connections, and for their number.
        ssl_context: Wraps each accepted socket, if given.
        selector: Tells when there is something to accept; the listener is the data of its key.
        count: Returns the number of open connections.

    Attributes:
        is_accepting: The selector looks at the listener.
    """

    def __init__(
        self,
        listener: socket.socket,
        limits: Limits,
        ssl_context: ssl.SSLContext | None,
        selector: selectors.BaseSelector,
        count: Callable[[], int],
    ) -> None:
        self._listener = listener
        self._limits = limits
        self._ssl_context = ssl_context
        self._selector = selector
        self._count = count
        self._max_connections = min(limits.max_connections, _descriptor_limit())
        self._accept_at = 0.0
        self._is_ended = False
        self.is_accepting = False

    def listen_as_possible(self, now: float) -> None:
        """Listen or not, by the number of connections."""
        wanted = not self._is_ended and self._has_room() and now >= self._accept_at
        if wanted and not self.is_accepting:
            self._selector.register(self._listener, selectors.EVENT_READ, self._listener)
        elif self.is_accepting and not wanted:
            self._selector.unregister(self._listener)
        self.is_accepting = wanted

    def accept(self) -> list[Connection]:
        """Return the connections that wait, up to a number a round."""
        accepted: list[Connection] = []
        for _ in range(_ACCEPTS_PER_ROUND):
            try:
                sock, address = self._listener.accept()
            except BlockingIOError:
                break
            except ConnectionError:
                continue  # gone before it was accepted
            except OSError:  # no descriptor or no memory
                self._accept_at = time.monotonic() + _FULL_PAUSE_SECONDS
                break
            connection = self._adopt(sock, address)
            if connection is not None:
                accepted.append(connection)
            if not self._has_room(len(accepted)):
                break
        return accepted

    def end(self) -> None:
        """Listen no more."""
        self._is_ended = True
        self.listen_as_possible(0.0)

    def _has_room(self, more: int = 0) -> bool:
        return self._count() + more < self._max_connections

    def _adopt(self, sock: socket.socket, address: Any) -> Connection | None:
        """Begin with a new connection; ``None`` if it is gone already."""
        sock.setblocking(False)
        if sock.family != getattr(socket, "AF_UNIX", None):
            with suppress(OSError):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        context = self._ssl_context
        if context is not None:
            try:
                sock = context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
            except OSError:  # reset meanwhile
                sock.close()
                return None
        return Connection(sock, address, self._limits, is_handshaking=context is not None)


def _descriptor_limit() -> int:
    """Return how many connections the process may have, by its limit of open files."""
    try:
        import resource  # not on Windows
    except ImportError:
        return 512
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 2**31 if soft == resource.RLIM_INFINITY else max(soft - _DESCRIPTOR_HEADROOM, 16)
