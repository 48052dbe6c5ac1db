"""The contexts that are current, and proxies to what user code wants of them.

Our own code is handed objects; the proxies are for applications.
"""

from __future__ import annotations

import typing as t
from contextvars import ContextVar

from hipflask.local import LocalProxy

if t.TYPE_CHECKING:
    from hipflask.app import Flask
    from hipflask.ctx import AppContext, RequestContext, _AppCtxGlobals
    from hipflask.sessions import SessionMixin
    from hipflask.wrappers import Request

__all__ = ["app_ctx", "current_app", "g", "request", "request_ctx", "session"]

_NO_APP = (
    "No application context is active here. This code needs the application (through current_app, g, url_for or an "
    "extension); run it inside a request, a command of app.cli, or 'with app.app_context():'."
)
_NO_REQUEST = (
    "No request context is active here. This code needs a request (through request or session); run it inside a view, "
    "or, in a test, inside 'with app.test_request_context():'."
)

_cv_app: ContextVar[AppContext] = ContextVar("hipflask.app_ctx")
_cv_request: ContextVar[RequestContext] = ContextVar("hipflask.request_ctx")

#: The application context, the application, and the application context's free attributes.
app_ctx: AppContext = LocalProxy(_cv_app, unbound_message=_NO_APP)  # type: ignore[assignment]  # stands for it
current_app: Flask = LocalProxy(_cv_app, "app", unbound_message=_NO_APP)  # type: ignore[assignment]  # stands for it
g: _AppCtxGlobals = LocalProxy(_cv_app, "g", unbound_message=_NO_APP)  # type: ignore[assignment]  # stands for it
#: The request context, the request, and the session.
request_ctx: RequestContext = LocalProxy(  # type: ignore[assignment]  # stands for it
    _cv_request, unbound_message=_NO_REQUEST
)
request: Request = LocalProxy(  # type: ignore[assignment]  # stands for it
    _cv_request, "request", unbound_message=_NO_REQUEST
)
session: SessionMixin = LocalProxy(  # type: ignore[assignment]  # stands for it
    _cv_request, "session", unbound_message=_NO_REQUEST
)
