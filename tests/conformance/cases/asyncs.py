"""Views, hooks and handlers that are ``async def``."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import Any

from tests.conformance.exchange import chunked, get, multipart, post, send_form, send_json
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


@case(get("/"), get("/read"), get("/flash"), get("/messages"))
def sessions(flask: Any) -> Any:
    app = flask.Flask("case")
    app.secret_key = "k"

    @app.route("/")
    async def index() -> str:
        await asyncio.sleep(0)
        flask.session["user"] = "anna"
        return "set"

    @app.route("/read")
    async def read() -> Any:
        return dict(flask.session)

    @app.route("/flash")
    async def flash() -> Any:
        flask.flash("saved")
        return flask.redirect(flask.url_for("messages"))

    @app.route("/messages")
    async def messages() -> Any:
        return flask.jsonify(flask.get_flashed_messages())

    return app


@case(
    send_form("/form", {"a": "é"}),
    multipart("/form", ('Content-Disposition: form-data; name="f"; filename="x"', b"content")),
    chunked(send_json("/json", {"a": 1})),
    post("/json", "{", content_type="application/json"),
    post("/json", "x" * 101, content_type="application/json"),
    post("/stream", b"ab" * 40),
)
def bodies(flask: Any) -> Any:
    app = flask.Flask("case")
    app.config["MAX_CONTENT_LENGTH"] = 200
    request = flask.request

    @app.route("/form", methods=["POST"])
    async def form() -> Any:
        await asyncio.sleep(0)
        return [request.form.to_dict(), {name: file.read().decode() for name, file in request.files.items()}]

    @app.route("/json", methods=["POST"])
    async def json() -> Any:
        return {"got": request.get_json()}

    @app.route("/stream", methods=["POST"])
    async def stream() -> Any:
        return request.stream.read(3) + request.stream.read()

    return app


@case(get("/tasks"), get("/thread"), get("/timeout"), get("/group"))
def concurrency(flask: Any) -> Any:
    app = flask.Flask("case")

    async def path(delay: int) -> str:
        for _ in range(delay):
            await asyncio.sleep(0)
        return f"{flask.request.path} {delay}"

    @app.route("/tasks")
    async def tasks() -> Any:
        return await asyncio.gather(path(2), path(1), asyncio.create_task(path(0)))

    @app.route("/thread")
    async def thread() -> str:
        return await asyncio.to_thread(lambda: flask.request.path)

    @app.route("/timeout")
    async def timeout() -> str:
        try:
            async with asyncio.timeout(0):
                await asyncio.Event().wait()
        except TimeoutError:
            return "timed out"
        return "never"

    @app.route("/group")
    async def group() -> str:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(path(1))
        return task.result()

    return app


@case(get("/p/"), get("/p/fail"), get("/p/stop"), get("/"), get("/log"))
def hooks_of_blueprints(flask: Any) -> Any:
    app = flask.Flask("case")
    log: list[str] = []
    part = flask.Blueprint("part", __name__, url_prefix="/p")

    @part.before_request
    async def before() -> Any:
        log.append(f"before {flask.request.path}")
        return ("stopped", 202) if flask.request.path == "/p/stop" else None

    @part.after_request
    async def after(response: Any) -> Any:
        response.headers["X-Part"] = "1"
        return response

    @part.teardown_request
    async def teardown(error: Any) -> None:
        log.append(f"teardown {type(error).__name__}")

    @part.errorhandler(ZeroDivisionError)
    async def handle(error: Any) -> Any:
        await asyncio.sleep(0)
        return "divided", 400

    @part.route("/")
    async def index() -> str:
        return "part"

    @part.route("/fail")
    async def fail() -> float:
        return 1 / 0

    app.register_blueprint(part)
    app.add_url_rule("/", "index", lambda: "x")
    app.add_url_rule("/log", "log", lambda: flask.jsonify(log))
    return app


@case(get("/"), get("/log"), get("/fail"), get("/log"))
def after_this_request(flask: Any) -> Any:
    app = flask.Flask("case")
    log: list[str] = []

    @app.route("/")
    async def index() -> str:
        @flask.after_this_request
        def after(response: Any) -> Any:
            response.set_cookie("a", "1")
            log.append("after")
            return response

        await asyncio.sleep(0)
        log.append("view")
        return "x"

    @app.route("/fail")
    async def fail() -> None:
        flask.after_this_request(lambda response: log.append("after fail") or response)
        flask.abort(409)

    app.teardown_request(lambda error: log.append("teardown"))
    app.add_url_rule("/log", "log", lambda: flask.jsonify(log))
    return app


@case(get("/generator"), get("/context"), get("/response"), get("/file", range="bytes=1-3"))
def bodies_in_parts(flask: Any) -> Any:
    import io

    app = flask.Flask("case")

    @app.route("/generator")
    async def generator() -> Any:
        return (str(number) for number in range(3))

    @app.route("/context")
    async def context() -> Any:
        return flask.stream_with_context(flask.request.path for _ in range(2))

    @app.route("/response")
    async def response() -> Any:
        return flask.Response(iter(["a", "b"]), 201, {"X-A": "1"})

    @app.route("/file")
    async def file() -> Any:
        return flask.send_file(io.BytesIO(b"012345"), mimetype="text/plain", etag=False)

    return app


@case(get("/"), get("/decorated"))
def ensured_sync(flask: Any) -> Any:
    import functools

    app = flask.Flask("case")

    async def later(value: int) -> int:
        await asyncio.sleep(0)
        return value * 2

    def twice(view: Any) -> Any:
        @functools.wraps(view)
        def wrapper() -> str:
            return app.ensure_sync(view)() * 2

        return wrapper

    @twice
    async def decorated() -> str:
        return f"{flask.request.path} "

    app.add_url_rule("/", "index", lambda: str(app.ensure_sync(later)(4)))
    app.add_url_rule("/decorated", "decorated", decorated)
    return app


@case(get("/exit"), get("/interrupt"), get("/awaited"), get("/"))
def ends_of_the_process(flask: Any) -> Any:
    """What would end the process reaches whoever waits for the async function, and later requests are served."""
    app = flask.Flask("case")

    async def leave() -> None:
        raise SystemExit(3)

    async def interrupt() -> None:
        await asyncio.sleep(0)
        raise KeyboardInterrupt

    async def call(func: Any) -> None:
        await func()

    def outcome(*args: Any) -> str:
        try:
            app.ensure_sync(args[0])(*args[1:])
        except (SystemExit, KeyboardInterrupt) as error:
            return repr(error)
        return "nothing"

    app.add_url_rule("/exit", "exit", lambda: outcome(leave))
    app.add_url_rule("/interrupt", "interrupt", lambda: outcome(interrupt))
    app.add_url_rule("/awaited", "awaited", lambda: outcome(call, leave))

    @app.route("/")
    async def index() -> str:
        return "async"

    return app
