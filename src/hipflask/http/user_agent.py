"""What a client says it is."""

from __future__ import annotations

__all__ = ["UserAgent"]


class UserAgent:
    """The header ``User-Agent``. This class keeps its text; a subclass may find out more from it.

    Set such a subclass as ``user_agent_class`` of a request class. It is false while :attr:`browser` is not
    known.

    Args:
        string: The text of the header.
    """

    #: The operating system, if known.
    platform: str | None = None
    #: The name of the browser, if known.
    browser: str | None = None
    #: The version of the browser, if known.
    version: str | None = None
    #: The language of the browser, if known.
    language: str | None = None

    def __init__(self, string: str) -> None:
        self.string: str = string

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.browser}/{self.version}>"

    def __str__(self) -> str:
        return self.string

    def __bool__(self) -> bool:
        return bool(self.browser)

    def to_header(self) -> str:
        """Return the text of the header."""
        return self.string
