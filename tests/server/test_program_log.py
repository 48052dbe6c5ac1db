"""The access log of a program that serves itself, in the format that the environment or the configuration asks for."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys

import pytest

from hipflask.server import native

SCRIPT = """
import json, signal, sys
signal.signal(signal.SIGTERM, signal.SIG_DFL)  # those who count coverage have set one
from hipflask import Flask
from hipflask.server.handler import WSGIRequestHandler
class Own(WSGIRequestHandler):
    pass
app = Flask(__name__)
app.add_url_rule("/", "index", lambda: "hello")
told = json.loads(sys.argv[1])
app.config.update(told.pop("config", {}))
if told.pop("own", False):
    told["request_handler"] = Own
app.run(port=0, **told)
"""
APACHE = r'127\.0\.0\.1 - - \[../.../....:..:..:.. [+-]....\] "GET /\?a HTTP/1\.1" 200 5 "-" "agent"'
PLAIN = r'127\.0\.0\.1 - - \[../.../.... ..:..:..\] "GET /\?a HTTP/1\.1" 200 5'
SERVERS = ["pure", pytest.param("native", marks=pytest.mark.skipif(not native.is_available(), reason="not built"))]


def errors_of(server: str, log_format: str | None, **options: object) -> list[str]:
    """What a program that has answered one request has written to stderr."""
    environment = {**os.environ, "HIPFLASK_RUN_SERVER": server}
    if log_format is not None:
        environment["HIPFLASK_RUN_ACCESS_LOG"] = log_format
    command = [sys.executable, "-c", SCRIPT, json.dumps(options)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stderr is not None
        before = [process.stderr.readline()]
        while "Running on" not in before[-1]:
            before.append(process.stderr.readline())
        with socket.create_connection(("127.0.0.1", int(before[-1].rpartition(":")[2]))) as client:
            fields = "Host: a\r\nUser-Agent: agent\r\nConnection: close"
            client.sendall(f"GET /?a HTTP/1.1\r\n{fields}\r\n\r\n".encode())
            assert b"".join(iter(lambda: client.recv(65536), b"")).endswith(b"hello")
        process.terminate()
        return [*before, *process.stderr.read().splitlines()]


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize(
    ("log_format", "config", "line"),
    [
        pytest.param(None, {}, PLAIN, id="usual"),
        pytest.param("apache", {}, APACHE, id="apache"),
        pytest.param("off", {}, None, id="off"),
        pytest.param(None, {"SERVER_ACCESS_LOG": "off"}, None, id="off-by-key"),
    ],
)
def test_program_heeds_the_format(
    server: str, log_format: str | None, config: dict[str, str], line: str | None
) -> None:
    found = [each for each in errors_of(server, log_format, config=config) if "GET /" in each]
    assert (found == []) if line is None else (len(found) == 1 and re.fullmatch(line, found[0]) is not None)


@pytest.mark.parametrize("server", SERVERS)
def test_program_may_log_json(server: str) -> None:
    line = next(each for each in errors_of(server, "json") if each.startswith("{"))
    told = json.loads(line)
    assert [told[name] for name in ("client", "target", "status", "bytes", "user_agent")] == [
        *("127.0.0.1", "/?a", 200, 5, "agent")
    ]


def test_process_for_each_request_heeds_the_format_too() -> None:
    lines = errors_of("pure", "apache", threaded=False, processes=2)
    assert any(re.fullmatch(APACHE, line) for line in lines)


def test_handler_of_the_programs_own_keeps_its_lines_and_says_so() -> None:
    lines = errors_of("pure", "json", own=True)
    assert " * HIPFLASK_RUN_ACCESS_LOG (SERVER_ACCESS_LOG) is not heeded: request_handler=Own" in lines[0]
    assert any('"GET /?a HTTP/1.1" 200' in line for line in lines)
