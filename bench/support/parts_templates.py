"""Rendering templates, with context processors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jinja2 import DictLoader

TEMPLATES = {
    "base.html": "<title>{% block title %}{% endblock %}</title><a href={{ url_for('index') }}>{{ site }}</a>"
    "{% for m in get_flashed_messages() %}<p>{{ m }}</p>{% endfor %}{% block body %}{% endblock %}",
    "page.html": "{% extends 'base.html' %}{% block title %}{{ name }}{% endblock %}{% block body %}"
    "{{ request.path }} {% for item in items %}<li>{{ item }}</li>{% endfor %}{% endblock %}",
    "small.html": "Hello {{ name }} of {{ site }}, {{ user }}!",
    "plain.html": "Hello!",
}


def make_calls(names: Any, megabytes: int) -> dict[str, Callable[[], object]]:
    """Return the calls to measure, by name."""
    flask = names.flask
    app = flask.Flask("bench", static_folder=None)
    app.secret_key = "key"
    app.jinja_loader = DictLoader(TEMPLATES)
    blueprint = flask.Blueprint("blog", "bench")
    blueprint.add_url_rule("/", "index", lambda: "")
    blueprint.context_processor(lambda: {"section": "blog"})
    app.add_url_rule("/", "index", lambda: "")
    app.register_blueprint(blueprint, url_prefix="/blog")
    app.context_processor(lambda: {"site": "Example"})
    app.context_processor(lambda: {"user": "somebody"})
    app.test_request_context("/blog/").push()
    items = [f"item {number}" for number in range(20)]
    render = flask.render_template
    return {
        "template without names": lambda: render("plain.html"),
        "small template": lambda: render("small.html", name="World"),
        "page with base, 20 items": lambda: render("page.html", name="World", items=items),
        "small template, streamed": lambda: "".join(flask.stream_template("small.html", name="World")),
        "names of context processors": lambda: app.update_template_context({}),
    }
