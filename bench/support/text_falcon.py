"""The text view and the JSON view of `text_app.py` on Falcon."""

from __future__ import annotations

from typing import Any

import falcon


class Index:
    def on_get(self, request: Any, response: Any) -> None:
        response.content_type = "text/plain"
        response.text = "Hello, World!"


class User:
    def on_get(self, request: Any, response: Any, id: int) -> None:
        response.media = {"id": id, "name": "user"}


app = falcon.App()
app.add_route("/", Index())
app.add_route("/user/{id:int}", User())
