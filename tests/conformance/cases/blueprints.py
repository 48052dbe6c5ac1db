"""Blueprints: prefixes, names, nesting, registering twice."""

from __future__ import annotations

from typing import Any

from tests.conformance.exchange import get, send
from tests.conformance.table import case


def _echo(flask: Any) -> Any:
    def view(**values: Any) -> Any:
        request = flask.request
        return {
            "endpoint": request.endpoint,
            "blueprint": request.blueprint,
            "blueprints": request.blueprints,
            "values": values,
        }

    return view


@case(get("/a/"), get("/a"), get("/a/x/1"), get("/x/1"), get("/b"), send("OPTIONS", "/a/x/1"))
def prefixes(flask: Any) -> Any:
    app = flask.Flask("case")
    first = flask.Blueprint("first", __name__, url_prefix="/a")
    first.add_url_rule("/", "index", _echo(flask))
    first.add_url_rule("/x/<int:n>", "x", _echo(flask))
    second = flask.Blueprint("second", __name__)
    second.add_url_rule("/b", "b", _echo(flask))
    app.register_blueprint(first)
    app.register_blueprint(second)
    return app


@case(get("/one/"), get("/two/"), get("/one/link"), get("/two/link"))
def registered_twice(flask: Any) -> Any:
    app = flask.Flask("case")
    part = flask.Blueprint("part", __name__)
    part.add_url_rule("/", "index", _echo(flask))
    part.add_url_rule("/link", "link", lambda: flask.url_for(".index"))
    app.register_blueprint(part, url_prefix="/one")
    app.register_blueprint(part, url_prefix="/two", name="other")
    return app


@case(get("/p/c/g/"), get("/p/c/"), get("/p/"), get("/p/c/g/link"), get("/p/c/g/fail"), get("/p/c/nothing"))
def nested(flask: Any) -> Any:
    app = flask.Flask("case")
    parent, child, grandchild = (
        flask.Blueprint(name, __name__, url_prefix=f"/{name[0]}") for name in ("parent", "child", "grand")
    )
    for part in (parent, child, grandchild):
        part.add_url_rule("/", "index", _echo(flask))
    grandchild.add_url_rule("/link", "link", lambda: f"{flask.url_for('.index')} {flask.url_for('parent.index')}")
    grandchild.add_url_rule("/fail", "fail", lambda: flask.abort(409))
    parent.register_error_handler(409, lambda error: ("409 of the parent", 409))
    child.before_request(lambda: flask.g.setdefault("seen", "child"))
    child.register_blueprint(grandchild)
    parent.register_blueprint(child)
    app.register_blueprint(parent)
    return app


@case(get("/de/x"), get("/fixed"))
def url_defaults(flask: Any) -> Any:
    app = flask.Flask("case")
    part = flask.Blueprint("part", __name__, url_defaults={"page": 1})
    part.add_url_rule("/<language>/x", "x", _echo(flask))
    part.add_url_rule("/fixed", "fixed", _echo(flask), defaults={"language": "en"})
    app.register_blueprint(part)
    return app


@case(get("/", host="api.example.org"), get("/deep", host="v1.api.example.org"), get("/", host="example.org"))
def subdomains(flask: Any) -> Any:
    app = flask.Flask("case", subdomain_matching=True)
    app.config["SERVER_NAME"] = "example.org"
    part = flask.Blueprint("part", __name__, subdomain="api")
    part.add_url_rule("/", "index", _echo(flask))
    inner = flask.Blueprint("inner", __name__, subdomain="v1")
    inner.add_url_rule("/deep", "deep", _echo(flask))
    part.register_blueprint(inner)
    app.register_blueprint(part)
    return app
