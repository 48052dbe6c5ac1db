"""The board as JSON, for programs. Errors are JSON too: see `errors.py`."""

from __future__ import annotations

from hipflask import Blueprint

blueprint = Blueprint("api", __name__, url_prefix="/api")

from . import messages, users  # noqa: E402, F401  # they add their addresses to the blueprint
