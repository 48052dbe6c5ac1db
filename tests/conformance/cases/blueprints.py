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


@case(get("/"), get("/part/"), get("/log"), get("/missing"), get("/page"))
def functions_for_the_whole_application(flask: Any) -> Any:
    app = flask.Flask("case")
    log: list[str] = []
    part = flask.Blueprint("part", __name__, url_prefix="/part")

    @part.after_app_request
    def after(response: Any) -> Any:
        response.headers["X-App"] = "1"
        return response

    part.before_app_request(lambda: log.append("before app"))
    part.before_request(lambda: log.append("before part"))
    part.teardown_app_request(lambda error: log.append("teardown app"))
    part.app_context_processor(lambda: {"name": "from the part"})
    part.app_template_filter("shout")(lambda text: text.upper())
    part.app_template_global("three")(lambda: 3)
    part.app_template_test("short")(lambda text: len(text) < 3)
    part.app_errorhandler(404)(lambda error: ("404 of the part", 404))
    part.add_url_rule("/", "index", _echo(flask))
    app.add_url_rule("/", "index", _echo(flask))
    app.add_url_rule("/log", "log", lambda: flask.jsonify(log))
    page = "{{ name|shout }} {{ three() }} {{ 'ab' is short }}"
    app.add_url_rule("/page", "page", lambda: flask.render_template_string(page))
    app.register_blueprint(part)
    return app


@case(get("/a/b/x"), get("/a/x"), get("/b/x"), get("/c/d/x"))
def prefixes_given_at_registration(flask: Any) -> Any:
    app = flask.Flask("case")
    inner = flask.Blueprint("inner", __name__, url_prefix="/own")
    inner.add_url_rule("/x", "x", _echo(flask))
    outer = flask.Blueprint("outer", __name__, url_prefix="/own")
    outer.register_blueprint(inner, url_prefix="/b")
    app.register_blueprint(outer, url_prefix="/a")
    other = flask.Blueprint("other", __name__)
    other.register_blueprint(inner, url_prefix="/d", name="renamed")
    app.register_blueprint(other, url_prefix="/c")
    return app


@case(get("/one/"), get("/one/two/"), get("/"))
def relative_endpoints(flask: Any) -> Any:
    app = flask.Flask("case")

    def links() -> Any:
        build, found = flask.url_for, []
        for endpoint in (".index", "index", "one.index", "one.two.index", ".two.index"):
            try:
                found.append(build(endpoint))
            except Exception as error:
                found.append(type(error).__name__)
        return found

    one = flask.Blueprint("one", __name__, url_prefix="/one")
    two = flask.Blueprint("two", __name__, url_prefix="/two")
    for owner in (app, one, two):
        owner.add_url_rule("/", "index", links)
    one.register_blueprint(two)
    app.register_blueprint(one)
    return app


@case(get("/x"), get("/state"))
def functions_run_at_registration(flask: Any) -> Any:
    app = flask.Flask("case")
    seen: list[Any] = []
    part = flask.Blueprint("part", __name__)
    part.record(lambda state: seen.append([state.first_registration, state.url_prefix, state.options.get("own")]))
    part.record_once(lambda state: state.add_url_rule("/x", "x", lambda: "recorded"))
    app.register_blueprint(part, own=1)
    app.register_blueprint(part, name="again", url_prefix="/again")
    app.add_url_rule("/state", "state", lambda: flask.jsonify(seen))
    return app


@case(get("/p/x"), get("/p/c/x"), get("/x"))
def context_processors_and_values(flask: Any) -> Any:
    app = flask.Flask("case")
    parent = flask.Blueprint("parent", __name__, url_prefix="/p")
    child = flask.Blueprint("child", __name__, url_prefix="/c")
    for name, owner in (("app", app), ("parent", parent), ("child", child)):
        owner.context_processor(lambda name=name: {name: name, "last": name})
        owner.url_value_preprocessor(
            lambda endpoint, values, name=name: flask.g.setdefault("seen", []).append(f"{name} {endpoint}")
        )
        page = "{{ app }} {{ parent }} {{ child }} {{ last }} {{ g.seen }}"
        owner.add_url_rule("/x", "x", lambda page=page: flask.render_template_string(page))
    parent.register_blueprint(child)
    app.register_blueprint(parent)
    return app


@case(get("/p/value"), get("/p/c/value"), get("/p/c/key"), get("/value"), get("/p/c/403"))
def handlers_of_nested_blueprints(flask: Any) -> Any:
    app = flask.Flask("case")
    parent = flask.Blueprint("parent", __name__, url_prefix="/p")
    child = flask.Blueprint("child", __name__, url_prefix="/c")

    def fail(error: type[Exception]) -> Any:
        def view() -> None:
            raise error("x")

        return view

    for owner in (app, parent, child):
        owner.add_url_rule("/value", "value", fail(ValueError))
        owner.add_url_rule("/key", "key", fail(KeyError))
        owner.add_url_rule("/403", "forbidden", lambda: flask.abort(403))
    app.register_error_handler(Exception, lambda error: (f"app {type(error).__name__}", 500))
    parent.register_error_handler(ValueError, lambda error: ("parent value", 400))
    child.register_error_handler(LookupError, lambda error: ("child lookup", 400))
    parent.register_error_handler(403, lambda error: ("parent 403", 403))
    parent.register_blueprint(child)
    app.register_blueprint(parent)
    return app
