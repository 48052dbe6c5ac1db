"""The access log: one line a request, through `logging`."""

from __future__ import annotations

import logging
import sys
import threading
import time
from datetime import datetime

from hipflask.flags import compat_versions

__all__ = ["COMPAT_LOGGER_NAME", "LOGGER_NAME", "RejectionLog", "access_logger", "printable", "time_stamp"]

#: The logger's name, and its name in compat mode.
LOGGER_NAME = "hipflask.access"
COMPAT_LOGGER_NAME = "werkzeug"

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


def time_stamp() -> str:
    """Return the local time as the common log format has it."""
    now = datetime.now()
    month = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")[now.month - 1]
    return f"{now.day:02}/{month}/{now.year} {now:%H:%M:%S}"


class RejectionLog:
    """Logs refused requests, but not as many as an attacker likes to send.

    Args:
        per_second: Lines a second; what is beyond is counted and told in the next line.
    """

    def __init__(self, per_second: int = 10) -> None:
        self._per_second = per_second
        self._second = 0
        self._written = 0
        self._left_out = 0

    def write(self, address: str, status: int, reason: str) -> None:
        """Log one refusal."""
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._written = second, 0
        if self._written >= self._per_second:
            self._left_out += 1
            return
        self._written += 1
        more = f" ({self._left_out} more like it were not logged)" if self._left_out else ""
        self._left_out = 0
        access_logger().warning("%s - - [%s] refused with %d: %s%s", address, time_stamp(), status, reason, more)
