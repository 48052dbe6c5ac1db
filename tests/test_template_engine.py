from __future__ import annotations

import logging
from typing import Any

import pytest
from jinja2 import BaseLoader, DictLoader, TemplateNotFound

from hipflask import Blueprint, Flask
from hipflask.template_engine import DispatchingJinjaLoader, Environment


def make_app(**options: Any) -> Flask:
    app = Flask("x")
    app.jinja_loader = DictLoader({"both.html": "app", "app.html": "app"})
    part = Blueprint("part", "x")
    part.jinja_loader = DictLoader({"both.html": "part", "part.html": "part"})
    app.register_blueprint(part)
    app.register_blueprint(Blueprint("empty", "x"))
    app.config.update(options)
    return app


@pytest.mark.parametrize("explained", [False, True])
def test_templates_of_the_application_come_first(explained: bool, caplog: pytest.LogCaptureFixture) -> None:
    app = make_app(EXPLAIN_TEMPLATE_LOADING=explained)
    with caplog.at_level(logging.INFO), app.app_context():
        texts = [app.jinja_env.get_template(name).render() for name in ("both.html", "app.html", "part.html")]
        assert texts == ["app", "app", "part"]
        with pytest.raises(TemplateNotFound, match=r"absent\.html"):
            app.jinja_env.get_template("absent.html")
    assert ("absent.html" in caplog.text) is explained


def test_templates_are_listed_once() -> None:
    loader = make_app().jinja_env.loader
    assert isinstance(loader, DispatchingJinjaLoader)
    assert sorted(loader.list_templates()) == ["app.html", "both.html", "part.html"]


def test_environment_has_the_applications_options() -> None:
    class Own(Flask):
        jinja_options = {"trim_blocks": True, "autoescape": False, "auto_reload": True}

    environment = Own("x").jinja_env
    assert (environment.trim_blocks, environment.autoescape, environment.auto_reload) == (True, False, True)
    assert make_app(TEMPLATES_AUTO_RELOAD=True).jinja_env.auto_reload
    assert make_app(DEBUG=True).jinja_env.auto_reload
    assert not make_app().jinja_env.auto_reload


def test_environment_may_have_a_class_and_a_loader_of_its_own() -> None:
    class OwnEnvironment(Environment):
        pass

    class Own(Flask):
        jinja_environment = OwnEnvironment  # type: ignore[assignment]

        def create_global_jinja_loader(self) -> BaseLoader:
            return DictLoader({"a": "own"})  # type: ignore[return-value]

    app = Own("x")
    assert type(app.jinja_env) is OwnEnvironment
    assert app.jinja_env.get_template("a").render() == "own"
    given = DictLoader({})
    assert Environment(app, loader=given).loader is given
    assert app.jinja_env.app is app


def test_names_and_filters_are_there() -> None:
    app = make_app()
    names = app.jinja_env.globals
    assert names["config"] is app.config
    assert {"url_for", "get_flashed_messages", "request", "session", "g"} <= set(names)
    template = app.jinja_env.from_string("{{ value|tojson }}")
    assert template.render(value={"a": "<"}) == '{"a": "\\u003c"}'
