from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

import hipflask
from hipflask import Flask, Request, Response, g, request, session
from hipflask.http.exceptions import BadRequest, HTTPException
from hipflask.http.head import WsgiHead
from hipflask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionInterface, SessionMixin
from hipflask.signals import got_request_exception, request_finished, request_started, request_tearing_down


def make_app(view: Callable[..., Any] = lambda: "body", cls: type[Flask] = Flask) -> Flask:
    app = cls("app_under_test")
    app.add_url_rule("/", "index", view, methods=["GET", "POST"])
    return app


def environ(path: str = "/", **more: Any) -> dict[str, Any]:
    return {"REQUEST_METHOD": "GET", "PATH_INFO": path, "HTTP_HOST": "localhost", **more}


def fail() -> None:
    raise ValueError("in the view")


def test_call_goes_through_wsgi_app_which_may_be_wrapped() -> None:
    app = make_app()
    inner = app.wsgi_app

    def wrapper(environ: dict[str, Any], start_response: Any) -> Any:
        environ["PATH_INFO"] = "/"
        return inner(environ, start_response)

    app.wsgi_app = wrapper  # type: ignore[method-assign]
    assert app.test_client().get("/elsewhere").data == b"body"


def test_handle_returns_response() -> None:
    response = make_app().handle(WsgiHead(environ()))
    assert (response.status, response.get_data()) == ("200 OK", b"body")


STAGES = [
    "request_context",
    "full_dispatch_request",
    "preprocess_request",
    "dispatch_request",
    "make_response",
    "finalize_request",
    "process_response",
    "ensure_sync",
    "create_url_adapter",
    "do_teardown_request",
    "do_teardown_appcontext",
]


def watch(stage: str, calls: list[str]) -> Callable[..., Any]:
    original = getattr(Flask, stage)

    def stand_in(self: Flask, *args: Any, **kwargs: Any) -> Any:
        calls.append(stage)
        return original(self, *args, **kwargs)

    return stand_in


@pytest.mark.parametrize("stage", STAGES)
def test_stage_overridden_in_class_is_honoured(stage: str) -> None:
    calls: list[str] = []
    app = make_app(cls=type("Own", (Flask,), {stage: watch(stage, calls)}))
    assert app.test_client().get("/").data == b"body"
    assert stage in calls


@pytest.mark.parametrize("stage", STAGES)
def test_stage_replaced_on_instance_is_honoured(stage: str) -> None:
    calls: list[str] = []
    app = make_app()
    setattr(app, stage, watch(stage, calls).__get__(app))
    assert app.test_client().get("/").data == b"body"
    assert stage in calls


@pytest.mark.parametrize("stage", STAGES)
def test_stage_patched_on_flask_is_honoured(stage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr(Flask, stage, watch(stage, calls))
    assert make_app().test_client().get("/").data == b"body"
    assert stage in calls


@pytest.mark.parametrize("stage", ["handle_user_exception", "handle_http_exception"])
def test_overridden_stage_of_http_errors_is_honoured(stage: str) -> None:
    calls: list[str] = []
    app = make_app(cls=type("Own", (Flask,), {stage: watch(stage, calls)}))
    assert app.test_client().get("/missing").status_code == 404
    assert calls == [stage]


def test_overridden_handle_exception_and_log_exception_are_honoured() -> None:
    class Own(Flask):
        def handle_exception(self, e: Exception) -> Any:
            return Response(f"own {e}", 503)

    assert make_app(fail, Own).test_client().get("/").data == b"own in the view"

    logged = []

    class Quiet(Flask):
        def log_exception(self, exc_info: Any) -> None:
            logged.append(exc_info[0])

    assert make_app(fail, Quiet).test_client().get("/").status_code == 500
    assert logged == [ValueError]


def test_overridden_request_context_gets_environ() -> None:
    seen: list[Any] = []

    class Own(Flask):
        def request_context(self, environ: Any) -> Any:
            seen.append(type(environ))
            return super().request_context(environ)

    make_app(cls=Own).test_client().get("/")
    assert seen == [dict]


def test_should_ignore_error_hides_error_from_teardown() -> None:
    class Own(Flask):
        def should_ignore_error(self, error: BaseException | None) -> bool:
            return isinstance(error, ValueError)

    told: list[Any] = []
    app = make_app(fail, Own)
    app.teardown_request(told.append)
    app.test_client().get("/")
    assert told == [None]


def test_error_is_told_to_teardown() -> None:
    told: list[Any] = []
    app = make_app(fail)
    app.teardown_request(told.append)
    app.teardown_appcontext(told.append)
    app.test_client().get("/")
    assert [type(error) for error in told] == [ValueError, ValueError]


def test_base_exception_ends_the_request_and_passes() -> None:
    def leave() -> None:
        raise KeyboardInterrupt

    told: list[Any] = []
    app = make_app(leave)
    app.teardown_request(told.append)
    with pytest.raises(KeyboardInterrupt):
        app.handle(WsgiHead(environ()))
    assert type(told[0]) is KeyboardInterrupt
    assert not hipflask.has_request_context()


@pytest.mark.parametrize(
    ("settings", "propagates"),
    [
        pytest.param({}, False, id="default"),
        pytest.param({"TESTING": True}, True, id="testing"),
        pytest.param({"DEBUG": True}, True, id="debug"),
        pytest.param({"TESTING": True, "PROPAGATE_EXCEPTIONS": False}, False, id="switched-off"),
        pytest.param({"PROPAGATE_EXCEPTIONS": True}, True, id="switched-on"),
    ],
)
def test_unhandled_error_is_answered_or_propagates(settings: dict[str, Any], propagates: bool) -> None:
    app = make_app(fail)
    app.config.update(settings)
    if propagates:
        with pytest.raises(ValueError, match="in the view"):
            app.handle(WsgiHead(environ()))
    else:
        assert app.handle(WsgiHead(environ())).status_code == 500


def test_unhandled_error_is_logged_with_path_and_method(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        make_app(fail).test_client().get("/?secret=1")
    assert [record.getMessage() for record in caplog.records] == ["Exception on / [GET]"]
    assert caplog.records[0].exc_info is not None


def test_handle_exception_outside_of_except_logs_the_error_given() -> None:
    app = make_app()
    logged: list[Any] = []
    app.log_exception = logged.append  # type: ignore[method-assign]
    error = ValueError("x")
    with app.test_request_context():
        assert app.handle_exception(error).status_code == 500
    assert logged == [(ValueError, error, None)]


def test_failing_after_request_of_an_error_answer_is_only_logged(caplog: pytest.LogCaptureFixture) -> None:
    app = make_app(fail)

    @app.after_request
    def after(response: Any) -> Any:
        raise RuntimeError("after")

    assert app.test_client().get("/").status_code == 500
    assert "An after_request function failed on the answer of an error handler" in caplog.text


def test_signals_of_a_request_are_sent() -> None:
    app = make_app(fail)
    sent: list[str] = []

    def receive(name: str) -> Callable[..., None]:
        return lambda sender, **extra: sent.append(f"{name} {sorted(extra)}")

    receivers = {
        request_started: receive("started"),
        request_finished: receive("finished"),
        got_request_exception: receive("exception"),
        request_tearing_down: receive("tearing down"),
    }
    for signal, receiver in receivers.items():
        signal.connect(receiver, app)
    try:
        app.test_client().get("/")
    finally:
        for signal, receiver in receivers.items():
            signal.disconnect(receiver, app)
    assert sent == ["started []", "exception ['exception']", "finished ['response']", "tearing down ['exc']"]


def test_async_receiver_of_a_signal_is_awaited() -> None:
    app = make_app()
    sent: list[Any] = []

    async def receive(sender: Any, **extra: Any) -> None:
        sent.append(sender)

    with request_started.connected_to(receive, app):
        app.test_client().get("/")
    assert sent == [app]


def test_request_class_with_own_constructor_gets_environ() -> None:
    class OwnRequest(Request):
        def __init__(self, environ: dict[str, Any], *args: Any) -> None:
            super().__init__(environ, *args)
            self.note = environ["PATH_INFO"]

    app = make_app(lambda: f"{request.note} {type(request._get_current_object()).__name__}")  # type: ignore[attr-defined]
    app.request_class = OwnRequest
    assert app.test_client().get("/").data == b"/ OwnRequest"


class OwnSessions(SessionInterface):
    def __init__(self, log: list[str]) -> None:
        self.log = log

    def open_session(self, app: Flask, request: Any) -> Any:
        self.log.append(f"open {request.url_rule}")
        return type("S", (dict, SessionMixin), {})(user="anna")

    def save_session(self, app: Flask, session: Any, response: Any) -> None:
        self.log.append(f"save {session['user']}")


def test_own_session_interface_is_opened_at_push_before_matching() -> None:
    log: list[str] = []
    app = make_app(lambda: log.append("view") or session["user"])
    app.session_interface = OwnSessions(log)
    assert app.test_client().get("/").data == b"anna"
    assert log == ["open None", "view", "save anna"]


@pytest.mark.parametrize("method", ["open_session", "save_session", "is_null_session"])
def test_session_interface_with_an_overridden_method_is_opened_at_push(method: str) -> None:
    calls: list[str] = []

    def stand_in(self: Any, *args: Any) -> Any:
        calls.append(method)
        return getattr(SecureCookieSessionInterface, method)(self, *args)

    app = make_app()
    app.secret_key = "k"
    app.session_interface = type("Own", (SecureCookieSessionInterface,), {method: stand_in})()
    with app.test_request_context():
        assert ("open_session" in calls) is (method == "open_session")
    app.test_client().get("/")
    assert calls


def test_session_interface_with_method_set_on_instance_is_asked() -> None:
    app = make_app()
    app.secret_key = "k"
    interface = SecureCookieSessionInterface()
    saved: list[Any] = []
    interface.save_session = lambda app, session, response: saved.append(session)  # type: ignore[method-assign]
    app.session_interface = interface
    app.test_client().get("/")
    assert saved == [{}]


def test_foreign_wsgi_callable_is_a_response() -> None:
    def foreign(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("299 Own", [("X-A", environ["PATH_INFO"])])
        return [b"foreign"]

    response = make_app(lambda: foreign).test_client().get("/")
    assert (response.status, response.headers["X-A"], response.data) == ("299 Own", "/", b"foreign")


@pytest.mark.parametrize("name", ["get_wsgi_headers", "get_app_iter", "get_wsgi_response", "__call__"])
def test_response_class_that_has_a_say_may_use_request(name: str) -> None:
    seen: list[str] = []

    def stand_in(self: Any, environ: Any, *args: Any) -> Any:
        seen.append(request.path)
        g.seen = True
        return getattr(Response, name)(self, environ, *args)

    app = make_app()
    app.response_class = type("Own", (Response,), {name: stand_in})
    assert app.test_client().get("/").data == b"body"
    assert seen == ["/"]


def test_debug_mode_refuses_redirect_that_loses_a_form() -> None:
    app = make_app()
    app.debug = True
    app.add_url_rule("/old", "old", redirect_to="/", methods=["GET", "POST"])
    app.url_map.redirect_defaults = True
    with pytest.raises(AssertionError, match="redirect"), app.test_request_context("/old", method="POST") as ctx:
        ctx.request.routing_exception.code = 301  # type: ignore[union-attr]
        app.raise_routing_exception(ctx.request)


def test_debug_mode_lets_redirect_of_get_pass() -> None:
    app = make_app()
    app.debug = True
    app.add_url_rule("/folder/", "folder", lambda: "x")
    assert app.test_client().get("/folder").status_code == 308


def test_http_exception_without_code_is_its_own_answer() -> None:
    error = HTTPException(response=Response("ready", 299))
    app = make_app()
    with app.test_request_context():
        assert app.handle_http_exception(error) is error


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        pytest.param({}, False, id="off"),
        pytest.param({"DEBUG": True, "TRAP_BAD_REQUEST_ERRORS": False}, True, id="debug"),
        pytest.param({"DEBUG": True, "PROPAGATE_EXCEPTIONS": False}, None, id="debug-traps"),
        pytest.param({"TRAP_BAD_REQUEST_ERRORS": True}, None, id="trapped"),
        pytest.param({"TRAP_HTTP_EXCEPTIONS": True}, None, id="all-trapped"),
    ],
)
def test_missing_form_key_is_named_in_debug_mode_only(settings: dict[str, Any], text: bool | None) -> None:
    app = make_app(lambda: request.form["the_key"])
    app.config.update(settings)
    response = app.test_client().post("/")
    if text is None:
        assert response.status_code == 500
    else:
        assert response.status_code == 400
        assert ("the_key" in response.text) is text


def test_trapped_bad_request_has_handler_of_its_class() -> None:
    app = make_app(lambda: hipflask.abort(400))
    app.config["TRAP_BAD_REQUEST_ERRORS"] = True
    app.register_error_handler(BadRequest, lambda error: ("trapped", 400))
    assert app.test_client().get("/").data == b"trapped"


def test_test_request_context_takes_what_the_builder_takes() -> None:
    with make_app().test_request_context("/path?a=1", method="PUT", json={"b": 2}) as ctx:
        assert (ctx.request.path, ctx.request.args["a"], ctx.request.method) == ("/path", "1", "PUT")
        assert request.get_json() == {"b": 2}


def test_teardown_functions_are_told_of_the_error_being_handled() -> None:
    app = make_app()
    told: list[Any] = []
    app.teardown_request(told.append)
    app.teardown_appcontext(told.append)
    with app.test_request_context():
        try:
            raise ValueError("x")
        except ValueError as error:
            app.do_teardown_request()
            app.do_teardown_appcontext()
            assert told == [error, error]
        told.clear()


@pytest.mark.parametrize("is_async", [True, False])
def test_ensure_sync_returns_blocking_callable(is_async: bool) -> None:
    def sync() -> str:
        return "x"

    async def coroutine() -> str:
        return "x"

    found = make_app().ensure_sync(coroutine if is_async else sync)
    assert found() == "x"
    assert (found is sync) is not is_async


def test_overridden_async_to_sync_is_used() -> None:
    class Own(Flask):
        def async_to_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
            def run(*args: Any, **kwargs: Any) -> Any:
                coroutine = func(*args, **kwargs)
                with pytest.raises(StopIteration) as stopped:
                    coroutine.send(None)
                return f"own {stopped.value.value}"

            return run

    async def view() -> str:
        return "async"

    assert make_app(view, Own).test_client().get("/").data == b"own async"


def test_options_without_automatic_answer_reaches_the_view() -> None:
    app = Flask("x")
    app.add_url_rule("/", "index", lambda: request.method, methods=["OPTIONS"])
    assert app.test_client().options("/").data == b"OPTIONS"


def test_test_client_and_runner_classes_are_the_applications() -> None:
    from hipflask.testing import FlaskClient, FlaskCliRunner

    class OwnClient(FlaskClient):
        def __init__(self, *args: Any, note: str = "", **kwargs: Any) -> None:
            self.note = note
            super().__init__(*args, **kwargs)

    app = make_app()
    assert type(app.test_client()) is FlaskClient
    assert type(app.test_cli_runner()) is FlaskCliRunner
    app.test_client_class = OwnClient
    app.test_cli_runner_class = type("OwnRunner", (FlaskCliRunner,), {})
    assert app.test_client(note="n").note == "n"  # type: ignore[attr-defined]
    assert type(app.test_cli_runner()).__name__ == "OwnRunner"


def test_run_serves_by_run_simple(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[Any] = []
    monkeypatch.setattr("hipflask.server.runner.run_simple", lambda *args, **kwargs: called.append((args, kwargs)))
    app = make_app()
    app.run(port=8123, threaded=False)
    (host, port, served), options = called[0][0][:3], called[0][1]
    assert (host, port, served, options["threaded"]) == ("127.0.0.1", 8123, app, False)


def test_preserved_contexts_are_handed_to_the_client() -> None:
    app = make_app(lambda: g.setdefault("value", "kept"))
    with app.test_client() as client:
        client.get("/?a=1")
        assert (request.args["a"], g.value) == ("1", "kept")
    assert not hipflask.has_request_context()


class OtherHead(WsgiHead):
    """A head of another kind, as far as `type(head) is WsgiHead` can tell."""


@pytest.mark.parametrize("kind", [WsgiHead, OtherHead])
@pytest.mark.parametrize(
    ("cookie", "is_opened"), [(None, False), ("other=1", False), ("session=x", True)], ids=["none", "other", "session"]
)
def test_session_that_nobody_asks_for_is_opened_for_its_cookie_alone(
    kind: type[WsgiHead], cookie: str | None, is_opened: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[bool] = []

    class Counted(SecureCookieSession):
        def __init__(self, *args: Any) -> None:
            opened.append(True)
            super().__init__(*args)

    app = make_app()
    app.secret_key = "k"
    monkeypatch.setattr(SecureCookieSessionInterface, "session_class", Counted)  # a subclass opens at once
    assert app.handle(kind(environ(**{} if cookie is None else {"HTTP_COOKIE": cookie}))).status_code == 200
    assert bool(opened) is is_opened


def test_hook_that_answers_takes_the_views_place() -> None:
    app = make_app(fail)
    app.before_request(lambda: ("from the hook", 202))
    assert app.test_client().get("/").status_code == 202


def test_no_hook_runs_for_a_host_that_is_not_trusted() -> None:
    ran: list[bool] = []
    app = make_app()
    app.config["TRUSTED_HOSTS"] = ["good.org"]
    app.before_request(lambda: ran.append(True))
    assert app.test_client().get("/", base_url="http://evil.org").status_code == 400
    assert ran == []


def test_failing_after_request_is_an_unhandled_error() -> None:
    told: list[str] = []
    app = make_app()

    @app.after_request
    def after(response: Any) -> Any:
        if response.status_code == 200:
            raise RuntimeError("after")
        return response

    app.register_error_handler(500, lambda error: (told.append(repr(error.original_exception)) or "handled", 500))
    assert app.test_client().get("/").data == b"handled"
    assert told == ["RuntimeError('after')"]


def test_session_can_be_looked_at_without_counting() -> None:
    app = make_app()
    app.secret_key = "k"
    with app.test_request_context() as ctx:
        assert ctx._session is ctx._session
        assert not ctx._session.accessed


def test_handlers_of_other_classes_are_passed_by() -> None:
    app = make_app(fail)
    app.register_error_handler(LookupError, lambda error: "wrong")
    assert app.test_client().get("/").status_code == 500


def test_sync_view_is_remembered_until_it_is_replaced() -> None:
    app = make_app(lambda: "first")
    client = app.test_client()
    assert [client.get("/").text, client.get("/").text] == ["first", "first"]

    async def second() -> str:
        return "second"

    (endpoint,) = [name for name in app.view_functions if name != "static"]
    app.view_functions[endpoint] = second
    assert [client.get("/").text, client.get("/").text] == ["second", "second"]


def test_overridden_ensure_sync_is_asked_each_time() -> None:
    asked: list[Any] = []

    class Own(Flask):
        def ensure_sync(self, func: Any) -> Any:
            asked.append(func)
            return super().ensure_sync(func)

    app = Own("asked", static_folder=None)
    app.add_url_rule("/", "index", lambda: "x")
    app.test_client().get("/")
    app.test_client().get("/")
    assert asked == [app.view_functions["index"]] * 2
