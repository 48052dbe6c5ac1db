"""What an experiment has found, against its pass marks."""

from __future__ import annotations

from support.options import Options

__all__ = ["Verdict"]


class Verdict:
    """Collects the marks of one experiment and prints them.

    Args:
        title: The experiment, with its number in the list of faults.
        options: How the experiment is made.
    """

    def __init__(self, title: str, options: Options) -> None:
        self._has_failed = False
        self._marks = 0
        self._is_untimed = options.is_untimed
        print(f"== {title}{', the quick form' if options.is_quick else ''}", flush=True)

    def mark(self, what: str, found: object, is_passed: bool) -> None:
        """Print one mark."""
        self._has_failed |= not is_passed
        self._marks += 1
        print(f"   {'pass' if is_passed else 'FAIL'}  {what}: {found}", flush=True)

    def time(self, what: str, found: object, is_passed: bool) -> None:
        """Print a mark that is a matter of speed, which other work on the machine may make it miss."""
        if self._is_untimed:
            self.note(what, found)
        else:
            self.mark(what, found, is_passed)

    def note(self, what: str, found: object) -> None:
        """Print something that has no mark."""
        print(f"         {what}: {found}", flush=True)

    @property
    def status(self) -> int:
        """The exit status: 0 if all marks are passed, and there were any."""
        return int(self._has_failed or not self._marks)
