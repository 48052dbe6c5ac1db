from __future__ import annotations

from typing import Any

import pytest

from hipflask import Flask
from hipflask.originals import ORIGINALS, are_original, is_original

NAMES = [name for name in ORIGINALS if not name.startswith("_")]


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


@pytest.fixture
def app() -> Flask:
    return Flask(__name__)


def test_application_that_nobody_touched_is_original(app: Flask) -> None:
    app.secret_key = "some"
    assert are_original(app)
    assert all(is_original(app, name) for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_replacing_on_the_object_is_seen(app: Flask, name: str) -> None:
    setattr(app, name, getattr(app, name))
    assert not are_original(app)
    setattr(app, name, lambda *args: None)
    assert not is_original(app, name)
    assert not are_original(app)


@pytest.mark.parametrize("name", list(ORIGINALS))
def test_patching_the_class_is_seen_and_so_is_its_end(app: Flask, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Flask, name, lambda *args: None)
        assert not are_original(app)
    assert are_original(app)


def test_subclass_is_asked_for_its_own() -> None:
    class Changed(Flask):
        def make_response(self, rv: Any) -> Any:
            return super().make_response(rv)

    class Same(Flask):
        pass

    class Early(Flask):
        def __init__(self, name: str) -> None:
            self.dispatch_request = lambda: "early"  # type: ignore[method-assign]  # as users do
            super().__init__(name)

    assert not are_original(Changed(__name__))
    assert not are_original(Early(__name__))
    assert are_original(Same(__name__))
