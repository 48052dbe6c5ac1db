"""The board's settings, read from the environment. Whoever starts it changes them there, and no file of the code."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from . import secret_key

DEFAULTS: dict[str, Any] = {
    "BOARD_NAME": "Board",
    "PICTURES": "",  # the folder `pictures` beside the database
    "SAMPLE_DATA": True,  # put into a new database
    "LARGEST_PICTURE": 3 * 1024 * 1024,  # bytes
    "LOG_LEVEL": "INFO",
    "BUSY_SECONDS": 10.0,  # how long a writer waits for another one
    "REPLIES_PER_THREAD": 1000,
    "RATE_LIMITS": {  # how many, in how many seconds, for one client
        "writing": (60, 60),
        "log-in": (10, 300),  # those that fail
        "token": (30, 300),  # likewise
        "sign-up": (10, 3600),
    },
    # Bytes in one request: room for the longest message in any script. Pages that take a picture allow more.
    "MAX_CONTENT_LENGTH": 64 * 1024,
    "SESSION_COOKIE_NAME": "board_session",  # other programs on localhost have a cookie named "session"
    "SESSION_COOKIE_SAMESITE": "Lax",  # not sent along with a form on somebody else's page
}


def read_environment(environ: Mapping[str, str], instance_path: str) -> dict[str, Any]:
    """Return the settings that the `BOARD_...` variables make; an empty one counts as not set.

    Raises:
        RuntimeError: A variable has a value that it cannot have.
    """
    settings: dict[str, Any] = {"DATABASE": str(Path(instance_path, "board.sqlite3"))}
    for variable, (name, convert) in VARIABLES.items():
        text = environ.get(variable)
        if text:
            settings[name] = read_variable(variable, text, convert)
    return settings


def read_variable(variable: str, text: str, convert: Callable[[str], Any]) -> Any:
    """Return the value of a variable, converted.

    Raises:
        RuntimeError: It cannot be converted.
    """
    try:
        return convert(text.strip())
    except ValueError as error:
        raise RuntimeError(f"The environment variable {variable} cannot be {text!r}: {error}.") from error


def to_bool(text: str) -> bool:
    """Return what `1` or `0`, `yes` or `no` mean."""
    words = {"1": True, "yes": True, "true": True, "on": True, "0": False, "no": False, "false": False, "off": False}
    if text.lower() not in words:
        raise ValueError("it is 1 (yes) or 0 (no)")
    return words[text.lower()]


def to_bytes(text: str) -> int:
    """Return the number of bytes that a number of mebibytes is: `3`, `0.5`."""
    try:
        size = float(text)
    except ValueError:
        size = 0.0
    if not 0 < size <= 100:
        raise ValueError("it is a number of mebibytes, at most 100")
    return int(size * 1024 * 1024)


def to_log_level(text: str) -> str:
    """Return the name of a level of the log, in capital letters."""
    if text.upper() not in logging.getLevelNamesMapping():
        raise ValueError("it is DEBUG, INFO, WARNING, ERROR or CRITICAL")
    return text.upper()


# The environment's name: the setting's, and how its text is read.
VARIABLES: dict[str, tuple[str, Callable[[str], Any]]] = {
    "BOARD_NAME": ("BOARD_NAME", str),
    "BOARD_DATABASE": ("DATABASE", str),
    "BOARD_PICTURES": ("PICTURES", str),
    "BOARD_SECRET_KEY": ("SECRET_KEY", secret_key.check_variable),
    "BOARD_LARGEST_PICTURE": ("LARGEST_PICTURE", to_bytes),
    "BOARD_LOG_LEVEL": ("LOG_LEVEL", to_log_level),
    "BOARD_SAMPLE_DATA": ("SAMPLE_DATA", to_bool),
    "BOARD_HTTPS": ("SESSION_COOKIE_SECURE", to_bool),  # the session's cookie is then sent over HTTPS only
}
