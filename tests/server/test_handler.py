from __future__ import annotations

import io
import logging
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from hipflask.server.handler import WSGIRequestHandler
from tests.server.raw_requests import CLOSE, HOST, app, get, split


def test_environ_follows_pep_3333(serve: Callable[..., Any]) -> None:
    seen: dict[str, Any] = {}

    def note(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        seen.update(environ)
        start_response("204 No Content", [])
        return []

    running = serve(note)
    lines = ["X-A: 1", "X-A: 2", "Cookie: a=1", "Cookie: b=2", "X_B: 3", "Content-Type: a/b", "Content-Length: 0"]
    answer = running.ask(get("http://other:81/caf%c3%a9/%ff?x=%20", *lines, method="POST"))
    assert answer.startswith(b"HTTP/1.1 204 No Content\r\n")
    assert isinstance(seen.pop("werkzeug.socket"), socket.socket)
    assert seen.pop("wsgi.input").read() == b""
    assert int(seen.pop("REMOTE_PORT")) > 0
    seen.pop("wsgi.errors")
    assert seen == {
        "CONTENT_LENGTH": "0",
        "CONTENT_TYPE": "a/b",
        "HTTP_CONNECTION": "close",
        "HTTP_COOKIE": "a=1; b=2",
        "HTTP_HOST": "other:81",
        "HTTP_X_A": "1,2",
        "PATH_INFO": "/caf\xc3\xa9/\xff",
        "QUERY_STRING": "x=%20",
        "RAW_URI": "http://other:81/caf%c3%a9/%ff?x=%20",
        "REMOTE_ADDR": "127.0.0.1",
        "REQUEST_METHOD": "POST",
        "REQUEST_URI": "http://other:81/caf%c3%a9/%ff?x=%20",
        "SCRIPT_NAME": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": str(running.server.port),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_SOFTWARE": "hipflask",
        "wsgi.multiprocess": False,
        "wsgi.multithread": True,
        "wsgi.run_once": False,
        "wsgi.url_scheme": "http",
        "wsgi.version": (1, 0),
    }


def test_application_passes_wsgiref_validation(serve: Callable[..., Any]) -> None:
    from wsgiref.validate import validator

    def strict(environ: dict[str, Any], start_response: Any) -> Any:
        environ["wsgi.input"].read(0)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"valid"]

    assert serve(validator(strict)).ask(get("/")).endswith(b"\r\nvalid\r\n0\r\n\r\n")


def test_failure_before_the_answer_is_500(serve: Callable[..., Any], caplog: pytest.LogCaptureFixture) -> None:
    def fail(environ: dict[str, Any], start_response: Any) -> Any:
        raise RuntimeError("told in the log only")

    with caplog.at_level(logging.ERROR, "hipflask.access"):
        answer = serve(fail).ask(get("/a", close=False))
    assert answer.startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
    assert b"told" not in answer
    assert "RuntimeError: told in the log only" in caplog.text


@pytest.mark.parametrize("error", [SystemExit(3), ConnectionRefusedError("database")])
def test_errors_that_look_like_others_are_500_too(serve: Callable[..., Any], error: BaseException) -> None:
    def fail(environ: dict[str, Any], start_response: Any) -> Any:
        raise error

    assert serve(fail).ask(get("/")).startswith(b"HTTP/1.1 500")


def test_failure_half_way_never_looks_complete(serve: Callable[..., Any]) -> None:
    closed = []

    class Body:
        def __iter__(self) -> Iterator[bytes]:
            yield b"part"
            raise RuntimeError("half-way")

        def close(self) -> None:
            closed.append(1)

    def fail(environ: dict[str, Any], start_response: Any) -> Any:
        start_response("200 OK", [])
        return Body()

    running = serve(fail)
    answer = running.ask(get("/", close=False))
    assert answer.endswith(b"4\r\npart\r\n")
    client = running.connect()
    client.send(b"GET / HTTP/1.0\r\n\r\n")
    with pytest.raises(ConnectionResetError, match="reset"):
        client.read_all()
    assert closed == [1, 1]


def test_failure_in_close_leaves_a_whole_answer_whole(
    serve: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    class Body(io.BytesIO):
        def close(self) -> None:
            if not self.closed:
                super().close()
                raise RuntimeError("in close")

    def answer(environ: dict[str, Any], start_response: Any) -> Any:
        start_response("200 OK", [("Content-Length", "4")])
        return Body(b"body")

    running = serve(answer)
    client = running.connect()
    for _ in range(2):
        client.send(get("/", close=False))
        client.read_until(b"body")
    assert "RuntimeError: in close" in caplog.text


def test_application_that_took_the_socket_over_is_left_alone(serve: Callable[..., Any]) -> None:
    def take(environ: dict[str, Any], start_response: Any) -> Any:
        sock = environ["werkzeug.socket"]
        assert sock.gettimeout() is None
        sock.sendall(b"mine")
        sock.close()
        if environ["PATH_INFO"] == "/raise":
            raise ConnectionError()
        start_response("200 OK", [])
        return []

    running = serve(take)
    assert running.ask(get("/raise")) == b"mine"
    assert running.ask(get("/return")) == b"mine"


def test_request_handler_may_change_environ_and_log(serve: Callable[..., Any]) -> None:
    logged = []

    class Handler(WSGIRequestHandler):
        server_version = "mine"

        def make_environ(self) -> dict[str, Any]:
            return super().make_environ() | {"PATH_INFO": f"/changed{self.path}"}

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            logged.append((self.command, self.requestline, self.request_version, code, size))

    first, fields, body = split(serve(app, request_handler=Handler).ask(get("/a")))
    assert body == b"GET /changed/a 0"
    assert fields["server"] == "mine"
    assert logged == [("GET", "GET /a HTTP/1.1", "HTTP/1.1", "200", 16)]


def test_handler_that_fails_ends_its_connection_only(
    serve: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    class Handler(WSGIRequestHandler):
        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            if self.path == "/bad":
                raise RuntimeError("handler")

    running = serve(app, request_handler=Handler)
    client = running.connect()
    client.send(get("/bad"))
    with pytest.raises(ConnectionResetError, match="reset"):
        while True:
            if not client.sock.recv(4096):
                raise ConnectionResetError("reset before the answer was read")
    assert running.ask(get("/good")).endswith(b"GET /good 0")
    assert "RuntimeError: handler" in caplog.text


def test_access_log_has_one_safe_line_a_request(serve: Callable[..., Any], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "hipflask.access"):
        running = serve(app)
        running.ask(b"GET /\xc2\x9b%1b HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n")
        running.stop()
        running.stop()  # a second time does no harm
    (line,) = [each.getMessage() for each in caplog.records if "GET" in each.getMessage()]
    assert line.startswith("127.0.0.1 - - [")
    assert line.endswith('] "GET /\\xc2\\x9b%1b HTTP/1.1" 200 12')


def test_chunked_input_is_marked_as_terminated(serve: Callable[..., Any]) -> None:
    def answer(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [repr(environ.get("wsgi.input_terminated")).encode()]

    running = serve(answer)
    assert running.ask(get("/", "Transfer-Encoding: chunked", method="POST") + b"0\r\n\r\n").endswith(b"True")
    assert running.ask(get("/")).endswith(b"None")
