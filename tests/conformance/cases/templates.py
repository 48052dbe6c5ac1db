"""Templates from strings and files, and what they see."""

from __future__ import annotations

from typing import Any

from tests.conformance.exchange import get
from tests.conformance.table import case


def _app(flask: Any, **templates: str) -> Any:
    """An application with templates by name, ``page_html`` for ``page.html``, each shown at ``/<name>``."""
    from jinja2 import DictLoader

    app = flask.Flask("case")
    app.jinja_loader = DictLoader({name.replace("_", "."): text for name, text in templates.items()})
    app.add_url_rule(
        "/<name>", "page", lambda name: flask.render_template(name, value="<b>", items=["a", "<"], **flask.request.args)
    )
    return app


@case(
    get("/page.html"),
    get("/page.txt"),
    get("/page.svg"),
    get("/missing.html"),
    get("/broken.html"),
    get("/page.html?name=x"),
)
def rendering(flask: Any) -> Any:
    return _app(
        flask,
        base_html="<main>{% block main %}{% endblock %}</main>",
        page_html='{% extends "base.html" %}{% block main %}{{ value }} {{ name }}'
        "{% for i in items %}[{{ i }}]{% endfor %}{% endblock %}",
        page_txt="{{ value }}",
        page_svg="{{ value|safe }}{{ value }}",
        broken_html="{% if %}",
    )


@case(get("/names.html?q=1"), get("/urls.html"))
def names(flask: Any) -> Any:
    app = _app(
        flask,
        names_html="{{ request.args.q }} {{ g.user }} {{ config.OWN }} {{ session.get('a') }} {{ extra }} "
        "{{ 'x'|shout }} {{ 3 is odd_number }} {{ twice(2) }} {{ {'a': '<'}|tojson }}",
        urls_html="{{ url_for('page', name='a b') }} {{ get_flashed_messages() }}",
    )
    app.secret_key = "k"
    app.config["OWN"] = "own"
    app.before_request(lambda: setattr(flask.g, "user", "anna"))
    app.context_processor(lambda: {"extra": "more", "value": "lost"})
    app.template_filter("shout")(lambda text: text.upper() + "!")
    app.template_test("odd_number")(lambda number: number % 2 == 1)
    app.template_global("twice")(lambda number: 2 * number)
    return app


@case(get("/string"), get("/stream"), get("/attribute"), get("/list"))
def functions(flask: Any) -> Any:
    app = _app(flask, macros_html="{% macro hello(name) %}Hello, {{ name }}!{% endmacro %}", one_html="one")
    app.add_url_rule("/string", "string", lambda: flask.render_template_string("{{ x }} {{ request.path }}", x="<i>"))
    app.add_url_rule(
        "/stream", "stream", lambda: flask.stream_template_string("{% for i in 'abc' %}{{ i }}{% endfor %}")
    )
    app.add_url_rule(
        "/attribute", "attribute", lambda: str(flask.get_template_attribute("macros.html", "hello")("<you>"))
    )
    app.add_url_rule("/list", "list", lambda: flask.render_template(["absent.html", "one.html"]))
    return app
