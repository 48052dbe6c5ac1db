"""A visitor of the board: a test client that fills in forms as a browser does."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hipflask import Flask
    from hipflask.testing import TestResponse

BOUNDARY = "----a-boundary-that-no-file-has"
PASSWORD = "correct horse battery"


class Visitor:
    """One browser with its cookies, logged in as *name* if one is given."""

    def __init__(self, app: Flask, name: str | None = None) -> None:
        self.app = app
        self.client = app.test_client()
        if name is not None:
            response = self.send("/log-in", name=name, password=PASSWORD)
            assert response.status_code == 303, response.text

    def get(self, path: str, **options: Any) -> TestResponse:
        """Ask for a page."""
        return self.client.get(path, **options)

    def send(self, path: str, *, picture: bytes | None = None, file_name: str = "a.png", **fields: str) -> TestResponse:
        """Post a form with the token that its page carries, and with a picture if one is given."""
        data = {"csrf_token": self.read_token(), **fields}
        if picture is None:
            return self.client.post(path, data=data)
        body = encode_form(data, picture, file_name)
        return self.client.post(path, data=body, content_type=f"multipart/form-data; boundary={BOUNDARY}")

    def read_token(self) -> str:
        """Return the token of this visitor's forms."""
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.get("/sign-up").text)
        assert found is not None
        return found[1]


def encode_form(fields: dict[str, str], picture: bytes, file_name: str) -> bytes:
    """Return a form as a browser sends it, in one piece of memory (the test client would take a file)."""
    for character in '"\r\n':
        file_name = file_name.replace(character, f"%{ord(character):02X}")
    parts = {f'name="{name}"': value.encode() for name, value in fields.items()}
    parts[f'name="picture"; filename="{file_name}"'] = picture
    begin = f"--{BOUNDARY}\r\nContent-Disposition: form-data; "
    return (
        b"".join(f"{begin}{head}\r\n\r\n".encode() + value + b"\r\n" for head, value in parts.items())
        + f"--{BOUNDARY}--\r\n".encode()
    )


def read_text(response: TestResponse) -> str:
    """Return the words of a page: no tags, references resolved, white space made single."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", response.text)).split())
