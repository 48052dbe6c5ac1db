"""Signals: which are sent, in which order."""

from __future__ import annotations

from typing import Any

from tests.conformance.exchange import get
from tests.conformance.table import case


@case(get("/"), get("/log"), get("/fail"), get("/log"), get("/missing"), get("/log"))
def order(flask: Any) -> Any:
    app = flask.Flask("case")
    log: list[str] = []

    def listen(name: str, *shown: str) -> None:
        signal = getattr(flask, name)

        def receive(sender: Any, **values: Any) -> None:
            log.append(" ".join([name, *(str(values[key]) for key in shown)]))

        signal.connect(receive, app, weak=False)

    for name in ("appcontext_pushed", "request_started", "request_tearing_down", "appcontext_tearing_down"):
        listen(name)
    listen("appcontext_popped")
    listen("request_finished", "response")
    listen("got_request_exception", "exception")

    @app.route("/log")
    def show() -> Any:
        found = log[:]
        log.clear()
        return flask.jsonify(found)

    app.before_request(lambda: log.append("before"))
    app.teardown_request(lambda error: log.append("teardown"))
    app.add_url_rule("/", "index", lambda: "x")
    app.add_url_rule("/fail", "fail", lambda: 1 / 0)
    return app


@case(get("/"), get("/log"))
def templates_and_messages(flask: Any) -> Any:
    app = flask.Flask("case")
    app.secret_key = "k"
    log: list[str] = []
    flask.template_rendered.connect(
        lambda sender, template, context: log.append(f"rendered {template.name} {context['x']}"), app, weak=False
    )
    flask.before_render_template.connect(
        lambda sender, template, context: log.append(f"before {context['x']}"), app, weak=False
    )
    flask.message_flashed.connect(
        lambda sender, message, category: log.append(f"flashed {message} {category}"), app, weak=False
    )

    @app.route("/")
    def index() -> str:
        flask.flash("hello", "info")
        return flask.render_template_string("{{ x }}", x="<")

    app.add_url_rule("/log", "log", lambda: flask.jsonify(log))
    return app
