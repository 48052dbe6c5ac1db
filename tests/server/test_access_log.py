from __future__ import annotations

import logging

import pytest

from hipflask.server import access_log
from hipflask.server.access_log import RejectionLog, access_logger, printable


def test_handler_writes_to_the_present_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    handler = access_log._StderrHandler()
    handler.emit(logging.makeLogRecord({"msg": "a line"}))
    assert capsys.readouterr().err == "a line\n"


def test_configured_logger_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_log, "LOGGER_NAME", "hipflask.access.test")
    logger = logging.getLogger("hipflask.access.test")
    logger.setLevel(logging.ERROR)
    handlers = list(logger.handlers)
    assert access_logger() is logger
    assert (logger.handlers, logger.level) == (handlers, logging.ERROR)


@pytest.mark.parametrize(("text", "shown"), [("/a?b=%1b", "/a?b=%1b"), ("/\x9b\n\xe9", "/\\x9b\\x0a\\xe9")])
def test_text_is_made_printable(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_flood_of_refusals_is_not_a_flood_of_lines(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now = 1.0
    monkeypatch.setattr(access_log.time, "monotonic", lambda: now)
    log = RejectionLog(per_second=2)
    for _ in range(5):
        log.write("127.0.0.1", 400, "reason")
    assert len(caplog.records) == 2
    now = 2.0
    log.write("127.0.0.1", 400, "reason")
    assert caplog.records[-1].getMessage().endswith("refused with 400: reason (3 more like it were not logged)")
