"""Functions around views: their order, their answers, their end."""

from __future__ import annotations

from typing import Any

from tests.conformance.exchange import get, post, send
from tests.conformance.table import case


def _recorder(flask: Any) -> tuple[Any, list[str]]:
    """An application and a list that its hooks write to; ``/log`` shows and empties it."""
    app = flask.Flask("case")
    log: list[str] = []

    @app.route("/log")
    def show() -> Any:
        found = log[:]
        log.clear()
        return flask.jsonify(found)

    return app, log


def _register_hooks(owner: Any, log: list[str], prefix: str) -> None:
    for number in (1, 2):

        def before(name: str = f"{prefix}before{number}") -> None:
            log.append(name)

        def after(response: Any, name: str = f"{prefix}after{number}") -> Any:
            log.append(f"{name} {response.status_code}")
            response.headers.add("X-After", name)
            return response

        def teardown(error: Any, name: str = f"{prefix}teardown{number}") -> None:
            log.append(f"{name} {type(error).__name__}")

        owner.before_request(before)
        owner.after_request(after)
        owner.teardown_request(teardown)


@case(get("/"), get("/log"), get("/missing"), get("/log"), get("/raise"), get("/log"))
def order(flask: Any) -> Any:
    app, log = _recorder(flask)
    _register_hooks(app, log, "")
    app.add_url_rule("/", "index", lambda: log.append("view") or "x")
    app.add_url_rule("/raise", "fail", lambda: 1 / 0)
    app.teardown_appcontext(lambda error: log.append(f"appcontext {type(error).__name__}"))
    return app


@case(get("/b/"), get("/log"), get("/b/fail"), get("/log"), get("/"), get("/log"))
def order_in_blueprint(flask: Any) -> Any:
    app, log = _recorder(flask)
    _register_hooks(app, log, "app ")
    part = flask.Blueprint("part", __name__, url_prefix="/b")
    _register_hooks(part, log, "part ")
    part.add_url_rule("/", "index", lambda: log.append("view") or "x")
    part.add_url_rule("/fail", "fail", lambda: flask.abort(403))
    part.before_app_request(lambda: log.append("before app"))
    app.register_blueprint(part)
    app.add_url_rule("/", "index", lambda: "x")
    return app


@case(get("/"), get("/?answer=text"), get("/?answer=tuple"), get("/?answer=abort"), get("/?answer=empty"))
def before_request_answers(flask: Any) -> Any:
    app = flask.Flask("case")

    @app.before_request
    def before() -> Any:
        match flask.request.args.get("answer"):
            case "text":
                return "from the hook"
            case "tuple":
                return {"a": 1}, 202
            case "abort":
                flask.abort(401)
            case "empty":
                return ""
        return None

    app.add_url_rule("/", "index", lambda: "from the view")
    return app


@case(get("/"), get("/fail"), get("/"))
def after_request_fails(flask: Any) -> Any:
    app = flask.Flask("case")

    @app.after_request
    def after(response: Any) -> Any:
        if flask.request.path == "/fail":
            raise ValueError("after")
        return flask.Response("replaced", status=202)

    app.add_url_rule("/", "index", lambda: "x")
    app.add_url_rule("/fail", "fail", lambda: "x")
    return app


@case(get("/"), get("/?abort=1"), get("/plain"))
def after_this_request(flask: Any) -> Any:
    app = flask.Flask("case")

    @app.after_request
    def after(response: Any) -> Any:
        response.headers["X-Order"] = response.headers.get("X-Order", "") + "a"
        return response

    @app.route("/")
    def index() -> str:
        @flask.after_this_request
        def first(response: Any) -> Any:
            response.headers["X-Order"] = response.headers.get("X-Order", "") + "1"
            return response

        @flask.after_this_request
        def second(response: Any) -> Any:
            response.headers["X-Order"] += "2"
            response.set_cookie("seen", "yes")
            return response

        if "abort" in flask.request.args:
            flask.abort(400)
        return "x"

    app.add_url_rule("/plain", "plain", lambda: "x")
    return app


@case(get("/en/about"), get("/de/about"), get("/de/link"))
def url_values(flask: Any) -> Any:
    app = flask.Flask("case")

    @app.url_value_preprocessor
    def take_language(endpoint: str | None, values: dict[str, Any] | None) -> None:
        flask.g.language = values.pop("language", None) if values else None

    @app.url_defaults
    def give_language(endpoint: str, values: dict[str, Any]) -> None:
        if app.url_map.is_endpoint_expecting(endpoint, "language"):
            values.setdefault("language", flask.g.get("language"))

    app.add_url_rule("/<language>/about", "about", lambda: f"about in {flask.g.language}")
    app.add_url_rule("/<language>/link", "link", lambda: flask.url_for("about"))
    return app


@case(get("/"), get("/g"))
def namespace_g(flask: Any) -> Any:
    app = flask.Flask("case")
    g = flask.g

    @app.before_request
    def before() -> None:
        g.setdefault("names", []).append("before")

    @app.route("/")
    def index() -> Any:
        return {"names": g.names, "in": "names" in g, "get": g.get("absent", 1), "pop": g.pop("names"), "left": list(g)}

    @app.route("/g")
    def missing() -> Any:
        return g.absent

    return app


@case(post("/item", "x", x_http_method_override="PUT"), post("/item", "x"), get("/item"), send("PUT", "/item", b"y"))
def method_override(flask: Any) -> Any:
    app = flask.Flask("case")
    app.add_url_rule("/item", "put", lambda: b"put " + flask.request.get_data(), methods=["PUT"])
    app.add_url_rule("/item", "post", lambda: b"post " + flask.request.get_data(), methods=["POST"])
    inner = app.wsgi_app

    def override(environ: dict[str, Any], start_response: Any) -> Any:
        environ["REQUEST_METHOD"] = environ.get("HTTP_X_HTTP_METHOD_OVERRIDE", environ["REQUEST_METHOD"])
        return inner(environ, start_response)

    app.wsgi_app = override
    return app


@case(get("/x"), get("/stop"))
def overridden_stages(flask: Any) -> Any:
    class Own(flask.Flask):
        def dispatch_request(self) -> Any:
            value = super().dispatch_request()
            return f"[{value}]"

        def preprocess_request(self) -> Any:
            return "stopped" if flask.request.path == "/stop" else super().preprocess_request()

        def process_response(self, response: Any) -> Any:
            response.headers["X-Processed"] = "1"
            return super().process_response(response)

    app = Own("case")
    app.add_url_rule("/x", "x", lambda: "x")
    app.add_url_rule("/stop", "stop", lambda: "never")
    return app


@case(get("/"), get("/log"), get("/never"), get("/log"))
def hook_that_answers_ends_the_row(flask: Any) -> Any:
    app, log = _recorder(flask)

    @app.before_request
    def first() -> Any:
        log.append("first")
        return ("stopped", 203) if flask.request.path == "/never" else None

    app.before_request(lambda: log.append("second"))
    app.after_request(lambda response: log.append(f"after {response.status_code}") or response)
    app.teardown_request(lambda error: log.append("teardown"))
    app.add_url_rule("/", "index", lambda: log.append("view") or "x")
    app.add_url_rule("/never", "never", lambda: log.append("never") or "x")
    return app


@case(get("/en/x"), get("/de/x"), get("/fr/x"))
def hooks_see_the_match(flask: Any) -> Any:
    app = flask.Flask("case")

    @app.before_request
    def before() -> Any:
        request = flask.request
        if request.view_args and request.view_args["language"] == "fr":
            return f"no {request.endpoint} in {request.url_rule.rule}"
        return None

    @app.url_value_preprocessor
    def lower(endpoint: str | None, values: dict[str, Any] | None) -> None:
        if values:
            values["language"] = values["language"].upper()

    app.add_url_rule("/<language>/x", "x", lambda language: language)
    return app


@case(get("/"), get("/?user=anna"), get("/"))
def request_state_is_not_shared(flask: Any) -> Any:
    app = flask.Flask("case")

    @app.route("/")
    def index() -> Any:
        before = flask.g.get("user")
        flask.g.user = flask.request.args.get("user")
        flask.request.own = flask.g.user
        return {"before": before, "now": flask.g.user, "own": flask.request.own}

    return app
