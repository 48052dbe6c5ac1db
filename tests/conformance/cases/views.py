"""What views return, and the responses that come of it."""

from __future__ import annotations

from typing import Any

from tests.conformance.exchange import get, post, send
from tests.conformance.frameworks import http
from tests.conformance.table import case


def _app(flask: Any, **views: Any) -> Any:
    """An application with a view for each name, which answers what ``views`` holds or calls it."""
    app = flask.Flask("case")
    for name, value in views.items():
        app.add_url_rule(f"/{name}", name, value if callable(value) else lambda value=value: value)
    return app


@case(get("/text"), get("/bytes"), get("/empty"), get("/unicode"))
def bodies(flask: Any) -> Any:
    return _app(
        flask,
        text="<p>hi</p>",
        bytes=b"\x00\xff",
        empty="",
        unicode="Grüße, 世界 🎉",
    )


@case(get("/dict"), get("/list"), get("/nested"), get("/text"), get("/empty"))
def json_values(flask: Any) -> Any:
    return _app(
        flask,
        dict={"b": 1, "a": "é", "z": None},
        list=[1, 2.5, True, "x"],
        nested={"a": [{"b": []}], "n": -1},
        text={"html": "<script>&'\""},
        empty={},
    )


@case(*(get(f"/{name}") for name in ("status", "word", "line", "headers", "pairs", "all", "json", "unknown", "teapot")))
def tuples(flask: Any) -> Any:
    return _app(
        flask,
        status=lambda: ("made", 201),
        word=lambda: ("x", "202"),
        line=lambda: ("x", "299 Own Words"),
        headers=lambda: ("x", {"X-A": "1"}),
        pairs=lambda: ("x", [("X-A", "1"), ("X-A", "2")]),
        all=lambda: ("x", 203, {"Content-Type": "text/plain"}),
        json=lambda: ({"a": 1}, 400, {"X-A": "1"}),
        unknown=lambda: ("x", 299),
        teapot=lambda: ("short and stout", 418),
    )


@case(get("/none"), get("/number"), get("/four"), get("/set"), get("/nothing"))
def refused_values(flask: Any) -> Any:
    return _app(
        flask,
        none=lambda: None,
        number=lambda: 1,
        four=lambda: ("a", 200, {}, "x"),
        set=lambda: {1, 2},
        nothing=lambda: (None, 200),
    )


@case(get("/changed"), get("/tuple"), get("/empty"), get("/three"))
def made_responses(flask: Any) -> Any:
    def changed() -> Any:
        response = flask.make_response("body", 201)
        response.headers["X-A"] = "a"
        response.mimetype = "text/css"
        return response

    def over_response() -> Any:
        return flask.Response("r", status=200, headers={"X-A": "1"}), 404, {"X-A": "2", "X-B": "3"}

    return _app(
        flask,
        changed=changed,
        tuple=over_response,
        empty=flask.make_response,
        three=lambda: flask.make_response(("a", 202, {"X-A": "1"})),
    )


@case(
    *(get(f"/{name}") for name in ("plain", "type", "both", "binary", "status", "line", "vnd", "xml")),
)
def response_arguments(flask: Any) -> Any:
    make = flask.Response
    return _app(
        flask,
        plain=lambda: make("x", mimetype="text/plain"),
        type=lambda: make("x", content_type="text/plain; charset=latin-1"),
        both=lambda: make("x", mimetype="text/a", content_type="text/b"),
        binary=lambda: make(b"x", mimetype="image/png"),
        status=lambda: make("x", status=404),
        line=lambda: make("x", status="404 Gone Fishing"),
        vnd=lambda: make("x", mimetype="application/vnd.x+xml"),
        xml=lambda: make("x", mimetype="application/xml"),
    )


@case(get("/none"), get("/same"), send("HEAD", "/none"), breaks_wsgi="a 204 with a Content-Type, as Flask sends it")
def without_content(flask: Any) -> Any:
    return _app(flask, none=lambda: ("", 204), same=lambda: ("", 304))


@case(get("/foreign"), get("/exception"), get("/other"))
def foreign_callables(flask: Any) -> Any:
    def foreign(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("207 Multi-Status", [("X-Foreign", "1"), ("Content-Type", "text/plain")])
        return [environ["PATH_INFO"].encode()]

    not_found = http(flask, "exceptions").NotFound
    plain_response = http(flask, "wrappers").Response
    return _app(
        flask,
        foreign=lambda: foreign,
        exception=lambda: not_found("returned, not raised"),
        other=lambda: plain_response("x", status=202),
    )


@case(get("/set"), get("/delete"), get("/many"))
def set_cookies(flask: Any) -> Any:
    def set_one() -> Any:
        response = flask.make_response("x")
        response.set_cookie(
            "a", 'b "é; c', max_age=60, path="/p", domain="localhost", secure=True, httponly=True, samesite="Lax"
        )
        return response

    def delete_one() -> Any:
        response = flask.make_response("x")
        response.delete_cookie("a", path="/p")
        return response

    def set_many() -> Any:
        response = flask.make_response("x")
        for number in range(3):
            response.set_cookie(f"c{number}", str(number))
        return response

    return _app(flask, set=set_one, delete=delete_one, many=set_many)


@case(get("/first"), get("/second"), post("/first"), send("PUT", "/second"))
def class_based(flask: Any) -> Any:
    import importlib

    views = importlib.import_module(f"{flask.__name__}.views")

    class Item(views.MethodView):
        def get(self) -> str:
            return "got"

        def post(self) -> tuple[str, int]:
            return "posted", 201

    class Page(views.View):
        methods = ["GET", "PUT"]

        def dispatch_request(self) -> str:
            return f"{flask.request.method}"

    app = flask.Flask("case")
    app.add_url_rule("/first", view_func=Item.as_view("first"))
    app.add_url_rule("/second", view_func=Page.as_view("second"))
    return app


@case(get("/caching"), get("/vary"), get("/auth"), get("/csp"), get("/allow"), get("/etag"))
def response_fields(flask: Any) -> Any:
    def with_fields(change: Any) -> Any:
        def view() -> Any:
            response = flask.Response("x")
            change(response)
            return response

        return view

    def caching(response: Any) -> None:
        response.cache_control.max_age = 60
        response.cache_control.public = True
        response.age = 5

    def vary(response: Any) -> None:
        response.vary.update(["Accept", "Cookie"])
        response.content_language = ["de", "en"]

    def auth(response: Any) -> None:
        response.www_authenticate = http(flask, "datastructures").WWWAuthenticate("basic", {"realm": "a b"})
        response.retry_after = 30

    def csp(response: Any) -> None:
        response.content_security_policy.default_src = "'self'"
        response.access_control_allow_origin = "*"

    def allow(response: Any) -> None:
        response.allow.add("PUT")
        response.status_code = 405

    return _app(
        flask,
        caching=with_fields(caching),
        vary=with_fields(vary),
        auth=with_fields(auth),
        csp=with_fields(csp),
        allow=with_fields(allow),
        etag=with_fields(lambda response: response.add_etag()),
    )


@case(get("/headers", x_one="1", user_agent="Browser/1 (x)", accept="text/html;q=0.5, application/json, */*;q=0.1"))
def request_fields(flask: Any) -> Any:
    def headers() -> Any:
        request = flask.request
        return {
            "one": request.headers["x-one"],
            "missing": request.headers.get("X-Missing"),
            "agent": request.user_agent.string,
            "best": request.accept_mimetypes.best_match(["text/html", "application/json"]),
            "accepts": [list(pair) for pair in request.accept_mimetypes],
            "host": request.host,
            "url": request.url,
            "base": request.base_url,
            "root": request.url_root,
            "full": request.full_path,
            "remote": request.remote_addr,
            "scheme": request.scheme,
            "secure": request.is_secure,
            "endpoint": request.endpoint,
        }

    return _app(flask, headers=headers)
