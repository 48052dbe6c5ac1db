"""The access log: one line a request, through `logging`, written by a thread of its own.

Nobody waits for it who serves: what is to be logged goes into a bounded queue, and if the log is slower than the
requests (a full disk, a pipe that nobody reads), lines are dropped and counted.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from hipflask.flags import compat_versions

__all__ = [
    "COMPAT_LOGGER_NAME",
    "FORMATS",
    "LOCAL",
    "LOGGER_NAME",
    "PROBE_AGENT",
    "AccessLog",
    "Answer",
    "Refusal",
    "RejectionLog",
    "access_logger",
    "format_apache",
    "format_json",
    "format_plain",
    "printable",
    "time_stamp",
]

#: The logger's name, and its name in compat mode.
LOGGER_NAME = "hipflask.access"
COMPAT_LOGGER_NAME = "werkzeug"
#: The ``User-Agent`` of a worker's health check, which is not logged.
PROBE_AGENT = "hipflask-health-check"
#: The client of a Unix socket.
LOCAL = "<local>"
#: Lines that wait to be written; what comes beyond is dropped.
MOST_WAITING = 10_000
#: Lines that are written at once.
_BATCH = 500
#: How long the end of a server waits for the last lines.
CLOSE_SECONDS = 1.0
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_lock = threading.Lock()


def access_logger() -> logging.Logger:
    """Return the logger for requests, ready to write to stderr where nobody has configured it."""
    logger = logging.getLogger(COMPAT_LOGGER_NAME if compat_versions else LOGGER_NAME)
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.INFO)
    if not logger.hasHandlers():
        with _lock:
            if not logger.handlers:
                logger.addHandler(_StderrHandler())
    return logger


class _StderrHandler(logging.StreamHandler):  # type: ignore[type-arg]  # the stream is looked up at each use
    """Writes to whatever ``sys.stderr`` is at the moment, as pytest and IDEs replace it."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> object:
        """The present ``sys.stderr``."""
        return sys.stderr


def printable(text: str) -> str:
    """Return a text with everything escaped that could steer a terminal or fake a line."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(each if each.isascii() and each.isprintable() else f"\\x{ord(each):02x}" for each in text)


def time_stamp(moment: float | None = None) -> str:
    """Return a local time, by default now, as the lines of `run_simple` have it.

    Args:
        moment: Seconds since 1970.
    """
    now = datetime.now() if moment is None else datetime.fromtimestamp(moment)
    return f"{now.day:02}/{_MONTHS[now.month - 1]}/{now.year} {now:%H:%M:%S}"


class Answer(Protocol):
    """What is known of an answer that was sent; `hipflask.server.native.Access` is one.

    Text is as the client sent it, and may hold anything.
    """

    @property
    def client(self) -> tuple[str, int] | None:
        """Address and port; ``None`` on a Unix socket."""

    @property
    def method(self) -> str:
        """The request's method."""

    @property
    def target(self) -> str:
        """The request's target."""

    @property
    def http_version(self) -> str:
        """``HTTP/1.1``, or the number alone."""

    @property
    def status(self) -> int:
        """The status; 0 if none was sent."""

    @property
    def body_bytes(self) -> int:
        """Bytes of the body that were sent."""

    @property
    def started(self) -> float:
        """When the request came, in seconds since 1970."""

    @property
    def duration_seconds(self) -> float:
        """From there until the answer was sent."""

    @property
    def referrer(self) -> str:
        """The ``Referer`` header, empty if there was none."""

    @property
    def user_agent(self) -> str:
        """The ``User-Agent`` header, empty if there was none."""

    @property
    def is_complete(self) -> bool:
        """Whether the whole answer was sent."""


def _quoted(text: str) -> str:
    """Return a text for a field in quotes."""
    if not text:
        return "-"
    if '"' in text or "\\" in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return printable(text)


def _version(answer: Answer) -> str:
    version = answer.http_version
    return version if version.startswith("HTTP/") else f"HTTP/{version}"


class _Clock:
    """Writes times as Apache does, each second once."""

    def __init__(self) -> None:
        self._second = -1
        self._text = ""

    def format(self, moment: float) -> str:
        second = int(moment)
        if second != self._second:
            now = time.localtime(second)
            offset = time.strftime("%z", now)
            self._text = f"{now.tm_mday:02}/{_MONTHS[now.tm_mon - 1]}/{time.strftime('%Y:%H:%M:%S', now)} {offset}"
            self._second = second
        return self._text


_clock = _Clock()


def format_apache(answer: Answer) -> str:
    r"""Return a line in Apache's combined format, as log analysers read it.

    Control characters and what is not ASCII are written as ``\xhh``.
    """
    host = answer.client[0] if answer.client else "-"
    request = _quoted(f"{answer.method} {answer.target} {_version(answer)}")
    return (
        f'{printable(host)} - - [{_clock.format(answer.started)}] "{request}" {answer.status or "-"} '
        f'{answer.body_bytes or "-"} "{_quoted(answer.referrer)}" "{_quoted(answer.user_agent)}"'
    )


def format_plain(answer: Answer) -> str:
    """Return a line as `run_simple` has it, on both servers; the time is that of the answer's end."""
    host = answer.client[0] if answer.client else LOCAL
    request = f"{answer.method} {answer.target} {_version(answer)}"
    ended = time_stamp(answer.started + answer.duration_seconds)
    return f'{host} - - [{ended}] "{printable(request)}" {answer.status or "-"} {answer.body_bytes}'


def _to_iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")


def format_json(answer: Answer) -> str:
    """Return a line that is a JSON object; the time is UTC."""
    values = {
        "time": _to_iso(answer.started),
        "client": answer.client[0] if answer.client else None,
        "method": answer.method,
        "target": answer.target,
        "protocol": _version(answer),
        "status": answer.status or None,
        "bytes": answer.body_bytes,
        "duration_ms": round(answer.duration_seconds * 1000, 3),
        "referrer": answer.referrer or None,
        "user_agent": answer.user_agent or None,
        "complete": answer.is_complete,
    }
    # JSON escapes all control characters but the last one.
    return json.dumps(values).replace("\x7f", "\\u007f")


#: What makes the line of an answer, by the format's name.
FORMATS: dict[str, Callable[[Answer], str]] = {"apache": format_apache, "json": format_json, "plain": format_plain}


class Refusal(NamedTuple):
    """A request that was refused before it reached the application."""

    client: str
    """The address; ``"<local>"`` on a Unix socket."""
    status: int
    reason: str
    left_out: int
    """How many like it were not told."""
    moment: float
    """When, in seconds since 1970."""

    def describe(self, log_format: str) -> str:
        """Return a line that fits between those of answers.

        In Apache's format the reason stands behind the fields that every line has.

        Args:
            log_format: A name of `FORMATS`; any other is taken for ``"plain"``.
        """
        client, reason = printable(self.client), printable(self.reason)
        more = f" ({self.left_out} more like it were not logged)" if self.left_out else ""
        if log_format == "json":
            return json.dumps(
                {
                    "time": _to_iso(self.moment),
                    "client": None if self.client == LOCAL else client,
                    "status": self.status,
                    "reason": reason,
                    "left_out": self.left_out,
                }
            )
        text = f"refused with {self.status}: {reason}{more}"
        if log_format == "apache":
            client = "-" if self.client == LOCAL else client
            return f'{client} - - [{_clock.format(self.moment)}] "-" {self.status} - "-" "-" {text}'
        return f"{client} - - [{time_stamp(self.moment)}] {text}"


#: A line: its level, and the text or what it is made of.
_Line = tuple[int, "Answer | Refusal | str"]


class AccessLog:
    """Writes the access log in a thread of its own.

    Args:
        format: ``"apache"``, ``"json"``, ``"plain"`` as `run_simple` has it, or ``"off"`` for no line about answers.
        most_waiting: Lines that wait to be written; what comes beyond is dropped and counted.
    """

    def __init__(self, format: str = "apache", most_waiting: int = MOST_WAITING) -> None:
        self._name = format
        self._format = FORMATS.get(format)
        self._most_waiting = most_waiting
        self._lines: deque[_Line] = deque()
        self._dropped = 0
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._is_closed = False
        self._refusals = RejectionLog(log=self)

    def start(self) -> None:
        """Start the thread; from now on refusals of any `RejectionLog` are written by it too."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._write_all, name="hipflask-access-log", daemon=True)
            self._thread.start()
            _writers.append(self)

    def add(self, answers: Iterable[Answer]) -> None:
        """Log answers; never waits."""
        if self._format is not None:
            for answer in answers:
                if answer.client is None and answer.user_agent == PROBE_AGENT:
                    continue
                self._append((logging.INFO, answer))

    def refuse(self, client: tuple[str, int] | None, status: int, reason: str) -> None:
        """Log a refused request, unless there are too many; never waits."""
        self._refusals.write(client[0] if client else LOCAL, status, reason)

    def leave_out(self, refusals: int, answers: int = 0) -> None:
        """Count what is not told one by one.

        Args:
            refusals: Refused requests.
            answers: Answers; their lines count as dropped.
        """
        self._refusals.leave_out(refusals)
        if answers and self._format is not None:
            self._dropped += answers
            self._wake.set()

    def warn(self, text: str) -> None:
        """Log a line of level warning; never waits."""
        self._append((logging.WARNING, text))

    def tell(self, refusal: Refusal) -> None:
        """Log a refused request; never waits.

        Args:
            refusal: What is known of it.
        """
        self._append((logging.WARNING, refusal))

    def close(self) -> None:
        """Write what waits, as far as that is possible soon, and end the thread."""
        self._refusals.close()
        if self in _writers:
            _writers.remove(self)
        self._is_closed = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(CLOSE_SECONDS)

    def _append(self, line: _Line) -> None:
        if len(self._lines) >= self._most_waiting:
            self._dropped += 1
            return
        self._lines.append(line)
        if not self._wake.is_set():
            self._wake.set()

    def _write_all(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            while self._lines:
                self._write_some()
            if self._dropped:
                number, self._dropped = self._dropped, 0
                text = f"{number} lines of the access log were dropped: it is read too slowly"
                _emit([(logging.WARNING, self._describe(text))])
            if self._is_closed and not self._lines:
                return

    def _write_some(self) -> None:
        lines = []
        for _ in range(min(len(self._lines), _BATCH)):
            level, what = self._lines.popleft()
            lines.append((level, self._describe(what)))
        _emit(lines)

    def _describe(self, what: Answer | Refusal | str) -> str:
        if isinstance(what, Refusal):
            return what.describe(self._name)
        if not isinstance(what, str):
            assert self._format is not None, "answers are queued only where there is a format"
            return self._format(what)
        if self._format is not format_json:
            return what
        return _json_message(what)


def _json_message(text: str) -> str:
    return json.dumps({"time": _to_iso(time.time()), "message": text})


_writers: list[AccessLog] = []


def _emit(lines: list[tuple[int, str]]) -> None:
    """Write lines through `logging`; in one go where nobody but our own handler would see them."""
    logger = access_logger()
    ours = logger.handlers[0] if len(logger.handlers) == 1 and isinstance(logger.handlers[0], _StderrHandler) else None
    if ours is not None and not logger.filters and not (logger.propagate and logging.root.handlers):
        text = "".join(f"{line}\n" for level, line in lines if logger.isEnabledFor(level))
        stream = sys.stderr
        if text and stream is not None:
            try:
                stream.write(text)
                stream.flush()
            except (OSError, ValueError):
                pass  # the log is gone or its disk is full: requests are served all the same
        return
    for level, line in lines:
        logger.log(level, "%s", line)


class RejectionLog:
    """Logs refused requests, but not as many as an attacker likes to send.

    Args:
        per_second: Lines a second; what is beyond is counted and told in the next line.
        log: Writes the lines; by default the `AccessLog` that runs, else they are written at once.

    Attributes:
        log_format: The format of lines that are written at once.
    """

    def __init__(self, per_second: int = 10, log: AccessLog | None = None) -> None:
        self.log_format = "plain"
        self._log = log
        self._per_second = per_second
        self._second = 0
        self._written = 0
        self._left_out = 0

    def write(self, address: str, status: int, reason: str) -> None:
        """Log one refusal; waits for nothing while an `AccessLog` runs."""
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._written = second, 0
        if self._written >= self._per_second:
            self._left_out += 1
            return
        self._written += 1
        refusal = Refusal(address, status, reason, self._left_out, time.time())
        self._left_out = 0
        log = self._find_log()
        if log is not None:
            log.tell(refusal)
        else:
            access_logger().warning("%s", refusal.describe(self.log_format))

    def leave_out(self, number: int) -> None:
        """Count refusals that are not told one by one.

        Args:
            number: How many.
        """
        self._left_out += number

    def close(self) -> None:
        """Tell what was left out and stands in no line yet."""
        number, self._left_out = self._left_out, 0
        if not number:
            return
        text = f"{number} more requests were refused and not logged"
        log = self._find_log()
        if log is not None:
            log.warn(text)
        elif self.log_format == "json":
            access_logger().warning("%s", _json_message(text))
        else:
            access_logger().warning("%s", text)

    def _find_log(self) -> AccessLog | None:
        return self._log or (_writers[-1] if _writers else None)
