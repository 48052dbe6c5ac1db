"""The application on a socket."""

import socket
import threading
from urllib.request import urlopen

import pytest

import hipflask
from hipflask.testing import live_server as module
from hipflask.testing.live_server import LiveServer


@pytest.fixture
def app():
    app = hipflask.Flask("live")
    app.seen = []
    app.on_startup(lambda: app.seen.append("start"))
    app.on_shutdown(lambda: app.seen.append("stop"))

    @app.get("/<name>")
    def page(name):
        return f"page {name} of {hipflask.request.host}"

    return app


def read(url):
    with urlopen(url) as response:
        return response.read().decode()


def is_open(port):
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
    except ConnectionRefusedError:
        return False
    return True


def test_server_serves_in_its_block(app):
    server = LiveServer(app)
    assert "stopped" in repr(server)
    with server:
        assert "serving" in repr(server)
        assert (server.host, server.port > 0) == ("127.0.0.1", True)
        assert server.url == f"http://127.0.0.1:{server.port}"
        assert read(server.url_for("page", name="a")) == f"page a of 127.0.0.1:{server.port}"
        assert app.seen == ["start"]
        port = server.port
    assert app.seen == ["start", "stop"]
    assert not is_open(port)
    assert f"live-server-{port}" not in [each.name for each in threading.enumerate()]


def test_server_can_be_started_again_and_stopped_twice(app):
    server = LiveServer(app)
    for _ in range(2):
        server.start()
        with pytest.raises(RuntimeError, match="is started already"):
            server.start()
        assert read(server.url + "/b").startswith("page b")
        server.stop()
        server.stop()
    assert app.seen == ["start", "stop"] * 2


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param({}, "{url}/a?b=1", id="external"),
        pytest.param({"_external": False}, "/a?b=1", id="path"),
        pytest.param({"_anchor": "c"}, "{url}/a?b=1#c", id="anchor"),
    ],
)
def test_urls_are_those_of_the_server_whatever_the_configuration(app, values, expected):
    app.config.update(SERVER_NAME="example.com", APPLICATION_ROOT="/root", PREFERRED_URL_SCHEME="https")
    with LiveServer(app) as server:
        assert server.url_for("page", name="a", b=1, **values) == expected.format(url=server.url)


def test_ipv6_address_is_in_brackets(app):
    server = LiveServer(app, host="::1", port=80)
    assert server.url == "http://[::1]:80"


def test_app_that_runs_already_is_not_ended(app):
    with app.test_client():
        with LiveServer(app):
            pass
        assert app.seen == ["start"]
    assert app.seen == ["start", "stop"]


def test_error_of_startup_reaches_the_test_and_frees_the_port(app):
    @app.on_startup
    def fail():
        raise KeyError("startup")

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = LiveServer(app, port=port)
    with pytest.raises(KeyError, match="startup"):
        server.start()
    assert not is_open(port)
    server.stop()


def test_any_wsgi_application_is_served():
    def application(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [environ["PATH_INFO"].encode()]

    with LiveServer(application) as server:
        assert read(server.url + "/path") == "/path"


def test_request_that_takes_too_long_is_cut_off_and_told(app, monkeypatch, caplog):
    entered, may_go_on = threading.Event(), threading.Event()

    @app.get("/slow")
    def slow():
        entered.set()
        may_go_on.wait(20)
        return ""

    monkeypatch.setattr(module, "STOP_SECONDS", 0.05)
    server = LiveServer(app)
    server.start()
    client = socket.create_connection((server.host, server.port))
    try:
        client.sendall(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        assert entered.wait(20)
        server.stop()
        assert "1 requests were cut off" in caplog.text
        assert app.seen == ["start", "stop"]
    finally:
        may_go_on.set()
        client.close()


def test_connection_that_is_kept_open_does_not_hold_up_the_end(app):
    server = LiveServer(app)
    server.start()
    with socket.create_connection((server.host, server.port)) as client:
        client.sendall(b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.recv(65536).startswith(b"HTTP/1.1 200")
        server.stop()
        assert client.recv(65536) == b""
    assert app.seen == ["start", "stop"]
