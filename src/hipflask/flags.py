"""What mode to run in: what the environment says, and whether compat mode is on."""

from __future__ import annotations

import os

__all__ = ["compat_versions", "get_debug_flag", "get_load_dotenv", "is_environment_true"]

#: The versions of Flask and Werkzeug that compat mode stands for, by the distribution's name; empty without it.
compat_versions: dict[str, str] = {}

FALSE_WORDS = frozenset({"0", "false", "no"})


def is_environment_true(name: str) -> bool | None:
    """Return whether ``HIPFLASK_<name>``, else ``FLASK_<name>``, is set to a true word; ``None`` if neither is set.

    Args:
        name: Upper-case rest of the variable's name, e.g. ``"DEBUG"``.
    """
    value = os.environ.get(f"HIPFLASK_{name}") or os.environ.get(f"FLASK_{name}")
    return None if not value else value.lower() not in FALSE_WORDS


def get_debug_flag() -> bool:
    """Return whether debug mode is on by ``FLASK_DEBUG`` (or ``HIPFLASK_DEBUG``); off by default."""
    return bool(is_environment_true("DEBUG"))


def get_load_dotenv(default: bool = True) -> bool:
    """Return whether ``.env`` files are to be loaded: not if ``FLASK_SKIP_DOTENV`` is set to a true word.

    Args:
        default: Answer where the variable is not set.
    """
    skip = is_environment_true("SKIP_DOTENV")
    return default if skip is None else not skip
