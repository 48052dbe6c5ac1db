"""Sessions and flashed messages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.conformance.exchange import get
from tests.conformance.frameworks import part
from tests.conformance.table import case


def _app(flask: Any, **config: Any) -> Any:
    app = flask.Flask("case")
    app.secret_key = "a key for tests"
    app.config.update(config)
    session = flask.session

    @app.route("/set/<name>/<value>")
    def set_value(name: str, value: str) -> str:
        session[name] = value
        return "set"

    @app.route("/read")
    def read() -> Any:
        return dict(session)

    @app.route("/untouched")
    def untouched() -> str:
        return "untouched"

    @app.route("/clear")
    def clear() -> str:
        session.clear()
        return "cleared"

    @app.route("/permanent")
    def permanent() -> str:
        session.permanent = True
        session["user"] = "anna"
        return "permanent"

    return app


@case(get("/read"), get("/set/a/1"), get("/read"), get("/untouched"), get("/set/b/2"), get("/read"))
def set_and_read(flask: Any) -> Any:
    return _app(flask)


@case(get("/set/a/1"), get("/clear"), get("/read"), get("/clear"))
def clear(flask: Any) -> Any:
    return _app(flask)


@case(
    get("/set/a/1"),
    get("/read", cookie="session=eyJhIjoiMiJ9.aaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbb"),
    get("/read", cookie="session=nonsense"),
    get("/read", cookie="session="),
    get("/set/b/1", cookie="session=.x.y"),
    get("/untouched", cookie="session=nonsense"),
)
def tampered(flask: Any) -> Any:
    return _app(flask)


@case(get("/permanent"), get("/untouched"), get("/read"))
def permanent(flask: Any) -> Any:
    return _app(flask, PERMANENT_SESSION_LIFETIME=timedelta(days=3))


@case(get("/permanent"), get("/untouched"), get("/set/a/1"))
def permanent_without_refresh(flask: Any) -> Any:
    return _app(flask, SESSION_REFRESH_EACH_REQUEST=False)


@case(get("/set/a/1"), get("/clear"))
def cookie_options(flask: Any) -> Any:
    return _app(
        flask,
        SESSION_COOKIE_NAME="own",
        SESSION_COOKIE_DOMAIN="localhost",
        SESSION_COOKIE_PATH="/p",
        SESSION_COOKIE_HTTPONLY=False,
        SESSION_COOKIE_SECURE=True,
        SESSION_COOKIE_SAMESITE="Strict",
    )


@case(get("/read"), get("/set/a/1"), get("/untouched"))
def without_key(flask: Any) -> Any:
    app = _app(flask)
    app.secret_key = None
    return app


@case(get("/put"), get("/get"), get("/change"), get("/get"), get("/mark"), get("/get"))
def typed_values(flask: Any) -> Any:
    import datetime
    import uuid

    app = flask.Flask("case")
    app.secret_key = "k"
    session = flask.session

    @app.route("/put")
    def put() -> str:
        session["tuple"] = (1, 2)
        session["bytes"] = b"\x00\xff"
        session["date"] = datetime.datetime(2024, 5, 6, 7, 8, 9, tzinfo=datetime.UTC)
        session["uuid"] = uuid.UUID(int=5)
        session["list"] = ["x" * 200]
        return "put"

    @app.route("/get")
    def show() -> Any:
        return {name: repr(value) for name, value in session.items()}

    @app.route("/change")
    def change() -> str:
        session["list"].append("lost")
        return "changed inside"

    @app.route("/mark")
    def mark() -> str:
        session["list"].append("kept")
        session.modified = True
        return "marked"

    return app


@case(get("/vary"), get("/touch"), get("/get"), get("/in"))
def vary(flask: Any) -> Any:
    app = flask.Flask("case")
    app.secret_key = "k"

    @app.route("/vary")
    def varied() -> Any:
        flask.session["a"] = 1
        return "x", {"Vary": "Accept"}

    @app.route("/touch")
    def touch() -> str:
        flask.session.get("a")
        return "x"

    app.add_url_rule("/get", "get", lambda: str(flask.session.accessed))
    app.add_url_rule("/in", "in", lambda: str("a" in flask.session))
    return app


@case(get("/flash"), get("/show"), get("/show"), get("/both"), get("/show?category=error"), get("/twice"))
def flashing(flask: Any) -> Any:
    app = flask.Flask("case")
    app.secret_key = "k"

    @app.route("/flash")
    def flash() -> str:
        flask.flash("saved <b>")
        flask.flash("wrong", "error")
        return "flashed"

    @app.route("/show")
    def show() -> Any:
        chosen = flask.request.args.getlist("category")
        return flask.jsonify(flask.get_flashed_messages(with_categories=True, category_filter=chosen))

    @app.route("/both")
    def both() -> Any:
        flask.flash("now")
        return flask.jsonify(flask.get_flashed_messages())

    @app.route("/twice")
    def twice() -> Any:
        flask.flash("once", "error")
        return flask.jsonify([flask.get_flashed_messages(), flask.get_flashed_messages()])

    return app


@case(get("/old"), get("/read", cookie="{cookie}"), get("/read"), get("/set/b/2"), get("/read"))
def rotated_keys(flask: Any) -> Any:
    app = _app(flask, SECRET_KEY_FALLBACKS=["an old key"])
    signer = flask.sessions.SecureCookieSessionInterface() if hasattr(flask, "sessions") else None

    @app.route("/old")
    def old() -> Any:
        before = flask.Flask("before")
        before.secret_key = "an old key"
        value = (signer or app.session_interface).get_signing_serializer(before).dumps({"a": "old"})
        response = flask.Response("old")
        response.set_cookie("session", value)
        return response

    return app


@case(get("/set/a/1"), get("/read"), get("/set/a/2"), get("/read"), get("/clear"), get("/read"))
def own_interface(flask: Any) -> Any:
    sessions = part(flask, "sessions")
    stored: dict[str, dict[str, Any]] = {}

    class Session(dict[str, Any], sessions.SessionMixin):  # type: ignore[misc]
        modified = accessed = True

    class Interface(sessions.SessionInterface):  # type: ignore[misc]
        def open_session(self, app: Any, request: Any) -> Any:
            return Session(stored.get(request.cookies.get("id", ""), {}))

        def save_session(self, app: Any, session: Any, response: Any) -> None:
            if not session:
                response.delete_cookie("id")
                return
            stored["7"] = dict(session)
            response.set_cookie("id", "7", httponly=self.get_cookie_httponly(app))

    app = _app(flask)
    app.session_interface = Interface()
    return app


@case(get("/set/a/1"))
def partitioned_cookie(flask: Any) -> Any:
    return _app(flask, SESSION_COOKIE_PARTITIONED=True, SESSION_COOKIE_SECURE=True)


@case(get("/abort"), get("/read"), get("/fail"), get("/read"), get("/hook"), get("/read"))
def kept_after_errors(flask: Any) -> Any:
    app = _app(flask)

    @app.route("/abort")
    def abort() -> None:
        flask.session["abort"] = "1"
        flask.abort(409)

    @app.route("/fail")
    def fail() -> None:
        flask.session["fail"] = "1"
        raise ValueError

    @app.after_request
    def after(response: Any) -> Any:
        if flask.request.path == "/hook":
            flask.session["hook"] = "1"
        return response

    app.add_url_rule("/hook", "hook", lambda: "x")
    return app


@case(get("/use"), get("/read"))
def changes_that_count(flask: Any) -> Any:
    app = _app(flask)

    @app.route("/use")
    def use() -> Any:
        session = flask.session
        session.setdefault("list", []).append(1)
        session.update(a=1, b=2)
        session.pop("b")
        return [session.new, session.modified, session.accessed, session.permanent, "a" in session, len(session)]

    return app
