from __future__ import annotations

import logging
import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hipflask import Blueprint, Config, Flask, request
from hipflask.app_setup import App
from hipflask.http.exceptions import Aborter, BadRequest, BadRequestKeyError, NotFound
from hipflask.routing.exceptions import BuildError
from hipflask.views import View


@pytest.fixture
def app() -> Flask:
    return Flask("app_under_test")


def view() -> str:
    return "x"


@pytest.mark.parametrize(
    "call",
    [
        lambda app: app.add_url_rule("/late", "late", view),
        lambda app: app.route("/late")(view),
        lambda app: app.before_request(view),
        lambda app: app.errorhandler(404)(view),
        lambda app: app.register_blueprint(Blueprint("b", "b")),
        lambda app: app.template_filter()(view),
        lambda app: app.teardown_appcontext(view),
        lambda app: app.shell_context_processor(view),
    ],
    ids=["add_url_rule", "route", "hook", "errorhandler", "blueprint", "filter", "teardown", "shell"],
)
def test_setup_after_the_first_request_is_refused(app: Flask, call: Any) -> None:
    app.test_client().get("/")
    with pytest.raises(AssertionError, match=r"was called on <Flask 'app_under_test'> after its first request"):
        call(app)


def test_name_of_a_script_is_its_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["__main__"], "__file__", os.path.join("folder", "script.py"), raising=False)
    assert Flask("__main__").name == "script"
    monkeypatch.delattr(sys.modules["__main__"], "__file__")
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", None)  # as in an interactive session
    assert Flask("__main__").name == "__main__"


def test_instance_path_must_be_absolute(tmp_path: Path) -> None:
    assert Flask("x", instance_path=str(tmp_path)).instance_path == str(tmp_path)
    with pytest.raises(ValueError, match="must be absolute, but 'relative' is relative"):
        Flask("x", instance_path="relative")


def test_config_is_relative_to_root_or_instance(tmp_path: Path) -> None:
    root, instance = tmp_path / "root", tmp_path / "instance"
    app = Flask("x", root_path=str(root), instance_path=str(instance))
    assert app.config.root_path == str(root)
    app = Flask("x", root_path=str(root), instance_path=str(instance), instance_relative_config=True)
    assert app.config.root_path == str(instance)


def test_classes_may_be_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    class Own(Flask):
        config_class = type("OwnConfig", (Config,), {})
        aborter_class = type("OwnAborter", (Aborter,), {})
        default_config = {**Flask.default_config, "OWN": 1}

    app = Own("x")
    assert type(app.config).__name__ == "OwnConfig"
    assert type(app.aborter).__name__ == "OwnAborter"
    assert app.config["OWN"] == 1


def test_debug_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_DEBUG", "1")
    assert Flask("x").debug
    monkeypatch.delenv("FLASK_DEBUG")
    assert not Flask("x").debug


def test_debug_switches_reloading_of_templates(app: Flask) -> None:
    app.debug = True
    assert app.config["DEBUG"] is True
    assert app.jinja_env.auto_reload
    app.debug = False
    assert not app.jinja_env.auto_reload
    app.config["TEMPLATES_AUTO_RELOAD"] = True
    app.debug = True
    assert not app.jinja_env.auto_reload


def test_attributes_are_settings(app: Flask) -> None:
    app.secret_key, app.testing = "k", True
    assert (app.config["SECRET_KEY"], app.config["TESTING"]) == ("k", True)
    assert app.permanent_session_lifetime == timedelta(days=31)
    app.config["PERMANENT_SESSION_LIFETIME"] = 60
    assert app.permanent_session_lifetime == timedelta(seconds=60)


def test_logger_has_the_applications_name(app: Flask) -> None:
    assert app.logger is app.logger is logging.getLogger("app_under_test")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (None, True),
        ("a.html", True),
        ("a.htm", True),
        ("a.xml", True),
        ("a.svg", True),
        ("a.txt", False),
        ("html", False),
    ],
)
def test_autoescape(app: Flask, name: str | None, expected: bool) -> None:
    assert app.select_jinja_autoescape(name) is expected


@pytest.mark.parametrize(
    ("options", "allowed"),
    [
        pytest.param({}, {"GET", "HEAD", "OPTIONS"}, id="default"),
        pytest.param({"methods": ["post"]}, {"POST", "OPTIONS"}, id="lower-case"),
        pytest.param({"methods": ["GET", "OPTIONS"]}, {"GET", "HEAD", "OPTIONS"}, id="own-options"),
        pytest.param({"provide_automatic_options": False}, {"GET", "HEAD"}, id="off"),
    ],
)
def test_methods_of_a_rule(app: Flask, options: dict[str, Any], allowed: set[str]) -> None:
    app.add_url_rule("/", "index", view, **options)
    rule = next(app.url_map.iter_rules("index"))
    assert rule.methods == allowed


def test_methods_must_be_a_list(app: Flask) -> None:
    with pytest.raises(TypeError, match=r"Write methods=\['GET'\]"):
        app.add_url_rule("/", "index", view, methods="GET")


def test_view_may_say_its_methods(app: Flask) -> None:
    def own() -> str:
        return request.method

    own.methods = ["PUT"]  # type: ignore[attr-defined]
    own.required_methods = ["DELETE"]  # type: ignore[attr-defined]
    own.provide_automatic_options = False  # type: ignore[attr-defined]
    app.add_url_rule("/", view_func=own)
    client = app.test_client()
    assert [client.open("/", method=method).status_code for method in ("PUT", "DELETE", "GET", "OPTIONS")] == [
        200,
        200,
        405,
        405,
    ]


def test_setting_switches_automatic_options_off(app: Flask) -> None:
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.add_url_rule("/", "index", view)
    assert app.test_client().options("/").status_code == 405


def test_endpoint_has_one_view(app: Flask) -> None:
    app.add_url_rule("/", "index", view)
    app.add_url_rule("/again", "index", view)
    with pytest.raises(AssertionError, match="Two views have the endpoint 'index'"):
        app.add_url_rule("/other", "index", lambda: "y")


def test_class_based_view_is_named(app: Flask) -> None:
    app.add_url_rule("/", view_func=type("V", (View,), {"dispatch_request": lambda self: "v"}).as_view("named"))
    assert "named" in app.view_functions


@pytest.mark.parametrize("kind", ["filter", "test", "global"])
@pytest.mark.parametrize("name", [None, "own"])
def test_names_for_templates_are_registered(app: Flask, kind: str, name: str | None) -> None:
    assert getattr(app, f"template_{kind}")(name)(view) is view
    registry = getattr(app.jinja_env, f"{kind}s")
    assert registry[name or "view"] is view


def test_iter_blueprints(app: Flask) -> None:
    part = Blueprint("part", "x")
    app.register_blueprint(part)
    assert list(app.iter_blueprints()) == [part]


def test_shell_context(app: Flask) -> None:
    app.shell_context_processor(lambda: {"extra": 1})
    names = app.make_shell_context()
    assert (names["app"], names["extra"]) == (app, 1)
    assert "g" in names


def test_open_instance_resource(tmp_path: Path) -> None:
    app = Flask("x", instance_path=str(tmp_path))
    with app.open_instance_resource("a.txt", "w") as file:
        file.write("é")
    with app.open_instance_resource("a.txt") as file:
        assert file.read() == "é".encode()
    with app.open_instance_resource("a.txt", "r", encoding="latin-1") as file:
        assert file.read() == "Ã©"


@pytest.mark.parametrize(
    ("settings", "error", "expected"),
    [
        ({}, NotFound(), False),
        ({"TRAP_HTTP_EXCEPTIONS": True}, NotFound(), True),
        ({"TRAP_BAD_REQUEST_ERRORS": True}, BadRequest(), True),
        ({"TRAP_BAD_REQUEST_ERRORS": True}, NotFound(), False),
        ({"DEBUG": True}, BadRequestKeyError("k"), True),
        ({"DEBUG": True}, BadRequest(), False),
        ({"DEBUG": True, "TRAP_BAD_REQUEST_ERRORS": False}, BadRequestKeyError("k"), False),
    ],
)
def test_trap_http_exception(app: Flask, settings: dict[str, Any], error: Exception, expected: bool) -> None:
    app.config.update(settings)
    assert app.trap_http_exception(error) is expected


def test_registries_are_not_filled_by_looking(app: Flask) -> None:
    app.test_client().get("/missing")
    assert dict(app.error_handler_spec) == {}


def test_url_build_error_handlers_are_asked_in_turn(app: Flask) -> None:
    asked: list[str] = []

    def first(error: BuildError, endpoint: str, values: dict[str, Any]) -> str | None:
        asked.append("first")
        raise BuildError(endpoint, {"changed": 1}, None)

    def second(error: BuildError, endpoint: str, values: dict[str, Any]) -> str | None:
        asked.append(f"second {error.values}")
        return "/found" if endpoint == "found" else None

    app.url_build_error_handlers += [first, second]
    with app.test_request_context():
        assert app.url_for("found") == "/found"
        with pytest.raises(BuildError, match="lost"):
            app.url_for("lost")
    assert asked == ["first", "second {'changed': 1}"] * 2


def test_url_defaults_of_blueprints_are_used_for_their_endpoints(app: Flask) -> None:
    outer, inner = Blueprint("outer", "x"), Blueprint("inner", "x")
    calls: list[str] = []
    inner.add_url_rule("/i", "i", view)
    inner.url_defaults(lambda endpoint, values: calls.append("inner"))
    outer.url_defaults(lambda endpoint, values: calls.append("outer"))
    outer.register_blueprint(inner)
    app.register_blueprint(outer)
    app.add_url_rule("/", "index", view)
    app.url_defaults(lambda endpoint, values: calls.append("app"))
    with app.test_request_context():
        app.url_for("outer.inner.i")
        assert calls == ["app", "outer", "inner"]
        app.url_for("index")
        assert calls[3:] == ["app"]


def test_context_processors_do_not_hide_what_the_view_passes(app: Flask) -> None:
    part = Blueprint("part", "x")
    part.context_processor(lambda: {"a": "part", "b": "part"})
    part.add_url_rule("/part", "index", view)
    app.context_processor(lambda: {"a": "app", "c": "app"})
    app.register_blueprint(part)

    @app.context_processor
    async def asynchronous() -> dict[str, str]:
        return {"d": "async"}

    names: dict[str, Any] = {"b": "view"}
    with app.test_request_context("/part"):
        app.update_template_context(names)
    assert (names["a"], names["b"], names["c"], names["d"]) == ("part", "view", "app", "async")
    outside: dict[str, Any] = {}
    with app.app_context():
        app.update_template_context(outside)
    assert "request" not in outside and "g" in outside


def test_redirect_has_the_applications_response_class(app: Flask) -> None:
    app.response_class = type("Own", (Flask.response_class,), {})
    assert type(app.redirect("/a", 301)) is app.response_class


def test_should_ignore_error_is_off(app: Flask) -> None:
    assert app.should_ignore_error(ValueError()) is False


def test_environment_class_is_imported_when_needed() -> None:
    from hipflask.template_engine import Environment

    assert App.jinja_environment is Environment
