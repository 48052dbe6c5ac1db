from __future__ import annotations

import json
import logging
import os
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from hipflask.server import access_log
from hipflask.server.access_log import (
    PROBE_AGENT,
    AccessLog,
    Refusal,
    RejectionLog,
    access_logger,
    format_apache,
    format_json,
    printable,
)
from hipflask.server.native import Access
from tests.server.supervised import wait_until


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


ANSWER = Access(
    client=("10.0.0.1", 1234),
    method="GET",
    target="/a?b",
    http_version="HTTP/1.1",
    status=200,
    body_bytes=12,
    started=1_700_000_000.25,
    duration_seconds=0.0015,
    referrer="http://x/",
    user_agent="agent",
    is_complete=True,
)
HOSTILE = ANSWER._replace(target='/\x1b[2J"\n\x9b', referrer="\\", user_agent="\r\x7f\xe9", http_version="1.0")


def test_apache_line_is_in_the_combined_format() -> None:
    line = format_apache(ANSWER)
    stamp = time.strftime("%d/%b/%Y:%H:%M:%S %z", time.localtime(ANSWER.started))
    assert line == f'10.0.0.1 - - [{stamp}] "GET /a?b HTTP/1.1" 200 12 "http://x/" "agent"'
    bare = ANSWER._replace(client=None, status=0, body_bytes=0, referrer="", user_agent="")
    assert format_apache(bare) == f'- - - [{stamp}] "GET /a?b HTTP/1.1" - - "-" "-"'


def test_apache_line_cannot_be_faked() -> None:
    line = format_apache(HOSTILE)
    assert '"GET /\\x1b[2J\\"\\x0a\\x9b HTTP/1.0"' in line
    assert line.endswith('"\\\\" "\\x0d\\x7f\\xe9"')
    assert line.isascii()
    assert line.isprintable()


def test_json_line_has_everything() -> None:
    assert json.loads(format_json(ANSWER)) == {
        "time": "2023-11-14T22:13:20.250+00:00",
        "client": "10.0.0.1",
        "method": "GET",
        "target": "/a?b",
        "protocol": "HTTP/1.1",
        "status": 200,
        "bytes": 12,
        "duration_ms": 1.5,
        "referrer": "http://x/",
        "user_agent": "agent",
        "complete": True,
    }
    empty = json.loads(format_json(ANSWER._replace(client=None, status=0, referrer="", user_agent="")))
    assert [empty[name] for name in ("client", "status", "referrer", "user_agent")] == [None] * 4


def test_json_line_cannot_be_faked() -> None:
    line = format_json(HOSTILE)
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["target"] == HOSTILE.target
    assert json.loads(line)["user_agent"] == HOSTILE.user_agent


class _Slow(logging.Handler):
    """A log that takes nothing until it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.lines: list[str] = []
        self.threads: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        self.gate.wait(30)
        self.threads.add(threading.current_thread().name)
        self.lines.append(f"{record.levelname} {record.getMessage()}")


@pytest.fixture
def slow() -> Iterator[_Slow]:
    logger, handler = access_logger(), _Slow()
    logger.addHandler(handler)
    yield handler
    handler.gate.set()
    logger.removeHandler(handler)


def test_lines_are_written_by_a_thread_of_their_own(slow: _Slow) -> None:
    log = AccessLog("apache")
    log.start()
    log.start()  # a second time does no harm
    log.add([ANSWER, ANSWER._replace(client=None, user_agent=PROBE_AGENT), ANSWER._replace(target="/second")])
    log.warn("a warning")
    RejectionLog().write("10.0.0.2\x1b", 400, "bad\n")
    log.refuse(None, 408, "late")
    log.leave_out(3)
    log.refuse(("10.0.0.3", 1), 400, "bad")
    slow.gate.set()
    log.close()
    assert [line.split()[0] for line in slow.lines] == ["INFO", "INFO", *["WARNING"] * 4]
    assert '"GET /second ' in slow.lines[1]
    assert "10.0.0.2\\x1b - - [" in slow.lines[3]
    assert slow.lines[3].endswith("refused with 400: bad\\x0a")
    assert slow.lines[4].startswith("WARNING - - - [")
    assert slow.lines[5].endswith("(3 more like it were not logged)")
    assert slow.threads == {"hipflask-access-log"}


def test_slow_log_drops_lines_and_says_so(slow: _Slow) -> None:
    log = AccessLog("json", most_waiting=3)
    log.start()
    log.add([ANSWER])
    wait_until(lambda: not log._lines, "the thread has taken the first line, and waits for the log")
    log.add([ANSWER] * 8)
    log.leave_out(0, 2)
    slow.gate.set()
    wait_until(lambda: len(slow.lines) == 5, "all lines")
    log.close()
    told = json.loads(slow.lines[-1].removeprefix("WARNING "))
    assert told["message"].startswith("7 lines of the access log were dropped")
    assert told["time"].endswith("+00:00")


def test_log_may_be_off(slow: _Slow) -> None:
    log = AccessLog("off")
    log.add([ANSWER])
    log.leave_out(0, 2)
    log.start()
    slow.gate.set()
    log.close()
    assert slow.lines == []


def test_line_goes_to_stderr_in_one_go(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    logger = logging.getLogger("hipflask.access.alone")
    monkeypatch.setattr(access_log, "LOGGER_NAME", logger.name)
    logger.addHandler(access_log._StderrHandler())
    monkeypatch.setattr(logger, "propagate", False)
    access_log._emit([(logging.INFO, "one"), (logging.WARNING, "two")])
    assert capsys.readouterr().err == "one\ntwo\n"
    logger.setLevel(logging.WARNING)
    access_log._emit([(logging.INFO, "one"), (logging.WARNING, "two")])
    assert capsys.readouterr().err == "two\n"
    monkeypatch.setattr(sys, "stderr", None)
    access_log._emit([(logging.WARNING, "nowhere")])
    with open(os.devnull, encoding="ascii") as closed:
        monkeypatch.setattr(sys, "stderr", closed)
        access_log._emit([(logging.WARNING, "not writable")])


REFUSAL = Refusal("10.0.0.1", 413, "too\nlong", 0, ANSWER.started)


def test_refusal_is_an_apache_line_and_its_reason() -> None:
    stamp = time.strftime("%d/%b/%Y:%H:%M:%S %z", time.localtime(ANSWER.started))
    line = f'10.0.0.1 - - [{stamp}] "-" 413 - "-" "-" refused with 413: too\\x0along'
    assert REFUSAL.describe("apache") == line
    assert REFUSAL._replace(left_out=2).describe("apache") == f"{line} (2 more like it were not logged)"
    assert REFUSAL._replace(client="<local>").describe("apache").startswith("- - - [")


def test_refusal_has_fields_of_its_own_in_json() -> None:
    told = {"time": "2023-11-14T22:13:20.250+00:00", "client": "10.0.0.1", "status": 413, "reason": "too\\x0along"}
    assert json.loads(REFUSAL.describe("json")) == {**told, "left_out": 0}
    assert json.loads(REFUSAL._replace(client="<local>").describe("json"))["client"] is None


@pytest.mark.parametrize("log_format", ["plain", "off"])
def test_refusal_is_a_plain_line_otherwise(log_format: str) -> None:
    line = REFUSAL.describe(log_format)
    assert line.startswith("10.0.0.1 - - [")
    assert line.endswith("] refused with 413: too\\x0along")


@pytest.mark.parametrize("log_format", ["apache", "json"])
def test_what_was_left_out_last_is_told_at_the_end(slow: _Slow, log_format: str) -> None:
    log = AccessLog(log_format)
    log.start()
    log.leave_out(3)
    slow.gate.set()
    log.close()
    assert len(slow.lines) == 1
    assert "3 more requests were refused and not logged" in slow.lines[0]
    assert slow.lines[0].startswith("WARNING {") is (log_format == "json")


@pytest.mark.parametrize("log_format", ["plain", "json"])
def test_end_is_told_without_a_thread_too(slow: _Slow, log_format: str) -> None:
    slow.gate.set()
    log = RejectionLog()
    log.log_format = log_format
    log.write("10.0.0.1", 400, "bad")
    log.leave_out(1)
    log.close()
    log.close()
    assert ["refused with 400" in slow.lines[0], '"status": 400' in slow.lines[0]] == (
        [True, False] if log_format == "plain" else [False, True]
    )
    assert "1 more requests were refused and not logged" in slow.lines[1]
    assert len(slow.lines) == 2
