"""``python -m hipflask.compat``: run a program in compat mode."""

import sys

from hipflask.compat.command import main

__all__: list[str] = []

main(sys.argv[1:])
