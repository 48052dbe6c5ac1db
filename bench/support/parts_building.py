"""Building URLs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def make_calls(names: Any, megabytes: int) -> dict[str, Callable[[], object]]:
    """Return the calls to measure, by name."""
    flask, routing = names.flask, names.routing
    app = flask.Flask("bench")
    blueprint = flask.Blueprint("blog", "bench")
    for name, rule in {"index": "/", "text": "/text/<name>", "user": "/user/<int:id>", "two": "/<a>/x/<int:b>"}.items():
        app.add_url_rule(rule, name, lambda **values: "")
    blueprint.add_url_rule("/<int:id>", "post", lambda id: "")
    app.register_blueprint(blueprint, url_prefix="/blog")
    app.test_request_context("/blog/1").push()
    rules = [routing.Rule(f"/part{number}/<name>/<int:id>", endpoint=f"e{number}") for number in range(1000)]
    adapter = routing.Map(rules).bind("localhost")
    url_for = flask.url_for
    return {
        "url_for, no values": lambda: url_for("index"),
        "url_for, text": lambda: url_for("text", name="abc"),
        "url_for, text to be quoted": lambda: url_for("text", name="caf\u00e9 au lait"),
        "url_for, int": lambda: url_for("user", id=42),
        "url_for, two values": lambda: url_for("two", a="abc", b=42),
        "url_for, query": lambda: url_for("user", id=42, page=2, sort="name"),
        "url_for, blueprint": lambda: url_for(".post", id=42),
        "url_for, external": lambda: url_for("user", id=42, _external=True),
        "url_for, anchor": lambda: url_for("user", id=42, _anchor="top"),
        "url_for, static": lambda: url_for("static", filename="style.css"),
        "MapAdapter.build": lambda: adapter.build("e500", {"name": "abc", "id": 42}),
        "MapAdapter.build, query": lambda: adapter.build("e500", {"name": "abc", "id": 42, "q": "x y"}),
    }
