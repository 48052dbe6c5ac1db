from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextvars import ContextVar, copy_context
from typing import Any

import pytest

import hipflask
from hipflask import Flask, Response, dispatch, g, request, session
from hipflask.dispatch import FinishedResponse, Suspended
from hipflask.http.head import WsgiHead
from hipflask.http.wsgi import run_wsgi_app
from hipflask.signals import request_started

variable: ContextVar[str] = ContextVar("variable", default="unset")


def make_app(view: Callable[..., Any], cls: type[Flask] = Flask) -> Flask:
    app = cls("app_under_test")
    app.secret_key = "k"
    app.add_url_rule("/", "index", view, methods=["GET", "POST"])
    app.add_url_rule("/<name>", "named", view)
    return app


def head(path: str = "/", method: str = "GET", **more: Any) -> WsgiHead:
    environ = {"REQUEST_METHOD": method, "PATH_INFO": path, "HTTP_HOST": "localhost", "wsgi.url_scheme": "http"}
    return WsgiHead(environ | more)


async def text(name: str = "nobody") -> str:
    await asyncio.sleep(0)
    return f"hello {name}"


def drive(suspended: Suspended) -> Any:
    """Do what a door does: run the coroutine in the request's context and hand over what comes of it."""
    try:
        value = asyncio.run(_await(suspended.coroutine))
    except BaseException as error:
        return suspended.fail(error)
    return suspended.finish(value)


async def _await(coroutine: Any) -> Any:
    return await coroutine


def handle(app: Flask, a_head: WsgiHead) -> Any:
    """Handle a request as a door that can suspend, in a fresh context."""

    def run() -> Any:
        found = app.handle(a_head, can_suspend=True)
        if isinstance(found, Suspended):
            assert hipflask.has_request_context()
            found = drive(found)
        assert not hipflask.has_request_context()
        assert not hipflask.has_app_context()
        return found

    return copy_context().run(run)


def test_async_view_is_suspended_and_finished() -> None:
    response = handle(make_app(text), head("/anna"))
    assert (response.status, response.get_data()) == ("200 OK", b"hello anna")


def test_suspended_view_has_not_started() -> None:
    started: list[bool] = []

    async def view() -> str:
        started.append(True)
        return "x"

    app = make_app(view)

    def run() -> None:
        suspended = app.handle(head(), can_suspend=True)
        assert type(suspended) is Suspended
        assert started == []
        assert suspended.finish(asyncio.run(_await(suspended.coroutine))).get_data() == b"x"

    copy_context().run(run)
    assert started == [True]


def test_without_can_suspend_the_thread_waits() -> None:
    response = make_app(text).handle(head())
    assert isinstance(response, Response)
    assert response.get_data() == b"hello nobody"


@pytest.mark.parametrize("view", [lambda: "sync", lambda: ("tuple", 201)], ids=["text", "tuple"])
def test_sync_view_is_not_suspended(view: Callable[..., Any]) -> None:
    app = make_app(view)
    found = copy_context().run(app.handle, head(), can_suspend=True)
    assert isinstance(found, Response)


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        pytest.param("/a/b", "GET", 404, id="no-rule"),
        pytest.param("/", "PUT", 405, id="no-method"),
        pytest.param("/", "OPTIONS", 200, id="options"),
    ],
)
def test_request_that_no_view_answers_is_not_suspended(path: str, method: str, status: int) -> None:
    assert handle(make_app(text), head(path, method)).status_code == status


def test_endpoint_without_view_is_an_error() -> None:
    app = Flask("x")
    app.add_url_rule("/", endpoint="nothing")
    app.testing = True
    with pytest.raises(KeyError, match="nothing"):
        handle(app, head())


@pytest.mark.parametrize("stage", dispatch.STAGES)
@pytest.mark.parametrize("where", ["class", "instance"])
def test_overridden_stage_is_passed_through_instead(stage: str, where: str) -> None:
    calls: list[str] = []

    def stand_in(self: Flask, *args: Any) -> Any:
        calls.append(stage)
        return getattr(Flask, stage)(self, *args)

    if where == "class":
        app = make_app(text, type("Own", (Flask,), {stage: stand_in}))
    else:
        app = make_app(text)
        setattr(app, stage, stand_in.__get__(app))
    found = copy_context().run(app.handle, head(), can_suspend=True)
    assert isinstance(found, Response)
    assert found.get_data() == b"hello nobody"
    assert stage in calls


def test_hook_that_answers_prevents_suspension() -> None:
    app = make_app(text)
    app.before_request(lambda: ("from the hook", 202))
    response = handle(app, head())
    assert (response.status_code, response.get_data()) == (202, b"from the hook")


def test_hook_that_fails_is_handled() -> None:
    app = make_app(text)

    def fail() -> None:
        raise LookupError("hook")

    app.before_request(fail)
    app.register_error_handler(LookupError, lambda error: (f"handled {error}", 409))
    assert handle(app, head()).status == "409 CONFLICT"


def test_hook_that_fails_without_handler_answers_500() -> None:
    app = make_app(text)
    app.before_request(lambda: 1 / 0)
    assert handle(app, head()).status_code == 500


def test_everything_of_a_request_happens_in_order() -> None:
    log: list[str] = []

    async def view() -> str:
        log.append("view")
        return "x"

    app = make_app(view)
    app.before_request(lambda: log.append("before"))
    app.after_request(lambda response: log.append("after") or response)
    app.teardown_request(lambda error: log.append(f"teardown {error}"))
    app.teardown_appcontext(lambda error: log.append(f"appcontext {error}"))
    with request_started.connected_to(lambda sender, **extra: log.append("started"), app):
        handle(app, head())
    assert log == ["started", "before", "view", "after", "teardown None", "appcontext None"]


def test_coroutine_and_finish_share_the_context() -> None:
    async def view() -> dict[str, str]:
        seen = variable.get()
        variable.set("view")
        g.value = "of the view"
        session["user"] = "anna"
        return {"seen": seen, "path": request.path}

    app = make_app(view)
    app.before_request(lambda: variable.set("before") and None)

    @app.after_request
    def after(response: Any) -> Any:
        response.headers["X-Seen"] = f"{variable.get()} {g.value}"
        return response

    def run() -> Any:
        context = copy_context()

        def door() -> Any:
            suspended = app.handle(head(), can_suspend=True)
            assert isinstance(suspended, Suspended)
            try:
                while True:
                    suspended.coroutine.send(None)
            except StopIteration as stopped:
                return suspended.finish(stopped.value)

        return context.run(door)

    response = run()
    assert response.json == {"seen": "before", "path": "/"}
    assert response.headers["X-Seen"] == "view of the view"
    assert "session=" in response.headers["Set-Cookie"]
    assert variable.get() == "unset"


def test_error_of_the_coroutine_reaches_its_handler() -> None:
    async def view() -> None:
        raise LookupError("view")

    app = make_app(view)
    app.register_error_handler(LookupError, lambda error: (f"handled {error}", 409))
    assert handle(app, head()).get_data() == b"handled view"


def test_abort_in_the_coroutine_is_answered() -> None:
    async def view() -> None:
        hipflask.abort(403)

    assert handle(make_app(view), head()).status_code == 403


def test_unhandled_error_of_the_coroutine_answers_500_and_is_told_to_teardown() -> None:
    told: list[Any] = []

    async def view() -> None:
        raise ValueError("view")

    app = make_app(view)
    app.teardown_request(told.append)
    assert handle(app, head()).status_code == 500
    assert type(told[0]) is ValueError


def test_unhandled_error_of_the_coroutine_propagates_in_tests() -> None:
    async def view() -> None:
        raise ValueError("view")

    app = make_app(view)
    app.testing = True
    with pytest.raises(ValueError, match="view"):
        handle(app, head())


def test_cancelled_coroutine_ends_the_request_and_passes() -> None:
    told: list[Any] = []

    async def view() -> None:
        raise asyncio.CancelledError

    app = make_app(view)
    app.teardown_request(told.append)
    with pytest.raises(asyncio.CancelledError):
        handle(app, head())
    assert type(told[0]) is asyncio.CancelledError


def test_value_that_is_no_response_is_an_error_of_finish() -> None:
    async def view() -> None:
        return None

    app = make_app(view)
    app.testing = True
    with pytest.raises(TypeError, match="returned None"):
        handle(app, head())


class Asked(Response):
    def get_wsgi_headers(self, environ: dict[str, Any]) -> Any:
        headers = super().get_wsgi_headers(environ)
        headers["X-Path"] = request.path
        return headers


def test_response_that_wants_to_be_asked_is_asked_before_the_context_ends() -> None:
    async def view() -> Any:
        return Asked("x")

    app = make_app(view)
    app.response_class = Asked
    response = handle(app, head("/"))
    assert type(response) is FinishedResponse
    environ = {"REQUEST_METHOD": "GET"}
    started: list[Any] = []
    assert b"".join(response(environ, lambda *args: started.append(args))) == b"x"
    assert dict(started[0][1])["X-Path"] == "/"


def test_is_plain_remembers_classes() -> None:
    class Same(Response):
        pass

    assert dispatch.is_plain(Same)
    assert Same in dispatch.PLAIN
    assert not dispatch.is_plain(Asked)
    assert Asked not in dispatch.PLAIN


def run_finished(response: Any) -> tuple[str, list[tuple[str, str]], bytes]:
    started: list[Any] = []
    body = response({"REQUEST_METHOD": "GET"}, lambda *args: started.append(args))
    content = b"".join(body)
    if hasattr(body, "close"):
        body.close()
    return started[0][0], started[0][1], content


def test_finish_now_records_status_fields_and_body() -> None:
    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("299 Own Words", [("X-A", "1"), ("X-A", "2")])
        return [b"body"]

    assert run_finished(dispatch.finish_now(app, {})) == ("299 Own Words", [("X-A", "1"), ("X-A", "2")], b"body")


def test_finish_now_takes_what_is_written_and_what_starts_late() -> None:
    closed: list[bool] = []

    def late(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        try:
            write = start_response("200 OK", [])
            write(b"written ")
            yield b"first "
            yield b"second"
        finally:
            closed.append(True)

    assert run_finished(dispatch.finish_now(late, {})) == ("200 OK", [], b"written first second")
    assert closed == [True]


def test_finish_now_takes_written_body_without_close() -> None:
    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [])(b"written")
        return []

    assert run_finished(dispatch.finish_now(app, {})) == ("200 OK", [], b"written")


class LateBody:
    """A body that is its own iterator, and calls ``start_response`` when it is first read."""

    def __init__(self, parts: list[bytes], start_response: Any) -> None:
        self.closed = 0
        self._parts = iter(parts)
        self._start_response = start_response

    def __iter__(self) -> LateBody:
        return self

    def __next__(self) -> bytes:
        if self._start_response is not None:
            self._start_response("200 OK", [])
            self._start_response = None
        return next(self._parts)

    def close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize("parts", [[], [b"a"], [b"a", b"b"]], ids=len)
def test_finish_now_has_a_late_body_closed_once(parts: list[bytes]) -> None:
    bodies: list[LateBody] = []

    def app(environ: dict[str, Any], start_response: Any) -> LateBody:
        bodies.append(LateBody(list(parts), start_response))
        return bodies[-1]

    assert run_finished(dispatch.finish_now(app, {})) == ("200 OK", [], b"".join(parts))
    body, _, _ = run_wsgi_app(app, {})
    assert b"".join(body) == b"".join(parts)
    body.close()  # type: ignore[attr-defined]
    assert [each.closed for each in bodies] == [1, 1]
