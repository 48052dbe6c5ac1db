from __future__ import annotations

import pytest

from hipflask import Flask
from hipflask.originals import ORIGINALS, is_original


def test_stages_of_flask_are_remembered() -> None:
    assert ORIGINALS["dispatch_request"] is Flask.dispatch_request
    assert is_original(Flask("x"), "dispatch_request")


def test_overridden_method_is_not_original() -> None:
    class Own(Flask):
        def dispatch_request(self) -> str:
            return "own"

    assert not is_original(Own("x"), "dispatch_request")
    assert is_original(Own("x"), "full_dispatch_request")


def test_method_of_an_instance_is_not_original() -> None:
    app = Flask("x")
    app.dispatch_request = lambda: "own"  # type: ignore[method-assign]
    assert not is_original(app, "dispatch_request")


def test_patched_method_is_not_original(monkeypatch: pytest.MonkeyPatch) -> None:
    app = Flask("x")
    monkeypatch.setattr(Flask, "dispatch_request", lambda self: "patched")
    assert not is_original(app, "dispatch_request")
