"""The testing door: clients and builders that call an application without a socket.

The names of ``flask.testing`` (:class:`FlaskClient`, :class:`FlaskCliRunner`) and of ``werkzeug.test``
(:class:`Client`, :class:`EnvironBuilder`, :func:`create_environ`, ...) are here. Each is imported when it is
first asked for, so that an application which is served, not tested, pays nothing. ``flask.testing`` has an
``EnvironBuilder`` of its own that reads the application's configuration; it is
:class:`hipflask.testing.flask_client.EnvironBuilder`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hipflask.testing.builder import EnvironBuilder, create_environ
    from hipflask.testing.cli_runner import FlaskCliRunner
    from hipflask.testing.client import Client, ClientRedirectError
    from hipflask.testing.cookies import Cookie
    from hipflask.testing.flask_client import FlaskClient
    from hipflask.testing.multipart import encode_multipart, stream_encode_multipart
    from hipflask.testing.response import TestResponse
    from hipflask.testing.wsgi_run import run_wsgi_app

__all__ = [
    "Client",
    "ClientRedirectError",
    "Cookie",
    "EnvironBuilder",
    "FlaskCliRunner",
    "FlaskClient",
    "TestResponse",
    "create_environ",
    "encode_multipart",
    "run_wsgi_app",
    "stream_encode_multipart",
]

_HOMES = {
    "Client": "client",
    "ClientRedirectError": "client",
    "Cookie": "cookies",
    "EnvironBuilder": "builder",
    "FlaskCliRunner": "cli_runner",
    "FlaskClient": "flask_client",
    "TestResponse": "response",
    "create_environ": "builder",
    "encode_multipart": "multipart",
    "run_wsgi_app": "wsgi_run",
    "stream_encode_multipart": "multipart",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"Module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}.")
    import importlib

    value = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
