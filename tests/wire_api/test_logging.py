"""Cases LG of the wire table that are calls: what is logged."""

from __future__ import annotations

import logging

import pytest

import hipflask
from hipflask.server.access_log import RejectionLog


@pytest.mark.parametrize("text", [pytest.param(text, id=f"LG-012-{text}") for text in ("%s %d", "{} {0}", "%(a)s")])
def test_the_text_of_an_error_is_not_a_format(
    app: hipflask.Flask, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    def fail() -> str:
        raise RuntimeError(text)

    app.add_url_rule("/<path:x>", "fail", lambda x: fail())
    assert app.test_client().get("/%25s%7B%7D").status_code == 500
    assert f"RuntimeError: {text}" in caplog.text
    assert "Logging error" not in capsys.readouterr().err


def test_lg_014_a_flood_of_refusals_is_a_few_lines(caplog: pytest.LogCaptureFixture) -> None:
    log = RejectionLog(per_second=10)
    with caplog.at_level(logging.INFO):
        for _ in range(10_000):
            log.write("127.0.0.1", 400, "malformed")
    # As many seconds as the loop took, and one that it began in.
    assert len(caplog.records) < 1_000


def test_lg_016_an_error_is_logged_once_and_not_shown(app: hipflask.Flask, caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> str:
        raise RuntimeError("secret")

    app.add_url_rule("/", "fail", fail)
    app.register_error_handler(500, lambda error: ("sorry", 500))
    response = app.test_client().get("/")
    assert (response.status_code, response.text) == (500, "sorry")
    assert len(caplog.records) == 1
