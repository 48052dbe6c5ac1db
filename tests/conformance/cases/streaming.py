"""Bodies that come in parts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.conformance.exchange import chunked, get, post, send
from tests.conformance.table import case


@case(get("/text"), get("/bytes"), get("/empty"), get("/some"), get("/response"), get("/length"), send("HEAD", "/text"))
def generators(flask: Any) -> Any:
    app = flask.Flask("case")

    def text() -> Iterator[str]:
        yield "grü"
        yield "ße"

    def some() -> Iterator[bytes]:
        yield b""
        yield b"x" * 70_000
        yield b""
        yield b"y"

    views = {
        "text": text,
        "bytes": lambda: iter([b"a", b"b"]),
        "empty": lambda: iter([]),
        "some": some,
        "response": lambda: flask.Response(text(), mimetype="text/plain"),
        "length": lambda: (iter([b"abc"]), {"Content-Length": "3"}),
    }
    for name, view in views.items():
        app.add_url_rule(f"/{name}", name, view)
    return app


@case(get("/?name=anna"), get("/decorated?name=anna"), get("/log"), get("/without?name=anna"))
def with_context(flask: Any) -> Any:
    app = flask.Flask("case")
    log: list[str] = []

    def parts() -> Iterator[str]:
        yield "hello "
        yield flask.request.args["name"]
        yield f" {flask.url_for('index')}"

    @app.route("/")
    def index() -> Any:
        return flask.stream_with_context(parts())

    @app.route("/decorated")
    def decorated() -> Any:
        return flask.stream_with_context(parts)()

    @app.route("/log")
    def show() -> Any:
        return flask.jsonify(log)

    @app.route("/without")
    def without() -> Any:
        def seen() -> Iterator[str]:
            yield str(flask.has_request_context())

        return flask.Response(seen())

    app.teardown_request(lambda error: log.append(f"teardown {flask.request.path}"))
    return app


@case(get("/"), get("/log"), send("HEAD", "/"), get("/log"))
def closing(flask: Any) -> Any:
    app = flask.Flask("case")
    log: list[str] = []

    @app.route("/")
    def index() -> Any:
        def parts() -> Iterator[str]:
            try:
                yield "a"
                yield "b"
            finally:
                log.append("generator closed")

        response = flask.Response(parts())
        response.call_on_close(lambda: log.append("on close"))
        return response

    app.add_url_rule("/log", "log", lambda: flask.jsonify(log))
    return app


@case(get("/"), get("/retry"))
def events(flask: Any) -> Any:
    app = flask.Flask("case")

    def parts() -> Iterator[str]:
        for number in range(3):
            yield f"id: {number}\ndata: tick\n\n"

    app.add_url_rule(
        "/", "index", lambda: (parts(), {"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
    )
    app.add_url_rule("/retry", "retry", lambda: flask.Response("retry: 5\n\n", mimetype="text/event-stream"))
    return app


@case(post("/", b"abcdefgh"), chunked(post("/", b"abcdefgh" * 1000)), post("/", b""))
def echo(flask: Any) -> Any:
    app = flask.Flask("case")

    @app.post("/")
    def upper() -> Any:
        def parts() -> Iterator[bytes]:
            while part := flask.request.stream.read(3):
                yield part.upper()

        return flask.stream_with_context(parts())

    return app


@case(get("/"), send("HEAD", "/"))
def large(flask: Any) -> Any:
    app = flask.Flask("case")
    part = bytes(range(256)) * 256
    app.add_url_rule("/", "index", lambda: (part for _ in range(40)))
    return app


@case(get("/"), get("/page"))
def templates(flask: Any) -> Any:
    app = flask.Flask("case")
    app.secret_key = "k"
    page = "{% for n in range(3) %}{{ n }} {{ request.path }} {{ g.name }}<br>{% endfor %}{{ session.get('a') }}"

    @app.before_request
    def before() -> None:
        flask.g.name = "<anna>"

    app.add_url_rule("/", "index", lambda: flask.stream_template_string(page))
    app.add_url_rule("/page", "page", lambda: (flask.stream_template_string(page), 201, {"X-A": "1"}))
    return app


@case(get("/"), get("/log"), get("/first"), get("/log"))
def session_and_cookies_before_the_body(flask: Any) -> Any:
    app = flask.Flask("case")
    app.secret_key = "k"
    log: list[str] = []

    def parts() -> Iterator[str]:
        log.append("body")
        yield flask.session.get("a", "nothing")

    @app.route("/")
    def index() -> Any:
        flask.session["a"] = "kept"
        return flask.stream_with_context(parts())

    app.add_url_rule("/first", "first", lambda: flask.stream_with_context(parts()))
    app.after_request(lambda response: log.append("after") or response)
    app.add_url_rule("/log", "log", lambda: flask.jsonify(log))
    return app
