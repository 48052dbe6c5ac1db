"""The doors that requests come in by. A new door is one function here and one line in ``DOORS``.

A door takes an application and a request and returns the answer as a client sees it. Doors that must be opened and
closed (servers) are context managers that give such a function; ``open_door`` hides the difference.
"""

from __future__ import annotations

import http.client
import io
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from urllib.parse import unquote_to_bytes
from wsgiref.validate import validator

import pytest

from tests.conformance import asgi_doors
from tests.conformance.asgi_doors import ask_connection
from tests.conformance.exchange import Answer, Ask, Door

__all__ = ["DOORS", "WITHOUT_REASON", "OpenDoor", "validated_wsgi", "wsgi"]

WAIT_SECONDS = 20.0  # a deadline that only a hang reaches

OpenDoor = Callable[[Any], AbstractContextManager[Door]]


def make_environ(ask: Ask) -> dict[str, Any]:
    """Return the environ of PEP 3333 that a server makes of a request."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": ask.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(ask.path).decode("latin-1"),
        "QUERY_STRING": ask.query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(ask.body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    if ask.is_chunked:
        environ["wsgi.input_terminated"] = True
    for name, value in ask.wire_headers():
        key = name.upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = "HTTP_" + key
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    return environ


def _call(app: Any, environ: dict[str, Any]) -> Answer:
    started: list[Any] = []
    written: list[bytes] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        started[:] = status, headers
        return written.append

    body = app(environ, start_response)
    try:
        content = b"".join(body)
    finally:
        if hasattr(body, "close"):
            body.close()
    status, headers = started
    code, _, reason = status.partition(" ")
    return Answer(int(code), reason, list(headers), b"".join(written) + content)


def wsgi(app: Any, ask: Ask) -> Answer:
    """Call the application with an environ."""
    return _call(app, make_environ(ask))


def validated_wsgi(app: Any, ask: Ask) -> Answer:
    """Call it inside ``wsgiref.validate``, which raises AssertionError for what PEP 3333 forbids."""
    return _call(validator(app), make_environ(ask))


def linted_wsgi(app: Any, ask: Ask) -> Answer:
    """Call it inside our ``LintMiddleware``, whose warnings are errors in tests."""
    from hipflask.middleware.lint import LintMiddleware

    return _call(LintMiddleware(app), make_environ(ask))


def client(app: Any, ask: Ask) -> Answer:
    """Ask through the test client."""
    # The builder takes "//a/b" for a URL with the host "a".
    is_like_host = ask.path.startswith("//")
    overrides: dict[str, Any] = {"PATH_INFO": ask.path} if is_like_host else {}
    body: dict[str, Any] = {"data": ask.body or None}
    if ask.is_chunked:
        body = {"input_stream": io.BytesIO(ask.body)}
        overrides["wsgi.input_terminated"] = True
    response = app.test_client(use_cookies=False).open(
        "/" if is_like_host else ask.path,
        environ_overrides=overrides,
        base_url="http://localhost/",
        method=ask.method,
        query_string=ask.query,
        headers=ask.wire_headers(),
        **body,
    )
    with response:
        code, _, reason = response.status.partition(" ")
        return Answer(int(code), reason, list(response.headers), response.data)


@contextmanager
def without_server(door: Door) -> Iterator[Door]:
    yield door


@contextmanager
def pure_server(app: Any) -> Iterator[Door]:
    """Ask over a socket, on one connection, the pure-Python server that runs in a thread."""
    from hipflask.server.runner import make_server

    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=WAIT_SECONDS)
    try:
        yield lambda _, ask: ask_connection(connection, ask)
    finally:
        connection.close()
        server.shutdown()
        thread.join(WAIT_SECONDS)
        assert not thread.is_alive()


@contextmanager
def native_server(app: Any) -> Iterator[Door]:
    """Ask the native server over a socket, on one connection."""
    native = pytest.importorskip("hipflask.server.native")
    if not native.is_available():
        pytest.skip("the native server was not built")
    listener = socket.create_server(("127.0.0.1", 0))
    started: Future[Any] = Future()
    thread = threading.Thread(target=_serve_natively, args=(native.serve, app, listener, started))
    thread.start()
    connection = http.client.HTTPConnection("127.0.0.1", listener.getsockname()[1], timeout=WAIT_SECONDS)
    try:
        started.result(WAIT_SECONDS)
        yield lambda _, ask: ask_connection(connection, ask)
    finally:
        connection.close()
        started.result(WAIT_SECONDS).stop(0)
        thread.join(WAIT_SECONDS)
        listener.close()
        assert not thread.is_alive()


def _serve_natively(serve: Any, app: Any, listener: socket.socket, started: Future[Any]) -> None:
    try:
        serve(app, [listener], ready=started.set_result)
    except BaseException as error:
        if not started.done():
            started.set_exception(error)
        raise


DOORS: dict[str, OpenDoor] = {
    "wsgi": lambda app: without_server(validated_wsgi),
    "lint": lambda app: without_server(linted_wsgi),
    "client": lambda app: without_server(client),
    "server": pure_server,
    "native": native_server,
    "asgi": asgi_doors.asgi,
    "uvicorn": asgi_doors.uvicorn,
    "hypercorn": asgi_doors.hypercorn,
}
#: Doors through which a reason phrase of the application's own does not pass: ASGI has only the status code.
WITHOUT_REASON = {"asgi", "uvicorn", "hypercorn"}
