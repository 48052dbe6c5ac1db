"""Views, hooks and handlers that are ``async def``."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import Any

from tests.conformance.exchange import get, send_form, send_json
from tests.conformance.table import case

variable: ContextVar[str] = ContextVar("variable", default="unset")


@case(
    get("/text"),
    get("/json/5"),
    get("/sleep"),
    get("/abort"),
    get("/crash"),
    send_form("/form", {"a": "1"}),
    send_json("/body", [1]),
)
def views(flask: Any) -> Any:
    app = flask.Flask("case")

    async def text() -> str:
        return "async"

    async def json(number: int) -> dict[str, int]:
        return {"number": number}

    async def sleep() -> str:
        await asyncio.sleep(0)
        return f"{flask.request.path} {flask.url_for('text')}"

    async def abort() -> None:
        await asyncio.sleep(0)
        flask.abort(418)

    async def crash() -> None:
        raise ValueError("async")

    async def form() -> str:
        return flask.request.form["a"]

    async def body() -> Any:
        return flask.jsonify(flask.request.get_json())

    for rule, view in (
        ("/text", text),
        ("/json/<int:number>", json),
        ("/sleep", sleep),
        ("/abort", abort),
        ("/crash", crash),
    ):
        app.add_url_rule(rule, view.__name__, view)
    app.add_url_rule("/form", "form", form, methods=["POST"])
    app.add_url_rule("/body", "body", body, methods=["POST"])
    return app


@case(get("/"), get("/stop"), get("/own"), get("/missing"), get("/log"))
def hooks_and_handlers(flask: Any) -> Any:
    app = flask.Flask("case")
    log: list[str] = []

    @app.before_request
    async def before() -> Any:
        log.append("before")
        return "stopped" if flask.request.path == "/stop" else None

    @app.after_request
    async def after(response: Any) -> Any:
        await asyncio.sleep(0)
        response.headers["X-After"] = "1"
        return response

    @app.teardown_request
    async def teardown(error: Any) -> None:
        log.append("teardown")

    @app.errorhandler(KeyError)
    async def handle(error: KeyError) -> Any:
        return f"handled {error}", 409

    @app.errorhandler(404)
    async def not_found(error: Any) -> Any:
        return "nothing", 404

    def own() -> None:
        raise KeyError("k")

    app.add_url_rule("/", "index", lambda: "x")
    app.add_url_rule("/own", "own", own)
    app.add_url_rule("/log", "log", lambda: flask.jsonify(log))
    return app


@case(get("/"), get("/session"), get("/read"))
def context_variables(flask: Any) -> Any:
    app = flask.Flask("case")
    app.secret_key = "k"

    @app.before_request
    def before() -> None:
        variable.set("before")

    @app.after_request
    def after(response: Any) -> Any:
        response.headers["X-Variable"] = variable.get()
        response.headers["X-G"] = flask.g.get("set", "nothing")
        return response

    @app.route("/")
    async def index() -> str:
        seen = variable.get()
        variable.set("view")
        flask.g.set = "in view"
        return seen

    @app.route("/session")
    async def session() -> str:
        flask.session["a"] = 1
        return "set"

    @app.route("/read")
    async def read() -> Any:
        return dict(flask.session)

    return app


@case(get("/item"), get("/page"))
def class_based(flask: Any) -> Any:
    import importlib

    views = importlib.import_module(f"{flask.__name__}.views")

    class Item(views.MethodView):
        async def get(self) -> str:
            return "item"

    class Page(views.View):
        async def dispatch_request(self) -> str:
            return "page"

    app = flask.Flask("case")
    app.add_url_rule("/item", view_func=Item.as_view("item"))
    app.add_url_rule("/page", view_func=Page.as_view("page"))
    return app
