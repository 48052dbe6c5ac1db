"""The testing door: clients and builders that call an application without a socket.

The names of ``flask.testing`` (:class:`FlaskClient`, :class:`FlaskCliRunner`) and of ``werkzeug.test``
(:class:`Client`, :class:`EnvironBuilder`, :func:`create_environ`, ...) are here, and what hipflask adds:
:class:`AsyncFlaskClient`, :class:`LiveServer`, and records of what was rendered and flashed. Each is imported when it
is first asked for, so that an application which is served, not tested, pays nothing. ``flask.testing`` has an
``EnvironBuilder`` of its own that reads the application's configuration; it is
:class:`hipflask.testing.flask_client.EnvironBuilder`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hipflask.testing.async_client import AsyncFlaskClient
    from hipflask.testing.builder import EnvironBuilder, create_environ
    from hipflask.testing.cli_runner import FlaskCliRunner
    from hipflask.testing.client import Client, ClientRedirectError
    from hipflask.testing.cookies import Cookie
    from hipflask.testing.flask_client import FlaskClient
    from hipflask.testing.live_server import LiveServer
    from hipflask.testing.multipart import encode_multipart, stream_encode_multipart
    from hipflask.testing.records import (
        FlashedMessage,
        RenderedTemplate,
        assert_flashed,
        assert_template_used,
        captured_flashes,
        captured_templates,
    )
    from hipflask.testing.response import TestResponse
    from hipflask.testing.streamed_response import StreamedResponse
    from hipflask.testing.wsgi_run import run_wsgi_app

__all__ = [
    "AsyncFlaskClient",
    "Client",
    "ClientRedirectError",
    "Cookie",
    "EnvironBuilder",
    "FlashedMessage",
    "FlaskCliRunner",
    "FlaskClient",
    "LiveServer",
    "RenderedTemplate",
    "StreamedResponse",
    "TestResponse",
    "assert_flashed",
    "assert_template_used",
    "captured_flashes",
    "captured_templates",
    "create_environ",
    "encode_multipart",
    "run_wsgi_app",
    "stream_encode_multipart",
]

_HOMES = {
    "AsyncFlaskClient": "async_client",
    "Client": "client",
    "ClientRedirectError": "client",
    "Cookie": "cookies",
    "EnvironBuilder": "builder",
    "FlashedMessage": "records",
    "FlaskCliRunner": "cli_runner",
    "FlaskClient": "flask_client",
    "LiveServer": "live_server",
    "RenderedTemplate": "records",
    "StreamedResponse": "streamed_response",
    "TestResponse": "response",
    "assert_flashed": "records",
    "assert_template_used": "records",
    "captured_flashes": "records",
    "captured_templates": "records",
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
