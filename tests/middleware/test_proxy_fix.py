"""What proxies say about a request, and which of it is believed."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from hipflask import Flask, request, url_for
from hipflask.middleware.proxy_fix import ProxyFix

BASE = {
    "REMOTE_ADDR": "10.0.0.1",
    "HTTP_HOST": "spam:8080",
    "wsgi.url_scheme": "http",
    "SERVER_NAME": "srv",
    "SERVER_PORT": "5000",
    "SCRIPT_NAME": "/old",
    "PATH_INFO": "/x",
}


def fix(middleware: Any, said: dict[str, str], base: Any = BASE, **numbers: int) -> dict[str, Any]:
    """Return the environ that the application gets."""
    environ: dict[str, Any] = {**base, **{f"HTTP_X_FORWARDED_{name}": value for name, value in said.items()}}
    seen: dict[str, Any] = {}

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        seen.update(environ)
        return [b"body"]

    assert middleware(app, **numbers)(environ, None) == [b"body"]
    return seen


def changes(said: dict[str, str], base: Any = BASE, **numbers: int) -> dict[str, Any]:
    environ = fix(ProxyFix, said, base, **numbers)
    del environ["werkzeug.proxy_fix.orig"]
    return {
        key: value
        for key, value in environ.items()
        if base.get(key) != value and not key.startswith("HTTP_X_FORWARDED_")
    }


SAME_AS_WERKZEUG = [
    pytest.param({}, {}, {}, id="nothing-said"),
    pytest.param({"FOR": "1.2.3.4"}, {}, {"REMOTE_ADDR": "1.2.3.4"}, id="for"),
    pytest.param({"FOR": " 1.2.3.4 "}, {}, {"REMOTE_ADDR": "1.2.3.4"}, id="for-spaces"),
    pytest.param({"FOR": "1.2.3.4, 5.6.7.8"}, {}, {"REMOTE_ADDR": "5.6.7.8"}, id="for-last"),
    pytest.param({"FOR": "1.2.3.4, 5.6.7.8"}, {"x_for": 2}, {"REMOTE_ADDR": "1.2.3.4"}, id="for-of-two-proxies"),
    pytest.param({"FOR": "9, 1, 2"}, {"x_for": 2}, {"REMOTE_ADDR": "1"}, id="for-client-lies"),
    pytest.param({"FOR": "1.2.3.4, 5.6.7.8"}, {"x_for": 3}, {}, id="for-too-few"),
    pytest.param({"FOR": "1"}, {"x_for": 2}, {}, id="for-one-too-few"),
    pytest.param({"FOR": "1"}, {"x_for": 0}, {}, id="for-untrusted"),
    pytest.param({"FOR": ""}, {}, {}, id="for-empty"),
    pytest.param({"FOR": "1.2.3.4,"}, {}, {"REMOTE_ADDR": "1.2.3.4"}, id="for-comma-at-end"),
    pytest.param({"FOR": " , 2"}, {"x_for": 2}, {}, id="for-empty-part"),
    pytest.param({"FOR": '"1,2", 3'}, {"x_for": 2}, {"REMOTE_ADDR": "1,2"}, id="for-quoted"),
    pytest.param({"FOR": '"[::1]:99"'}, {}, {"REMOTE_ADDR": "[::1]:99"}, id="for-ipv6"),
    pytest.param({"PROTO": "https"}, {}, {"wsgi.url_scheme": "https"}, id="proto"),
    pytest.param({"PROTO": "https,http"}, {"x_proto": 2}, {"wsgi.url_scheme": "https"}, id="proto-of-two"),
    pytest.param({"HOST": "ex.com"}, {}, {}, id="host-untrusted"),
    pytest.param({"HOST": "ex.com"}, {"x_host": 1}, {"HTTP_HOST": "ex.com", "SERVER_NAME": "ex.com"}, id="host"),
    pytest.param(
        {"HOST": "ex.com:8443"},
        {"x_host": 1},
        {"HTTP_HOST": "ex.com:8443", "SERVER_NAME": "ex.com", "SERVER_PORT": "8443"},
        id="host-with-port",
    ),
    pytest.param({"HOST": "[::1]"}, {"x_host": 1}, {"HTTP_HOST": "[::1]", "SERVER_NAME": "[::1]"}, id="host-ipv6"),
    pytest.param(
        {"HOST": "[::1]:84"},
        {"x_host": 1},
        {"HTTP_HOST": "[::1]:84", "SERVER_NAME": "[::1]", "SERVER_PORT": "84"},
        id="host-ipv6-with-port",
    ),
    pytest.param({"PORT": "443"}, {"x_port": 1}, {"HTTP_HOST": "spam:443", "SERVER_PORT": "443"}, id="port"),
    pytest.param(
        {"PORT": "443", "HOST": "h:9"},
        {"x_port": 1, "x_host": 1},
        {"HTTP_HOST": "h:443", "SERVER_NAME": "h", "SERVER_PORT": "443"},
        id="port-wins-over-host",
    ),
    pytest.param(
        {"PORT": "443", "HOST": "[::1]"},
        {"x_port": 1, "x_host": 1},
        {"HTTP_HOST": "[::1]:443", "SERVER_NAME": "[::1]", "SERVER_PORT": "443"},
        id="port-and-ipv6-host",
    ),
    pytest.param({"PREFIX": "/new"}, {"x_prefix": 1}, {"SCRIPT_NAME": "/new"}, id="prefix"),
    pytest.param({"PREFIX": "/new/"}, {"x_prefix": 1}, {"SCRIPT_NAME": "/new/"}, id="prefix-slash-at-end"),
    pytest.param({"PREFIX": "/a, /b"}, {"x_prefix": 2}, {"SCRIPT_NAME": "/a"}, id="prefix-of-two"),
]


@pytest.mark.parametrize(("said", "numbers", "expected"), SAME_AS_WERKZEUG)
def test_trusted_values_change_the_environ(
    said: dict[str, str], numbers: dict[str, int], expected: dict[str, str]
) -> None:
    assert changes(said, **numbers) == expected


@pytest.mark.parametrize(("said", "numbers", "expected"), SAME_AS_WERKZEUG)
def test_environ_is_that_of_werkzeug(said: dict[str, str], numbers: dict[str, int], expected: dict[str, str]) -> None:
    pytest.importorskip("werkzeug")
    theirs = importlib.import_module("werkzeug.middleware.proxy_fix").ProxyFix
    assert fix(ProxyFix, said, **numbers) == fix(theirs, said, **numbers)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param({"PROTO": "HTTPS"}, {"wsgi.url_scheme": "https"}, id="scheme-in-capitals"),
        pytest.param({"PROTO": "javascript"}, {}, id="scheme-of-no-server"),
        pytest.param({"PROTO": "a b\x01"}, {}, id="no-scheme"),
        pytest.param({"PORT": "abc"}, {}, id="port-of-letters"),
        pytest.param({"PORT": "0"}, {}, id="port-0"),
        pytest.param({"PORT": "65536"}, {}, id="port-too-large"),
        pytest.param({"PORT": "9" * 5000}, {}, id="port-of-thousands-of-digits"),
        pytest.param({"PORT": "٤٤٣"}, {}, id="port-in-other-digits"),
        pytest.param({"PREFIX": "new"}, {"SCRIPT_NAME": "/new"}, id="prefix-without-slash"),
        pytest.param({"PREFIX": "//evil.example"}, {"SCRIPT_NAME": "/evil.example"}, id="prefix-that-is-a-host"),
        pytest.param({"PREFIX": "/\\evil.example"}, {}, id="prefix-with-backslash"),
        pytest.param({"PREFIX": "/a\tb"}, {}, id="prefix-with-control"),
    ],
)
def test_malformed_value_is_ignored_or_made_right(said: dict[str, str], expected: dict[str, str]) -> None:
    assert changes(said, x_port=1, x_prefix=1) == expected


def test_port_without_host_changes_the_server_only() -> None:
    base = {key: value for key, value in BASE.items() if key != "HTTP_HOST"}
    assert changes({"PORT": "443"}, base, x_port=1) == {"SERVER_PORT": "443"}


def test_original_values_are_kept() -> None:
    base = {key: value for key, value in BASE.items() if key != "HTTP_HOST"}
    environ = fix(ProxyFix, {"FOR": "1", "HOST": "h", "PREFIX": "/p"}, base, x_host=1, x_prefix=1)
    original = environ["werkzeug.proxy_fix.orig"]
    assert original.pop("HTTP_HOST") is None
    assert original == {key: BASE[key] for key in original}
    assert set(original) == set(BASE) - {"HTTP_HOST", "PATH_INFO"}


def test_numbers_are_attributes() -> None:
    fixed = ProxyFix(None, 1, 2, 3, 4, 5)  # type: ignore[arg-type]  # not called
    assert vars(fixed) == {"app": None, "x_for": 1, "x_proto": 2, "x_host": 3, "x_port": 4, "x_prefix": 5}


def test_negative_number_is_refused() -> None:
    with pytest.raises(ValueError, match="x_host=-1"):
        ProxyFix(None, x_host=-1)  # type: ignore[arg-type]  # not called


def test_application_sees_the_outer_address() -> None:
    app = Flask(__name__)

    @app.get("/where")
    def where() -> list[str]:
        return [request.url, request.remote_addr or "", url_for("where", _external=True), url_for("where")]

    app.wsgi_app = ProxyFix(app.wsgi_app, x_host=1, x_port=1, x_prefix=1)  # type: ignore[method-assign]
    headers = {
        "X-Forwarded-For": "192.0.2.7",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "ex.com",
        "X-Forwarded-Port": "8443",
        "X-Forwarded-Prefix": "/app",
    }
    url = "https://ex.com:8443/app/where"
    assert app.test_client().get("/where", headers=headers).json == [url, "192.0.2.7", url, "/app/where"]


def test_host_that_can_be_none_is_answered_with_400() -> None:
    app = Flask(__name__)
    app.add_url_rule("/", view_func=lambda: request.host, endpoint="index")
    app.wsgi_app = ProxyFix(app.wsgi_app, x_host=1)  # type: ignore[method-assign]
    response = app.test_client().get("/", headers={"X-Forwarded-Host": "bad host/x"})
    assert response.status_code == 400
