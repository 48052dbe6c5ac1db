"""What a server under test serves: every case's application, chosen by a field of the request.

The module is imported in the server's process, with the name of the framework in ``CONFORMANCE_FRAMEWORK``. All
applications are made at import, so that a server which forks afterwards has to get along with that.
"""

from __future__ import annotations

import importlib
import os
import warnings
from typing import Any

from tests.conformance.exchange import CASE_FIELD
from tests.conformance.table import load_cases

__all__ = ["application", "asgi_application"]

_KEY = "HTTP_" + CASE_FIELD.upper().replace("-", "_")

warnings.simplefilter("ignore")
_framework = importlib.import_module(os.environ["CONFORMANCE_FRAMEWORK"])
_apps = {case.id: case.make_app(_framework) for case in load_cases()}
for _app in _apps.values():
    _app.logger.disabled = True


def application(environ: dict[str, Any], start_response: Any) -> Any:
    """Serve a request over WSGI; the application does not see the field."""
    name = environ.pop(_KEY, "")
    if name not in _apps:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"ready"]
    return _apps[name](environ, start_response)


async def asgi_application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Serve a request over ASGI."""
    if scope["type"] != "http":
        raise ValueError(scope["type"])  # which is how a server learns that there is no lifespan
    field = CASE_FIELD.lower().encode()
    name = dict(scope["headers"]).get(field, b"").decode()
    if name not in _apps:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ready"})
        return
    headers = [pair for pair in scope["headers"] if pair[0] != field]
    await _apps[name].asgi_app({**scope, "headers": headers}, receive, send)
