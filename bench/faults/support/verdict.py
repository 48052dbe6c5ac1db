"""What an experiment has found, against its pass marks."""

from __future__ import annotations

__all__ = ["Verdict"]


class Verdict:
    """Collects the marks of one experiment and prints them.

    Args:
        title: The experiment, with its number in the list of faults.
    """

    def __init__(self, title: str) -> None:
        self._has_failed = False
        print(f"== {title}")

    def mark(self, what: str, found: object, is_passed: bool) -> None:
        """Print one mark."""
        self._has_failed |= not is_passed
        print(f"   {'pass' if is_passed else 'FAIL'}  {what}: {found}")

    def note(self, what: str, found: object) -> None:
        """Print something that has no mark."""
        print(f"         {what}: {found}")

    @property
    def status(self) -> int:
        """The exit status: 0 if all marks are passed."""
        return int(self._has_failed)
