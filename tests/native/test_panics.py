"""What comes of exceptions that are no `Exception`, as a panic in Rust code is one that a view has called."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pytest

import hipflask
from tests.native.conftest import Serve


class PanicException(BaseException):
    """Derived as PyO3's exception of this name is; ``bench/faults/crash.py`` causes real ones."""


@pytest.fixture(params=["sync", "async"])
def app(request: pytest.FixtureRequest) -> hipflask.Flask:
    app = hipflask.Flask(__name__)
    app.add_url_rule("/", view_func=lambda: f"{os.getpid()} {threading.get_native_id()}")

    @app.before_request
    def check() -> None:
        if "hook" in hipflask.request.args:
            raise PanicException("on purpose")

    @app.get("/iterate")
    def iterate() -> Iterator[bytes]:
        raise PanicException("on purpose")
        yield b""

    @app.get("/late")
    def iterate_late() -> Iterator[bytes]:
        yield b"part"
        raise PanicException("on purpose")

    if request.param == "async":

        @app.get("/view")
        async def async_view() -> str:
            raise PanicException("on purpose")

    else:

        @app.get("/view")
        def view() -> str:
            raise PanicException("on purpose")

    return app


@pytest.mark.parametrize("path", ["/view", "/?hook", "/iterate"])
def test_panic_before_the_answer_is_answered_500(app: hipflask.Flask, serve: Serve, path: str) -> None:
    serving = serve(app, threads=1, max_threads=1)
    before = serving.get("/")[1]
    for _ in range(10):
        assert serving.get(path)[0].startswith(b"HTTP/1.1 500 ")
    assert serving.get("/")[1] == before  # process and thread


def test_panic_in_a_stream_breaks_it_off(app: hipflask.Flask, serve: Serve) -> None:
    serving = serve(app, threads=1, max_threads=1)
    before = serving.get("/")[1]
    for _ in range(10):
        head, body = serving.get("/late")
        assert head.startswith(b"HTTP/1.1 200 ")
        assert not body.endswith(b"0\r\n\r\n")  # which would say that it is whole
    assert serving.get("/")[1] == before
