"""Servers that serve all cases end with them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance.asgi_doors import close_servers


@pytest.fixture(scope="module", autouse=True)
def stopping_servers() -> Iterator[None]:
    yield
    close_servers()
