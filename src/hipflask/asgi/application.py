"""The ASGI 3 callable: HTTP requests, and the beginning and end of the server."""

from __future__ import annotations

import asyncio
import logging
import threading
from contextvars import Context
from typing import TYPE_CHECKING, Any, cast
from weakref import finalize

from hipflask.asgi.exchange import Exchange, PoolIsFullError
from hipflask.asgi.head import AsgiHead
from hipflask.asgi.incoming import Incoming
from hipflask.asgi.routes import Place, find_place, is_served_by_handle
from hipflask.concurrency import ServerLoop, adopt_loop, is_coroutine_function, use_loop
from hipflask.lifespan import Lifespan, carry_runs, describe_error
from hipflask.server.limits import Limits
from hipflask.server.settings import config_of, fill, resolve
from hipflask.server.workers import Filed, Job, PoolSettings, Stay, WorkerPool

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Scope = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Any]]
    Send = Callable[[Any], Awaitable[None]]

__all__ = ["AsgiApp", "to_asgi"]

#: How long the end of the server waits for the threads.
CLOSE_SECONDS = 5.0
_RETRY_SECONDS = 1
_logger = logging.getLogger(__name__)


def to_asgi(app: Any) -> AsgiApp:
    """Return a WSGI application as an ASGI 3 application.

    Args:
        app: An application of ours, whose async views then run on the server's loop, or any other WSGI application,
            for example one inside middleware.
    """
    return AsgiApp(app)


class AsgiApp:
    """An application as an ASGI 3 callable.

    Sync code runs on threads: ``SERVER_THREADS`` (8), and while all are busy up to ``SERVER_MAX_THREADS`` (four times
    as many). Then up to ``SERVER_QUEUE_SIZE`` (256) requests wait, ``SERVER_QUEUE_TIMEOUT`` (5) seconds at most; more
    are answered 503.

    Args:
        app: An application of ours, or any WSGI application.
    """

    def __init__(self, app: Any) -> None:
        self.app = app
        self._lock = threading.Lock()
        self._pool: WorkerPool | None = None
        self._limits: Limits | None = None
        self._loop: ServerLoop | None = None
        # How many views there were when they were looked through, and whether one was async.
        self._views_seen = (-1, False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve what an ASGI server has.

        Args:
            scope: What it is about.
            receive: Waits for what the server receives.
            send: Sends; returns when the client can take more.

        Raises:
            ValueError: The scope is of no known kind.
        """
        kind = scope["type"]
        if kind == "http":
            await self._serve_http(scope, receive, send)
        elif kind == "lifespan":
            await self._serve_lifespan(receive, send)
        elif kind == "websocket":
            # Closed before it was accepted, it is refused by 403.
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": "WebSockets are not supported."})
        else:
            raise ValueError(f"The ASGI scope is of the type {kind!r}; http, lifespan and websocket are known.")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.app!r}>"

    # Requests

    async def _serve_http(self, scope: Scope, receive: Receive, send: Send) -> None:
        loop = self._find_loop()
        limits = self._find_limits()
        incoming = Incoming(receive, loop.loop, limits.max_body_bytes, limits.body_timeout_seconds)
        head = AsgiHead(cast("dict[str, Any]", scope), incoming)
        repeated = head.repeated_field()
        if repeated is not None:
            await _refuse(send, 400, "Bad Request", f"the field {repeated.decode()} is there twice")
            return
        if head.content_length > limits.max_body_bytes:
            await _refuse(send, 413, "Content Too Large", "the body is too long")
            return
        place = await self._find_place(head)
        exchange = Exchange(self.app, head, incoming, send, self._find_pool(), loop)
        try:
            await exchange.serve(place)
        except PoolIsFullError:
            await _refuse(send, 503, "Service Unavailable", "too many requests wait", retry_after=_RETRY_SECONDS)

    async def _find_place(self, head: AsgiHead) -> Place | None:
        app = self.app
        if not is_served_by_handle(app):
            return None
        lifespan = app._lifespan
        if lifespan is not None and not lifespan.is_started:
            await self._start_late(lifespan)
        return find_place(app, head) if self._has_async_views() else Place.THREAD

    def _has_async_views(self) -> bool:
        """Return whether requests are worth a look on the loop at where they belong."""
        views = self.app.view_functions
        count, found = self._views_seen
        if count != len(views):
            found = any(map(is_coroutine_function, list(views.values())))
            self._views_seen = len(views), found
        return found

    # Beginning and end

    async def _serve_lifespan(self, receive: Receive, send: Send) -> None:
        self._find_loop()
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                error = await self._try(self._run_startup)
                await _tell(send, "startup", error)
                if error is not None:
                    return
            elif message["type"] == "lifespan.shutdown":
                await self._shut_down(send)
                return

    async def _shut_down(self, send: Send) -> None:
        lifespan = self._find_lifespan()
        if lifespan is not None and lifespan.is_inside:
            # A function of the application's own has opened a client for it; what surrounds it needs the threads.
            await _tell(send, "shutdown", None)
            return
        error = await self._try(self._run_shutdown)
        await self._close_pool()
        await _tell(send, "shutdown", error)

    def _run_startup(self) -> None:
        lifespan = self._find_lifespan()
        if lifespan is not None:
            lifespan.start()

    def _run_shutdown(self) -> None:
        lifespan = self._find_lifespan()
        if lifespan is not None:
            lifespan.stop()

    def _find_lifespan(self) -> Lifespan | None:
        found = getattr(self.app, "_lifespan", None)
        return found if isinstance(found, Lifespan) else None

    async def _start_late(self, lifespan: Lifespan) -> None:
        """Run the start-up functions for a server that has no lifespan; an error of theirs ends the process."""
        error = await self._try(lifespan.start_without_door)
        if error is not None:
            if isinstance(error, SystemExit | KeyboardInterrupt):
                asyncio.get_running_loop().call_soon(_raise, error)
            raise RuntimeError("The application could not be started.") from error

    async def _try(self, func: Callable[[], None]) -> BaseException | None:
        """Run a function on a thread of the pool, and return what it raised."""
        loop = self._find_loop()
        done: asyncio.Future[BaseException | None] = loop.loop.create_future()
        context = Context()
        context.run(use_loop, loop)
        carry_runs(context)

        def part() -> Stay:
            error: BaseException | None = None
            try:
                context.run(func)
            except BaseException as caught:
                error = caught
            loop.loop.call_soon_threadsafe(done.set_result, error)
            return Stay.ENDED

        if self._find_pool().submit(Job(part, context)) is Filed.REFUSED:
            return PoolIsFullError()
        return await done

    # What is made late

    def _find_loop(self) -> ServerLoop:
        running = asyncio.get_running_loop()
        found = self._loop
        if found is None or found.loop is not running:
            found = self._loop = ServerLoop(running)
            adopt_loop(found)
        return found

    def _find_limits(self) -> Limits:
        found = self._limits
        if found is None:
            found = self._limits = fill(Limits(), resolve(None, config_of(self.app)))
        return found

    def _find_pool(self) -> WorkerPool:
        found = self._pool
        if found is None:
            with self._lock:
                found = self._pool
                if found is None:
                    settings = fill(PoolSettings(), resolve(None, config_of(self.app)))
                    found = self._pool = WorkerPool(settings)
                    finalize(self, found.close)
        return found

    async def _close_pool(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            await asyncio.get_running_loop().run_in_executor(None, pool.close, CLOSE_SECONDS)


def _raise(error: BaseException) -> None:
    raise error


async def _tell(send: Send, event: str, error: BaseException | None) -> None:
    """Tell the server how the start-up or the shut-down went.

    Raises:
        KeyboardInterrupt: The error is one; the server's loop ends by it.
    """
    if error is None:
        await send({"type": f"lifespan.{event}.complete"})
        return
    effect = ", so the application cannot serve" if event == "startup" else ""
    if isinstance(error, SystemExit):
        _logger.error("An on_%s function ended the process%s: %s", event, effect, describe_error(error))
    else:
        _logger.error("An on_%s function failed%s", event, effect, exc_info=error)
    await send({"type": f"lifespan.{event}.failed", "message": describe_error(error)})
    if isinstance(error, KeyboardInterrupt):
        raise error


async def _refuse(send: Send, status: int, phrase: str, reason: str, retry_after: int | None = None) -> None:
    """Answer a request that does not reach the application."""
    body = f"{status} {phrase}: {reason}\n".encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    if retry_after is not None:
        headers.append((b"retry-after", str(retry_after).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
