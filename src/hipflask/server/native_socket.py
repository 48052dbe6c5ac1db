"""What stands for the client's socket in an environ of the native server's."""

from __future__ import annotations

from typing import Any

__all__ = ["NO_SOCKET", "NoSocket"]


class NoSocket:
    """No socket: says why there is none, and what to do, to whoever wants to use it.

    WebSocket extensions take ``environ["werkzeug.socket"]`` over from Flask's development server. The native server's
    sockets belong to its thread, which could not tell their bytes from its own.
    """

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # asked by Python itself and by those who look at objects
            raise AttributeError(name)
        raise RuntimeError(
            "environ['werkzeug.socket'] is no socket: the native server gives none away. For extensions that need it, "
            "set HIPFLASK_RUN_SERVER=pure in the environment."
        )


NO_SOCKET = NoSocket()
"""The only one that is needed."""
