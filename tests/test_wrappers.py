from __future__ import annotations

from typing import Any

import pytest

from hipflask import Blueprint, Flask, Request, Response, json
from hipflask.http.exceptions import BadRequest
from hipflask.testing.builder import EnvironBuilder

LIMITS = [
    ("max_content_length", "MAX_CONTENT_LENGTH", None),
    ("max_form_memory_size", "MAX_FORM_MEMORY_SIZE", 500_000),
    ("max_form_parts", "MAX_FORM_PARTS", 1_000),
]


@pytest.mark.parametrize(("name", "key", "default"), LIMITS)
def test_limit_is_the_requests_the_settings_or_the_default(name: str, key: str, default: int | None) -> None:
    app = Flask("x")
    request = Request(EnvironBuilder().get_environ())
    assert getattr(request, name) == default
    with app.app_context():
        assert getattr(request, name) == default
        app.config[key] = 7
        assert getattr(request, name) == 7
        setattr(request, name, None)
        assert getattr(request, name) == 7  # as on Flask: None does not lift the limit
    assert getattr(Request, name).__doc__


@pytest.mark.parametrize(
    ("path", "endpoint", "blueprint", "blueprints"),
    [
        ("/", "index", None, []),
        ("/missing", None, None, []),
        ("/part", "part.index", "part", ["part"]),
        ("/inner", "part.inner.index", "part.inner", ["part.inner", "part"]),
    ],
)
def test_request_knows_its_blueprints(
    path: str, endpoint: str | None, blueprint: str | None, blueprints: list[str]
) -> None:
    app, part, inner = Flask("x"), Blueprint("part", "x"), Blueprint("inner", "x")
    app.add_url_rule("/", "index", lambda: "x")
    part.add_url_rule("/part", "index", lambda: "x")
    inner.add_url_rule("/inner", "index", lambda: "x")
    part.register_blueprint(inner)
    app.register_blueprint(part)
    with app.test_request_context(path) as ctx:
        request = ctx.request
        assert (request.endpoint, request.blueprint, request.blueprints) == (endpoint, blueprint, blueprints)


@pytest.mark.parametrize("debug", [False, True])
def test_reason_of_malformed_json_is_told_in_debug_mode_only(debug: bool) -> None:
    app = Flask("x")
    app.debug = debug
    with app.test_request_context(data="{", content_type="application/json") as ctx:
        with pytest.raises(BadRequest) as caught:
            ctx.request.get_json()
    assert ("JSON" in (caught.value.description or "")) is debug


def test_reason_of_malformed_json_without_application() -> None:
    request = Request(EnvironBuilder(data="{", content_type="application/json", method="POST").get_environ())
    with pytest.raises(BadRequest):
        request.get_json()


@pytest.mark.parametrize(
    ("debug", "content_type", "helps"),
    [
        (True, "application/x-www-form-urlencoded", True),
        (False, "application/x-www-form-urlencoded", False),
        (True, "multipart/form-data; boundary=b", False),
    ],
)
def test_missing_file_is_explained_in_debug_mode(debug: bool, content_type: str, helps: bool) -> None:
    app = Flask("x")
    app.debug = debug
    data = b"file=a.txt" if "urlencoded" in content_type else b"--b--\r\n"
    with app.test_request_context(method="POST", data=data, content_type=content_type) as ctx:
        with pytest.raises(KeyError) as caught:
            _ = ctx.request.files["file"]
    assert ("enctype" in str(caught.value)) is helps


def test_longest_cookie_is_a_setting() -> None:
    response = Response()
    assert response.max_cookie_size == 4093
    app = Flask("x")
    app.config["MAX_COOKIE_SIZE"] = 10
    with app.app_context():
        assert response.max_cookie_size == 10


def test_json_of_request_and_response_is_the_applications() -> None:
    class Provider(json.provider.DefaultJSONProvider):  # type: ignore[name-defined]
        def loads(self, s: str | bytes, **kwargs: Any) -> Any:
            return ["own", super().loads(s, **kwargs)]

    app = Flask("x")
    app.json = Provider(app)
    with app.test_request_context(json={"a": 1}) as ctx:
        assert ctx.request.json == ["own", {"a": 1}]
        assert Response('{"b": 2}', mimetype="application/json").json == ["own", {"b": 2}]


def test_response_is_html_and_leaves_locations_relative() -> None:
    assert Response("x").mimetype == "text/html"
    assert Response.autocorrect_location_header is False
