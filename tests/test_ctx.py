from __future__ import annotations

import threading
from contextvars import copy_context
from typing import Any

import pytest

import hipflask
from hipflask import (
    Flask,
    after_this_request,
    appcontext_popped,
    appcontext_pushed,
    appcontext_tearing_down,
    copy_current_request_context,
    g,
    has_app_context,
    has_request_context,
    request,
    session,
)
from hipflask.ctx import AppContext, RequestContext, _AppCtxGlobals
from hipflask.globals import _cv_app, _cv_request
from hipflask.sessions import SecureCookieSession, SecureCookieSessionInterface


@pytest.fixture
def app() -> Flask:
    app = Flask("app_under_test")
    app.secret_key = "k"
    app.add_url_rule("/", "index", lambda: "x")
    return app


def test_globals_of_a_context_are_a_namespace() -> None:
    names = _AppCtxGlobals()
    assert names.get("a") is None
    assert names.get("a", 1) == 1
    names.a = 1
    assert "a" in names and "b" not in names
    assert names.setdefault("a", 2) == 1
    assert names.setdefault("b") is None
    assert list(names) == ["a", "b"]
    assert names.pop("a") == 1
    assert names.pop("a", 5) == 5
    with pytest.raises(KeyError, match="a"):
        names.pop("a")
    del names.b
    with pytest.raises(AttributeError, match="b"):
        _ = names.b


def test_globals_tell_whose_they_are(app: Flask) -> None:
    assert repr(_AppCtxGlobals()).startswith("<hipflask.ctx._AppCtxGlobals object")
    with app.app_context():
        assert repr(g._get_current_object()) == "<flask.g of 'app_under_test'>"


def test_app_context_makes_app_and_g_current(app: Flask) -> None:
    assert not has_app_context()
    with app.app_context() as ctx:
        assert has_app_context() and not has_request_context()
        assert hipflask.current_app._get_current_object() is app  # type: ignore[attr-defined]
        g.a = 1
        assert ctx.g.a == 1
    assert not has_app_context()


def test_app_context_can_be_pushed_twice_and_ends_once(app: Flask) -> None:
    ended: list[Any] = []
    app.teardown_appcontext(ended.append)
    ctx = app.app_context()
    with ctx, ctx:
        with ctx:
            pass
        assert ended == [] and has_app_context()
    assert ended == [None]
    assert not has_app_context()
    with ctx:
        assert has_app_context()
    assert ended == [None, None]


def test_own_class_of_globals_is_used(app: Flask) -> None:
    app.app_ctx_globals_class = type("Own", (_AppCtxGlobals,), {"always": 1})
    with app.app_context():
        assert g.always == 1


def test_context_that_was_not_pushed_cannot_be_popped(app: Flask) -> None:
    with pytest.raises(LookupError, match="without having been pushed"):
        app.app_context().pop()
    with pytest.raises(LookupError, match="."):
        app.test_request_context().pop()


@pytest.mark.parametrize("kind", ["app_context", "test_request_context"])
def test_contexts_are_popped_in_reverse_order(app: Flask, kind: str) -> None:
    def run() -> None:
        first, second = getattr(app, kind)(), getattr(app, kind)()
        first.push()
        second.push()
        with pytest.raises(AssertionError, match="Pop in reverse order"):
            first.pop()

    copy_context().run(run)


def test_signals_of_an_app_context_are_sent(app: Flask) -> None:
    sent: list[str] = []
    with (
        appcontext_pushed.connected_to(lambda sender, **extra: sent.append("pushed"), app),
        appcontext_tearing_down.connected_to(lambda sender, exc, **extra: sent.append(f"tearing {exc!r}"), app),
        appcontext_popped.connected_to(lambda sender, **extra: sent.append("popped"), app),
        app.app_context(),
    ):
        sent.append("inside")
    assert sent == ["pushed", "inside", "tearing None", "popped"]


def test_error_in_a_with_block_is_told_to_teardown(app: Flask) -> None:
    told: list[Any] = []
    app.teardown_appcontext(told.append)
    app.teardown_request(told.append)
    with pytest.raises(ValueError, match="x"), app.test_request_context():
        raise ValueError("x")
    assert [type(error) for error in told] == [ValueError, ValueError]


@pytest.mark.parametrize("kind", ["app", "request"])
def test_pop_tells_the_error_being_handled(app: Flask, kind: str) -> None:
    told: list[Any] = []
    app.teardown_appcontext(told.append)
    ctx = app.app_context() if kind == "app" else app.test_request_context()
    ctx.push()
    try:
        raise ValueError("x")
    except ValueError:
        ctx.pop()
    assert type(told[0]) is ValueError


def test_failing_teardown_still_ends_the_contexts(app: Flask) -> None:
    app.teardown_request(lambda error: 1 / 0)
    ctx = app.test_request_context()
    ctx.push()
    with pytest.raises(ZeroDivisionError):
        ctx.pop()
    assert not has_request_context() and not has_app_context()


def test_request_context_shares_the_app_context_of_the_same_app(app: Flask) -> None:
    with app.app_context() as outer:
        g.a = 1
        with app.test_request_context():
            assert g.a == 1
            assert _cv_app.get() is outer
        assert has_app_context()


def test_request_context_of_another_app_pushes_its_own(app: Flask) -> None:
    inner = Flask("inner")
    with app.app_context():
        g.a = 1
        with inner.test_request_context():
            assert "a" not in g
            assert hipflask.current_app.name == "inner"
        assert hipflask.current_app.name == "app_under_test"


def test_request_context_matches_when_it_is_pushed(app: Flask) -> None:
    with app.test_request_context("/"):
        assert (request.endpoint, request.view_args, request.routing_exception) == ("index", {}, None)
    with app.test_request_context("/missing"):
        assert request.url_rule is None
        assert type(request.routing_exception).__name__ == "NotFound"


def test_request_context_pushed_twice_ends_once(app: Flask) -> None:
    ended: list[Any] = []
    app.teardown_request(ended.append)
    ctx = app.test_request_context("/")
    with ctx:
        with ctx:
            with ctx:
                pass
            assert ended == []
        assert request.path == "/"
    assert ended == [None]
    assert not has_app_context()


def test_environ_forgets_the_request_at_the_end(app: Flask) -> None:
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "HTTP_HOST": "localhost"}
    with app.request_context(environ) as ctx:
        assert environ["werkzeug.request"] is ctx.request
    assert environ["werkzeug.request"] is None


def test_request_is_closed_where_its_body_was_read(app: Flask) -> None:
    with app.test_request_context(method="POST", data={"file": (__import__("io").BytesIO(b"x"), "x.txt")}):
        file = request.files["file"]
    assert file.stream.closed


def test_request_class_with_own_close_is_closed(app: Flask) -> None:
    closed: list[bool] = []

    class Own(hipflask.Request):
        def close(self) -> None:
            closed.append(True)

    app.request_class = Own
    with app.test_request_context():
        pass
    assert closed == [True]


@pytest.mark.parametrize("name", ["__new__", "__init__"])
def test_constructor_of_a_request_class_is_called(app: Flask, name: str) -> None:
    made: list[str] = []

    def construct(self: Any, *args: Any) -> Any:
        made.append(name)
        return object.__new__(self) if name == "__new__" else hipflask.Request.__init__(self, *args)

    app.request_class = type("Own", (hipflask.Request,), {name: construct})
    with app.test_request_context("/a"):
        assert request.path == "/a"
    assert made == [name]


def test_session_is_opened_when_it_is_asked_for(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[bool] = []

    class Counted(SecureCookieSession):
        def __init__(self, *args: Any) -> None:
            opened.append(True)
            super().__init__(*args)

    monkeypatch.setattr(SecureCookieSessionInterface, "session_class", Counted)  # a subclass opens at once
    with app.test_request_context() as ctx:
        assert opened == []
        session["a"] = 1
        assert session["a"] == 1
        assert opened == [True]
        assert ctx.session.accessed


def test_session_may_be_replaced(app: Flask) -> None:
    with app.test_request_context() as ctx:
        own = app.session_interface.make_null_session(app)
        ctx.session = own
        assert ctx.session is own


def test_session_without_key_is_null(app: Flask) -> None:
    app.secret_key = None
    with app.test_request_context():
        assert session.get("a") is None
        with pytest.raises(RuntimeError, match="secret key"):
            session["a"] = 1


def test_context_with_given_request_and_session(app: Flask) -> None:
    with app.test_request_context("/given") as first:
        own = app.session_interface.make_null_session(app)
        second = RequestContext(app, first.request._head, request=first.request, session=own)
        with second:
            assert request.path == "/given"
            assert second.session is own


def test_refused_host_matches_nothing_but_urls_can_be_built(app: Flask) -> None:
    app.config["TRUSTED_HOSTS"] = ["good.org"]
    with app.test_request_context(base_url="http://evil.org/"):
        assert type(request.routing_exception).__name__ == "SecurityError"
        assert request.url_rule is None
        assert hipflask.url_for("index") == "/"


def test_matching_without_an_adapter_leaves_the_request_unmatched(app: Flask) -> None:
    app.create_url_adapter = lambda request: None  # type: ignore[method-assign]
    with app.test_request_context():
        assert (request.url_rule, request.routing_exception) == (None, None)


def test_lazy_attributes_are_seen_on_the_class() -> None:
    assert AppContext.g.__doc__ == "Free attributes of this context, behind ``g``."
    assert "url_adapter" in vars(RequestContext)


def test_request_context_tells_what_it_is(app: Flask) -> None:
    ctx = app.test_request_context("/a?b=1", method="PUT")
    assert repr(ctx) == "<RequestContext 'http://localhost/a?b=1' [PUT] of app_under_test>"


def test_after_this_request_is_called_in_order(app: Flask) -> None:
    @app.route("/after")
    def after() -> str:
        for number in "12":

            @after_this_request
            def add(response: Any, number: str = number) -> Any:
                response.headers["X-Order"] = response.headers.get("X-Order", "") + number
                return response

        return "x"

    assert app.test_client().get("/after").headers["X-Order"] == "12"


def test_after_this_request_needs_a_request() -> None:
    with pytest.raises(RuntimeError, match=r"after_this_request\(\) was called without a request context"):
        after_this_request(lambda response: response)


def test_copied_context_works_in_another_thread(app: Flask) -> None:
    found: list[Any] = []

    async def coroutine() -> str:
        return request.path

    with app.test_request_context("/copied"):
        session["a"] = 1

        @copy_current_request_context
        def work(number: int) -> None:
            """Read the request."""
            found.append((request.path, session["a"], number))

        asynchronous: Any = copy_current_request_context(coroutine)
        thread = threading.Thread(target=lambda: (work(5), found.append(asynchronous())))
        thread.start()
        thread.join()
    assert found == [("/copied", 1, 5), "/copied"]
    assert work.__doc__ == "Read the request."


def test_copying_needs_a_request() -> None:
    with pytest.raises(RuntimeError, match=r"copy_current_request_context\(\) was called without a request context"):
        copy_current_request_context(lambda: None)


def test_no_context_is_left_behind(app: Flask) -> None:
    app.test_client().get("/")
    assert _cv_app.get(None) is None
    assert _cv_request.get(None) is None
