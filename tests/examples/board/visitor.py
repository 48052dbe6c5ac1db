"""A visitor of the board: a test client that fills in forms as a browser does."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hipflask import Flask
    from hipflask.testing import TestResponse

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

    def send(self, path: str, **fields: str) -> TestResponse:
        """Post a form with the token that its page carries."""
        return self.client.post(path, data={"csrf_token": self.read_token(), **fields})

    def read_token(self) -> str:
        """Return the token of this visitor's forms."""
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.get("/sign-up").text)
        assert found is not None
        return found[1]


def read_text(response: TestResponse) -> str:
    """Return the words of a page: no tags, references resolved, white space made single."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", response.text)).split())
