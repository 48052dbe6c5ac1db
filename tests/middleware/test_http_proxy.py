"""Requests passed on to another server, which here is a socket on 127.0.0.1 or our own server."""

from __future__ import annotations

import importlib
import io
import re
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.client import IncompleteRead
from typing import Any

import pytest

from hipflask.middleware.http_proxy import ProxyMiddleware
from hipflask.server.runner import make_server
from hipflask.testing.builder import create_environ
from hipflask.testing.wsgi_run import run_wsgi_app

WAIT_SECONDS = 10.0  # a deadline that only a hang reaches
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: 1\r\nX-A: 2\r\nConnection: close\r\nKeep-Alive: 5\r\n\r\nhi"


class Target:
    """A server that keeps what it is sent and answers with given bytes."""

    def __init__(self) -> None:
        self.answer = OK
        self.requests: list[bytes] = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.is_silent = False
        self.let_go = threading.Event()
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self) -> None:
        while True:
            try:
                client = self.socket.accept()[0]
            except OSError:
                return
            with client, suppress(OSError):
                client.settimeout(WAIT_SECONDS)
                self.requests.append(self._read(client))
                if self.is_silent:
                    self.let_go.wait(WAIT_SECONDS)
                client.sendall(self.answer)

    @staticmethod
    def _read(client: socket.socket) -> bytes:
        data = b""
        while part := client.recv(65536):
            data += part
            head, end, body = data.partition(b"\r\n\r\n")
            if not end:
                continue
            length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
            if b"chunked" in head.lower():
                if body.endswith(b"0\r\n\r\n"):
                    break
            elif length is None or len(body) >= int(length[1]):
                break
        return data

    def stop(self) -> None:
        self.let_go.set()
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join(WAIT_SECONDS)
        assert not self.thread.is_alive()

    @property
    def line(self) -> bytes:
        """The first line of the last request."""
        return self.requests[-1].partition(b"\r\n")[0]

    @property
    def fields(self) -> list[tuple[str, str]]:
        """Names and values of the last request's header, names in lower case."""
        lines = self.requests[-1].partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
        return [(name.lower(), value) for name, _, value in (line.partition(": ") for line in lines)]

    @property
    def body(self) -> bytes:
        return self.requests[-1].partition(b"\r\n\r\n")[2]


@pytest.fixture
def target() -> Iterator[Target]:
    target = Target()
    yield target
    target.stop()


def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("404 NOT FOUND", [("Content-Type", "text/plain")])
    return [b"app"]


def ask(middleware: Any, path: str = "/p/x", change: dict[str, Any] | None = None, **options: Any) -> Any:
    """Return status, headers and body of the answer."""
    environ = create_environ(path, **options) | (change or {})
    body, status, headers = run_wsgi_app(middleware, environ)
    try:
        return status, list(headers), b"".join(body)
    finally:
        getattr(body, "close", lambda: None)()


def proxy(target: Target, prefix: str = "/p/", path: str = "/", **options: Any) -> ProxyMiddleware:
    return ProxyMiddleware(app, {prefix: {"target": f"http://127.0.0.1:{target.port}{path}", **options}})


def test_answer_comes_without_what_belongs_to_the_connection(target: Target) -> None:
    assert ask(proxy(target)) == ("200 OK", [("Content-Length", "2"), ("X-A", "1"), ("X-A", "2")], b"hi")


def test_options_are_kept_with_defaults() -> None:
    middleware = ProxyMiddleware(app, {"p": {"target": "http://x/"}, "/q": {"target": "http://y", "host": None}})
    defaults = {"remove_prefix": False, "headers": {}, "ssl_context": None}
    assert middleware.targets == {
        "/p/": {"target": "http://x/", "host": "<auto>", **defaults},
        "/q/": {"target": "http://y", "host": None, **defaults},
    }
    assert (middleware.app, middleware.chunk_size, middleware.timeout) == (app, 16384, 10)


@pytest.mark.parametrize("path", ["/q", "/p", "/px/y", "/", "/p/../x", "/p/./x", "/p/.."])
def test_other_paths_go_to_the_application(target: Target, path: str) -> None:
    assert ask(proxy(target), change={"PATH_INFO": path}) == ("404 NOT FOUND", [("Content-Type", "text/plain")], b"app")
    assert target.requests == []


@pytest.mark.parametrize(
    ("prefix", "base", "is_removed", "path", "expected"),
    [
        pytest.param("/p/", "/", False, "/p/x?q=1", b"/p/x?q=1", id="as-it-is"),
        pytest.param("/p/", "/base", False, "/p/x", b"/p/x", id="base-without-removal"),
        pytest.param("/p/", "/base/", True, "/p/x", b"/base/x", id="removed"),
        pytest.param("/p/", "", True, "/p/", b"/", id="removed-all"),
        pytest.param("p", "/base", True, "/p/x//y", b"/base/x//y", id="slashes"),
        pytest.param("/p/", "/", False, "/p/sp ace", b"/p/sp%20ace", id="space"),
        pytest.param("/p/", "/", False, "/p/%C3%BC%25?%C3%A4=1&a%20b", b"/p/%C3%BC%25?%C3%A4=1&a%20b", id="escapes"),
        pytest.param("/", "/", False, "/x", b"/x", id="everything"),
        pytest.param("/", "/base", True, "/x/y", b"/base/x/y", id="everything-removed"),
    ],
)
def test_path_for_the_target(
    target: Target, prefix: str, base: str, is_removed: bool, path: str, expected: bytes
) -> None:
    assert ask(proxy(target, prefix, base, remove_prefix=is_removed), path)[0] == "200 OK"
    assert target.line == b"GET " + expected + b" HTTP/1.1"


def test_query_that_is_not_encoded_is(target: Target) -> None:
    ask(proxy(target), change={"QUERY_STRING": 'a b=%41\xfc"'})
    assert target.line == b"GET /p/x?a%20b=%41%FC%22 HTTP/1.1"


def test_first_prefix_that_fits_is_taken(target: Target) -> None:
    url = f"http://127.0.0.1:{target.port}"
    first, second = (
        {"/p/": {"target": f"{url}/1/", "remove_prefix": True}},
        {"/p/a/": {"target": f"{url}/2/", "remove_prefix": True}},
    )
    ask(ProxyMiddleware(app, {**first, **second}), "/p/a/x")
    assert target.line == b"GET /1/a/x HTTP/1.1"
    ask(ProxyMiddleware(app, {**second, **first}), "/p/a/x")
    assert target.line == b"GET /2/x HTTP/1.1"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param({}, "127.0.0.1:PORT", id="auto"),
        pytest.param({"host": None}, "client.example", id="client"),
        pytest.param({"host": "other.example"}, "other.example", id="other"),
        pytest.param({"headers": {"Host": "from.headers"}}, "from.headers", id="headers"),
    ],
)
def test_host_of_the_request(target: Target, options: dict[str, Any], expected: str) -> None:
    ask(proxy(target, **options), headers={"Host": "client.example"})
    assert [value for name, value in target.fields if name == "host"] == [expected.replace("PORT", str(target.port))]


def test_host_has_no_password(target: Target) -> None:
    middleware = ProxyMiddleware(app, {"/p/": {"target": f"http://user:secret@127.0.0.1:{target.port}/"}})
    ask(middleware)
    assert ("host", f"127.0.0.1:{target.port}") in target.fields


def test_headers_of_the_client_pass_but_not_those_of_the_connection(target: Target) -> None:
    headers = {
        "Connection": "x-named, close",
        "X-Named": "1",
        "Keep-Alive": "5",
        "TE": "trailers",
        "Upgrade": "h2c",
        "Proxy-Authorization": "secret",
        "Expect": "100-continue",
        "Accept-Encoding": "gzip",
        "X-Replaced": "of the client",
        "X-Text": "\xfc",
    }
    ask(proxy(target, headers={"x-replaced": "ours", "X-Number": 5}), headers=headers)
    assert sorted(target.fields) == [
        ("accept-encoding", "gzip"),
        ("connection", "close"),
        ("host", f"127.0.0.1:{target.port}"),
        ("x-number", "5"),
        ("x-replaced", "ours"),
        ("x-text", "\xfc"),
    ]


@pytest.mark.parametrize(
    ("method", "change", "framing", "body"),
    [
        pytest.param("POST", {"CONTENT_LENGTH": "4"}, ("content-length", "4"), b"body", id="length"),
        pytest.param("GET", {"CONTENT_LENGTH": "4"}, ("content-length", "4"), b"body", id="get"),
        pytest.param("POST", {"CONTENT_LENGTH": "0"}, ("content-length", "0"), b"", id="length-0"),
        pytest.param("POST", {"CONTENT_LENGTH": "abc"}, ("content-length", "0"), b"", id="length-of-letters"),
        pytest.param("POST", {"CONTENT_LENGTH": ""}, None, b"", id="no-length"),
        pytest.param("POST", {}, None, b"", id="nothing"),
        pytest.param("GET", {"wsgi.input_terminated": True}, None, b"", id="server-ends-every-stream"),
        pytest.param("POST", {"HTTP_TRANSFER_ENCODING": "chunked"}, None, b"", id="chunked-without-end"),
        pytest.param(
            "POST",
            {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"},
            ("transfer-encoding", "chunked"),
            b"3\r\nbod\r\n3\r\ny, \r\n3\r\nand\r\n3\r\n mo\r\n2\r\nre\r\n0\r\n\r\n",
            id="chunked",
        ),
    ],
)
def test_body_is_framed_anew(
    target: Target, method: str, change: dict[str, Any], framing: tuple[str, str] | None, body: bytes
) -> None:
    middleware = proxy(target)
    middleware.chunk_size = 3
    environ = {"wsgi.input": io.BytesIO(b"body, and more"), **change}
    assert ask(middleware, change=environ, method=method)[0] == "200 OK"
    found = [field for field in target.fields if field[0] in ("content-length", "transfer-encoding")]
    assert found == ([] if framing is None else [framing])
    assert target.body == body


def test_client_that_breaks_off_its_body_is_400(target: Target) -> None:
    change = {"wsgi.input": io.BytesIO(b"short"), "CONTENT_LENGTH": "10"}
    assert ask(proxy(target), change=change, method="POST")[0] == "400 BAD REQUEST"


ANSWERS = [
    pytest.param(b"200 OK\r\nContent-Type: a/b\r\n\r\nhello", "200 OK", [("Content-Type", "a/b")], b"hello", id="end"),
    pytest.param(
        b"200 OK\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "200 OK",
        [("X", "y")],
        b"hello",
        id="chunked",
    ),
    pytest.param(
        b"200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "200 OK",
        [],
        b"hello",
        id="chunked-with-length",
    ),
    pytest.param(b"304 Not Modified\r\nX: y\r\n\r\n", "304 Not Modified", [("X", "y")], b"", id="304"),
    pytest.param(
        b"404 Gone Fishing\r\nContent-Length: 0\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\n\r\n",
        "404 Gone Fishing",
        [("Content-Length", "0"), ("Set-Cookie", "a=b"), ("Set-Cookie", "c=d")],
        b"",
        id="404",
    ),
    pytest.param(b"200\r\nContent-Length: 0\r\n\r\n", "200 ", [("Content-Length", "0")], b"", id="no-reason"),
    pytest.param(b"100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nx", "200 OK", [], b"x", id="continue"),
]


@pytest.mark.parametrize(("answer", "status", "headers", "body"), ANSWERS)
def test_answer_passes(target: Target, answer: bytes, status: str, headers: list[Any], body: bytes) -> None:
    target.answer = b"HTTP/1.1 " + answer
    assert ask(proxy(target)) == (status, headers, body)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # connections left open there
@pytest.mark.parametrize(("answer", "status", "headers", "body"), ANSWERS)
def test_answer_is_that_of_werkzeug(
    target: Target, answer: bytes, status: str, headers: list[Any], body: bytes
) -> None:
    pytest.importorskip("werkzeug")
    theirs = importlib.import_module("werkzeug.middleware.http_proxy").ProxyMiddleware
    target.answer = b"HTTP/1.1 " + answer
    result = ask(theirs(app, {"/p/": {"target": f"http://127.0.0.1:{target.port}/"}}))
    if b"chunked\r\nContent-Length" in answer:
        result[1].remove(("Content-Length", "3"))  # passes there, and is wrong
    assert result == (status, headers, body)


def test_head_keeps_the_length(target: Target) -> None:
    target.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n"
    assert ask(proxy(target), method="HEAD") == ("200 OK", [("Content-Length", "20")], b"")


def test_odd_header_fields_are_made_harmless(target: Target) -> None:
    target.answer = (
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: X-Named\r\nX-Named: 1\r\nProxy-Authenticate: x\r\n"
        b"Trailer: x\r\nUpgrade: x\r\nX-Folded: a\r\n b\r\nX(odd): 1\r\nDate: d\r\n\r\n"
    )
    assert ask(proxy(target))[1] == [("Content-Length", "0"), ("X-Folded", "a b"), ("Date", "d")]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"garbage\r\n\r\n", id="no-http"),
        pytest.param(b"HTTP/1.1 abc OK\r\n\r\n", id="status-of-letters"),
        pytest.param(b"HTTP/1.1 101 Switching\r\n\r\n", id="other-protocol"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", id="two-lengths"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", id="negative-length"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", id="other-coding"),
        pytest.param(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n", id="many-fields"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n", id="long-field"),
    ],
)
def test_answer_that_is_no_http_is_502(target: Target, answer: bytes) -> None:
    target.answer = answer
    status, _, body = ask(proxy(target))
    assert status == "502 BAD GATEWAY"
    assert b"502 Bad Gateway" in body


def test_target_that_cannot_be_reached_is_502() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # taken, and nobody listens
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/"
        assert ask(ProxyMiddleware(app, {"/p/": {"target": url}}))[0] == "502 BAD GATEWAY"


def test_target_that_takes_too_long_is_502(target: Target) -> None:
    target.is_silent = True
    middleware = proxy(target)
    middleware.timeout = 0.05  # type: ignore[assignment]  # sockets take parts of seconds as well
    assert ask(middleware)[0] == "502 BAD GATEWAY"


def test_target_without_tls_is_502(target: Target) -> None:
    middleware = ProxyMiddleware(app, {"/p/": {"target": f"https://127.0.0.1:{target.port}/"}}, timeout=1)
    assert ask(middleware)[0] == "502 BAD GATEWAY"


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"Content-Length: 20\r\n\r\nhello", id="length"),
        pytest.param(b"Transfer-Encoding: chunked\r\n\r\n9\r\nhello", id="chunked"),
        pytest.param(b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n", id="bad-chunk"),
    ],
)
def test_answer_that_is_broken_off_raises(target: Target, answer: bytes) -> None:
    target.answer = b"HTTP/1.1 200 OK\r\n" + answer
    with pytest.raises(IncompleteRead):
        ask(proxy(target))


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "127.0.0.1:5000", "//127.0.0.1/", "http:///x", ""])
def test_target_of_another_kind_is_told(url: str) -> None:
    with pytest.raises(RuntimeError, match=r"not a URL with http or https"):
        ask(ProxyMiddleware(app, {"/p/": {"target": url}}))


def test_target_must_be_given() -> None:
    with pytest.raises(KeyError, match="target"):
        ask(ProxyMiddleware(app, {"/p/": {}}))


def test_other_errors_close_the_connection(target: Target) -> None:
    with pytest.raises(ValueError, match="Invalid header name"):
        ask(proxy(target, headers={"not:a name": "x"}))


def test_parts_are_small_and_come_one_by_one(target: Target) -> None:
    target.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789"
    middleware = ProxyMiddleware(app, {"/p/": {"target": f"http://127.0.0.1:{target.port}/"}}, chunk_size=4)
    environ = create_environ("/p/x")
    body = iter(middleware(environ, lambda *args: bytes))
    assert all(0 < len(part) <= 4 for part in body)
    body.close()  # type: ignore[attr-defined]


def test_first_part_does_not_wait_for_the_rest() -> None:
    go_on = threading.Event()

    def slow(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [])
        yield b"first"
        go_on.wait(WAIT_SECONDS)
        yield b"second"

    with Serving(slow) as url:
        body = iter(ProxyMiddleware(app, {"/p/": {"target": url}})(create_environ("/p/"), lambda *args: bytes))
        assert next(body) == b"first"
        go_on.set()
        assert next(body) == b"second"
        assert list(body) == []
        body.close()  # type: ignore[attr-defined]


class Serving:
    """A server of ours in a thread."""

    def __init__(self, app: Callable[..., Any], **options: Any) -> None:
        self.server = make_server("127.0.0.1", 0, app, threaded=True, **options)
        self.scheme = "https" if options.get("ssl_context") else "http"

    def __enter__(self) -> str:
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()
        return f"{self.scheme}://127.0.0.1:{self.server.port}/"

    def __exit__(self, *error: object) -> None:
        self.server.shutdown()
        self.thread.join(WAIT_SECONDS)
        self.server.server_close()


def echo(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [("X-Path", environ["PATH_INFO"]), ("X-Scheme", environ["wsgi.url_scheme"])])
    stream = environ["wsgi.input"]
    length = environ.get("CONTENT_LENGTH")
    return [stream.read() if environ.get("wsgi.input_terminated") else stream.read(int(length or 0))]


@pytest.mark.parametrize("is_chunked", [False, True])
def test_our_own_server_behind_our_own_server(is_chunked: bool) -> None:
    with Serving(echo) as url, Serving(ProxyMiddleware(app, {"/p/": {"target": url}})) as outer:
        port = int(outer.rstrip("/").rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.settimeout(WAIT_SECONDS)
            framing = b"Transfer-Encoding: chunked" if is_chunked else b"Content-Length: 6"
            body = b"2\r\nab\r\n4\r\ncdef\r\n0\r\n\r\n" if is_chunked else b"abcdef"
            client.sendall(b"POST /p/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + framing + b"\r\n\r\n" + body)
            answer = b""
            while part := client.recv(65536):
                answer += part
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"X-Path: /p/x\r\n" in answer
    assert answer.endswith(b"abcdef")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Paths of a certificate for 127.0.0.1 and its key."""
    folder = tmp_path_factory.mktemp("tls")
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
    command += " -addext subjectAltName=IP:127.0.0.1 -keyout key.pem -out cert.pem"
    try:
        subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    return str(folder / "cert.pem"), str(folder / "key.pem")


def test_target_with_tls_needs_a_context_that_trusts_it(pair: tuple[str, str]) -> None:
    trusting = ssl.create_default_context(cafile=pair[0])
    with Serving(echo, ssl_context=pair) as url:
        status, headers, _ = ask(ProxyMiddleware(app, {"/p/": {"target": url, "ssl_context": trusting}}))
        assert (status, dict(headers)["X-Scheme"]) == ("200 OK", "https")
        assert ask(ProxyMiddleware(app, {"/p/": {"target": url}}))[0] == "502 BAD GATEWAY"
