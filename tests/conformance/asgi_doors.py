"""The ASGI callable as a door: called in this process, and behind servers that speak ASGI."""

from __future__ import annotations

import asyncio
import http.client
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from urllib.parse import unquote

import pytest

from tests.asgi.driver import WAIT_SECONDS, call
from tests.conformance.exchange import Answer, Ask, Door

__all__ = ["asgi", "ask_connection", "close_servers", "hypercorn", "uvicorn"]


@contextmanager
def asgi(app: Any) -> Iterator[Door]:
    """Call the application as a server would, on one loop."""

    def send(_: Any, ask: Ask) -> Answer:
        async def exchange() -> Answer:
            scope = {"path": unquote(ask.path), "raw_path": ask.path.encode("latin-1")}
            async with call(app.asgi_app, ask.target, ask.method, ask.wire_headers(), **scope) as under_way:
                for piece in ask.pieces():
                    under_way.feed(piece, more=True)
                under_way.feed()
                reply = await under_way.end()
            assert reply.is_complete
            return Answer(reply.status, "", reply.headers, reply.body)

        return runner.run(exchange())

    with asyncio.Runner() as runner:
        yield send


def ask_connection(connection: http.client.HTTPConnection, ask: Ask) -> Answer:
    """Send a request on a connection, or on a new one where the server has closed it, and read the whole answer.

    A server may close a connection whose last request it answered before all of the body had come, and need not say so
    in that answer; a client then sends the next request again (RFC 9112, 9.3.1).
    """
    is_reused = connection.sock is not None
    try:
        return _ask_once(connection, ask)
    except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
        connection.close()
        if not is_reused:
            raise
        return _ask_once(connection, ask)


def _ask_once(connection: http.client.HTTPConnection, ask: Ask) -> Answer:
    connection.putrequest(ask.method, ask.target, skip_host=True, skip_accept_encoding=True)
    for name, value in ask.wire_headers():
        connection.putheader(name, value.encode("latin-1"))
    if ask.is_chunked:
        connection.endheaders(iter(ask.pieces()), encode_chunked=True)
    else:
        connection.endheaders(ask.body or None)
    response = connection.getresponse()
    return Answer(response.status, response.reason, response.getheaders(), response.read())


class _Server:
    """A server that runs in a thread for all cases, and serves the application of the present one.

    Args:
        run: Serves an ASGI application on a socket until the event is set.
    """

    def __init__(self, run: Callable[[Any, socket.socket, asyncio.Event], Awaitable[None]]) -> None:
        self._run = run
        self._app: Any = None
        self._started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        listener = socket.create_server(("127.0.0.1", 0))
        self._port: int = listener.getsockname()[1]
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(listener)))
        self._thread.start()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self._app.asgi_app(scope, receive, send)

    async def _serve(self, listener: socket.socket) -> None:
        stopped = asyncio.Event()
        self._started.set_result((asyncio.get_running_loop(), stopped))
        await self._run(self, listener, stopped)

    @contextmanager
    def serving(self, app: Any) -> Iterator[Door]:
        """Ask it for an application, on one connection."""
        self._app = app
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=WAIT_SECONDS)
        try:
            yield lambda _, ask: ask_connection(connection, ask)
        finally:
            connection.close()

    def close(self) -> None:
        loop, stopped = self._started.result(WAIT_SECONDS)
        loop.call_soon_threadsafe(stopped.set)
        self._thread.join(WAIT_SECONDS)
        assert not self._thread.is_alive()


_servers: dict[str, _Server] = {}


def close_servers() -> None:
    """Stop the servers that were started."""
    while _servers:
        _servers.popitem()[1].close()


def uvicorn(app: Any) -> AbstractContextManager[Door]:
    """Ask uvicorn."""
    module = pytest.importorskip("uvicorn")

    async def run(app: Any, listener: socket.socket, stopped: asyncio.Event) -> None:
        config = module.Config(app, log_level="critical", lifespan="off", ws="none", proxy_headers=False)
        server = module.Server(config)

        async def stop() -> None:
            await stopped.wait()
            server.should_exit = True

        with listener:
            await asyncio.gather(server._serve([listener]), stop())

    return _find_server("uvicorn", run).serving(app)


def hypercorn(app: Any) -> AbstractContextManager[Door]:
    """Ask hypercorn."""
    serve = pytest.importorskip("hypercorn.asyncio").serve
    configs = pytest.importorskip("hypercorn.config")

    async def run(app: Any, listener: socket.socket, stopped: asyncio.Event) -> None:
        config = configs.Config()
        config.bind = [f"fd://{listener.detach()}"]
        config.errorlog = None
        await serve(app, config, shutdown_trigger=stopped.wait, mode="asgi")

    return _find_server("hypercorn", run).serving(app)


def _find_server(name: str, run: Callable[[Any, socket.socket, asyncio.Event], Awaitable[None]]) -> _Server:
    if name not in _servers:
        _servers[name] = _Server(run)
    return _servers[name]
