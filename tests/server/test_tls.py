from __future__ import annotations

import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hipflask.server.limits import Limits
from hipflask.server.tls import (
    generate_adhoc_ssl_context,
    generate_adhoc_ssl_pair,
    is_ssl_error,
    load_ssl_context,
    make_ssl_devcert,
    resolve_ssl_context,
)
from hipflask.server.workers import PoolSettings


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Paths of a certificate and its key."""
    folder = tmp_path_factory.mktemp("tls")
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
    command += " -addext subjectAltName=DNS:localhost -keyout key.pem -out cert.pem"
    try:
        subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    return str(folder / "cert.pem"), str(folder / "key.pem")


def client_wrap(certificate: str) -> Callable[[socket.socket], socket.socket]:
    context = ssl.create_default_context(cafile=certificate)
    return lambda sock: context.wrap_socket(sock, server_hostname="localhost")


def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    body = environ["wsgi.input"].read()
    start_response("200 OK", [])
    return [f"{environ['wsgi.url_scheme']} {len(body)} ".encode(), b"a" * 100_000, b"end"]


@pytest.mark.parametrize("threaded", [True, False])
def test_requests_are_served_over_tls(serve: Callable[..., Any], pair: tuple[str, str], threaded: bool) -> None:
    running = serve(app, ssl_context=pair, threaded=threaded)
    client = running.connect(client_wrap(pair[0]))
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50000\r\n\r\n" + b"b" * 50_000)
    assert b"\r\n\r\nhttps 50000 aaa" in client.read_until(b"end")
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 2 + b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert client.read_all().count(b"https 0 ") == 3


def test_client_without_tls_is_turned_away(serve: Callable[..., Any], pair: tuple[str, str]) -> None:
    running = serve(app, ssl_context=pair)
    client = running.connect()
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    try:
        assert b"HTTP/1.1 200" not in client.read_all()
    except ConnectionResetError:
        pass
    good = running.connect(client_wrap(pair[0]))
    good.send(b"GET / HTTP/1.0\r\n\r\n")
    assert good.read_all().endswith(b"end")


def test_handshake_that_stalls_is_given_up(serve: Callable[..., Any], pair: tuple[str, str]) -> None:
    running = serve(app, ssl_context=pair, limits=Limits(head_timeout_seconds=0.01))
    client = running.connect()
    client.send(b"\x16\x03\x01\x02\x00")
    assert client.read_all() == b""


def test_context_is_resolved(pair: tuple[str, str]) -> None:
    context = load_ssl_context(*pair)
    assert resolve_ssl_context(None) is None
    assert resolve_ssl_context(context) is context
    assert isinstance(resolve_ssl_context(pair), ssl.SSLContext)
    with pytest.raises(TypeError, match="ssl_context is 'cert.pem': give"):
        resolve_ssl_context("cert.pem")


def test_context_made_on_the_fly_takes_cryptography(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(TypeError, match="pip install cryptography"):
        resolve_ssl_context("adhoc")


def test_context_is_made_on_the_fly() -> None:
    pytest.importorskip("cryptography")
    assert isinstance(generate_adhoc_ssl_context(), ssl.SSLContext)


@pytest.mark.parametrize(
    ("cn", "hosts"),
    [
        (None, ["localhost", "127.0.0.1", "::1"]),
        ("*", ["localhost", "127.0.0.1", "::1"]),
        ("board.test", ["board.test"]),
        ("192.0.2.1", ["192.0.2.1"]),
        ("*.board.test/CN=board.test", ["*.board.test", "board.test"]),
    ],
)
def test_certificate_names_its_hosts(cn: str | None, hosts: list[str]) -> None:
    x509 = pytest.importorskip("cryptography.x509")
    certificate, key = generate_adhoc_ssl_pair(cn)
    assert certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value == hosts[0]
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(name.value) for name in names] == hosts
    assert certificate.public_key().public_numbers() == key.public_key().public_numbers()


def test_certificate_is_written_for_browsers(serve: Callable[..., Any], tmp_path: Path) -> None:
    pytest.importorskip("cryptography")
    paths = make_ssl_devcert(str(tmp_path / "dev"), host="localhost")
    assert paths == (str(tmp_path / "dev.crt"), str(tmp_path / "dev.key"))
    assert os.stat(paths[1]).st_mode & 0o077 == 0
    client = serve(app, ssl_context=paths).connect(client_wrap(paths[0]))
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert b"https 0" in client.read_all()


@pytest.mark.parametrize("make", [generate_adhoc_ssl_pair, lambda: make_ssl_devcert("x", cn="a")])
def test_certificates_take_cryptography(make: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(TypeError, match="pip install cryptography"):
        make()


def test_certificate_of_the_client_is_passed_on(serve: Callable[..., Any], pair: tuple[str, str]) -> None:
    context = load_ssl_context(*pair)
    context.load_verify_locations(pair[0])
    context.verify_mode = ssl.CERT_OPTIONAL
    seen = []

    def note(environ: dict[str, Any], start_response: Any) -> Any:
        seen.append(environ.get("SSL_CLIENT_CERT"))
        return app(environ, start_response)

    running = serve(note, ssl_context=context)
    theirs = ssl.create_default_context(cafile=pair[0])
    theirs.load_cert_chain(*pair)
    request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    for wrap in (client_wrap(pair[0]), lambda sock: theirs.wrap_socket(sock, server_hostname="localhost")):
        client = running.connect(wrap)
        client.send(request)
        client.read_all()
    assert seen[0] is None
    assert seen[1].split() == Path(pair[0]).read_text().split()


def test_slow_readers_over_tls_leave_the_threads_to_others(serve: Callable[..., Any], pair: tuple[str, str]) -> None:
    def large(environ: dict[str, Any], start_response: Any) -> Any:
        start_response("200 OK", [])
        if environ["PATH_INFO"] == "/large":
            return iter([b"a" * 1_000_000] * 10)
        return [b"quick"]

    running = serve(large, ssl_context=pair, pool=PoolSettings(threads=1, max_threads=1))
    slow = [running.connect(client_wrap(pair[0])) for _ in range(3)]
    for client in slow:
        client.send(b"GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        client.read_until(b"\r\n\r\n")
    client = running.connect(client_wrap(pair[0]))
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert client.read_all().endswith(b"quick")
    for client in slow:
        assert client.read_all().endswith(b"a\r\n0\r\n\r\n")


def test_tls_errors_are_told_apart(tmp_path: Path) -> None:
    assert is_ssl_error(ssl.SSLError("x"))
    assert not is_ssl_error(ValueError("x"))
    assert not is_ssl_error()
    try:
        raise ssl.SSLError("x")
    except ssl.SSLError:
        assert is_ssl_error()
