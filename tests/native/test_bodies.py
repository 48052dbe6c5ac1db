"""Reading request bodies and sending answers of all kinds."""

from __future__ import annotations

import io
import os
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection, IncompleteRead, parse_headers
from pathlib import Path
from typing import Any

import pytest

import hipflask
from hipflask import request
from hipflask.middleware.proxy_fix import ProxyFix
from hipflask.server import native
from hipflask.server.connection import ClientGoneError
from tests.native.conftest import WAIT_SECONDS, Serve, receive_all

LINES = b"one\ntwo\n\nthree" + b"x" * 200_000 + b"\nend"


@pytest.fixture
def app() -> hipflask.Flask:
    return hipflask.Flask(__name__)


def _readinto(stream: Any) -> list[bytes]:
    found = []
    buffer = bytearray(1000)
    while size := stream.readinto(buffer):
        found.append(bytes(buffer[:size]))
    return found


READERS: dict[str, Callable[[Any], list[bytes]]] = {
    "read": lambda stream: [stream.read()],
    "read none": lambda stream: [stream.read(None)],
    "read some": lambda stream: list(iter(lambda: stream.read(7), b"")),
    "read1": lambda stream: list(iter(stream.read1, b"")),
    "read1 some": lambda stream: list(iter(lambda: stream.read1(999), b"")),
    "readline": lambda stream: list(iter(stream.readline, b"")),
    "readline some": lambda stream: list(iter(lambda: stream.readline(2), b"")),
    "readlines": lambda stream: stream.readlines(),
    "readlines some": lambda stream: [*stream.readlines(5), *stream.readlines()],
    "iteration": list,
    "readinto": _readinto,
}


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("is_chunked", [False, True], ids=["length", "chunked"])
def test_every_way_to_read_gives_the_whole_body(serve: Serve, name: str, is_chunked: bool) -> None:
    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        stream = environ["wsgi.input"]
        assert stream.readable()
        found = READERS[name](stream)
        if name in {"readline", "iteration", "readlines"}:
            assert found == io.BytesIO(LINES).readlines()
        assert (stream.read(), stream.readline(), stream.readlines()) == (b"", b"", [])
        start_response("200 OK", [("Content-Length", str(len(LINES)))])
        return [b"".join(found)]

    if is_chunked:
        framing, sent = b"Transfer-Encoding: chunked", b"%x\r\n%b\r\n0\r\n\r\n" % (len(LINES), LINES)
    else:
        framing, sent = b"Content-Length: %d" % len(LINES), LINES
    received = serve(app).ask(b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + framing + b"\r\n\r\n" + sent)
    assert received.partition(b"\r\n\r\n")[2] == LINES


def test_environ_is_that_of_pep_3333(serve: Serve) -> None:
    seen: list[dict[str, Any]] = []

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        seen.append(environ)
        start_response("204 No Content", [])
        return []

    serving = serve(app)
    serving.ask(
        b"get /a%20b/%C3%A9?q=%20 HTTP/1.1\r\nHost: h:1\r\nConnection: close\r\nX-Twice: 1\r\nx-twice: 2\r\n"
        b"Cookie: a=1\r\nCookie: b=2\r\nX_Under: no\r\nContent-Type: text/x\r\nX-Latin: \xe9\r\n\r\n"
    )
    environ = seen[0]
    host, port = serving.address
    expected = {
        "REQUEST_METHOD": "get",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/a b/\xc3\xa9",
        "QUERY_STRING": "q=%20",
        "REQUEST_URI": "/a%20b/%C3%A9?q=%20",
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "h:1",
        "HTTP_X_TWICE": "1,2",
        "HTTP_COOKIE": "a=1; b=2",
        "CONTENT_TYPE": "text/x",
        "HTTP_X_LATIN": "\xe9",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    assert {key: environ.get(key) for key in expected} == expected
    assert "HTTP_X_UNDER" not in environ
    assert all(type(value) is str for key, value in environ.items() if key.isupper())


def test_absolute_target_decides_about_the_host(app: hipflask.Flask, serve: Serve) -> None:
    app.add_url_rule("/", view_func=lambda: f"{request.host} {request.headers['Host']} {request.environ['HTTP_HOST']}")
    sent = b"GET http://one.test/ HTTP/1.1\r\nHost: two.test\r\nConnection: close\r\n\r\n"
    assert serve(app).ask(sent).endswith(b"\r\n\r\none.test one.test one.test")


def test_middleware_is_called_with_an_environ(app: hipflask.Flask, serve: Serve) -> None:
    app.add_url_rule("/", view_func=lambda: request.environ["from.middleware"])
    inner: Any = app.wsgi_app

    def middleware(environ: dict[str, Any], start_response: Any) -> Any:
        environ["from.middleware"] = "yes"
        return inner(environ, start_response)

    app.wsgi_app = middleware  # type: ignore[method-assign]
    assert serve(app).get("/")[1] == b"yes"


def test_write_callable_sends_at_once(serve: Serve) -> None:
    sent, received = threading.Event(), threading.Event()

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        write = start_response("299 Odd", [])
        write(b"first,")
        sent.set()
        received.wait(WAIT_SECONDS)
        write(b"second,")
        return [b"third"]

    with serve(app).connect() as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert sent.wait(WAIT_SECONDS)
        found = connection.recv(4096)
        received.set()
        assert (found + receive_all(connection)).startswith(b"HTTP/1.1 299 Odd\r\n")
        assert b"first," in found


def test_writing_to_a_client_that_has_gone_raises(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    errors: list[BaseException] = []
    gone = threading.Event()

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        write = start_response("200 OK", [])
        if environ["PATH_INFO"] == "/next":
            return [b"next"]
        for _ in range(2):
            try:
                while True:
                    write(b"x" * 100_000)
            except OSError as error:
                errors.append(error)
        gone.set()
        write(b"x")
        return []

    serving = serve(app, threads=1, max_threads=1)
    with serving.connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        connection.recv(100)
    assert gone.wait(WAIT_SECONDS)
    assert [type(error) for error in errors] == [ClientGoneError] * 2
    assert serving.get("/next")[1] == b"next"
    assert "failed" not in caplog.text


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        ("100 Continue", []),
        ("abc", []),
        ("200 OK\r\nX: y", []),
        ("200 OK", [("X", "a\r\nb")]),
        ("200 OK", [("X y", "a")]),
        ("200 OK", [("X", "\u20ac")]),
        ("200 OK", [("Transfer-Encoding", "chunked")]),
        ("200 OK", [("Content-Length", "x")]),
        ("200 OK", [("Content-Length", "1")]),
        ("200 OK", [("X", 1)]),
    ],
    ids=str,
)
@pytest.mark.parametrize("is_list", [True, False], ids=["list", "iterator"])
def test_answer_that_cannot_be_sent_becomes_500(
    serve: Serve, status: str, headers: list[tuple[str, str]], is_list: bool
) -> None:
    def app(environ: dict[str, Any], start_response: Any) -> Any:
        start_response(status, headers)
        return [b"four"] if is_list else iter([b"four"])

    received = serve(app).ask(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert received.startswith(b"HTTP/1.1 500 ")
    assert received.endswith(b"its log says why.\n")


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
def test_stream_shorter_than_announced_is_broken_off(serve: Serve, version: bytes) -> None:
    def app(environ: dict[str, Any], start_response: Any) -> Any:
        start_response("200 OK", [("Content-Length", "9")])
        return iter([b"four"])

    received = serve(app).ask(b"GET / HTTP/" + version + b"\r\nHost: a\r\n\r\n")
    assert b"Content-Length: 9\r\n" in received
    assert received.endswith(b"\r\n\r\nfour")


@pytest.fixture
def closed(app: hipflask.Flask) -> list[bool]:
    """A stream that fails after its first part; what it notes when it is closed."""
    found: list[bool] = []

    def generate() -> Iterator[str]:
        try:
            yield "begun"
            raise RuntimeError("broken")
        finally:
            found.append(True)

    app.add_url_rule("/", view_func=generate)
    return found


def test_stream_that_fails_ends_without_its_last_chunk(app: hipflask.Flask, serve: Serve, closed: list[bool]) -> None:
    serving = serve(app)
    received = serving.ask(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert received.startswith(b"HTTP/1.1 200 ")
    assert received.endswith(b"\r\n\r\n5\r\nbegun\r\n")
    assert closed == [True]
    client = HTTPConnection(*serving.address, timeout=WAIT_SECONDS)
    client.request("GET", "/")
    with closing(client), pytest.raises(IncompleteRead, match="5 bytes read"):
        client.getresponse().read()


def test_stream_that_fails_is_reset_where_its_end_would_look_whole(
    app: hipflask.Flask, serve: Serve, closed: list[bool]
) -> None:
    with serve(app).connect() as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        with pytest.raises(ConnectionResetError, match="reset"):
            while True:
                assert connection.recv(4096), "it looks like an end"
    assert closed == [True]


def test_stream_is_closed_when_its_client_goes(app: hipflask.Flask, serve: Serve) -> None:
    closed = threading.Event()

    def generate() -> Iterator[str]:
        try:
            while True:
                yield "x" * 10_000
        finally:
            closed.set()

    app.add_url_rule("/", view_func=generate)
    with serve(app).connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        connection.recv(100)
    assert closed.wait(WAIT_SECONDS)


def test_sqlite_connection_of_a_generator_works_to_its_end(app: hipflask.Flask, serve: Serve) -> None:
    def generate() -> Iterator[str]:
        database = sqlite3.connect(":memory:")
        for number in range(50):
            yield f"{database.execute('select ?', (number,)).fetchone()[0]},"
        database.close()

    app.add_url_rule("/", view_func=generate)
    assert serve(app).get("/")[1].count(b",") == 50


@pytest.mark.parametrize("path", ["/text", "/stream", "/file"])
def test_head_has_the_fields_and_no_body(app: hipflask.Flask, serve: Serve, tmp_path: Path, path: str) -> None:
    (tmp_path / "file").write_bytes(b"y" * 100_000)
    app.add_url_rule("/text", "text", lambda: "text")
    app.add_url_rule("/stream", "stream", lambda: iter("stream"))
    app.add_url_rule("/file", "file", lambda: hipflask.send_file(tmp_path / "file"))
    received = serve(app).ask(f"HEAD {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
    assert received.startswith(b"HTTP/1.1 200 ")
    assert received.endswith(b"\r\n\r\n")
    assert received.count(b"\r\n\r\n") == 1


@pytest.mark.parametrize("kind", ["sync", "async", "hook", "wsgi"])
def test_head_in_other_letters_keeps_no_request_waiting(app: hipflask.Flask, serve: Serve, kind: str) -> None:
    def view() -> str:
        return "view"

    async def async_view() -> str:
        return "view"

    def wsgi(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Length", "4")])
        return [] if environ["REQUEST_METHOD"].upper() == "HEAD" else [b"view"]

    app.add_url_rule("/", view_func=view if kind == "sync" else async_view)
    if kind == "hook":
        app.before_request(lambda: None)
    next_request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    received = serve(wsgi if kind == "wsgi" else app).ask(b"Head / HTTP/1.1\r\nHost: a\r\n\r\n" + next_request)
    stream = io.BytesIO(received)
    bodies = []
    while line := stream.readline():
        assert line == b"HTTP/1.1 200 OK\r\n"
        bodies.append(stream.read(int(parse_headers(stream)["Content-Length"])))
    assert bodies in [[b"", b"view"], [b"view", b"view"]]  # a method that is not HEAD (RFC 9110, 9.1)


def test_file_that_shrinks_is_broken_off(app: hipflask.Flask, serve: Serve, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"y" * 100_000)

    @app.get("/")
    def view() -> Any:
        response = hipflask.send_file(path)
        path.write_bytes(b"y" * 10)
        return response

    with serve(app).connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        try:
            received = receive_all(connection)
        except ConnectionResetError:
            received = b""
    assert len(received) < 100_000


def test_unix_socket_is_served(app: hipflask.Flask, tmp_path: Path) -> None:
    app.add_url_rule("/", view_func=lambda: f"{request.remote_addr} {request.environ['SERVER_NAME']}")
    path = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        started: list[native.NativeServer] = []
        ready = threading.Event()
        thread = threading.Thread(
            target=native.serve,
            args=(app, [listener]),
            kwargs={"ready": lambda server: (started.append(server), ready.set())},
        )
        thread.start()
        try:
            assert ready.wait(WAIT_SECONDS)
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(WAIT_SECONDS)
                connection.connect(path)
                connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                assert receive_all(connection).endswith(f"<local> {path}".encode())
        finally:
            started[0].stop(0)
            thread.join(WAIT_SECONDS)


def test_small_file_and_ranges_are_sent(app: hipflask.Flask, serve: Serve, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(range(256)) * 1000)
    (tmp_path / "small").write_bytes(b"small")
    app.add_url_rule("/<name>", "file", lambda name: hipflask.send_file(tmp_path / name, conditional=True))
    serving = serve(app)
    assert serving.get("/small")[1] == b"small"
    assert serving.get("/file", "Range: bytes=10-200000")[1] == path.read_bytes()[10:200001]


@pytest.mark.parametrize("name", ["plain", "unsized", "memory"])
def test_file_wrapper_of_any_kind_is_sent(serve: Serve, tmp_path: Path, name: str) -> None:
    from hipflask.http.wsgi import FileWrapper

    path = tmp_path / "file"
    path.write_bytes(b"0123456789" * 10_000)

    def app(environ: dict[str, Any], start_response: Any) -> Any:
        start_response("200 OK", [("Content-Length", "100000")] if name == "plain" else [])
        file = io.BytesIO(path.read_bytes()) if name == "memory" else path.open("rb")
        return FileWrapper(file)

    received = serve(app).ask(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert received.count(b"0123456789") >= 9_900
    assert received.endswith(b"0\r\n\r\n" if name != "plain" else b"0123456789")


def test_error_of_close_is_logged(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    class Body:
        def __iter__(self) -> Iterator[bytes]:
            return iter([b"", b"one", b"", b"two"])

        def close(self) -> None:
            raise ValueError("cannot close")

    def app(environ: dict[str, Any], start_response: Any) -> Any:
        start_response("200 OK", [])
        return Body()

    received = serve(app).ask(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert received.endswith(b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")
    assert "Closing the body" in caplog.text


def test_application_that_writes_and_gives_nothing_more(serve: Serve) -> None:
    def app(environ: dict[str, Any], start_response: Any) -> Any:
        start_response("200 OK", [])(b"written")
        return []

    received = serve(app).ask(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert received.endswith(b"7\r\nwritten\r\n0\r\n\r\n")


@pytest.mark.parametrize("size", [0, 1, 20_000, 64 * 1024, 64 * 1024 + 1, 3 << 20])
def test_files_go_out_one_after_the_other(app: hipflask.Flask, serve: Serve, tmp_path: Path, size: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(range(256)) * (size // 256) + b"z" * (size % 256))
    app.add_url_rule("/", "file", lambda: hipflask.send_file(path))
    app.add_url_rule("/after", "after", lambda: "after")
    ask = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 3 + b"GET /after HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    received = serve(app).ask(ask)
    for _ in range(3):
        head, _, received = received.partition(b"\r\n\r\n")
        assert f"content-length: {size}".encode() in head.lower().split(b"\r\n")
        assert received[:size] == path.read_bytes()
        received = received[size:]
    assert received.endswith(b"after")


@pytest.mark.parametrize("has_middleware", [False, True], ids=["handle", "wsgi"])
def test_file_begins_where_it_stands_and_is_closed(
    app: hipflask.Flask, serve: Serve, tmp_path: Path, has_middleware: bool
) -> None:
    (tmp_path / "file").write_bytes(b"0123456789" * 20_000)
    opened = []

    @app.get("/")
    def view() -> Any:
        file = (tmp_path / "file").open("rb")
        opened.append(file)
        assert file.read(5) == b"01234"
        return hipflask.send_file(file, mimetype="text/plain")

    if has_middleware:
        app.wsgi_app = ProxyFix(app.wsgi_app)  # type: ignore[method-assign]
    with closing(HTTPConnection(*serve(app).address)) as client:
        client.request("GET", "/")
        assert client.getresponse().read() == (b"0123456789" * 20_000)[5:]
    assert opened[0].closed


def test_pipe_is_sent_like_any_other_body(app: hipflask.Flask, serve: Serve) -> None:
    @app.get("/")
    def view() -> Any:
        reader, writer = os.pipe()
        os.write(writer, b"piped")
        os.close(writer)
        return hipflask.send_file(os.fdopen(reader, "rb"), mimetype="text/plain")

    assert b"piped" in serve(app).get("/")[1]


def test_file_that_grows_is_sent_as_long_as_it_was(app: hipflask.Flask, serve: Serve, tmp_path: Path) -> None:
    @app.get("/")
    def view() -> Any:
        (tmp_path / "file").write_bytes(b"short")
        response = hipflask.send_file(tmp_path / "file")
        (tmp_path / "file").write_bytes(b"short and more")
        return response

    assert serve(app).get("/")[1] == b"short"


def test_file_is_logged_when_it_has_left(app: hipflask.Flask, serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"y" * (50 << 20))
    app.add_url_rule("/", "file", lambda: hipflask.send_file(tmp_path / "file"))
    serving = serve(app, has_access_log=True)
    with serving.connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        connection.recv(1000)
    serving.close()
    answers = [answer for report in serving.reports for answer in report.answers]
    assert [answer.is_complete for answer in answers] == [False]


CONDITIONS = {
    "whole": ("", b"200", 200_000),
    "same": ("If-None-Match: {tag}", b"304", 0),
    "not newer": ("If-Modified-Since: {date}", b"304", 0),
    "another": ('If-Match: "other"', b"412", 200_000),
    "long part": ("Range: bytes=10-150009", b"206", 150_000),
    "short part": ("Range: bytes=10-19", b"206", 10),
    "end": ("Range: bytes=-100000", b"206", 100_000),
    "beyond": ("Range: bytes=200000-", b"416", None),
}


@pytest.mark.parametrize("has_middleware", [False, True], ids=["handle", "wsgi"])
@pytest.mark.parametrize(("field", "status", "size"), CONDITIONS.values(), ids=CONDITIONS)
def test_conditions_of_a_file_are_kept(
    app: hipflask.Flask,
    serve: Serve,
    tmp_path: Path,
    has_middleware: bool,
    field: str,
    status: bytes,
    size: int | None,
) -> None:
    content = bytes(range(200)) * 1000
    (tmp_path / "file").write_bytes(content)
    app.add_url_rule("/", "file", lambda: hipflask.send_file(tmp_path / "file"))
    if has_middleware:
        app.wsgi_app = ProxyFix(app.wsgi_app)  # type: ignore[method-assign]
    serving = serve(app)
    fields = dict(line.split(": ", 1) for line in serving.get("/")[0].decode().split("\r\n")[1:])
    head, body = serving.get("/", *filter(None, [field.format(tag=fields["ETag"], date=fields["Last-Modified"])]))
    assert head.split()[1] == status
    if size is not None:
        assert len(body) == size
        assert body in (content[10:], content[-100_000:]) or content[10:].startswith(body) or body == content


def test_environ_that_a_view_has_changed_counts(app: hipflask.Flask, serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"y" * 100_000)

    @app.get("/")
    def view() -> Any:
        if request.args:
            request.environ["HTTP_RANGE"] = "bytes=0-9"
        return hipflask.send_file(tmp_path / "file")

    serving = serve(app)
    assert len(serving.get("/")[1]) == 100_000
    assert serving.get("/?part")[1] == b"y" * 10


@pytest.mark.parametrize("kind", ["memory", "list", "unsized", "file"])
def test_part_of_any_body_is_sent(app: hipflask.Flask, serve: Serve, tmp_path: Path, kind: str) -> None:
    content = b"0123456789" * 20_000
    (tmp_path / "file").write_bytes(content)

    @app.get("/")
    def view() -> Any:
        if kind == "list":
            return hipflask.Response(content).make_conditional(request, True, len(content))
        source = io.BytesIO(content) if kind == "memory" else tmp_path / "file"
        response = hipflask.send_file(source, mimetype="text/plain")
        if kind == "unsized":
            del response.headers["Content-Length"]
        return response

    head, body = serve(app).get("/", "Range: bytes=5-100004")
    assert head.startswith(b"HTTP/1.1 206 ")
    if kind == "unsized":
        body = b"".join(part for part in body.split(b"\r\n") if len(part) > 4)
    assert body == content[5:100_005]
