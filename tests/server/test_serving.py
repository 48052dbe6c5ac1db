"""Which server a worker serves with, and the health check."""

from __future__ import annotations

import socket
import threading
from typing import Any

import pytest

from hipflask import Flask
from hipflask.server import native
from hipflask.server.serving import Probe, Serving, start_serving


def _settings(**changes: Any) -> dict[str, Any]:
    settings = {"given": {}, "sockets": [], "with_threads": True, "cert": None, "is_multiprocess": False}
    return {**settings, **changes}


def _serve(app: Flask | None = None, cert: Any = None, **given: Any) -> Serving:
    """Serve for a moment: a server may be stopped before it serves."""
    probe = Probe()
    try:
        serving = start_serving(app or Flask("served"), _settings(given=given, cert=cert), probe.listener)
        serving.stop(1.0)
        ready: list[bool] = []
        serving.serve(lambda: ready.append(True))
        assert ready == [True]
    finally:
        probe.listener.close()
        probe.ask(None, "a", 0.01)  # removes its folder
    return serving


def test_native_server_is_taken_where_it_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    if native.is_available():
        assert _serve().notices == []
        assert _serve(server="native").notices == []
        with pytest.raises(ValueError, match="--server native: the native one has no HTTPS yet"):
            _serve(server="native", cert=["a", "b"])
    monkeypatch.setattr(native, "is_available", lambda: False)
    with pytest.raises(ValueError, match="--server native: the native one is not built. With Rust installed.*pip"):
        _serve(server="native")
    assert _serve(server="pure").notices == []
    assert _serve(server="auto").notices[0].startswith(" * The pure-Python server serves: the native one is not")


def test_settings_of_the_application_are_heeded() -> None:
    app = Flask("served")
    app.config["SERVER_GRACEFUL_TIMEOUT"] = 7
    assert _serve(app).graceful_seconds == 7
    app.config["SERVER_THREADS"] = "many"
    with pytest.raises(ValueError, match="SERVER_THREADS: 'many'"):
        _serve(app)


@pytest.mark.parametrize(
    ("path", "answer", "problem"),
    [
        (None, b"HTTP/1.1 204 No Content\r\n", None),
        (None, b"HTTP/1.1 404 Not Found\r\n", None),
        (None, b"HTTP/1.1 503 No\r\n", "The health check .OPTIONS . HTTP/1.1. was answered with status 503."),
        ("/up", b"HTTP/1.1 302 Found\r\n", None),
        ("/up", b"HTTP/1.1 404 Not Found\r\n", "GET /up HTTP/1.1. was answered with status 404"),
        ("/up", b"", "was answered with status 0"),
        ("/up", b"nonsense of any kind\r\n", "failed: invalid literal"),
    ],
)
def test_health_check_reads_the_status(path: str | None, answer: bytes, problem: str | None) -> None:
    probe = Probe()
    asked: list[bytes] = []

    def serve() -> None:
        client, _ = probe.listener.accept()
        with client:
            asked.append(client.recv(4096))
            client.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    found = probe.ask(path, "example.test", 10)
    thread.join()
    probe.listener.close()
    assert b"Host: example.test\r\n" in asked[0]
    if problem is None:
        assert found is None
    else:
        with pytest.raises(RuntimeError, match=problem):
            raise RuntimeError(found)


def test_health_check_that_gets_no_answer_fails() -> None:
    probe = Probe()
    found = probe.ask("/", "a", 0.05)
    assert found is not None
    assert "timed out" in found
    probe.listener.close()
    with pytest.raises(OSError, match="No such file"), socket.socket(socket.AF_UNIX) as client:
        client.connect(probe.path)
