"""Cases ST of the wire table that are calls: files that are sent."""

from __future__ import annotations

import io
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import hipflask
from hipflask.http.exceptions import NotFound
from hipflask.http.security import safe_join
from tests.wire_api.conftest import WAIT_SECONDS

SIZE = 30_000_000  # more than the buffers between two sockets hold


@pytest.fixture
def site(tmp_path: Path) -> hipflask.Flask:
    """An application that serves a folder."""
    folder = tmp_path / "static"
    folder.mkdir()
    (folder / "x.txt").write_text("text")
    (folder / "x.unknown").write_text("bytes")
    (folder / "x.svg").write_text("<svg/>")
    with open(folder / "large", "wb") as file:
        file.truncate(SIZE)
    return hipflask.Flask("site", root_path=str(tmp_path))


def begin(port: int, path: str) -> tuple[socket.socket, bytes]:
    """Ask for a file; return the connection and the beginning of the answer."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=WAIT_SECONDS)
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    connection.sendall(request.encode("ascii"))
    begun = b""
    while b"\r\n\r\n" not in begun:
        begun += connection.recv(4096)
    return connection, begun


def body_of(connection: socket.socket, begun: bytes) -> bytes:
    """Return the whole body, as much as there comes of it."""
    parts = [begun.partition(b"\r\n\r\n")[2]]
    try:
        while part := connection.recv(1 << 20):
            parts.append(part)
    except ConnectionResetError:
        pass
    connection.close()
    return b"".join(parts)


def test_st_047_a_file_that_cannot_be_read_is_not_found(
    site: hipflask.Flask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Not by chmod: root may read everything.
    def refuse(path: str, mode: str) -> Any:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("hipflask.http.files.open", refuse, raising=False)
    response = site.test_client().get("/static/x.txt")
    assert response.status_code == 404
    assert str(tmp_path) not in response.text


def test_st_048_a_file_that_shrinks_is_cut_off(
    site: hipflask.Flask, serve: Callable[[Any], int], tmp_path: Path
) -> None:
    port = serve(site)
    connection, begun = begin(port, "/static/large")
    assert f"Content-Length: {SIZE}".encode() in begun
    os.truncate(tmp_path / "static/large", 1000)
    assert len(body_of(connection, begun)) < SIZE
    assert body_of(*begin(port, "/static/x.txt")) == b"text"


def test_st_049_a_file_that_is_replaced_is_sent_as_it_was(
    site: hipflask.Flask, serve: Callable[[Any], int], tmp_path: Path
) -> None:
    connection, begun = begin(serve(site), "/static/large")
    (tmp_path / "new").write_bytes(b"n" * SIZE)
    (tmp_path / "new").replace(tmp_path / "static/large")
    assert body_of(connection, begun) == bytes(SIZE)


@pytest.mark.parametrize(
    ("options", "name", "expected"),
    [
        # As in Flask, X-Content-Type-Options is the application's to set, in an after_request function.
        pytest.param({}, "x.unknown", ("application/octet-stream", "inline; filename=x.unknown"), id="ST-051"),
        pytest.param({"as_attachment": True}, "x.svg", ("image/svg+xml", "attachment; filename=x.svg"), id="ST-052"),
    ],
)
def test_what_uploads_are_sent_as(
    site: hipflask.Flask, options: dict[str, Any], name: str, expected: tuple[str, str]
) -> None:
    with site.test_request_context(), hipflask.send_from_directory("static", name, **options) as response:
        assert (response.mimetype, response.headers["Content-Disposition"]) == expected


def test_st_054_names_are_given_twice(site: hipflask.Flask) -> None:
    with site.test_request_context():
        response = hipflask.send_file(io.BytesIO(), download_name='\u62a5\u544a".txt', as_attachment=True)
    assert response.headers["Content-Disposition"] == (
        'attachment; filename="\\".txt"; filename*=UTF-8\'\'%E6%8A%A5%E5%91%8A%22.txt'
    )


@pytest.mark.parametrize(
    "path", [pytest.param("/etc/passwd", id="ST-055"), pytest.param("//etc/passwd", id="ST-055-2")]
)
def test_absolute_paths_are_not_found(site: hipflask.Flask, path: str) -> None:
    with site.test_request_context(), pytest.raises(NotFound, match="404"):
        hipflask.send_from_directory("static", path)


@pytest.mark.parametrize(
    ("path", "joined"),
    [
        pytest.param("/etc/passwd", None, id="ST-056-absolute"),
        pytest.param("../x", None, id="ST-056-up"),
        pytest.param("a/b", "./a/b", id="ST-056-below"),
        pytest.param("", ".", id="ST-056-empty"),
    ],
)
def test_an_empty_folder_is_this_one(path: str, joined: str | None) -> None:
    assert safe_join("", path) == joined


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc to count open files")
def test_st_057_aborted_downloads_leave_nothing_open(site: hipflask.Flask, serve: Callable[[Any], int]) -> None:
    port = serve(site)

    def large_files() -> int:
        return sum(map(is_large, os.listdir("/proc/self/fd")))

    def is_large(descriptor: str) -> bool:
        try:
            return os.readlink(f"/proc/self/fd/{descriptor}").endswith("/static/large")
        except FileNotFoundError:  # closed since it was listed
            return False

    for _ in range(60):
        connection, _ = begin(port, "/static/large")
        connection.close()
    for _ in range(1000):  # each answer ends when its thread notices
        if not large_files():
            break
        assert body_of(*begin(port, "/static/x.txt")) == b"text"
    assert large_files() == 0
