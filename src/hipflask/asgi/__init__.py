"""The ASGI door: an application behind uvicorn, hypercorn, Granian and other servers of ASGI 3.

``uvicorn module:app.asgi_app`` serves the application ``app`` of the module.
"""

from __future__ import annotations

from hipflask.asgi.application import AsgiApp, to_asgi

__all__ = ["AsgiApp", "to_asgi"]
