"""The command line: the names of ``flask.cli``, imported when one of them is asked for."""

# ruff: noqa: F405 - type checkers know the names by the import of all of them.
from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hipflask.cli.api import *  # noqa: F403 - the names of __all__ below; a test holds the two lists equal

__all__ = [
    "AppGroup",
    "CertParamType",
    "FlaskGroup",
    "NoAppException",
    "ScriptInfo",
    "SeparatedPathType",
    "cli",
    "current_app",
    "find_app_by_string",
    "find_best_app",
    "get_version",
    "load_dotenv",
    "locate_app",
    "main",
    "pass_script_info",
    "prepare_import",
    "routes_command",
    "run_command",
    "secret_command",
    "shell_command",
    "show_server_banner",
    "with_appcontext",
]


def __getattr__(name: str) -> Any:
    """Import a name when it is first asked for: ``app.cli`` needs the groups, but not the server."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from hipflask.cli import api

    value = globals()[name] = getattr(api, name)
    return value
