from __future__ import annotations

import io
import logging
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from hipflask.server.connection import ClientTooSlowError
from hipflask.server.handler import WSGIRequestHandler
from hipflask.server.limits import Limits
from hipflask.server.pure import BaseWSGIServer, ThreadedWSGIServer

HOST = b"Host: localhost\r\n"
CLOSE = b"Connection: close\r\n"


def app(environ: dict[str, Any], start_response: Any) -> Any:
    path = environ["PATH_INFO"]
    fields = [("Content-Type", "text/plain")]
    if path == "/unread":
        start_response("200 OK", fields)
        return [b"unread"]
    if path == "/stream":
        start_response("200 OK", fields)
        return iter([b"one", b"", b"two"])
    body = environ["wsgi.input"].read()
    start_response("200 OK", fields)
    return [f"{environ['REQUEST_METHOD']} {path} {len(body)}".encode()]


def get(path: str, *lines: str, version: str = "1.1", close: bool = True, method: str = "GET") -> bytes:
    fields = ["Host: localhost", *(["Connection: close"] if close else []), *lines]
    return "\r\n".join([f"{method} {path} HTTP/{version}", *fields, "", ""]).encode()


def split(answer: bytes) -> tuple[str, dict[str, str], bytes]:
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    return first, dict(line.lower().split(": ", 1) for line in lines), body


@pytest.mark.parametrize("threaded", [True, False])
def test_request_is_answered(serve: Callable[..., Any], threaded: bool) -> None:
    first, fields, body = split(serve(app, threaded=threaded).ask(get("/a%20b")))
    assert first == "HTTP/1.1 200 OK"
    assert body == b"GET /a b 0"
    assert (fields["content-length"], fields["server"], fields["connection"]) == ("10", "hipflask", "close")
    assert fields["date"].endswith(" gmt")


@pytest.mark.parametrize("threaded", [True, False])
def test_connection_serves_request_after_request(serve: Callable[..., Any], threaded: bool) -> None:
    client = serve(app, threaded=threaded).connect()
    for number in range(3):
        client.send(get(f"/{number}", close=False))
        _, fields, _ = split(client.read_until(f"GET /{number} 0".encode()))
        assert "connection" not in fields


def test_pipelined_requests_are_answered_in_order(serve: Callable[..., Any]) -> None:
    requests = [get(f"/{number}", close=False) for number in range(50)] + [get("/last")]
    answer = serve(app).ask(b"".join(requests))
    ends = [line.split(b"HTTP/")[0] for line in answer.split(b"\r\n\r\n")[1:]]
    assert ends == [b"GET /%d 0" % number for number in range(50)] + [b"GET /last 0"]


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


def test_body_is_read(serve: Callable[..., Any]) -> None:
    running = serve(app)
    assert running.ask(get("/", "Content-Length: 5", method="POST") + b"hello").endswith(b"POST / 5")
    chunked = get("/", "Transfer-Encoding: chunked", method="POST")
    assert running.ask(chunked + b"5\r\nhello\r\n3\r\nyou\r\n0\r\n\r\n").endswith(b"POST / 8")


def test_chunked_input_is_marked_as_terminated(serve: Callable[..., Any]) -> None:
    def answer(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [repr(environ.get("wsgi.input_terminated")).encode()]

    running = serve(answer)
    assert running.ask(get("/", "Transfer-Encoding: chunked", method="POST") + b"0\r\n\r\n").endswith(b"True")
    assert running.ask(get("/")).endswith(b"None")


@pytest.mark.parametrize(
    ("data", "status"),
    [
        pytest.param(get("/", "Content-Length: 5", method="POST") + b"abc", b"400", id="cut"),
        pytest.param(get("/", "Transfer-Encoding: chunked", method="POST") + b"Z\r\n", b"400", id="chunk"),
        pytest.param(get("/", "Transfer-Encoding: chunked", method="POST") + b"FFFFFFFFFFFF\r\n", b"413", id="large"),
    ],
)
def test_broken_body_is_answered_for_the_application(serve: Callable[..., Any], data: bytes, status: bytes) -> None:
    client = serve(app).connect()
    client.send(data)
    client.end_sending()
    assert client.read_all().startswith(b"HTTP/1.1 " + status)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", 400, id="no-host"),
        pytest.param(b"GET /\n\n", 400, id="bare-lf"),
        pytest.param(b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414, id="target"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 200 + b"\r\n", 431, id="fields"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 2_000_000, 431, id="endless"),
        pytest.param(b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505, id="version"),
        pytest.param(b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 501, id="connect"),
    ],
)
def test_bad_request_is_refused_and_never_followed(
    serve: Callable[..., Any], data: bytes, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    calls = []

    def count(environ: dict[str, Any], start_response: Any) -> Any:
        calls.append(environ)
        return app(environ, start_response)

    with caplog.at_level(logging.WARNING, "hipflask.access"):
        answer = serve(count).ask(data + get("/smuggled"))
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert answer.count(b"HTTP/1.1") == 1
    assert calls == []
    assert f"refused with {status}" in caplog.text


def test_bad_request_after_a_good_one_is_refused(serve: Callable[..., Any]) -> None:
    answer = serve(app).ask(get("/good", close=False) + b"Invalid\r\n\r\n" + get("/smuggled"))
    assert answer.count(b"HTTP/1.1 200") == 1
    assert answer.count(b"HTTP/1.1 400") == 1
    assert b"smuggled" not in answer


def test_refused_head_request_gets_no_body(serve: Callable[..., Any]) -> None:
    answer = serve(app).ask(b"HEAD / HTTP/1.1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400")
    assert answer.endswith(b"\r\n\r\n")


def test_options_asterisk_is_about_the_server(serve: Callable[..., Any]) -> None:
    running = serve(lambda environ, start_response: pytest.fail("not for the application"))
    first, fields, body = split(running.ask(get("*", method="OPTIONS")))
    assert (first, body) == ("HTTP/1.1 204 No Content", b"")
    assert "content-length" not in fields


def test_nothing_follows_connection_close(serve: Callable[..., Any]) -> None:
    assert serve(app).ask(get("/a") + get("/b")).count(b"HTTP/1.1") == 1


def test_half_closed_client_is_answered(serve: Callable[..., Any]) -> None:
    client = serve(app).connect()
    client.send(get("/a", close=False))
    client.end_sending()
    assert client.read_all().endswith(b"GET /a 0")


def test_http_1_0_closes_unless_asked(serve: Callable[..., Any]) -> None:
    running = serve(app)
    assert running.ask(b"GET /a HTTP/1.0\r\n\r\n").endswith(b"GET /a 0")
    stream = running.ask(b"GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert stream.endswith(b"\r\n\r\nonetwo")
    assert b"chunked" not in stream
    client = running.connect()
    client.send(b"GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert b"Connection: keep-alive\r\n" in client.read_until(b"GET /a 0")
    client.send(b"GET /b HTTP/1.0\r\n\r\n")
    assert client.read_all().endswith(b"GET /b 0")


def test_unread_body_is_drained_or_ends_the_connection(serve: Callable[..., Any]) -> None:
    running = serve(app)
    post = get("/unread", "Content-Length: 5", method="POST", close=False)
    assert running.ask(post + b"hello" + get("/next")).endswith(b"GET /next 0")
    large = get("/unread", "Content-Length: 1000000", method="POST", close=False)
    answer = running.ask(large + b"a" * 1000)
    assert b"Connection: close\r\n" in answer
    assert answer.endswith(b"unread")


def test_client_waits_for_the_interim_answer(serve: Callable[..., Any]) -> None:
    running = serve(app)
    client = running.connect()
    client.send(get("/", "Content-Length: 5", "Expect: 100-continue", method="POST"))
    assert client.read_until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.send(b"hello")
    assert client.read_all().endswith(b"POST / 5")
    answer = running.ask(get("/unread", "Content-Length: 5", "Expect: 100-continue", method="POST", close=False))
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"Connection: close\r\n" in answer


def test_slow_head_is_given_up(serve: Callable[..., Any]) -> None:
    running = serve(app, limits=Limits(head_timeout_seconds=0.01))
    assert running.ask(b"GET / HTTP/1.1\r\nHo").startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert running.ask(b"") == b""


def test_silent_connection_is_closed(serve: Callable[..., Any]) -> None:
    running = serve(app, limits=Limits(keep_alive_timeout_seconds=0.01))
    client = running.connect()
    client.send(get("/", close=False))
    assert client.read_all().endswith(b"GET / 0")


def test_head_time_begins_again_with_the_next_request(serve: Callable[..., Any]) -> None:
    running = serve(app, limits=Limits(head_timeout_seconds=0.3))
    client = running.connect()
    client.send(get("/", close=False))
    client.read_until(b"GET / 0")
    client.send(b"GET / HTTP")
    assert client.read_all().startswith(b"HTTP/1.1 408")


def test_number_of_requests_on_a_connection_is_limited(serve: Callable[..., Any]) -> None:
    running = serve(app, limits=Limits(max_requests=2))
    answer = running.ask(get("/1", close=False) * 3)
    assert answer.count(b"HTTP/1.1 200") == 2


def test_overload_is_told(serve: Callable[..., Any]) -> None:
    begun, go_on = threading.Semaphore(0), threading.Event()

    def slow(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        begun.release()
        assert go_on.wait(10)
        start_response("200 OK", [])
        return [b"done"]

    running = serve(slow, limits=Limits(max_threads=1, max_queue=1))
    first, second = running.connect(), running.connect()
    first.send(get("/"))
    assert begun.acquire(timeout=10)
    second.send(get("/"))
    third = b""
    while not third.startswith(b"HTTP/1.1 503"):  # the second may not have been queued yet
        client = running.connect()
        client.sock.settimeout(0.2)
        client.send(get("/"))
        try:
            third = client.read_all()
        except TimeoutError:
            continue
    assert b"Retry-After: 1\r\n" in third
    go_on.set()
    assert first.read_all().endswith(b"done")
    assert second.read_all().endswith(b"done")


def test_connections_beyond_the_limit_wait(serve: Callable[..., Any]) -> None:
    running = serve(app, limits=Limits(max_connections=2))
    held = [running.connect(), running.connect()]
    for client in held:
        client.send(get("/", close=False))
        client.read_until(b"GET / 0")
    waiting = running.connect()
    waiting.send(get("/late"))
    held[0].sock.close()
    assert waiting.read_all().endswith(b"GET /late 0")


def test_client_that_resets_leaves_the_server_well(serve: Callable[..., Any], caplog: pytest.LogCaptureFixture) -> None:
    running = serve(app)
    for data in (b"", b"GET / HT", get("/stream"), get("/", "Content-Length: 9", method="POST")):
        client = running.connect()
        client.send(data)
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.sock.close()
    assert running.ask(get("/after")).endswith(b"GET /after 0")
    assert "Traceback" not in caplog.text


def test_client_that_takes_nothing_is_given_up(serve: Callable[..., Any]) -> None:
    failed, errors = threading.Event(), []

    class Handler(WSGIRequestHandler):
        def connection_dropped(self, error: BaseException, environ: dict[str, Any] | None = None) -> None:
            errors.append(error)
            failed.set()

    def endless(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [])
        while True:
            yield b"a" * 100_000

    running = serve(endless, request_handler=Handler, limits=Limits(write_timeout_seconds=0.05))
    client = running.connect()
    client.send(get("/"))
    assert failed.wait(10)
    assert isinstance(errors[0], ClientTooSlowError)


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


def test_errors_pass_out_where_that_is_wanted(serve: Callable[..., Any]) -> None:
    def fail(environ: dict[str, Any], start_response: Any) -> Any:
        raise RuntimeError("for the debugger")

    server = BaseWSGIServer("127.0.0.1", 0, fail, passthrough_errors=True)
    with server, socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(get("/"))
        with pytest.raises(RuntimeError, match="for the debugger"):
            server.serve_forever()


def test_exit_in_a_view_ends_a_server_without_threads() -> None:
    def leave(environ: dict[str, Any], start_response: Any) -> Any:
        raise SystemExit(3)

    server = BaseWSGIServer("127.0.0.1", 0, leave)
    with server, socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(get("/"))
        with pytest.raises(SystemExit, match="3"):
            server.serve_forever()


def test_server_stops_from_inside_a_request() -> None:
    def stop(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        server.shutdown()
        start_response("200 OK", [])
        return [b"bye"]

    server = BaseWSGIServer("127.0.0.1", 0, stop)
    with server, socket.create_connection(("127.0.0.1", server.port)) as client:
        client.settimeout(10)
        client.sendall(get("/", close=False))
        server.serve_forever()
        answer = client.recv(4096)
        assert answer.endswith(b"bye")
        assert b"Connection: close" in answer


def test_request_that_is_being_served_outlives_the_stop(serve: Callable[..., Any]) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        begun.set()
        assert go_on.wait(10)
        start_response("200 OK", [])
        return [b"done"]

    running = serve(slow)
    client = running.connect()
    client.send(get("/", close=False))
    assert begun.wait(10)
    running.server.shutdown()
    go_on.set()
    answer = client.read_all()
    assert answer.endswith(b"done")
    assert b"Connection: close\r\n" in answer


def test_stop_before_the_start_is_remembered() -> None:
    server = ThreadedWSGIServer("127.0.0.1", 0, app)
    server.shutdown()
    server.serve_forever()
    assert server.fileno() == -1


def test_unix_socket_is_served_and_removed(
    serve: Callable[..., Any], tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    seen = []

    def note(environ: dict[str, Any], start_response: Any) -> Any:
        seen.append((environ["REMOTE_ADDR"], environ["REMOTE_PORT"], environ["SERVER_PORT"]))
        return app(environ, start_response)

    running = serve(note, host="unix://app.sock")
    assert running.server.port == 0
    assert running.ask(get("/a")).endswith(b"GET /a 0")
    assert running.ask(b"bad\r\n\r\n").startswith(b"HTTP/1.1 400")
    assert seen == [("<local>", "0", "0")]
    running.stop()
    assert not os.path.exists("app.sock")


def test_socket_that_listens_already_is_served(serve: Callable[..., Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = serve(app, fd=listener.fileno())
        assert running.server.port == listener.getsockname()[1]
        assert running.ask(get("/a")).endswith(b"GET /a 0")


def test_configuration_sets_limits() -> None:
    class Configured:
        config = {"SERVER_MAX_FIELDS": 7}

        def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
            return app(environ, start_response)

    with BaseWSGIServer("127.0.0.1", 0, Configured()) as server:
        assert server.limits.max_fields == 7


def test_silent_and_slow_connections_cost_no_threads(serve: Callable[..., Any]) -> None:
    running = serve(app)
    before = threading.active_count()
    for number in range(300):
        running.connect().send(b"GET / HTTP/1.1\r\nHo" if number % 2 else b"")
    assert running.ask(get("/quick")).endswith(b"GET /quick 0")
    assert threading.active_count() <= before + 2
