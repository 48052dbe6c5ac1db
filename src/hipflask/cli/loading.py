"""Loading the application that is to be served, with one line for what goes wrong in its code."""

from __future__ import annotations

import os
import sys
import traceback
from typing import TYPE_CHECKING

import click

from hipflask.cli.discovery import NoAppException
from hipflask.flags import get_debug_flag

if TYPE_CHECKING:
    from hipflask.app import Flask
    from hipflask.cli.script_info import ScriptInfo

__all__ = ["load_served_app"]


def load_served_app(info: ScriptInfo) -> Flask:
    """Return the application; an error inside it is told in one line with its place, in debug mode whole.

    Args:
        info: What names the application.

    Raises:
        click.ClickException: There is no application, or its code fails.
    """
    try:
        return info.load_app()
    except Exception as error:
        # An ImportError inside the application is the cause of a NoAppException; all others of those are told as
        # they are.
        cause = error.__cause__ if isinstance(error, NoAppException) else error
        if cause is None or get_debug_flag():
            raise
        raise click.ClickException(_describe_failure(info, cause)) from error


def _describe_failure(info: ScriptInfo, error: BaseException) -> str:
    """Return one line on what went wrong in the application's code, and where."""
    text = traceback.format_exception_only(error)[-1].strip()
    place = ""
    if isinstance(error, SyntaxError):
        place = f" in {error.filename}, line {error.lineno}"
    else:
        own = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_users(frame.filename)]
        if own:
            place = f" in {own[-1].filename}, line {own[-1].lineno}"
    name = info.app_import_path or "the application"
    return f"Importing {name} failed{place}: {text}. The whole traceback comes with --debug."


def _is_users(filename: str) -> bool:
    """Tell whether a frame is neither the import system's nor ours."""
    ours = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    return not filename.startswith("<") and not os.path.abspath(filename).startswith((ours, sys.base_prefix))
