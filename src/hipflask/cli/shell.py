"""``hipflask shell``: Python with the application at hand."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from hipflask.cli.script_info import with_appcontext
from hipflask.globals import current_app

__all__ = ["shell_command"]


@click.command("shell", short_help="Start Python in the application's context.")
@with_appcontext
def shell_command() -> None:
    """Start an interactive Python in the application's context.

    Its names are those of ``app.make_shell_context()``: ``app``, ``g``, and what shell context processors
    add. The file that PYTHONSTARTUP names is run first, as Python does.
    """
    import code

    version = f"Python {sys.version} on {sys.platform}"
    banner = f"{version}\nApp: {current_app.import_name}\nInstance: {current_app.instance_path}"
    names: dict[str, Any] = {}
    _run_startup_file(names)
    names.update(current_app.make_shell_context())
    _complete_names(names)
    code.interact(banner=banner, local=names)


def _run_startup_file(names: dict[str, Any]) -> None:
    """Run the user's start-up file in the shell's names."""
    path = os.environ.get("PYTHONSTARTUP")
    if path and os.path.isfile(path):
        with open(path, encoding="utf-8") as file:
            exec(compile(file.read(), path, "exec"), names)


def _complete_names(names: dict[str, Any]) -> None:
    """Have the tab key complete the shell's own names, where Python sets up readline."""
    set_up = getattr(sys, "__interactivehook__", None)
    if set_up is None:
        return
    try:
        import readline
        from rlcompleter import Completer
    except ImportError:
        pass
    else:
        readline.set_completer(Completer(names).complete)
    set_up()
