"""What was found out about a class once, remembered: whether it takes the short ways."""

from __future__ import annotations

__all__ = ["VERDICTS_LIMIT", "remember_verdict"]

#: Classes that one set remembers; ones that are made on the fly must not fill the memory.
VERDICTS_LIMIT = 1000


def remember_verdict(classes: set[type], cls: type, verdict: bool) -> bool:
    """Return *verdict*, after adding *cls* to *classes* if it is a yes.

    Args:
        classes: Classes with the verdict yes; at most :data:`VERDICTS_LIMIT` are kept.
        cls: The class.
        verdict: What was found out about it.
    """
    if verdict and len(classes) < VERDICTS_LIMIT:
        classes.add(cls)
    return verdict
