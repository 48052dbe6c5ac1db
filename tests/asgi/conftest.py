"""What the tests of the ASGI door begin with."""

from __future__ import annotations

import threading

import pytest

from hipflask import Flask


@pytest.fixture
def app() -> Flask:
    app = Flask("app_under_test")
    app.secret_key = "k"
    return app


@pytest.fixture
def loop_thread() -> str:
    """Name of the thread that `run` has its loop in."""
    return threading.current_thread().name
