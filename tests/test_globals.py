from __future__ import annotations

from typing import Any

import pytest

from hipflask import Flask, current_app, g, request, session
from hipflask.globals import app_ctx, request_ctx


@pytest.mark.parametrize("proxy", [current_app, g, app_ctx], ids=["current_app", "g", "app_ctx"])
def test_proxy_without_application_tells_what_to_do(proxy: Any) -> None:
    with pytest.raises(RuntimeError, match="No application context is active here") as caught:
        _ = proxy.anything
    assert "app.app_context()" in str(caught.value)


@pytest.mark.parametrize("proxy", [request, session, request_ctx], ids=["request", "session", "request_ctx"])
def test_proxy_without_request_tells_what_to_do(proxy: Any) -> None:
    with pytest.raises(RuntimeError, match="No request context is active here") as caught:
        _ = proxy.anything
    assert "app.test_request_context()" in str(caught.value)


def test_proxies_stand_for_what_is_current() -> None:
    app = Flask("x")
    app.secret_key = "k"
    with app.test_request_context("/path") as ctx:
        assert current_app == app
        assert request.path == "/path"
        assert request_ctx._get_current_object() is ctx  # type: ignore[attr-defined]
        assert app_ctx.app is app
        session["a"] = 1
        assert dict(session) == {"a": 1}
        g.b = 2
        assert app_ctx.g.b == 2
        assert isinstance(request, app.request_class)
    assert not request
