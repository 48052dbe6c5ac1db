"""The response of an async client whose body comes while the test looks at it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from hipflask.testing.response import TestResponse

__all__ = ["StreamedResponse"]


class StreamedResponse(TestResponse):
    """What ``client.stream(...)`` gives: status and headers are there, the body is to be awaited.

    :meth:`read` reads what is left of it; then ``data``, ``text`` and ``json`` are there too.
    """

    __test__ = False

    def bind(self, parts: AsyncIterator[bytes]) -> None:
        """Have the body come from *parts*; the client does this."""
        self._parts = parts
        self.response = _Unread()

    async def iter_chunks(self) -> AsyncIterator[bytes]:
        """Yield the body piece by piece, as the application sends it; each piece once."""
        async for part in self._parts:
            yield part

    async def read(self) -> bytes:
        """Return what is left of the body, and keep it as ``data``."""
        if isinstance(self.response, _Unread):
            self.response = [part async for part in self._parts]
        return b"".join(self.iter_encoded())


class _Unread:
    """Stands for a body that nobody has awaited."""

    def __iter__(self) -> Iterator[Any]:
        raise RuntimeError(
            "The body of a streamed response is not there yet. Await response.read() first, or go through "
            "response.iter_chunks()."
        )
