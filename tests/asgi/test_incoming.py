from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hipflask import Flask, request
from hipflask.asgi.incoming import BUFFER_BYTES, SPOOL_BYTES, AsgiBody, Incoming
from hipflask.http.exceptions import ClientDisconnected, RequestEntityTooLarge, RequestTimeout
from tests.asgi.driver import Reply, ask, call, run

CHUNKED = [("Transfer-Encoding", "chunked")]


class Parts:
    """Stands for what an AsgiBody reads from."""

    def __init__(self, parts: list[bytes]) -> None:
        self.parts = list(parts)

    def read_some(self) -> bytes:
        return self.parts.pop(0) if self.parts else b""


def body_of(*parts: bytes) -> AsgiBody:
    return AsgiBody(Parts(list(parts)))  # type: ignore[arg-type]  # has what is needed


READS = st.lists(
    st.tuples(st.sampled_from(["read", "readline", "readinto"]), st.integers(min_value=-1, max_value=12)), max_size=20
)


@settings(max_examples=200)
@given(st.lists(st.binary(min_size=1, max_size=9) | st.sampled_from([b"\n", b"a\nb", b"\n\n"]), max_size=8), READS)
def test_body_reads_as_a_file_does(parts: list[bytes], reads: list[tuple[str, int]]) -> None:
    body, file = body_of(*parts), io.BytesIO(b"".join(parts))
    for name, size in reads:
        if name == "readinto":
            ours = bytearray(max(size, 0))
            got = body.readinto(ours)
            assert bytes(ours[:got]) == file.read(got)
        else:
            assert getattr(body, name)(size) == getattr(file, name)(size)
    assert body.read() == file.read()
    assert body.read(5) == b""


def test_body_is_a_binary_stream() -> None:
    body = body_of(b"a\nb", b"c\n\n", b"d")
    assert body.readable()
    assert list(body) == [b"a\n", b"bc\n", b"\n", b"d"]
    assert body_of(b"a").read(None) == b"a"
    assert body_of(b"a\nb").readline(None) == b"a\n"


# Through an application


def read_body() -> bytes:
    return request.get_data()


@pytest.fixture(params=["sync", "async", "hosted"])
def app(request: pytest.FixtureRequest) -> Flask:
    """An application whose view at "/" calls what stands in its configuration as VIEW."""
    app = Flask("app_under_test")
    if request.param == "hosted":
        app.before_request(lambda: None)

    def view() -> Any:
        return app.config["VIEW"]()

    async def async_view() -> Any:
        await asyncio.sleep(0)
        return app.config["VIEW"]()

    app.add_url_rule("/", "index", view if request.param == "sync" else async_view, methods=["POST"])
    return app


def send_parts(app: Flask, view: Callable[[], Any], *parts: bytes, headers: Any = CHUNKED, **more: Any) -> Reply:
    app.config["VIEW"] = view

    async def main() -> Reply:
        async with call(app.asgi_app, "/", "POST", headers, **more) as under_way:
            for part in parts:
                under_way.feed(part, more=True)
            under_way.feed()
            return await under_way.end()

    reply: Reply = run(main())
    return reply


def test_body_in_parts_is_read(app: Flask) -> None:
    assert send_parts(app, read_body, b"ab", b"", b"cd").body == b"abcd"


def test_body_without_length_of_http_2_is_read(app: Flask) -> None:
    assert send_parts(app, read_body, b"ab", headers=(), http_version="2").body == b"ab"


def test_request_without_a_body_waits_for_none(app: Flask) -> None:
    app.config["VIEW"] = lambda: "x"

    async def main() -> Reply:
        async with call(app.asgi_app, "/", "POST", [("Content-Length", "0")]) as under_way:
            return await under_way.end()

    assert run(main()).body == b"x"


def test_form_and_stream_are_read(app: Flask) -> None:
    form = [*CHUNKED, ("Content-Type", "application/x-www-form-urlencoded")]
    assert send_parts(app, lambda: request.form["a"], b"a=", b"b", headers=form).body == b"b"
    assert send_parts(app, lambda: list(request.stream)[1], b"a\nb", b"c\nd").body == b"bc\n"


def test_large_body_is_read(app: Flask) -> None:
    part = bytes(range(256)) * 256
    count = SPOOL_BYTES // len(part) + 3
    assert send_parts(app, lambda: str(len(request.get_data())), *[part] * count).body == str(65536 * count).encode()


def test_body_longer_than_announced_parts_is_cut_off_as_broken(app: Flask) -> None:
    reply = send_parts(app, read_body, b"abc", headers=[("Content-Length", "5")])
    assert reply.status == 400


@pytest.mark.parametrize("headers", [CHUNKED, [("Content-Length", "300000")]], ids=["unknown-length", "announced"])
def test_body_over_max_content_length_is_413_and_not_read(app: Flask, headers: Any) -> None:
    app.config["MAX_CONTENT_LENGTH"] = 1000
    app.config["VIEW"] = read_body

    async def main() -> tuple[Reply, int]:
        async with call(app.asgi_app, "/", "POST", headers) as under_way:
            for _ in range(100):
                under_way.feed(b"x" * 30_000, more=True)
            return await under_way.end(), under_way.received

    reply, received = run(main())
    assert reply.status == 413
    assert received < 10


def test_body_over_the_servers_limit_is_413(app: Flask) -> None:
    app.config["SERVER_MAX_BODY"] = 10
    assert send_parts(app, read_body, b"x" * 8, b"y" * 8).status == 413
    assert send_parts(app, read_body, headers=[("Content-Length", "11")]).status == 413


def test_rest_of_a_body_that_was_cut_is_refused(app: Flask) -> None:
    app.config["MAX_CONTENT_LENGTH"] = 10

    def view() -> str:
        request.max_content_length = None
        if app.view_functions["index"].__name__ == "view":
            return "413"  # a sync view may raise its limit
        with pytest.raises(RequestEntityTooLarge):
            request.get_data()
        return "413"

    assert send_parts(app, view, *[b"x" * BUFFER_BYTES] * 3).body == b"413"


# On a thread, by hand


def test_slow_reader_has_the_server_wait() -> None:
    async def main() -> None:
        messages: asyncio.Queue[Any] = asyncio.Queue()
        for _ in range(50):
            messages.put_nowait({"type": "http.request", "body": b"x" * (BUFFER_BYTES // 4), "more_body": True})
        incoming = Incoming(messages.get, asyncio.get_running_loop(), 10**9, 10.0)
        first = await asyncio.to_thread(incoming.read_some)
        assert len(first) == BUFFER_BYTES // 4
        while incoming._pump is not None:
            await asyncio.sleep(0)
        assert 50 - messages.qsize() <= 6  # four are buffered, one was read
        incoming.close()

    run(main())


def test_silence_is_408() -> None:
    async def main() -> None:
        incoming = Incoming(asyncio.Event().wait, asyncio.get_running_loop(), 10, 0.0)
        with pytest.raises(RequestTimeout):
            await asyncio.to_thread(incoming.read_some)
        incoming.close()

    run(main())


def test_receive_that_fails_counts_as_a_client_that_has_gone() -> None:
    async def fail() -> None:
        raise LookupError("server")

    async def main() -> None:
        incoming = Incoming(fail, asyncio.get_running_loop(), 10, 10.0)
        with pytest.raises(ClientDisconnected):
            await asyncio.to_thread(incoming.read_some)
        gone: list[bool] = []
        incoming.watch(lambda: gone.append(True))
        assert gone == [True]

    run(main())


def test_reader_of_a_closed_loop_is_told() -> None:
    async def main() -> Incoming:
        return Incoming(asyncio.Event().wait, asyncio.get_running_loop(), 10, 10.0)

    incoming = run(main())
    assert incoming.ask_disconnected()
    with pytest.raises(ClientDisconnected):
        incoming.read_some()


def test_reader_is_told_when_the_request_is_closed() -> None:
    async def main() -> None:
        incoming = Incoming(asyncio.Event().wait, asyncio.get_running_loop(), 10, 10.0)
        reading = asyncio.create_task(asyncio.to_thread(incoming.read_some))
        while incoming._pump is None:
            await asyncio.sleep(0)
        incoming.close()
        with pytest.raises(ClientDisconnected):
            await reading

    run(main())


def test_hooks_may_read_before_an_async_view_does() -> None:
    app = Flask("app_under_test")

    @app.before_request
    def hook() -> None:
        assert request.stream.readline() == b"one\n"

    @app.post("/")
    async def index() -> bytes:
        return request.stream.read()

    assert run(ask(app.asgi_app, "/", "POST", CHUNKED, body=b"one\ntwo")).body == b"two"
