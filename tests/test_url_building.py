from __future__ import annotations

from typing import Any

import pytest

from hipflask import Blueprint, Flask, request, url_building, url_for
from hipflask.http.head import WsgiHead
from hipflask.routing.exceptions import BuildError
from hipflask.routing.map import Map


@pytest.fixture
def app() -> Flask:
    app = Flask("x")
    app.add_url_rule("/", "index", lambda: request.host)
    app.add_url_rule("/item/<int:n>", "item", lambda n: url_for("index", _external=True))
    return app


class OtherHead(WsgiHead):
    """A head of another door."""


def environ(host: str | None, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "wsgi.url_scheme": "http",
    }
    return found | ({} if host is None else {"HTTP_HOST": host}) | more


INVALID = ["a b", "a/b", "<x>", "a..b@c", "a:b", "a:99999999", "é", "\\", "[::1", "a\tb", "evil.org/path", "a?b", "a#b"]
VALID = ["localhost", "localhost:5000", "example.org", "[::1]:80", "127.0.0.1", "UPPER.org", "under_score", "xn--p1ai"]


@pytest.mark.parametrize("kind", [WsgiHead, OtherHead])
@pytest.mark.parametrize("host", INVALID)
def test_invalid_host_is_a_bad_request(app: Flask, host: str, kind: type[WsgiHead]) -> None:
    response: Any = app.handle(kind(environ(host)))
    assert response.status_code == 400


@pytest.mark.parametrize("kind", [WsgiHead, OtherHead])
@pytest.mark.parametrize("host", [*VALID, "", None])
def test_valid_or_absent_host_is_answered(app: Flask, host: str | None, kind: type[WsgiHead]) -> None:
    for _ in range(2):  # the second time it is known
        response: Any = app.handle(kind(environ(host)))
        assert response.status_code == 200


def test_hosts_are_not_remembered_without_end(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(url_building, "KNOWN_HOSTS_LIMIT", 0)
    assert app.test_client().get("/", base_url="http://not-remembered.org").status_code == 200
    assert "not-remembered.org" not in url_building._known_hosts


@pytest.mark.parametrize(
    ("host", "status"),
    [("good.org", 200), ("good.org:80", 200), ("sub.good.org", 400), ("sub.dot.org", 200), ("evil.org", 400)],
)
def test_trusted_hosts(app: Flask, host: str, status: int) -> None:
    app.test_client().get("/", base_url=f"http://{host}")  # known from before the setting
    app.config["TRUSTED_HOSTS"] = ["good.org", ".dot.org"]
    response = app.test_client().get("/", base_url=f"http://{host}")
    assert response.status_code == status


def test_invalid_host_is_refused_with_trusted_hosts_too(app: Flask) -> None:
    app.config["TRUSTED_HOSTS"] = ["good.org"]
    response: Any = app.handle(WsgiHead(environ("a b")))
    assert response.status_code == 400


def test_server_name_does_not_restrict_requests(app: Flask) -> None:
    app.config["SERVER_NAME"] = "example.org"
    assert app.test_client().get("/", base_url="http://other.org").data == b"other.org"


@pytest.mark.parametrize("kind", [WsgiHead, OtherHead])
def test_upgrade_is_matched_by_the_adapter(app: Flask, kind: type[WsgiHead]) -> None:
    more = {"HTTP_UPGRADE": "websocket", "HTTP_CONNECTION": "upgrade"}
    response: Any = app.handle(kind(environ("localhost", **more)))
    assert response.status_code == 400


def test_path_that_is_missing_redirects_to_the_root(app: Flask) -> None:
    response: Any = app.handle(WsgiHead(environ("localhost", PATH_INFO="", SCRIPT_NAME="/app")))
    assert (response.status_code, response.location) == (308, "http://localhost/app/")


@pytest.mark.parametrize("where", ["class", "instance"])
def test_overridden_create_url_adapter_matches(where: str) -> None:
    calls: list[Any] = []

    def own(self: Flask, request: Any) -> Any:
        calls.append(request)
        return Flask.create_url_adapter(self, request)

    app = (type("Own", (Flask,), {"create_url_adapter": own}) if where == "class" else Flask)("x")
    if where == "instance":
        app.create_url_adapter = own.__get__(app)  # type: ignore[method-assign]
    app.add_url_rule("/", "index", lambda: "x")
    assert app.test_client().get("/").status_code == 200
    assert calls[0] is not None


def test_overridden_bind_to_environ_of_the_map_is_asked(app: Flask) -> None:
    calls: list[bool] = []

    class OwnMap(Map):
        def bind_to_environ(self, *args: Any, **kwargs: Any) -> Any:
            calls.append(True)
            return super().bind_to_environ(*args, **kwargs)

    class Own(Flask):
        url_map_class = OwnMap

    own = Own("x")
    own.add_url_rule("/", "index", lambda: "x")
    assert own.test_client().get("/").status_code == 200
    assert calls


def test_subdomains_need_a_server_name() -> None:
    app = Flask("x", subdomain_matching=True)
    app.config["SERVER_NAME"] = "example.org"
    app.add_url_rule("/", "api", lambda: "api", subdomain="api")
    assert app.test_client().get("/", base_url="http://api.example.org").data == b"api"
    assert app.test_client().get("/", base_url="http://example.org").status_code == 404


def test_default_subdomain_of_the_map_is_used() -> None:
    app = Flask("x", static_folder=None)
    app.url_map.default_subdomain = "www"
    app.add_url_rule("/", "index", lambda: "x")
    assert app.test_client().get("/").status_code == 200


def test_urls_outside_of_a_request(app: Flask) -> None:
    with app.app_context(), pytest.raises(RuntimeError, match="SERVER_NAME"):
        url_for("index")
    with pytest.raises(RuntimeError, match="SERVER_NAME"):
        app.url_for("index")
    app.config.update(SERVER_NAME="example.org", APPLICATION_ROOT="/root", PREFERRED_URL_SCHEME="https")
    with app.app_context():
        assert url_for("index") == "https://example.org/root/"
        assert url_for("index", _external=False) == "/root/"
        assert url_for("index", _scheme="http") == "http://example.org/root/"
        assert app.create_url_adapter(None) is not None
    assert app.url_for("index") == "https://example.org/root/"


def test_options_of_url_for(app: Flask) -> None:
    with app.test_request_context(base_url="http://h.org/root/"):
        assert url_for("item", n=5) == "/root/item/5"
        assert url_for("item", n=5, a=["1", "2"], b=None, _anchor="é#/") == "/root/item/5?a=1&a=2#%C3%A9#/"
        assert url_for("item", n=5, _external=True) == "http://h.org/root/item/5"
        assert url_for("item", n=5, _scheme="https") == "https://h.org/root/item/5"
        with pytest.raises(ValueError, match="_external is False"):
            url_for("item", n=5, _scheme="https", _external=False)


def test_dot_stands_for_the_current_blueprint(app: Flask) -> None:
    part = Blueprint("part", "x", url_prefix="/part")
    part.add_url_rule("/", "index", lambda: url_for(".index"))
    app.register_blueprint(part)
    assert app.test_client().get("/part/").data == b"/part/"
    with app.test_request_context("/"):
        assert url_for(".index") == "/"


def test_build_error_tells_what_was_asked(app: Flask) -> None:
    with app.test_request_context(), pytest.raises(BuildError, match="nothing") as caught:
        url_for("nothing", a=1, _anchor="x", _method="PUT", _scheme="https")
    assert caught.value.endpoint == "nothing"


def test_values_for_build_error_handlers_have_the_options(app: Flask) -> None:
    seen: list[Any] = []
    app.url_build_error_handlers.append(lambda error, endpoint, values: seen.append(values) or "/x")
    with app.test_request_context():
        assert url_for("nothing", a=1, _anchor="t") == "/x"
    assert seen == [{"a": 1, "_anchor": "t", "_method": None, "_scheme": None, "_external": False}]


def test_subdomains_decide_where_they_are_matched() -> None:
    app = Flask("subdomains", static_folder=None, subdomain_matching=True)
    app.config["SERVER_NAME"] = "example.org"
    app.add_url_rule("/", "main", lambda: "main")
    app.add_url_rule("/", "api", lambda: "api", subdomain="api")
    client = app.test_client()
    hosts = ("example.org", "api.example.org", "zz.example.org", "example.org")
    answers = [client.get("/", base_url=f"http://{host}/") for host in hosts]
    assert [answer.status_code for answer in answers] == [200, 200, 404, 200]
    assert [answer.text for answer in answers if answer.status_code == 200] == ["main", "api", "main"]
