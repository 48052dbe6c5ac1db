"""JSON in answers: settings, providers, what can be written."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import uuid
from typing import Any

from tests.conformance.exchange import get, post, send_json
from tests.conformance.frameworks import http, part
from tests.conformance.table import case


def _app(flask: Any, **views: Any) -> Any:
    app = flask.Flask("case")
    for name, view in views.items():
        app.add_url_rule(f"/{name}", name, view, methods=["GET", "POST"])
    return app


@case(get("/one"), get("/deep"))
def settings(flask: Any) -> Any:
    app = _app(flask, one=lambda: {"b": "é", "a": 1}, deep=lambda: flask.jsonify([{"z": [], "y": {}}]))
    app.json.sort_keys = False
    app.json.ensure_ascii = False
    app.json.compact = False
    app.json.mimetype = "application/vnd.own+json"
    return app


@case(get("/nothing"), get("/one"), get("/more"), get("/named"), get("/none"))
def jsonify_arguments(flask: Any) -> Any:
    return _app(
        flask,
        nothing=flask.jsonify,
        one=lambda: flask.jsonify("text"),
        more=lambda: flask.jsonify(1, "two", None),
        named=lambda: flask.jsonify(b=2, a=1),
        none=lambda: flask.jsonify(None),
    )


@case(get("/mixed"))
def jsonify_arguments_of_both_kinds(flask: Any) -> Any:
    return _app(flask, mixed=lambda: flask.jsonify(1, a=2))


@dataclasses.dataclass
class Point:
    x: int
    y: float


class Marked:
    def __html__(self) -> str:
        return "<b>"


@case(get("/dates"), get("/numbers"), get("/classes"), get("/keys"))
def types(flask: Any) -> Any:
    zone = datetime.timezone(datetime.timedelta(hours=2))
    return _app(
        flask,
        dates=lambda: [
            datetime.date(2024, 2, 29),
            datetime.datetime(2024, 2, 29, 12, 30, 1, 5),
            datetime.datetime(2024, 2, 29, 1, 30, tzinfo=zone),
        ],
        numbers=lambda: [decimal.Decimal("1.10"), 1e300, -0.0, 10**30, float("inf")],
        classes=lambda: {"point": Point(1, 2.5), "uuid": uuid.UUID(int=7), "html": Marked()},
        keys=lambda: {1: "a", 2: "b"},
    )


@case(get("/object"), get("/set"), get("/bytes"), get("/mixed"))
def what_cannot_be_written(flask: Any) -> Any:
    return _app(
        flask,
        object=lambda: {"a": object()},
        set=lambda: [{1}],
        bytes=lambda: [b"x"],
        mixed=lambda: {1: "a", "b": "c"},
    )


@case(get("/list"), send_json("/read", {"a": 1}), post("/read", "a=1", content_type="application/json"))
def own_provider(flask: Any) -> Any:
    class Provider(part(flask, "json.provider").JSONProvider):  # type: ignore[misc]
        def dumps(self, value: Any, **options: Any) -> str:
            return f"<<{value!r}>>"

        def loads(self, text: str | bytes, **options: Any) -> Any:
            return {"raw": text if isinstance(text, str) else text.decode()}

    app = flask.Flask("case")
    app.json = Provider(app)
    app.add_url_rule("/list", "list", lambda: [1, "a"])
    app.add_url_rule("/read", "read", lambda: flask.request.get_json()["raw"], methods=["POST"])
    return app


@case(get("/complex"), get("/set"))
def own_default(flask: Any) -> Any:
    class Provider(part(flask, "json.provider").DefaultJSONProvider):  # type: ignore[misc]
        @staticmethod
        def default(value: Any) -> Any:
            if isinstance(value, complex):
                return [value.real, value.imag]
            return str(type(value).__name__)

    class Own(flask.Flask):
        json_provider_class = Provider

    app = Own("case")
    app.add_url_rule("/complex", "complex", lambda: {"c": 1 + 2j})
    app.add_url_rule("/set", "set", lambda: [{1}])
    return app


@case(send_json("/", {"a": 1}), post("/", "{", content_type="application/json"), post("/", "x"))
def own_answer_to_broken_json(flask: Any) -> Any:
    class Request(flask.Request):
        def on_json_loading_failure(self, e: ValueError | None) -> Any:
            return {"failed": e is not None}

    app = flask.Flask("case")
    app.request_class = Request
    app.add_url_rule("/", "index", lambda: flask.jsonify(flask.request.get_json()), methods=["POST"])
    return app


@case(send_json("/", [1]), post("/", "[1", content_type="application/json"), post("/", "[1]"))
def broken_json_in_error_handler(flask: Any) -> Any:
    app = flask.Flask("case")
    app.add_url_rule("/", "index", lambda: flask.jsonify(flask.request.json), methods=["POST"])

    @app.errorhandler(http(flask, "exceptions").BadRequest)
    def broken(error: Any) -> Any:
        return {"broken": type(error).__name__}, 400

    @app.errorhandler(415)
    def unsupported(error: Any) -> Any:
        return {"unsupported": error.code}, 415

    return app


@case(get("/page"))
def json_in_pages(flask: Any) -> Any:
    app = flask.Flask("case")
    page = "<script>{{ value|tojson }}</script><p data-x='{{ value|tojson }}'>"
    app.add_url_rule(
        "/page", "page", lambda: flask.render_template_string(page, value={"b": "</script>'&\"<", "a": [None, True]})
    )
    return app
