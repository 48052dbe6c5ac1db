"""Servers that serve all cases end with them; what a case has connected to a signal ends with the case."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hipflask import signals
from tests.conformance.asgi_doors import close_servers


@pytest.fixture(scope="module", autouse=True)
def stopping_servers() -> Iterator[None]:
    yield
    close_servers()


@pytest.fixture(autouse=True)
def forgetting_receivers() -> Iterator[None]:
    yield
    for name in signals.__all__:
        signal = getattr(signals, name)
        if signal.receivers:
            signal._clear_state()  # blinker has it for tests
