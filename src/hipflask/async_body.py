"""A body whose parts come from an asynchronous iterator."""

from __future__ import annotations

import typing as t

from hipflask.concurrency import run_coroutine

if t.TYPE_CHECKING:
    from collections.abc import AsyncIterable

__all__ = ["AsyncBody"]


class AsyncBody:
    """An asynchronous iterable as the body of a response.

    For a door with an event loop there are :meth:`pull` and :meth:`aclose`. For everybody else it is an iterator, which
    waits for each part on the loop of the request or of the process.

    Args:
        parts: Gives text (sent in UTF-8) or bytes; a generator is closed at the end.
    """

    def __init__(self, parts: AsyncIterable[str] | AsyncIterable[bytes]) -> None:
        self._parts: t.Any = parts.__aiter__()
        self._is_closed = False

    def __iter__(self) -> AsyncBody:
        return self

    def __next__(self) -> str | bytes:
        try:
            part: str | bytes = run_coroutine(self._parts.__anext__())
        except StopAsyncIteration:
            raise StopIteration from None
        return part

    def close(self) -> None:
        """Close the iterator, once, and wait for that."""
        if not self._is_closed:
            run_coroutine(self.aclose())

    async def pull(self) -> bytes:
        """Return the next part that is not empty, ``b""`` at the end."""
        async for part in self._parts:
            if part:
                return part.encode() if isinstance(part, str) else part
        return b""

    async def aclose(self) -> None:
        """Close the iterator, once."""
        if self._is_closed:
            return
        self._is_closed = True
        close = getattr(self._parts, "aclose", None)
        if close is not None:
            await close()
