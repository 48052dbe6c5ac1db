"""abort, redirect, error handlers."""

from __future__ import annotations

from typing import Any

from tests.conformance.exchange import get, post, send
from tests.conformance.frameworks import http
from tests.conformance.table import case

CODES = [
    400,
    401,
    403,
    404,
    405,
    406,
    408,
    409,
    410,
    411,
    412,
    413,
    414,
    415,
    416,
    417,
    418,
    421,
    422,
    423,
    424,
    428,
    429,
]
CODES += [431, 451, 500, 501, 502, 503, 504, 505]


@case(*(get(f"/{code}") for code in CODES), send("HEAD", "/404"), get("/299"))
def aborts(flask: Any) -> Any:
    app = flask.Flask("case")
    app.add_url_rule("/<int:code>", "abort", flask.abort)
    return app


@case(get("/text"), get("/response"), get("/allow"), get("/retry"), get("/auth"), get("/markup"))
def abort_arguments(flask: Any) -> Any:
    app = flask.Flask("case")
    exceptions = http(flask, "exceptions")
    challenge = http(flask, "datastructures").WWWAuthenticate("basic", {"realm": "x"})
    raisers = {
        "text": lambda: flask.abort(404, "nothing <here>"),
        "response": lambda: flask.abort(flask.Response("own", status=418)),
        "allow": lambda: flask.abort(405, valid_methods=["GET", "PUT"]),
        "retry": lambda: flask.abort(exceptions.ServiceUnavailable(retry_after=30).get_response()),
        "auth": lambda: flask.abort(exceptions.Unauthorized(www_authenticate=challenge).get_response()),
        "markup": lambda: flask.abort(400, description="two\nlines & more"),
    }
    for name, view in raisers.items():
        app.add_url_rule(f"/{name}", name, view)
    return app


@case(get("/"), get("/?code=301"), get("/?code=303"), get("/?code=307"), get("/?code=308"), post("/"))
def redirects(flask: Any) -> Any:
    app = flask.Flask("case")
    app.add_url_rule(
        "/",
        "index",
        lambda: flask.redirect("/other?a=1", int(flask.request.args.get("code", 302))),
        methods=["GET", "POST"],
    )
    return app


@case(get("/unicode"), get("/absolute"), get("/relative"), get("/quoted"), get("/encoded"))
def redirect_targets(flask: Any) -> Any:
    app = flask.Flask("case")
    targets = {
        "unicode": "/caf\u00e9?x=\u00fc",
        "absolute": "https://example.org/a b",
        "relative": "next/page",
        "quoted": '/"><script>',
        "encoded": "/a%20b%2F",
    }
    for name, target in targets.items():
        app.add_url_rule(f"/{name}", name, lambda target=target: flask.redirect(target))
    return app


class OwnError(Exception):
    pass


class NarrowError(OwnError):
    pass


@case(
    get("/missing"),
    get("/own"),
    get("/narrow"),
    get("/value"),
    get("/key"),
    get("/teapot"),
    get("/crash"),
    post("/own"),
)
def handlers(flask: Any) -> Any:
    app = flask.Flask("case")

    def raises(error: Exception) -> Any:
        def view() -> None:
            raise error

        return view

    app.add_url_rule("/own", "own", raises(OwnError("own")))
    app.add_url_rule("/narrow", "narrow", raises(NarrowError("narrow")))
    app.add_url_rule("/value", "value", raises(ValueError("value")))
    app.add_url_rule("/key", "key", lambda: flask.request.args["absent"])
    app.add_url_rule("/teapot", "teapot", lambda: flask.abort(418))
    app.add_url_rule("/crash", "crash", lambda: 1 / 0)
    app.register_error_handler(404, lambda error: ({"error": error.name}, 404))
    app.register_error_handler(OwnError, lambda error: (f"handled {type(error).__name__} {error}", 409))
    app.register_error_handler(ValueError, lambda error: "value")
    app.register_error_handler(400, lambda error: ("bad " + type(error).__name__, 400))
    app.register_error_handler(http(flask, "exceptions").ImATeapot, lambda error: (f"tea {error.code}", error.code))
    app.register_error_handler(500, lambda error: (f"crash {type(error.original_exception).__name__}", 500))
    return app


@case(get("/404"), get("/403"), get("/crash"), post("/403"))
def handler_for_all_http_errors(flask: Any) -> Any:
    app = flask.Flask("case")

    @app.errorhandler(http(flask, "exceptions").HTTPException)
    def handle(error: Any) -> Any:
        response = error.get_response()
        response.data = flask.json.dumps({"code": error.code, "name": error.name})
        response.content_type = "application/json"
        return response

    app.add_url_rule("/403", "forbidden", lambda: flask.abort(403))
    app.add_url_rule("/crash", "crash", lambda: 1 / 0)
    return app


@case(get("/own"), get("/404"), get("/deep"))
def handler_that_fails(flask: Any) -> Any:
    app = flask.Flask("case")

    @app.errorhandler(OwnError)
    def fail(error: OwnError) -> Any:
        raise ValueError("in the handler")

    @app.errorhandler(404)
    def abort_again(error: Any) -> Any:
        flask.abort(410)

    @app.errorhandler(NarrowError)
    def none(error: NarrowError) -> Any:
        return None

    def raise_(error: Exception) -> None:
        raise error

    app.add_url_rule("/own", "own", lambda: raise_(OwnError()))
    app.add_url_rule("/deep", "deep", lambda: raise_(NarrowError()))
    return app


@case(get("/exception"), get("/404"), get("/base"))
def handler_for_exception(flask: Any) -> Any:
    app = flask.Flask("case")
    app.register_error_handler(Exception, lambda error: (type(error).__name__, 500))

    def view() -> None:
        raise KeyError("x")

    app.add_url_rule("/exception", "exception", view)
    app.add_url_rule("/base", "base", lambda: flask.abort(400))
    return app


@case(get("/part/own"), get("/part/missing"), get("/missing"), get("/own"), get("/part/abort"))
def handlers_of_blueprints(flask: Any) -> Any:
    app = flask.Flask("case")
    part = flask.Blueprint("part", __name__, url_prefix="/part")

    def view() -> None:
        raise OwnError

    part.add_url_rule("/own", "own", view)
    part.add_url_rule("/abort", "abort", lambda: flask.abort(404))
    part.register_error_handler(OwnError, lambda error: "of the part")
    part.register_error_handler(404, lambda error: ("404 of the part", 404))
    part.app_errorhandler(403)(lambda error: ("403", 403))
    app.add_url_rule("/own", "own", view)
    app.register_error_handler(OwnError, lambda error: "of the app")
    app.register_blueprint(part)
    return app


@case(get("/"), post("/", "x"), get("/folder"))
def debug_off_hides_keys(flask: Any) -> Any:
    app = flask.Flask("case")
    app.add_url_rule("/", "index", lambda: flask.request.form["secret"], methods=["GET", "POST"])
    app.add_url_rule("/folder/", "folder", lambda: "x", methods=["GET", "POST"])
    return app


@case(get("/?a=x"))
def trapped_key_errors(flask: Any) -> Any:
    app = flask.Flask("case")
    app.config.update(TRAP_BAD_REQUEST_ERRORS=True, PROPAGATE_EXCEPTIONS=False)
    app.add_url_rule("/", "index", lambda: flask.request.args["b"])
    return app


@case(get("/402"), get("/own"), get("/abort"))
def own_http_error(flask: Any) -> Any:
    class PaymentRequired(http(flask, "exceptions").HTTPException):  # type: ignore[misc]
        code = 402
        description = "Pay <first>."

    app = flask.Flask("case")

    def own() -> None:
        raise PaymentRequired

    def described() -> None:
        raise PaymentRequired("Own words.")

    app.add_url_rule("/402", "own_class", own)
    app.add_url_rule("/own", "described", described)
    app.add_url_rule("/abort", "abort", lambda: flask.abort(402))
    app.register_error_handler(PaymentRequired, lambda error: (f"{error.code} {error.description}", error.code))
    return app


@case(get("/404"), get("/fail"), get("/missing"))
def trapped_http_errors(flask: Any) -> Any:
    app = flask.Flask("case")
    app.config.update(TRAP_HTTP_EXCEPTIONS=True, PROPAGATE_EXCEPTIONS=False)
    app.add_url_rule("/404", "abort", lambda: flask.abort(404))
    app.add_url_rule("/fail", "fail", lambda: 1 / 0)
    app.register_error_handler(403, lambda error: ("never", 200))
    return app


@case(get("/?in=before"), get("/?in=values"), get("/?in=after"), get("/?in=template"), get("/?in=view"), get("/"))
def errors_outside_of_views(flask: Any) -> Any:
    app = flask.Flask("case")

    def fail(place: str) -> None:
        if flask.request.args.get("in") == place:
            flask.abort(418)

    app.before_request(lambda: fail("before"))
    app.url_value_preprocessor(lambda endpoint, values: fail("values"))
    app.context_processor(lambda: fail("template") or {})
    app.after_request(lambda response: fail("after") or response)
    app.add_url_rule("/", "index", lambda: fail("view") or flask.render_template_string("x"))
    app.register_error_handler(418, lambda error: ("a teapot", 418))
    return app


@case(get("/folder"), get("/folder?a=1"), get("/raised"), post("/folder"))
def redirects_that_are_raised(flask: Any) -> Any:
    app = flask.Flask("case")
    routing = http(flask, "routing")

    def raised() -> None:
        raise routing.RequestRedirect("/elsewhere?b=1")

    app.add_url_rule("/folder/", "folder", lambda: "x", methods=["GET", "POST"])
    app.add_url_rule("/raised", "raised", raised)
    app.register_error_handler(404, lambda error: ("404", 404))
    return app


@case(get("/value"), get("/log"), get("/http"), get("/log"))
def overridden_handling(flask: Any) -> Any:
    log: list[str] = []

    class Own(flask.Flask):
        def handle_exception(self, e: Exception) -> Any:
            log.append(f"exception {type(e).__name__}")
            return super().handle_exception(e)

        def handle_http_exception(self, e: Any) -> Any:
            log.append(f"http {e.code}")
            return super().handle_http_exception(e)

        def handle_user_exception(self, e: Exception) -> Any:
            log.append(f"user {type(e).__name__}")
            return super().handle_user_exception(e)

        def log_exception(self, exc_info: Any) -> None:
            log.append(f"logged {exc_info[0].__name__}")

    app = Own("case")
    app.add_url_rule("/value", "value", lambda: int("x"))
    app.add_url_rule("/http", "http", lambda: flask.abort(404))
    app.add_url_rule("/log", "log", lambda: flask.jsonify(log))
    return app


@case(get("/"), get("/log"), get("/after"), get("/log"))
def teardown_sees_the_error(flask: Any) -> Any:
    app = flask.Flask("case")
    log: list[str] = []
    app.register_error_handler(KeyError, lambda error: ("handled", 400))
    app.teardown_request(lambda error: log.append(f"request {error!r}"))
    app.teardown_appcontext(lambda error: log.append(f"context {error!r}"))
    app.add_url_rule("/", "index", lambda: {}["k"])
    app.add_url_rule("/after", "after", lambda: int("x"))
    app.add_url_rule("/log", "log", lambda: flask.jsonify(log))
    return app
