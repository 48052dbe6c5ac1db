from __future__ import annotations

import _thread
import json
import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from hipflask.server import listener, native
from hipflask.server.handler import WSGIRequestHandler
from hipflask.server.listener import (
    BindError,
    describe_addresses,
    get_interface_ip,
    get_sockaddr,
    select_address_family,
)
from hipflask.server.pure import BaseWSGIServer, ThreadedWSGIServer
from hipflask.server.runner import _why_pure, is_running_from_reloader, make_server, run_simple

needs_native = pytest.mark.skipif(not native.is_available(), reason="built without cargo")


def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [])
    return [b"hello"]


@pytest.mark.parametrize(("threaded", "kind"), [(False, BaseWSGIServer), (True, ThreadedWSGIServer)])
def test_make_server_listens_at_once(threaded: bool, kind: type[BaseWSGIServer]) -> None:
    with make_server("127.0.0.1", 0, app, threaded=threaded) as server:
        assert type(server) is kind
        assert (server.host, server.server_name) == ("127.0.0.1", "127.0.0.1")
        assert server.port == server.server_port == server.socket.getsockname()[1] > 0
        assert (server.multithread, server.multiprocess) == (threaded, False)
        socket.create_connection(("127.0.0.1", server.port)).close()


def test_port_must_be_a_number() -> None:
    port: Any = "5000"
    with pytest.raises(TypeError, match="whole number"):
        make_server("127.0.0.1", port, app)


def test_port_in_use_is_told_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(SystemExit, match=f"^Error: Port {port} on 127.0.0.1 is in use .*--port") as caught:
            make_server("127.0.0.1", port, app)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value.__cause__, OSError)


@pytest.mark.parametrize(
    ("host", "port", "message"),
    [
        ("no.such.host.invalid", 0, "Host 'no.such.host.invalid' is unknown. Use 127.0.0.1"),
        ("192.0.2.1", 0, "192.0.2.1 is not an address of this machine"),
        ("127.0.0.1", 70000, "Port 70000 does not exist"),
        ("unix:///no/such/folder/x.sock", 0, "Cannot listen on unix:///no/such/folder/x.sock"),
    ],
)
def test_address_that_cannot_be_used_is_told(host: str, port: int, message: str) -> None:
    with pytest.raises(BindError, match=message):
        make_server(host, port, app)


def test_privileged_port_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    # Tests may run with administrator rights, so the system's answer is taken from elsewhere.
    error = PermissionError(13, "Permission denied")
    assert "administrator rights" in listener._explain(error, "127.0.0.1", 80)
    assert "permission denied" in listener._explain(error, "unix://x", 0)
    missing = listener._explain(FileNotFoundError(2, "No such file"), "unix:///nodir/x.sock", 0)
    assert missing == "Cannot listen on unix:///nodir/x.sock: No such file."
    monkeypatch.setattr(sys, "platform", "darwin")
    assert "AirPlay" in listener._explain(OSError(98, "in use"), "127.0.0.1", 5000)


def test_unix_socket_in_use_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with make_server("unix://a.sock", 0, app), pytest.raises(BindError, match="in use"):
        make_server("unix://a.sock", 0, app)
    Path("file").write_text("text")
    with pytest.raises(BindError, match="in use"):
        make_server("unix://file", 0, app)
    assert Path("file").read_text() == "text"


def test_unix_socket_of_a_dead_server_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind("a.sock")
    with make_server("unix://a.sock", 0, app) as server:
        assert server.host == "unix://a.sock"


def test_addresses_are_found() -> None:
    assert select_address_family("::1", 0) == socket.AF_INET6
    assert select_address_family("localhost", 0) == socket.AF_INET
    assert select_address_family("unix://x", 0) == socket.AF_UNIX
    assert get_sockaddr("localhost", 80, socket.AF_INET) == ("127.0.0.1", 80)
    assert get_sockaddr("no.such.host.invalid", 80, socket.AF_INET) == ("no.such.host.invalid", 80)
    assert get_sockaddr("unix:///a/b", 80, socket.AF_UNIX) == "/a/b"
    assert get_interface_ip(socket.AF_INET).count(".") == 3
    assert ":" in get_interface_ip(socket.AF_INET6)


@pytest.mark.parametrize(
    ("host", "port", "is_tls", "lines"),
    [
        ("127.0.0.1", 80, False, ["Running on http://127.0.0.1:80"]),
        ("::1", 80, True, ["Running on https://[::1]:80"]),
        ("unix:///a", 0, False, ["Running on unix:///a"]),
    ],
)
def test_addresses_are_described(host: str, port: int, is_tls: bool, lines: list[str]) -> None:
    assert describe_addresses(host, port, socket.AF_INET, is_tls) == lines


def test_open_address_is_described_with_a_warning() -> None:
    lines = describe_addresses("0.0.0.0", 80, socket.AF_INET, False)
    assert "every address" in lines[0]
    assert "Running on http://127.0.0.1:80" in lines


@pytest.mark.parametrize(("value", "answer"), [("true", True), ("1", False), (None, False)])
def test_reloader_is_recognized(value: str | None, answer: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WERKZEUG_RUN_MAIN", raising=False)
    if value is not None:
        monkeypatch.setenv("WERKZEUG_RUN_MAIN", value)
    assert is_running_from_reloader() is answer


SCRIPT = textwrap.dedent("""
    import json, sys
    from hipflask.server.runner import run_simple
    def app(environ, start_response):
        start_response("200 OK", [])
        return [b"hello"]
    run_simple(application=app, **json.loads(sys.argv[1]))
""")


def start(server: str = "auto", **options: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", SCRIPT, json.dumps({"hostname": "127.0.0.1", "port": 0, **options})]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "HIPFLASK_RUN_SERVER": server}
    return subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)


@pytest.mark.parametrize("threaded", [False, True])
def test_ctrl_c_ends_the_server_at_once_and_quietly(threaded: bool) -> None:
    process = start(threaded=threaded, use_reloader=True, use_debugger=True)
    assert process.stderr is not None
    assert process.stderr.readline() == (
        " * The reloader and the debugger come with a later version; serving without.\n"
    )
    line = process.stderr.readline()
    assert line.startswith(" * Running on http://127.0.0.1:")
    assert process.stderr.readline() == "Press Ctrl+C to stop\n"
    with socket.create_connection(("127.0.0.1", int(line.rpartition(":")[2]))) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 200 OK\r\n")
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=10)
    assert process.returncode == 0
    assert "Traceback" not in errors


def test_port_in_use_ends_the_program_with_status_1() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        process = start(port=other.getsockname()[1])
        output, errors = process.communicate(timeout=10)
    assert process.returncode == 1
    assert output == ""
    assert errors.startswith("Error: Port ")
    assert errors.count("\n") == 1


@pytest.mark.parametrize("threaded", [False, True])
def test_static_files_are_served_before_the_application(tmp_path: Path, threaded: bool) -> None:
    (tmp_path / "a.txt").write_text("from the file")
    process = start(static_files={"/static": str(tmp_path)}, threaded=threaded)
    assert process.stderr is not None
    port = int(process.stderr.readline().rpartition(":")[2])
    answers = []
    for path in (b"a.txt", b"none.txt", b"../a.txt"):
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"GET /static/" + path + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            answers.append(b"".join(iter(lambda: client.recv(65536), b"")).rpartition(b"\r\n\r\n")[2])
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10)
    assert answers == [b"from the file", b"hello", b"hello"]


class Handler(WSGIRequestHandler):
    """A handler of one's own."""


@needs_native
@pytest.mark.parametrize(
    ("options", "reason"),
    [
        pytest.param({}, None, id="threads"),
        pytest.param({"threaded": False}, "the calling thread serves", id="one-thread"),
        pytest.param({"processes": 2}, "forks", id="processes"),
        pytest.param({"request_handler": Handler}, "request_handler", id="handler"),
        pytest.param({"passthrough_errors": True}, "errors cannot pass out", id="errors"),
        pytest.param({"ssl_context": "adhoc"}, "no HTTPS", id="https"),
    ],
)
def test_native_server_serves_what_it_can(options: dict[str, Any], reason: str | None) -> None:
    usual = {"threaded": True, "processes": 1, "request_handler": None, "passthrough_errors": False}
    found = _why_pure(**{**usual, "ssl_context": None, **options})
    assert (found is None) if reason is None else (found is not None and reason in found)


@needs_native
def test_native_server_leaves_green_threads_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_thread, "start_new_thread", lambda *args: 0)
    assert "green" in str(native.find_obstacle())


def test_native_server_that_cannot_serve_so_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIPFLASK_RUN_SERVER", "native")
    with pytest.raises(ValueError, match="^HIPFLASK_RUN_SERVER=native: "):
        run_simple("127.0.0.1", 0, app, threaded=False)


def test_module_that_is_not_built_is_no_word_worth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hipflask.server._native", None)
    monkeypatch.delattr("hipflask.server._native", raising=False)
    assert "not built" in str(_why_pure(True, 1, None, False, None))


ECHO = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_DFL)  # those who count coverage have set one
from hipflask import Flask, request
app = Flask(__name__)
app.config.update(SERVER_TRUSTED_PROXIES=1, SERVER_MAX_BODY=10)
@app.post("/")
def index():
    return f"{request.remote_addr} {hasattr(request.environ['werkzeug.socket'], '__enter__')}"
app.run(port=0)
"""


@pytest.mark.parametrize("server", ["pure", pytest.param("auto", marks=needs_native)])
def test_application_served_by_either_has_its_settings(server: str) -> None:
    environment = {**os.environ, "HIPFLASK_RUN_SERVER": server}
    with subprocess.Popen([sys.executable, "-c", ECHO], stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stderr is not None
        port = int(process.stderr.readline().rpartition(":")[2])
        answers = []
        for size in (2, 11):
            with socket.create_connection(("127.0.0.1", port)) as client:
                fields = f"Host: a\r\nX-Forwarded-For: 192.0.2.1\r\nConnection: close\r\nContent-Length: {size}"
                client.sendall(f"POST / HTTP/1.1\r\n{fields}\r\n\r\n".encode() + b"a" * size)
                answers.append(b"".join(iter(lambda: client.recv(65536), b"")))
        process.terminate()
        errors = process.stderr.read()
    assert answers[0].endswith(b"192.0.2.1 %r" % (server == "pure"))
    assert answers[1].startswith(b"HTTP/1.1 413 ")
    assert re.search(r'^[0-9.]+ - - \[../.../.... ..:..:..\] "POST / HTTP/1\.1" 200 1[45]$', errors, re.MULTILINE)
