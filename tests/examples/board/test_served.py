"""The board behind a real server: what comes in pieces, or not to its end."""

from __future__ import annotations

import http.client
import re
import socket
from urllib.parse import urlencode, urlsplit

import pytest

from tests.examples.board.picture_files import make_png
from tests.examples.board.served import WAIT_SECONDS, serve_board
from tests.examples.board.visitor import BOUNDARY, encode_form

pytestmark = pytest.mark.slow

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Browser:
    """Somebody who is logged in, over sockets."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        assert parts.hostname is not None
        assert parts.port is not None
        self.place = parts.hostname, parts.port
        self.cookie = ""
        fields = {"csrf_token": self.read_token(), "name": "maria", "password": "correct horse battery"}
        assert self.ask("POST", "/sign-up", urlencode(fields).encode(), FORM)[0] == 303

    def ask(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> tuple[int, str]:
        """Send a request, keep the cookie, and return status and text."""
        connection = http.client.HTTPConnection(*self.place, timeout=WAIT_SECONDS)
        connection.request(method, path, body, {"Cookie": self.cookie, **(headers or {})})
        response = connection.getresponse()
        text = response.read().decode(errors="replace")
        for value in response.headers.get_all("Set-Cookie") or ():
            self.cookie = value.partition(";")[0]
        connection.close()
        return response.status, text

    def read_token(self) -> str:
        """Return the token of the forms."""
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.ask("GET", "/sign-up")[1])
        assert found is not None
        return found[1]


def test_upload_in_pieces_is_kept_and_one_that_breaks_off_leaves_nothing(tmp_path):
    with serve_board(tmp_path) as address:
        browser = Browser(address)
        fields = {"csrf_token": browser.read_token(), "title": "Title", "body": "Text"}
        body = encode_form(fields, make_png(700, 500), "a.png")
        head = (
            f"POST /messages/new HTTP/1.1\r\nHost: {browser.place[0]}\r\nCookie: {browser.cookie}\r\n"
            f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode()
        for length in (0, 100, len(body) // 2, len(body) - 3):
            with socket.create_connection(browser.place, timeout=WAIT_SECONDS) as connection:
                connection.sendall(head + body[:length])
        with socket.create_connection(browser.place, timeout=WAIT_SECONDS) as connection:
            for start in range(0, len(head + body), 500):
                connection.sendall((head + body)[start : start + 500])
            assert connection.recv(100).startswith(b"HTTP/1.1 303")
        assert browser.ask("GET", "/")[1].count("<article") == 5
    # The server has ended: what it was still doing with the broken ones is done, and the database is one file again.
    assert sorted(path.name for path in tmp_path.glob("board.sqlite3*")) == ["board.sqlite3"]
    assert len(list((tmp_path / "pictures").iterdir())) == 2  # the sample's, and the whole one


def test_too_large_an_upload_gets_its_page_before_it_is_read(tmp_path):
    with serve_board(tmp_path) as address:
        browser = Browser(address)
        headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
        body = encode_form({"csrf_token": browser.read_token()}, make_png() + bytes(4 * 1024 * 1024), "a.png")
        status, text = browser.ask("POST", "/messages/new", body, headers)
        assert status == 413
        assert "at most 3\N{NO-BREAK SPACE}MiB" in text
    assert len(list((tmp_path / "pictures").iterdir())) == 1
