"""Building URLs, and applications that are mounted below a path."""

from __future__ import annotations

from typing import Any

from tests.conformance.exchange import get, post, send_form
from tests.conformance.frameworks import http
from tests.conformance.table import case


def _mounted(app: Any, prefix: str) -> Any:
    """Move the path's prefix to SCRIPT_NAME, as a server or middleware does."""
    inner = app.wsgi_app

    def mount(environ: dict[str, Any], start_response: Any) -> Any:
        if environ["PATH_INFO"].startswith(prefix):
            environ["SCRIPT_NAME"] = prefix
            environ["PATH_INFO"] = environ["PATH_INFO"][len(prefix) :]
        return inner(environ, start_response)

    app.wsgi_app = mount
    return app


@case(get("/"), get("/fail"), get("/handled"))
def building(flask: Any) -> Any:
    app = flask.Flask("case")
    build = flask.url_for
    app.add_url_rule("/item/<int:n>/<name>", "item", lambda n, name: "x")
    app.add_url_rule("/any/<path:rest>", "any", lambda rest: "x", methods=["GET", "POST"])
    app.add_url_rule("/put", "any", methods=["PUT"])

    @app.route("/")
    def index() -> Any:
        return flask.jsonify(
            [
                build("item", n=1, name="a b/é?"),
                build("item", n=1, name="x", q=["1", "2"], z=None, u="ü &"),
                build("any", rest="a/b c"),
                build("any", _method="PUT"),
                build("index", _external=True),
                build("index", _scheme="https", _external=True),
                build("index", _anchor="top ü", a=1),
                build("static", filename="a/b.css"),
                build("index", _external=False),
            ]
        )

    app.add_url_rule("/fail", "fail", lambda: build("nothing"))
    app.add_url_rule("/handled", "handled", lambda: build("outside", n=1))
    app.url_build_error_handlers.append(lambda error, endpoint, values: "/other" if endpoint == "outside" else None)
    return app


@case(get("/app/"), get("/app/folder"), get("/app/redirect"), get("/app"), get("/outside"), get("/app/set"))
def mounts(flask: Any) -> Any:
    app = flask.Flask("case")
    app.secret_key = "k"

    @app.route("/")
    def index() -> Any:
        request = flask.request
        return flask.jsonify(
            [
                flask.url_for("folder"),
                request.script_root,
                request.path,
                request.url,
                request.url_root,
                request.full_path,
            ]
        )

    app.add_url_rule("/folder/", "folder", lambda: "x")
    app.add_url_rule("/redirect", "redirect", lambda: flask.redirect(flask.url_for("index")))

    @app.route("/set")
    def set_session() -> str:
        flask.session["a"] = 1
        return "set"

    return _mounted(app, "/app")


@case(
    get("/", host="example.org:8080"),
    get("/", host="EXAMPLE.org"),
    get("/", host="[::1]:5000"),
    get("/", host="xn--p1ai"),
)
def hosts(flask: Any) -> Any:
    app = flask.Flask("case")
    app.add_url_rule(
        "/",
        "index",
        lambda: flask.jsonify([flask.url_for("index", _external=True), flask.request.host, flask.request.url]),
    )
    return app


@case(get("/"), get("/", host="other.org"))
def server_name(flask: Any) -> Any:
    app = flask.Flask("case")
    app.config.update(SERVER_NAME="example.org", APPLICATION_ROOT="/root", PREFERRED_URL_SCHEME="https")
    app.add_url_rule("/", "index", lambda: flask.url_for("index", _external=True))
    return app


@case(
    get("/suche?q=%C3%BC"), send_form("/suche", {"q": "日本"}), post("/suche", "ß".encode(), content_type="text/plain")
)
def unicode_everywhere(flask: Any) -> Any:
    app = flask.Flask("case")

    @app.route("/suche", methods=["GET", "POST"])
    def suche() -> Any:
        request = flask.request
        text = request.values.get("q", "") + request.get_data(as_text=True)
        return text, {"X-Text": text.encode("utf-8").hex(), "Content-Location": "/sücher"}

    return app


@case(get("/", x_forwarded_for="1.2.3.4, 5.6.7.8", x_forwarded_proto="https"))
def forwarded_fields_are_not_believed(flask: Any) -> Any:
    app = flask.Flask("case")
    app.add_url_rule(
        "/",
        "index",
        lambda: flask.jsonify([flask.request.remote_addr, flask.request.scheme, list(flask.request.access_route)]),
    )
    return app


@case(get("/one/x"), get("/two/x"), get("/x"), get("/one"), get("/onex"))
def dispatched(flask: Any) -> Any:
    """Two applications below paths of a third."""
    apps = []
    for name in ("main", "one", "two"):
        app = flask.Flask(name)
        app.add_url_rule(
            "/x", "x", lambda name=name: [name, flask.request.script_root, flask.request.path, flask.url_for("x")]
        )
        apps.append(app)
    main, one, two = apps
    dispatcher = http(flask, "middleware.dispatcher").DispatcherMiddleware
    main.wsgi_app = dispatcher(main.wsgi_app, {"/one": one, "/two": two})
    return main


@case(
    get("/", x_forwarded_for="1.2.3.4, 5.6.7.8", x_forwarded_proto="https", x_forwarded_host="example.org"),
    get("/", x_forwarded_host="example.org:8443", x_forwarded_port="9", x_forwarded_prefix="/below"),
    get("/", x_forwarded_for="1.1.1.1", x_forwarded_host="a, b.org"),
    get("/"),
)
def behind_a_proxy(flask: Any) -> Any:
    app = flask.Flask("case")

    @app.route("/")
    def index() -> Any:
        request = flask.request
        return [
            request.remote_addr if "X-Forwarded-For" in request.headers else None,
            request.url,
            request.host,
            request.script_root,
            flask.url_for("index", _external=True),
        ]

    fix = http(flask, "middleware.proxy_fix").ProxyFix
    app.wsgi_app = fix(app.wsgi_app, x_for=1, x_proto=1, x_host=1, x_port=1, x_prefix=1)
    return app


@case(get("/"))
def built_with_a_context_only(flask: Any) -> Any:
    other = flask.Flask("other")
    other.config.update(SERVER_NAME="other.org", PREFERRED_URL_SCHEME="https", APPLICATION_ROOT="/root")
    other.add_url_rule("/there", "there", lambda: "x")
    app = flask.Flask("case")

    @app.route("/")
    def index() -> str:
        with other.app_context():
            return flask.url_for("there")

    return app
