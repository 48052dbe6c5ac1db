"""A server in a thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from hipflask.server.limits import Limits
from hipflask.server.runner import make_server
from hipflask.server.workers import PoolSettings
from tests.server.running import Running


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Running]]:
    """Start servers; ``serve(app, limits=Limits(...), **options of make_server)``."""
    running: list[Running] = []

    def start(
        app: Any,
        *,
        limits: Limits | None = None,
        pool: PoolSettings | None = None,
        host: str = "127.0.0.1",
        **options: Any,
    ) -> Running:
        settings = limits or Limits(), pool or PoolSettings()
        monkeypatch.setattr("hipflask.server.pure.BaseWSGIServer.read_settings", lambda self, config: settings)
        options.setdefault("threaded", True)
        running.append(Running(make_server(host, 0, app, **options)))
        return running[-1]

    yield start
    for each in running:
        each.stop()
