"""What every experiment takes on its command line."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

__all__ = ["Options", "parse_options"]


@dataclass(frozen=True, slots=True)
class Options:
    """How an experiment is made."""

    is_quick: bool = False
    """In at most ten seconds: fewer clients, shorter time-outs."""
    is_untimed: bool = False
    """Times are printed, not judged: for machines that do something else too."""


def parse_options(description: str | None) -> Options:
    """Return what the command line asks for.

    Args:
        description: The script's docstring.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="at most ten seconds: fewer clients, shorter time-outs")
    parser.add_argument("--untimed", action="store_true", help="print times and rates, but do not judge them")
    options = parser.parse_args()
    return Options(options.quick, options.untimed)
