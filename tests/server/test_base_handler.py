from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hipflask.server.handler import WSGIRequestHandler
from tests.server.raw_requests import app, get, split


def test_request_is_seen_as_in_http_server(serve: Callable[..., Any]) -> None:
    seen: dict[str, Any] = {}

    class Handler(WSGIRequestHandler):
        def run_wsgi(self) -> None:
            seen.update(
                line=self.raw_requestline,
                values=self.headers.get_all("x-a"),
                is_same=self.connection is self.request,
                body=self.rfile.read(),
                server=self.version_string(),
                date=self.date_time_string(0),
            )
            super().run_wsgi()
            seen["is_after"] = True

    running = serve(app, request_handler=Handler)
    answer = running.ask(get("/a", "X-A: 1", "X-A: 2", "Content-Length: 2", method="POST") + b"hi")
    assert answer.endswith(b"POST /a 0")
    running.stop()
    assert seen == {
        "line": b"POST /a HTTP/1.1\r\n",
        "values": ["1", "2"],
        "is_same": True,
        "body": b"hi",
        "server": "hipflask",
        "date": "Thu, 01 Jan 1970 00:00:00 GMT",
        "is_after": True,
    }


def test_handler_may_answer_in_its_own_way(serve: Callable[..., Any]) -> None:
    logged = []

    class Handler(WSGIRequestHandler):
        def run_wsgi(self) -> None:
            self.send_response(202)
            self.send_header("Content-Length", "3")
            self.end_headers()
            self.wfile.write(b"own")
            self.wfile.flush()

        def log(self, type: str, message: str, *args: object) -> None:
            logged.append((type, message % args))

    first, fields, body = split(serve(app, request_handler=Handler).ask(get("/", close=False)))
    assert (first, body) == ("HTTP/1.1 202 Accepted", b"own")
    assert fields["connection"] == "close"
    assert logged == [("info", '"GET / HTTP/1.1" 202 -')]


def test_handler_that_does_nothing_closes_the_connection(serve: Callable[..., Any]) -> None:
    class Handler(WSGIRequestHandler):
        def run_wsgi(self) -> None:
            pass

    assert serve(app, request_handler=Handler).ask(get("/", close=False)) == b""


def test_handler_waits_for_the_whole_answer(serve: Callable[..., Any]) -> None:
    order = []

    class Body:
        def __iter__(self) -> Any:
            return iter([b"a" * 1_000_000] * 20)

        def close(self) -> None:
            order.append("closed")

    class Handler(WSGIRequestHandler):
        def run_wsgi(self) -> None:
            super().run_wsgi()
            order.append("after")

    def large(environ: dict[str, Any], start_response: Any) -> Any:
        start_response("200 OK", [])
        return Body()

    running = serve(large, request_handler=Handler)
    assert len(running.ask(get("/"))) > 20_000_000
    running.stop()
    assert order == ["closed", "after"]


def test_old_protocol_version_closes_connections(serve: Callable[..., Any]) -> None:
    class Handler(WSGIRequestHandler):
        protocol_version = "HTTP/1.0"

    answer = serve(app, request_handler=Handler).ask(get("/a", close=False) * 2)
    assert answer.count(b"GET /a 0") == 1
    assert b"Connection: close\r\n" in answer


def test_line_break_in_a_field_is_refused(serve: Callable[..., Any]) -> None:
    errors = []

    class Handler(WSGIRequestHandler):
        def run_wsgi(self) -> None:
            try:
                self.send_header("A", "b\r\nC: d")
            except ValueError as error:
                errors.append(str(error))
            self.log_message("told")
            super().run_wsgi()

    assert serve(app, request_handler=Handler).ask(get("/a")).endswith(b"GET /a 0")
    assert errors == ["The header 'A' has a line break."]


@pytest.mark.parametrize(("code", "first"), [(299, "HTTP/1.1 299 "), (404, "HTTP/1.1 404 Not Found")])
def test_phrase_is_the_usual_one(serve: Callable[..., Any], code: int, first: str) -> None:
    class Handler(WSGIRequestHandler):
        def run_wsgi(self) -> None:
            self.send_response_only(code)
            self.end_headers()

    assert split(serve(app, request_handler=Handler).ask(get("/")))[0] == first
