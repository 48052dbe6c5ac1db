"""``python -m hipflask``: the command line."""

from hipflask.cli.command_line import main

__all__: list[str] = []

main()
