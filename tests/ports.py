"""Ports for servers that have to be told theirs, and cannot be asked which one they took or be given a socket."""

from __future__ import annotations

import random
import socket
from contextlib import suppress

#: Below those that Linux gives to clients and to whoever asks for any port: none of these is taken by another test
#: between its choice here and the server's start.
PORTS = range(20_000, 32_000)


def free_port() -> int:
    """Return a port that nobody listens on."""
    for port in random.sample(PORTS, 100):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise OSError("100 ports that were tried are in use")
