from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Any

import pytest

from hipflask.server.pure import BaseWSGIServer
from tests.server.raw_requests import app, get, split


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


def test_body_is_read(serve: Callable[..., Any]) -> None:
    running = serve(app)
    assert running.ask(get("/", "Content-Length: 5", method="POST") + b"hello").endswith(b"POST / 5")
    chunked = get("/", "Transfer-Encoding: chunked", method="POST")
    assert running.ask(chunked + b"5\r\nhello\r\n3\r\nyou\r\n0\r\n\r\n").endswith(b"POST / 8")


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
