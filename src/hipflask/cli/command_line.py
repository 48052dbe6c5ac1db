"""The command ``hipflask``."""

from __future__ import annotations

from hipflask.cli.groups import FlaskGroup
from hipflask.cli.options import make_compat_option

__all__ = ["cli", "main"]

cli = FlaskGroup(
    name="hipflask",
    params=[make_compat_option()],
    help=(
        "Work with an application: serve it, look at it, run its commands.\n\n"
        "The application is named by --app, by the variable HIPFLASK_APP (or FLASK_APP), or is found in a file "
        "wsgi.py or app.py of the working directory."
    ),
)
"""The command line as a click group."""


def main() -> None:
    """Run the command line with the process's arguments."""
    cli.main(prog_name="hipflask")
