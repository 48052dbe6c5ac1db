"""A browser and the live server of `hipflask.testing`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import hipflask
from hipflask.testing import LiveServer, captured_templates

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

pytestmark = pytest.mark.browser


def test_browser_walks_through_an_application_of_this_process(chromium: Chrome) -> None:
    app = hipflask.Flask("browsed")
    app.secret_key = "key"
    ended = []
    app.on_shutdown(lambda: ended.append(True))

    @app.get("/")
    def index() -> str:
        return hipflask.render_template_string('<form method="post" action="/in"><input name="n"></form>')

    @app.post("/in")
    def log_in() -> hipflask.typing.ResponseReturnValue:
        hipflask.session["name"] = hipflask.request.form["n"]
        return hipflask.redirect("/name")

    @app.get("/name")
    def name() -> str:
        return f"<h1>{hipflask.session['name']}</h1>"

    with LiveServer(app) as server, captured_templates(app) as templates:
        chromium.get(server.url_for("index"))
        field = chromium.find_element("name", "n")
        field.send_keys("ada")
        field.submit()
        assert chromium.find_element("tag name", "h1").text == "ada"
        assert chromium.current_url == server.url_for("name")
        assert len(templates) == 1
    assert ended == [True]
