"""What only real servers show: the news that a client has gone, slow clients, and lifespans."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from hipflask import Flask, Response
from tests.asgi.driver import WAIT_SECONDS

Serve = Callable[[Any, socket.socket, asyncio.Event], Any]
REQUEST = b"GET /%b HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def uvicorn(app: Any, listener: socket.socket, stopped: asyncio.Event) -> None:
    module = pytest.importorskip("uvicorn")
    server = module.Server(module.Config(app, log_level="critical", lifespan="on", ws="none"))

    async def stop() -> None:
        await stopped.wait()
        server.should_exit = True

    await asyncio.gather(server._serve([listener]), stop())


async def hypercorn(app: Any, listener: socket.socket, stopped: asyncio.Event) -> None:
    serve = pytest.importorskip("hypercorn.asyncio").serve
    config = pytest.importorskip("hypercorn.config").Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.errorlog = None
    await serve(app, config, shutdown_trigger=stopped.wait, mode="asgi")


@pytest.fixture(params=[uvicorn, hypercorn], ids=lambda serve: serve.__name__)
def serve(request: pytest.FixtureRequest) -> Serve:
    pytest.importorskip(request.param.__name__)
    return request.param  # type: ignore[no-any-return]  # one of the two


def run_client(app: Flask, serve: Serve, client: Callable[[socket.socket], None]) -> None:
    """Serve an application, and run a client in a thread with a socket that is connected to it."""
    listener = socket.create_server(("127.0.0.1", 0))
    address = listener.getsockname()

    def connect() -> None:
        with socket.create_connection(address, WAIT_SECONDS) as connection:
            client(connection)

    async def main() -> None:
        stopped = asyncio.Event()

        async def visit() -> None:
            try:
                await asyncio.to_thread(connect)
            finally:
                stopped.set()

        async with asyncio.timeout(WAIT_SECONDS):
            await asyncio.gather(serve(app.asgi_app, listener, stopped), visit())

    with listener:
        asyncio.run(main())


def test_lifespan_of_a_server(serve: Serve) -> None:
    log: list[str] = []
    app = Flask("app_under_test")
    app.add_url_rule("/", "index", lambda: "x" + log[0])

    @app.on_startup
    async def start() -> None:
        log.append("start")

    app.on_shutdown(lambda: log.append("stop"))

    def client(connection: socket.socket) -> None:
        connection.sendall(REQUEST % b"")
        received = b""
        while not received.endswith(b"xstart"):
            received += connection.recv(65536)

    run_client(app, serve, client)
    assert log == ["start", "stop"]


def test_client_that_goes_cancels_an_async_view(serve: Serve) -> None:
    begun, cancelled = threading.Event(), threading.Event()
    app = Flask("app_under_test")

    @app.route("/")
    async def index() -> str:
        try:
            begun.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return "never"

    def client(connection: socket.socket) -> None:
        connection.sendall(REQUEST % b"")
        assert begun.wait(WAIT_SECONDS)
        connection.close()
        assert cancelled.wait(WAIT_SECONDS)

    run_client(app, serve, client)


def test_client_that_does_not_read_stops_the_generator_and_its_going_closes_it(serve: Serve) -> None:
    pulled: list[int] = []
    closed, full = threading.Event(), threading.Event()
    app = Flask("app_under_test")

    @app.route("/")
    def index() -> Response:
        def parts() -> Iterator[bytes]:
            for number in range(10_000):
                pulled.append(number)
                yield b"x" * 100_000

        response = Response(parts())
        response.call_on_close(closed.set)
        return response

    def client(connection: socket.socket) -> None:
        connection.sendall(REQUEST % b"")
        seen = -1
        while seen != len(pulled) or not pulled:  # until nothing is pulled any more
            seen = len(pulled)
            full.wait(0.2)
        assert len(pulled) < 500  # buffers of the sockets and of the server, and not a gigabyte
        connection.close()
        assert closed.wait(WAIT_SECONDS)

    run_client(app, serve, client)
    assert len(pulled) < 1000
