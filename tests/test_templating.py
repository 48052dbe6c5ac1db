from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jinja2 import DictLoader, TemplateNotFound

import hipflask
from hipflask import (
    Flask,
    before_render_template,
    get_template_attribute,
    render_template,
    render_template_string,
    stream_template,
    stream_template_string,
    template_rendered,
    templating,
)


@pytest.fixture
def app() -> Flask:
    app = Flask("x")
    app.jinja_loader = DictLoader(
        {"a.html": "<{{ value }}>", "b.txt": "{{ value }}", "macros.html": "{% macro m(x) %}[{{ x }}]{% endmacro %}"}
    )
    app.add_url_rule("/", "index", lambda: "x")
    return app


def test_render_template(app: Flask) -> None:
    with app.app_context():
        assert render_template("a.html", value="<b>") == "<&lt;b&gt;>"
        assert render_template("b.txt", value="<b>") == "<b>"
        assert render_template(["absent.html", "a.html"], value=1) == "<1>"
        assert render_template(app.jinja_env.get_template("b.txt"), value=1) == "1"
        with pytest.raises(TemplateNotFound, match="absent"):
            render_template("absent.html")


def test_render_template_string(app: Flask) -> None:
    with app.test_request_context("/path"):
        assert render_template_string("{{ v }} {{ request.path }} {{ g is defined }}", v="<") == "&lt; /path True"


def test_rendering_needs_an_application() -> None:
    with pytest.raises(RuntimeError, match="No application context"):
        render_template("a.html")


def test_get_template_attribute(app: Flask) -> None:
    with app.app_context():
        assert get_template_attribute("macros.html", "m")("<") == "[&lt;]"


@pytest.mark.parametrize(
    "stream", [lambda: stream_template("a.html", value=1), lambda: stream_template_string("<{{ 1 }}>")]
)
def test_templates_are_streamed(app: Flask, stream: Any) -> None:
    with app.app_context():
        assert "".join(stream()) == "<1>"
    with app.test_request_context():
        parts = stream()
    assert "".join(parts) == "<1>"
    assert not hipflask.has_request_context()


def test_stream_sees_the_request_to_its_end(app: Flask) -> None:
    with app.test_request_context("/path"):
        parts = stream_template_string("{{ request.path }} {{ url_for('index') }}")
    assert "".join(parts) == "/path /"


@pytest.mark.parametrize("is_streamed", [False, True])
def test_signals_of_rendering_are_sent(app: Flask, is_streamed: bool) -> None:
    sent: list[Any] = []

    def before(sender: Flask, template: Any, context: dict[str, Any], **extra: Any) -> None:
        sent.append(("before", template.name, context["value"]))
        context["value"] = "changed"

    def after(sender: Flask, template: Any, context: dict[str, Any], **extra: Any) -> None:
        sent.append(("after", template.name, context["value"]))

    with (
        before_render_template.connected_to(before, app),
        template_rendered.connected_to(after, app),
        app.app_context(),
    ):
        text = "".join(stream_template("a.html", value=1)) if is_streamed else render_template("a.html", value=1)
    assert text == "<changed>"
    assert sent == [("before", "a.html", 1), ("after", "a.html", "changed")]


def test_names_of_jinja_are_imported_when_asked_for() -> None:
    from hipflask.template_engine import DispatchingJinjaLoader, Environment

    assert templating.Environment is Environment
    assert templating.DispatchingJinjaLoader is DispatchingJinjaLoader
    with pytest.raises(AttributeError, match="nothing"):
        _ = templating.nothing


def test_names_of_a_template_outside_of_a_request(app: Flask) -> None:
    with app.app_context():
        assert render_template_string("{{ request is defined }} {{ config.DEBUG }}") in ("True False", "False False")
    assert hipflask.template_globals.default_template_names() == {}  # type: ignore[attr-defined]


def test_reading_no_session_sets_no_vary(app: Flask, tmp_path: Path) -> None:
    app.secret_key = "k"
    app.add_url_rule("/quiet", "quiet", lambda: render_template_string("x"))
    app.add_url_rule("/reads", "reads", lambda: render_template_string("{{ session.a }}"))
    client = app.test_client()
    assert "Vary" not in client.get("/quiet").headers
    assert client.get("/reads").headers["Vary"] == "Cookie"
