"""Responses and what may be changed on them."""

from __future__ import annotations

import datetime
import http as status_names
from collections.abc import Iterator
from typing import Any

from tests.conformance.exchange import get, send
from tests.conformance.table import case

MOMENT = datetime.datetime(2024, 2, 29, 12, 30, tzinfo=datetime.UTC)


def _app(flask: Any, **changes: Any) -> Any:
    """An application with a view for each name, whose response the function of that name changes."""
    app = flask.Flask("case")

    def make_view(change: Any) -> Any:
        def view() -> Any:
            response = flask.Response("body")
            return change(response) or response

        return view

    for name, change in changes.items():
        app.add_url_rule(f"/{name}", name, make_view(change))
    return app


def _set(name: str, value: Any) -> Any:
    return lambda response: setattr(response, name, value)


@case(get("/modified"), get("/expires"), get("/date"), get("/age"), get("/retry"), get("/number"), get("/naive"))
def dates(flask: Any) -> Any:
    return _app(
        flask,
        modified=_set("last_modified", MOMENT),
        expires=_set("expires", MOMENT),
        date=_set("last_modified", MOMENT.astimezone(datetime.timezone(datetime.timedelta(hours=5)))),
        age=_set("age", datetime.timedelta(minutes=2)),
        retry=_set("retry_after", MOMENT),
        number=_set("last_modified", 1_700_000_000),
        naive=_set("last_modified", MOMENT.replace(tzinfo=None)),
    )


@case(*(get(f"/{name}") for name in ("number", "enum", "text", "words", "odd")))
def status(flask: Any) -> Any:
    return _app(
        flask,
        number=_set("status_code", 404),
        enum=_set("status_code", status_names.HTTPStatus.CREATED),
        text=_set("status", "418"),
        words=_set("status", "207 Several Things"),
        odd=_set("status_code", 299),
    )


@case(get("/none"), get("/partitioned"), get("/expires"), get("/strict"), get("/no-path"), get("/utf8"), get("/two"))
def cookies(flask: Any) -> Any:
    def cookie(*args: Any, **options: Any) -> Any:
        return lambda response: response.set_cookie(*args, **options)

    def two(response: Any) -> None:
        response.set_cookie("a", "1", path="/x")
        response.set_cookie("a", "2")
        response.delete_cookie("b", domain="localhost")

    return _app(
        flask,
        none=cookie("a", "1", samesite="None", secure=True),
        partitioned=cookie("a", "1", partitioned=True),
        expires=cookie("a", "1", expires=datetime.datetime(1999, 1, 2, tzinfo=datetime.UTC)),
        strict=cookie("a", "", samesite="strict", httponly=True, max_age=datetime.timedelta(hours=1)),
        utf8=cookie("a", "ä,b"),
        two=two,
        **{"no-path": cookie("a", "1", path=None)},
    )


@case(get("/set"), get("/text"), get("/stream"), get("/frozen"), get("/list"), send("HEAD", "/set"))
def bodies(flask: Any) -> Any:
    def stream(response: Any) -> None:
        response.stream.write(" and more")

    def frozen(response: Any) -> None:
        response.response = iter(["a", "b"])
        response.freeze()

    return _app(
        flask,
        set=_set("data", "new body"),
        text=lambda response: response.set_data("ü" + response.get_data(as_text=True)),
        stream=stream,
        frozen=frozen,
        list=_set("response", ["a", b"b", "ü"]),
    )


@case(get("/json"), get("/other"), get("/silent"))
def json_of_responses(flask: Any) -> Any:
    app = flask.Flask("case")

    @app.after_request
    def after(response: Any) -> Any:
        response.headers["X-Is-Json"] = str(response.is_json)
        response.headers["X-Json"] = str(response.get_json(silent=True))
        return response

    app.add_url_rule("/json", "json", lambda: {"a": 1})
    app.add_url_rule("/other", "other", lambda: "x")
    app.add_url_rule("/silent", "silent", lambda: flask.Response("{", mimetype="application/json"))
    return app


@case(get("/"), get("/json"), get("/missing"), get("/tuple"))
def own_response_class(flask: Any) -> Any:
    class Response(flask.Response):
        default_mimetype = "text/plain"
        default_status = 203

    app = flask.Flask("case")
    app.response_class = Response
    app.add_url_rule("/", "index", lambda: "x")
    app.add_url_rule("/json", "json", lambda: {"a": 1})
    app.add_url_rule("/tuple", "tuple", lambda: ("x", 200, {"X-A": "1"}))
    return app


@case(get("/"), get("/number"), get("/none"))
def own_make_response(flask: Any) -> Any:
    class Own(flask.Flask):
        def make_response(self, value: Any) -> Any:
            if value is None:
                return super().make_response(("", 404))
            return super().make_response(str(value) if isinstance(value, int) else value)

    app = Own("case")
    app.add_url_rule("/", "index", lambda: ("x", 201))
    app.add_url_rule("/number", "number", lambda: 42)
    app.add_url_rule("/none", "none", lambda: None)
    return app


@case(get("/relative"), get("/path"), get("/other"))
def absolute_locations(flask: Any) -> Any:
    class Response(flask.Response):
        autocorrect_location_header = True

    app = flask.Flask("case")
    app.response_class = Response
    for name, target in (("relative", "next?a=1"), ("path", "/x y"), ("other", "https://example.org/é")):
        app.add_url_rule(f"/{name}", name, lambda target=target: flask.redirect(target))
    return app


@case(get("/"), get("/log"), get("/stream"), get("/log"), send("HEAD", "/"), get("/log"))
def functions_called_at_the_end(flask: Any) -> Any:
    app = flask.Flask("case")
    log: list[str] = []

    def parts() -> Iterator[str]:
        yield "a"
        log.append("part")
        yield "b"

    def view(body: Any) -> Any:
        response = flask.Response(body)
        response.call_on_close(lambda: log.append("first"))
        response.call_on_close(lambda: log.append("second"))
        return response

    @app.route("/log")
    def show() -> Any:
        found = log[:]
        log.clear()
        return flask.jsonify(found)

    app.add_url_rule("/", "index", lambda: view("x"))
    app.add_url_rule("/stream", "stream", lambda: view(parts()))
    app.teardown_request(lambda error: log.append("teardown") if flask.request.path != "/log" else None)
    return app


@case(get("/line"), get("/name"), get("/location"), get("/cookie"), get("/fine"))
def line_breaks_in_fields(flask: Any) -> Any:
    def cookie(response: Any) -> None:
        response.set_cookie("a", "x\r\nSet-Cookie: b=1")

    return _app(
        flask,
        line=lambda response: response.headers.set("X-A", "a\r\nX-B: b"),
        name=lambda response: response.headers.set("X-A", "a\nb"),
        location=lambda response: flask.redirect("/x\r\nX-B: b"),
        cookie=cookie,
        fine=lambda response: response.headers.set("X-A", "a b  c"),
    )


@case(get("/added"), get("/many"), get("/removed"), get("/options"), get("/unicode"))
def changed_fields(flask: Any) -> Any:
    def many(response: Any) -> None:
        response.headers.extend([("X-A", "1"), ("X-A", "2")])
        response.headers.setlist("X-B", ["3", "4"])

    return _app(
        flask,
        added=lambda response: response.headers.add("X-A", "1"),
        many=many,
        removed=lambda response: response.headers.pop("X-No", None) and response,
        options=lambda response: response.headers.add("Content-Disposition", "attachment", filename="a b.txt"),
        unicode=lambda response: response.headers.set("X-A", "é"),
    )


@case(get("/public"), get("/private"), get("/sets"), get("/range"), get("/policy"), get("/origin"))
def structured_fields(flask: Any) -> Any:
    def public(response: Any) -> None:
        response.cache_control.public = True
        response.cache_control.s_maxage = 10
        response.cache_control.immutable = True

    def private(response: Any) -> None:
        response.cache_control.private = "Set-Cookie"
        response.cache_control.no_store = True
        response.cache_control.max_age = None

    def sets(response: Any) -> None:
        response.vary.add("Accept")
        response.vary.add("accept")
        response.allow.update(["GET", "PUT"])
        response.content_language.add("de")

    def policy(response: Any) -> None:
        response.content_security_policy.script_src = "'self' https://example.org"
        response.content_security_policy_report_only.img_src = "*"

    def origin(response: Any) -> None:
        response.access_control_allow_credentials = True
        response.access_control_allow_methods = ["GET", "PUT"]
        response.access_control_expose_headers = ["X-A"]
        response.access_control_max_age = 60

    return _app(
        flask,
        public=public,
        private=private,
        sets=sets,
        range=lambda response: response.content_range.set(0, 4, 100),
        policy=policy,
        origin=origin,
    )


@case(get("/"), send("HEAD", "/"), breaks_wsgi="an answer without a Content-Type, since the application removed it")
def without_content_type(flask: Any) -> Any:
    return _app(flask, **{"": lambda response: response.headers.remove("Content-Type")})
