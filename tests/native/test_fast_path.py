"""The fast path: it is taken where only the view has a say, and whatever else is set at any time is heard.

Each server answers one request before anything is changed, so that the application was looked at already.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

import hipflask
from hipflask import Flask, after_this_request, current_app, g, request, session, signals
from hipflask.ctx import AppContext, RequestContext
from hipflask.dispatch import STAGES, STEPS
from hipflask.json.provider import DefaultJSONProvider
from hipflask.routing.converters import BaseConverter
from hipflask.server.native_fast_path import fast_path_of
from hipflask.sessions import SecureCookieSessionInterface, SessionInterface
from tests.native.conftest import WAIT_SECONDS, Serve, Serving, receive_all

# Python calls for a plain request on a worker: a bound that a walk through the stages would break.
MOST_CALLS = 10


@pytest.fixture(params=["sync", "async"])
def app(request: pytest.FixtureRequest) -> Flask:
    app = Flask("fast_path", static_folder=None)
    app.secret_key = "secret"

    def index() -> Any:
        return app.extensions["value"]

    async def async_index() -> Any:
        return app.extensions["value"]

    app.extensions["value"] = "plain"
    app.add_url_rule("/", "index", index if request.param == "sync" else async_index, methods=["GET", "POST"])
    return app


def _warm(serve: Serve, app: Flask, **settings: Any) -> Serving:
    """Return a server that has looked at the application."""
    serving = serve(app, **settings)
    for _ in range(2):
        assert serving.get("/")[1] == b"plain"
    return serving


def _is_open(app: Flask, serving: Serving) -> bool:
    """Whether the next request takes the fast path."""
    fast = fast_path_of(app)
    assert fast is not None
    taken: list[bool] = []
    answer = fast.answer

    def note(*args: Any, **options: Any) -> bool:
        taken.append(answer(*args, **options))
        return taken[-1]

    fast.answer = note  # type: ignore[method-assign]
    try:
        serving.get("/")
    finally:
        del fast.answer  # type: ignore[method-assign]
    return taken == [True]


@pytest.mark.parametrize(
    ("value", "kind", "body"),
    [
        ("grün", b"text/html; charset=utf-8", "grün".encode()),
        ("", b"text/html; charset=utf-8", b""),
        ("x" * 100_000, b"text/html; charset=utf-8", b"x" * 100_000),
        ({"b": 1, "a": None}, b"application/json", b'{"a":null,"b":1}\n'),
        ([1, "ä"], b"application/json", b'[1,"\\u00e4"]\n'),
    ],
    ids=["text", "empty", "long", "dict", "list"],
)
def test_plain_values_take_it(app: Flask, serve: Serve, value: Any, kind: bytes, body: bytes) -> None:
    serving = _warm(serve, app)
    app.extensions["value"] = value
    head, received = serving.get("/")
    assert received == body
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nContent-Type: %b\r\n" % kind in head
    assert b"\r\nContent-Length: %d" % len(body) in head
    assert _is_open(app, serving)


def test_few_python_calls_are_made() -> None:
    app = Flask("calls", static_folder=None)
    app.add_url_rule("/<name>", "index", lambda name: name)
    counts: list[int] = []
    _count_calls_of_worker(app, counts)
    assert len(counts) > 50
    assert min(counts) <= MOST_CALLS
    app.before_request_funcs[None] = [lambda: None]
    counts.clear()
    _count_calls_of_worker(app, counts)
    assert min(counts) > MOST_CALLS


def _count_calls_of_worker(app: Flask, counts: list[int]) -> None:
    """Serve a hundred requests, and append how many calls a worker made for each."""
    number = 0

    def profile(frame: FrameType, event: str, _arg: object) -> None:
        nonlocal number
        if event != "call":
            return
        if frame.f_code.co_qualname == "NativeWorker._serve":
            counts.append(number)
            number = 0
        number += 1

    from hipflask.server import native  # noqa: PLC0415

    threading.setprofile(profile)
    try:
        serving = Serving(app, native.NativeSettings(threads=1))
    finally:
        threading.setprofile(None)
    try:
        for _ in range(100):
            assert serving.get("/name")[1] == b"name"
    finally:
        serving.close()


def test_contexts_are_current_and_end(app: Flask, serve: Serve) -> None:
    seen: list[Any] = []

    def look() -> str:
        seen.append((current_app._get_current_object(), request.path, request.args["a"], request.endpoint))  # type: ignore[attr-defined]
        seen.append((request.view_args, request.url_rule.rule, hasattr(g, "x")))  # type: ignore[union-attr]
        g.x = 1
        return hipflask.url_for("index")

    app.add_url_rule("/look/", "look", look)
    serving = _warm(serve, app)
    for _ in range(2):
        assert serving.get("/look/?a=b")[1] == b"/"
    assert seen[:2] == [(app, "/look/", "b", "look"), ({}, "/look/", False)]
    assert seen[2:] == seen[:2]


# Whatever may have a say: each function sets something, and returns what the answer shows of it then.


def _before(app: Flask, heard: list[Any]) -> None:
    app._got_first_request = False
    app.before_request(lambda: heard.append("before"))
    app._got_first_request = True


def _registry(name: str) -> Callable[[Flask, list[Any]], None]:
    def register(app: Flask, heard: list[Any]) -> None:
        def hook(*args: Any) -> Any:
            heard.append(name)
            return args[0] if name == "after_request_funcs" else None

        getattr(app, name)[None] = [hook]

    return register


def _teardown_appcontext(app: Flask, heard: list[Any]) -> None:
    app.teardown_appcontext_funcs.append(heard.append)


def _stage(name: str, *, on_class: bool) -> Callable[[Flask, list[Any]], Any]:
    def patch(app: Flask, heard: list[Any]) -> Any:
        original = getattr(Flask, name)

        def stage(self: Flask, *args: Any, **options: Any) -> Any:
            heard.append(name)
            return original(self, *args, **options)

        if not on_class:
            setattr(app, name, stage.__get__(app))
            return None
        setattr(Flask, name, stage)
        return lambda: setattr(Flask, name, original)

    return patch


def _subclass_attribute(app: Flask, heard: list[Any]) -> None:
    class Response(hipflask.Response):
        def __init__(self, *args: Any, **options: Any) -> None:
            heard.append("response")
            super().__init__(*args, **options)

    app.response_class = Response


def _request_class(app: Flask, heard: list[Any]) -> None:
    class Request(hipflask.Request):
        def __init__(self, *args: Any, **options: Any) -> None:
            heard.append("request")
            super().__init__(*args, **options)

    app.request_class = Request


def _session_interface(app: Flask, heard: list[Any]) -> None:
    original = app.session_interface.open_session

    def open_session(*args: Any) -> Any:
        heard.append("session")
        return original(*args)

    app.session_interface = type(app.session_interface)()
    app.session_interface.open_session = open_session  # type: ignore[method-assign]


def _middleware(app: Flask, heard: list[Any]) -> None:
    original = app.wsgi_app

    def middleware(environ: Any, start_response: Any) -> Any:
        heard.append("middleware")
        return original(environ, start_response)

    app.wsgi_app = middleware  # type: ignore[method-assign]


def _method(cls: type, name: str) -> Callable[[Flask, list[Any]], Any]:
    def patch(app: Flask, heard: list[Any]) -> Any:
        original = getattr(cls, name)

        def method(self: Any, *args: Any, **options: Any) -> Any:
            heard.append(name)
            return original(self, *args, **options)

        is_own = name in vars(cls)
        setattr(cls, name, method)
        return lambda: setattr(cls, name, original) if is_own else delattr(cls, name)

    return patch


def _new_view(app: Flask, heard: list[Any]) -> None:
    def view() -> str:
        heard.append("view")
        return "another"

    app.view_functions["index"] = view


def _json_provider(app: Flask, heard: list[Any]) -> None:
    class Provider(DefaultJSONProvider):
        def response(self, *args: Any, **options: Any) -> Any:
            heard.append("json")
            return super().response(*args, **options)

    app.extensions["value"] = {}
    app.json = Provider(app)


def _json_instance(app: Flask, heard: list[Any]) -> None:
    original = app.json.response

    def answer(*args: Any) -> Any:
        heard.append("json")
        return original(*args)

    app.extensions["value"] = {}
    app.json.response = answer  # type: ignore[method-assign]


CHANGES: dict[str, Callable[[Flask, list[Any]], Any]] = {
    "before_request": _before,
    **{
        name: _registry(name)
        for name in ("before_request_funcs", "after_request_funcs", "url_value_preprocessors", "teardown_request_funcs")
    },
    "teardown_appcontext": _teardown_appcontext,
    **{f"{name} of the object": _stage(name, on_class=False) for name in STEPS[:6]},
    **{
        f"{name} of the class": _stage(name, on_class=True)
        for name in ("handle", *STAGES, *STEPS)
        if name not in {"async_to_sync", "should_ignore_error", "ensure_sync"} and not name.startswith("handle_")
    },
    "response_class": _subclass_attribute,
    "request_class": _request_class,
    "session_interface": _session_interface,
    "middleware": _middleware,
    **{
        f"{cls.__name__}.{name}": _method(cls, name)
        for cls, names in (
            (RequestContext, ("__init__", "push", "pop", "match_request")),
            (AppContext, ("__init__", "push", "pop")),
            (hipflask.Response, ("__init__", "__call__")),
        )
        for name in names
    },
    "view_functions": _new_view,
    "json provider": _json_provider,
    "json of the object": _json_instance,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_whatever_is_set_later_is_heard(
    app: Flask, serve: Serve, change: Callable[[Flask, list[Any]], Any], request: pytest.FixtureRequest
) -> None:
    serving = _warm(serve, app)
    assert _is_open(app, serving)
    heard: list[Any] = []
    undo = change(app, heard)
    if undo is not None:
        request.addfinalizer(undo)
    for number in range(1, 4):
        head, _ = serving.get("/")
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert len(heard) >= number


@pytest.mark.parametrize("name", ["request_started", "request_finished", "request_tearing_down", "appcontext_popped"])
def test_signals_connected_later_are_sent(app: Flask, serve: Serve, name: str) -> None:
    serving = _warm(serve, app)
    heard: list[Any] = []

    def receive(sender: Any, **extra: Any) -> None:
        heard.append(sender)

    with getattr(signals, name).connected_to(receive, app):
        serving.get("/")
    assert heard == [app]
    assert _is_open(app, serving)


def test_way_is_open_again_after_a_class_was_changed_and_restored(app: Flask, serve: Serve) -> None:
    serving = _warm(serve, app)
    original = Flask.make_response
    Flask.make_response = lambda self, rv: original(self, "patched")  # type: ignore[method-assign, assignment]
    try:
        assert serving.get("/")[1] == b"patched"
        assert not _is_open(app, serving)
    finally:
        Flask.make_response = original  # type: ignore[method-assign]
    assert serving.get("/")[1] == b"plain"
    assert _is_open(app, serving)


def test_media_type_of_the_response_class_counts(app: Flask, serve: Serve) -> None:
    serving = _warm(serve, app)

    class Plain(hipflask.Response):
        default_mimetype = "text/plain"

    app.response_class = Plain
    assert b"Content-Type: text/plain; charset=utf-8" in serving.get("/")[0]
    assert _is_open(app, serving)
    Plain.default_mimetype = "text/x-other"
    assert b"Content-Type: text/x-other; charset=utf-8" in serving.get("/")[0]
    Plain.default_mimetype = None  # type: ignore[assignment]
    assert b"Content-Type" not in serving.get("/")[0]


def test_json_settings_count(app: Flask, serve: Serve) -> None:
    app.extensions["value"] = "plain"
    serving = _warm(serve, app)
    app.extensions["value"] = {"b": 1, "a": 2}
    provider: Any = app.json
    assert serving.get("/")[1] == b'{"a":2,"b":1}\n'
    provider.sort_keys = False
    provider.mimetype = "application/x-json"
    head, body = serving.get("/")
    assert body == b'{"b":1,"a":2}\n'
    assert b"Content-Type: application/x-json\r\n" in head
    provider.compact = False
    assert serving.get("/")[1] == b'{\n  "b": 1,\n  "a": 2\n}\n'


@pytest.mark.parametrize("value", ["\udc80", {"a": object()}, None, 1], ids=["surrogate", "json", "none", "int"])
def test_values_that_cannot_be_sent_are_500(app: Flask, serve: Serve, value: Any) -> None:
    serving = _warm(serve, app)
    app.extensions["value"] = value
    torn_down: list[Any] = []
    assert serving.get("/")[0].startswith(b"HTTP/1.1 500 ")
    app.extensions["value"] = "plain"
    app.teardown_request_funcs[None] = [torn_down.append]
    assert serving.get("/")[1] == b"plain"
    assert torn_down == [None]


def test_what_a_view_asks_for_is_done(app: Flask, serve: Serve) -> None:
    def late() -> str:
        @after_this_request
        def add(response: Any) -> Any:
            response.headers["X-Late"] = "1"
            return response

        return "late"

    def remember() -> str:
        session["a"] = 1
        return "remembered"

    def fail() -> str:
        raise LookupError

    def connect() -> str:
        app.after_request_funcs[None] = [lambda response: (response.headers.add("X-New", "1"), response)[1]]
        return "connected"

    for view in (late, remember, fail, connect):
        app.add_url_rule(f"/{view.__name__}", view_func=view)
    app.register_error_handler(LookupError, lambda error: ("handled", 418))
    serving = _warm(serve, app)
    assert b"\r\nX-Late: 1\r\n" in serving.get("/late")[0]
    assert b"\r\nSet-Cookie: session=" in serving.get("/remember")[0]
    assert serving.get("/fail")[0].startswith(b"HTTP/1.1 418 ")
    assert b"\r\nX-New: 1\r\n" in serving.get("/connect")[0]


def test_status_of_the_response_class_counts(app: Flask, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    serving = _warm(serve, app)
    monkeypatch.setattr(hipflask.Response, "default_status", 299)
    for _ in range(3):
        assert serving.get("/")[0].startswith(b"HTTP/1.1 299 ")


@pytest.mark.parametrize("field", ["X-A: b", "Cookie: a=b"], ids=["plain", "cookie"])
def test_values_are_put_into_json_once(app: Flask, serve: Serve, field: str) -> None:
    serving = _warm(serve, app)
    provider: Any = app.json
    provider.default = list
    app.extensions["value"] = {"items": iter("ab")}
    assert serving.get("/", field)[1] == b'{"items":["a","b"]}\n'

    def fail() -> Any:
        yield 1
        raise LookupError("planned")

    handled: list[Exception] = []
    app.error_handler_spec[None][None] = {LookupError: lambda error: handled.append(error) or "handled"}
    app.extensions["value"] = {"items": fail()}
    assert serving.get("/", field)[0].startswith(b"HTTP/1.1 500 ")
    assert not handled  # the view has not raised it


def test_view_that_cannot_be_hashed_is_called(app: Flask, serve: Serve) -> None:
    class View:
        __hash__ = None  # type: ignore[assignment]

        def __call__(self) -> str:
            return "called"

    serving = _warm(serve, app)
    app.view_functions["index"] = View()
    assert serving.get("/")[1] == b"called"


def test_context_that_a_view_leaves_is_500(app: Flask, serve: Serve) -> None:
    def leave() -> str:
        app.app_context().push()
        return ""

    app.add_url_rule("/leave", view_func=leave)
    assert _warm(serve, app).get("/leave")[0].startswith(b"HTTP/1.1 500 ")


def test_hook_set_while_a_request_waits_is_heard(app: Flask, serve: Serve) -> None:
    begun, release = threading.Event(), threading.Event()

    def block() -> str:
        begun.set()
        assert release.wait(WAIT_SECONDS)
        return ""

    app.add_url_rule("/block", view_func=block)
    app.add_url_rule("/next", view_func=lambda: "next")
    serving = _warm(serve, app, threads=1, max_threads=1)
    with serving.connect() as first, serving.connect() as second:
        first.sendall(b"GET /block HTTP/1.0\r\n\r\n")
        assert begun.wait(WAIT_SECONDS)
        second.sendall(b"GET /next HTTP/1.0\r\n\r\n")
        app.before_request_funcs[None] = [lambda: ("hooked", 202)]
        release.set()
        assert receive_all(second).startswith(b"HTTP/1.1 202 ")


def test_session_of_the_client_is_prolonged(app: Flask, serve: Serve) -> None:
    def remember() -> str:
        session.permanent = True
        return ""

    app.add_url_rule("/remember", view_func=remember)
    serving = _warm(serve, app)
    head, _ = serving.get("/remember")
    cookie = head.partition(b"Set-Cookie: ")[2].partition(b";")[0].decode()
    assert b"\r\nSet-Cookie: session=" in serving.get("/", f"Cookie: {cookie}")[0]


def test_rules_added_later_are_found(app: Flask, serve: Serve) -> None:
    serving = _warm(serve, app)
    assert serving.get("/new")[0].startswith(b"HTTP/1.1 404 ")
    app._got_first_request = False
    app.add_url_rule("/new", view_func=lambda: "new", methods=["POST"])
    app._got_first_request = True
    assert serving.get("/new")[0].startswith(b"HTTP/1.1 405 ")
    app._got_first_request = False
    app.add_url_rule("/new", "again", lambda: "again")
    app._got_first_request = True
    assert serving.get("/new")[1] == b"again"


def test_converters_of_the_application_know_what_is_current(app: Flask, serve: Serve) -> None:
    class Upper(BaseConverter):
        def to_python(self, value: str) -> str:
            assert current_app.name == "fast_path"
            return f"{request.method} {value.upper()}"

    app.url_map.converters["upper"] = Upper
    app.add_url_rule("/<upper:name>", "name", lambda name: name)
    serving = serve(app)
    for _ in range(3):
        assert serving.get("/abc")[1] == b"GET ABC"


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        ("HEAD / HTTP/1.1\r\nHost: a", b"200"),
        ("OPTIONS / HTTP/1.1\r\nHost: a", b"200"),
        ("DELETE / HTTP/1.1\r\nHost: a", b"405"),
        ("GET / HTTP/1.1\r\nHost: a_b", b"200"),
        ("GET // HTTP/1.1\r\nHost: a", b"200"),
        ("GET / HTTP/1.0", b"200"),
    ],
)
def test_other_requests_are_answered_as_ever(app: Flask, serve: Serve, request_head: str, status: bytes) -> None:
    received = _warm(serve, app).ask(f"{request_head}\r\nConnection: close\r\n\r\n".encode())
    assert received[9:12] == status


def test_trusted_hosts_set_later_count(app: Flask, serve: Serve) -> None:
    serving = _warm(serve, app)
    app.config["TRUSTED_HOSTS"] = ["example.org"]
    assert serving.get("/")[0].startswith(b"HTTP/1.1 400 ")


def test_body_that_the_view_has_read_is_closed(app: Flask, serve: Serve) -> None:
    closed: list[Any] = []

    def read() -> str:
        request.form.to_dict()
        request.close = lambda: closed.append(1)  # type: ignore[method-assign]
        return request.form["a"]

    app.add_url_rule("/read", view_func=read, methods=["POST"])
    serving = _warm(serve, app)
    lines = "POST /read HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded"
    received = serving.ask(f"{lines}\r\nContent-Length: 3\r\n\r\na=b".encode())
    assert received.endswith(b"\r\n\r\nb")
    assert closed == [1]


class _Slotted(SessionInterface):
    __slots__ = ()

    def open_session(self, app: Any, request: Any) -> Any:
        return {"opened": True}

    def save_session(self, app: Any, session: Any, response: Any) -> None:
        response.headers["X-Saved"] = str(session["opened"])


def test_objects_of_unknown_kinds_take_the_other_way(app: Flask, serve: Serve) -> None:
    serving = _warm(serve, app)
    app.session_interface = _Slotted()
    assert b"\r\nX-Saved: True\r\n" in serving.get("/")[0]
    app.session_interface = SecureCookieSessionInterface()
    app.response_class = lambda *args, **options: hipflask.Response("made", *args[1:], **options)  # type: ignore[assignment, misc]
    assert serving.get("/")[1] == b"made"


def test_media_type_that_cannot_be_sent_is_500(app: Flask, serve: Serve) -> None:
    serving = _warm(serve, app)
    app.extensions["value"] = {}
    app.json.mimetype = "a\r\nb"  # type: ignore[attr-defined]
    assert serving.get("/")[0].startswith(b"HTTP/1.1 500 ")
    app.response_class = type("Odd", (hipflask.Response,), {"default_mimetype": "a\nb"})
    app.extensions["value"] = ""
    assert serving.get("/")[0].startswith(b"HTTP/1.1 500 ")


def test_stream_after_the_view_has_no_request(app: Flask, serve: Serve) -> None:
    def stream() -> Any:
        return (str(hipflask.has_request_context()) for _ in range(1))

    app.add_url_rule("/stream", view_func=stream)
    assert b"False" in _warm(serve, app).get("/stream")[1]
