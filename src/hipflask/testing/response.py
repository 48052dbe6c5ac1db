"""The response that a test client returns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hipflask.http.datastructures import Headers
from hipflask.http.properties import cached_property
from hipflask.http.response import Response

__all__ = ["TestResponse"]


class TestResponse(Response):
    """What an application answered to a test client: a ``Response`` that knows its request.

    ``client.get(...)`` returns an instance of a class made of this one and of the application's
    ``response_class``.

    Attributes:
        request: The request as it was sent, after redirects the last one.
        history: The responses that led here by redirects, oldest first; empty unless they were followed.
    """

    # Keeps pytest from collecting the class as tests.
    __test__ = False

    default_mimetype = None

    def __init__(
        self,
        response: Iterable[bytes],
        status: str,
        headers: Headers,
        request: Any,
        history: tuple[TestResponse, ...] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(response, status, headers, **kwargs)
        self.request = request
        self.history = history

    @cached_property
    def text(self) -> str:
        """The body decoded as UTF-8; read once, later changes of the body do not show."""
        return self.get_data(as_text=True)  # type: ignore[return-value]  # text was asked for
