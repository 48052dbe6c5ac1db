"""The application's logger, and the handler that it has if nobody configured logging.

Imported when ``app.logger`` is first used; the standard library's :mod:`logging` takes a while to import.

Source: the behaviour of ``flask.logging`` 3.1.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, TextIO, cast

from hipflask.globals import _cv_request, request
from hipflask.local import LocalProxy

if TYPE_CHECKING:
    from hipflask.app import Flask

__all__ = ["create_logger", "default_handler", "has_level_handler", "request", "wsgi_errors_stream"]


def _current_errors_stream() -> TextIO:
    ctx = _cv_request.get(None)
    return cast(TextIO, sys.stderr if ctx is None else ctx.request.environ["wsgi.errors"])


wsgi_errors_stream = cast(TextIO, LocalProxy(_current_errors_stream))
"""The server's error stream during a request, ``sys.stderr`` at other times."""

default_handler = logging.StreamHandler(wsgi_errors_stream)
"""Writes to :data:`wsgi_errors_stream`. Remove it from ``app.logger`` to log only elsewhere."""

default_handler.setFormatter(logging.Formatter("[%(asctime)s] %(levelname)s in %(module)s: %(message)s"))


def has_level_handler(logger: logging.Logger) -> bool:
    """Return whether a message of the logger's own level would reach a handler.

    Args:
        logger: The logger; its parents count as far as it propagates.
    """
    level = logger.getEffectiveLevel()
    current: logging.Logger | None = logger
    while current is not None:
        if any(handler.level <= level for handler in current.handlers):
            return True
        current = current.parent if current.propagate else None
    return False


def create_logger(app: Flask) -> logging.Logger:
    """Return the logger of an application's name, ready to be used.

    In debug mode its level becomes ``DEBUG``, unless it has one. It gets :data:`default_handler`, unless a
    handler is there, for example because logging was configured before.

    Args:
        app: The application.
    """
    logger = logging.getLogger(app.name)
    if app.debug and logger.level == logging.NOTSET:
        logger.setLevel(logging.DEBUG)
    if not has_level_handler(logger):
        logger.addHandler(default_handler)
    return logger
