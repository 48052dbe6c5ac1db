"""Requests of all kinds through real sockets."""

from __future__ import annotations

import socket
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

import hipflask
from hipflask import request
from tests.native.conftest import WAIT_SECONDS, Serve, receive_all


@pytest.fixture
def app() -> hipflask.Flask:
    return hipflask.Flask(__name__)


def test_text_view_is_answered_with_its_length(app: hipflask.Flask, serve: Serve) -> None:
    app.add_url_rule("/", view_func=lambda: "Hello")
    head, body = serve(app).get("/")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nContent-Length: 5\r\n" in head
    assert b"\r\nServer: hipflask\r\n" in head
    assert body == b"Hello"


def test_pipelined_requests_are_answered_in_order(app: hipflask.Flask, serve: Serve) -> None:
    app.add_url_rule("/<int:number>", view_func=lambda number: f"<{number}>")
    requests = [f"GET /{number} HTTP/1.1\r\nHost: a\r\n\r\n" for number in range(1000)]
    requests.append("GET /1000 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    received = serve(app).ask("".join(requests).encode())
    bodies = [answer.rpartition(b"\r\n\r\n")[2] for answer in received.split(b"HTTP/1.1 200 OK")[1:]]
    assert bodies == [b"<%d>" % number for number in range(1001)]


def test_connection_that_pipelines_leaves_others_their_turn(app: hipflask.Flask, serve: Serve) -> None:
    served: list[str] = []
    begun, others_wait = threading.Event(), threading.Event()

    @app.get("/<name>")
    def note(name: str) -> str:
        if not served:
            begun.set()
            assert others_wait.wait(WAIT_SECONDS)
        served.append(name)
        return ""

    serving = serve(app, threads=1, max_threads=1)
    with ExitStack() as stack:
        greedy = stack.enter_context(serving.connect())
        greedy.sendall(b"GET /greedy HTTP/1.1\r\nHost: a\r\n\r\n" * 999 + b"GET /greedy HTTP/1.0\r\n\r\n")
        assert begun.wait(WAIT_SECONDS)
        others = [stack.enter_context(serving.connect()) for _ in range(31)]
        for number, other in enumerate(others):
            other.sendall(b"GET /other%d HTTP/1.0\r\n\r\n" % number)
        others_wait.set()
        for other in others:
            assert receive_all(other).startswith(b"HTTP/1.1 200 ")
        assert receive_all(greedy).count(b"HTTP/1.1 200 ") == 1000
    last = max(at for at, name in enumerate(served) if name != "greedy")
    assert last < 200  # of 1,031: the system hands over what was just sent in its own order


@pytest.mark.parametrize("size", [0, 1, 100_000, 3_000_000])
@pytest.mark.parametrize("is_chunked", [False, True], ids=["length", "chunked"])
def test_request_body_arrives_whole(app: hipflask.Flask, serve: Serve, size: int, is_chunked: bool) -> None:
    @app.post("/")
    def echo() -> bytes:
        return request.get_data()

    data = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    if is_chunked:
        framing = b"Transfer-Encoding: chunked"
        sent = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in _cut(data, 7000)) + b"0\r\n\r\n"
    else:
        framing, sent = b"Content-Length: %d" % size, data
    received = serve(app).ask(b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + framing + b"\r\n\r\n" + sent)
    assert received.partition(b"\r\n\r\n")[2] == data


def _cut(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def test_large_file_arrives_whole(app: hipflask.Flask, serve: Serve, tmp_path: Path) -> None:
    path = tmp_path / "large.bin"
    path.write_bytes(b"0123456789" * 300_000)
    app.add_url_rule("/", view_func=lambda: hipflask.send_file(path))
    head, body = serve(app).get("/")
    assert b"Content-Length: 3000000" in head
    assert body == path.read_bytes()


def test_client_that_has_stopped_sending_is_answered(app: hipflask.Flask, serve: Serve) -> None:
    app.add_url_rule("/", view_func=lambda: "Hello")
    with serve(app).connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        assert receive_all(connection).endswith(b"\r\n\r\nHello")


def test_malformed_request_is_refused_and_reported(app: hipflask.Flask, serve: Serve) -> None:
    serving = serve(app)
    assert serving.ask(b"GET / HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 400 ")
    serving.close()
    refusals = [refusal for report in serving.reports for refusal in report.refusals]
    assert [(refusal.status, refusal.reason) for refusal in refusals] == [(400, "no host field")]


def test_handshake_of_a_websocket_is_told_that_there_is_none(app: hipflask.Flask, serve: Serve) -> None:
    app.add_url_rule("/", view_func=lambda: "")
    fields = (
        "Upgrade: websocket",
        "Connection: Upgrade, close",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: eA==",
    )
    head, body = serve(app).get("/", *fields)
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"WebSocket" in body
