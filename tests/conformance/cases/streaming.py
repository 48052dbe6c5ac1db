"""Bodies that come in parts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.conformance.exchange import get, send
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
