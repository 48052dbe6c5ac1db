"""The ASGI door: an application behind uvicorn, hypercorn, Granian and other servers of ASGI 3.

``uvicorn module:app.asgi_app`` serves the application ``app`` of the module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hipflask.asgi.application import AsgiApp, to_asgi

__all__ = ["AsgiApp", "to_asgi"]


def __getattr__(name: str) -> Any:
    """Import a name when it is first asked for: the native server has uses for this package that need no asyncio."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from hipflask.asgi import application

    value = globals()[name] = getattr(application, name)
    return value
