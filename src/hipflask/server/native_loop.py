"""The event loop of the native server: sorts the requests of an application with async views, and runs those views.

Requests come to the loop's own thread. What has an async view and nothing else is served there; an async view with sync
parts around it by the ASGI door's `Exchange`, on the threads of a `WorkerPool`, which host such requests and nothing
else; anything else goes on to the native queue, whose workers never host a suspended request.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from contextvars import Context
from typing import TYPE_CHECKING, Any, cast

from hipflask.asgi.exchange import QUICK, PoolIsFullError
from hipflask.asgi.routes import Place, find_place, is_served_by_handle
from hipflask.concurrency import EventLoopThread, ServerLoop, adopt_loop, use_loop
from hipflask.dispatch import Suspended
from hipflask.server.native_exchange import Keys, NativeExchange, Replay
from hipflask.server.native_fast_path import Plan, fast_path_of
from hipflask.server.native_stream import fail
from hipflask.server.workers import PoolSettings, WorkerPool

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from hipflask.server._native import Head, Server
    from hipflask.server.native import NativeSettings

__all__ = ["NativeLoop"]


class NativeLoop:
    """Serves on an event loop of its own thread.

    Args:
        server: Where the requests come from.
        app: An application of ours.
        settings: Numbers of threads.
    """

    def __init__(self, server: Server, app: Any, settings: NativeSettings) -> None:
        self._server = server
        self._app = app
        self._pool = WorkerPool(
            PoolSettings(settings.threads, settings.threads, settings.queue_size, settings.queue_timeout_seconds),
            name="hipflask-host",
        )
        self._keys = Keys()
        self._ready: deque[tuple[Head, Plan | None]] = deque()
        # For the workers; filed together, so that one of them is woken once.
        self._sync: list[Head] = []
        self._runner: asyncio.Task[None] | None = None
        self._wake: asyncio.Future[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._server_loop: ServerLoop
        self._loop = EventLoopThread().loop
        self._fast: Any = fast_path_of(app)
        # A request that runs here begins in a copy of it.
        self._context = Context()

    def start(self) -> None:
        """Begin; returns when the loop looks out for requests."""
        asyncio.run_coroutine_threadsafe(self._begin(), self._loop).result()

    def close(self, timeout_seconds: float) -> None:
        """End the threads and the loop's part in serving.

        Args:
            timeout_seconds: How long to wait for the threads.
        """
        ended = asyncio.run_coroutine_threadsafe(self._end(), self._loop)
        try:
            ended.result(timeout_seconds)
        except TimeoutError:
            logging.getLogger(__name__).error("An async view holds the event loop, which ends without it")
        self._pool.close(timeout_seconds)

    async def _begin(self) -> None:
        self._server_loop = ServerLoop(self._loop)
        adopt_loop(self._server_loop)
        self._context.run(use_loop, self._server_loop)
        self._start_runner()
        self._loop.add_reader(self._server.loop_descriptor(), self._look)

    async def _end(self) -> None:
        self._loop.remove_reader(self._server.loop_descriptor())
        tasks = [task for task in (*self._tasks, self._runner) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _look(self) -> None:
        """Take what there is."""
        heads, keys = self._server.take_sorted()
        for key in keys:
            self._keys.tell(key)
        for head in heads:
            try:
                self._sort(head)
            except Exception as error:
                fail(head, error)
        if self._sync:
            for head in self._server.file(self._sync):
                head.refuse()
            self._sync.clear()
        if not self._ready:
            self._server.flush()
        elif self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def _sort(self, head: Any) -> None:
        app = self._app
        plan = None if self._fast is None else self._fast.find(head)
        if plan is not None:
            if not plan[3]:
                head.set_match(plan)
                self._sync.append(head)
                return
            if not head.may_have_body:
                self._ready.append((head, plan))
                return
        place = find_place(app, head) if is_served_by_handle(app) else Place.THREAD
        if place is Place.THREAD:
            self._sync.append(head)
        elif place is Place.LOOP and not head.may_have_body:
            self._ready.append((head, None))
        else:
            task = self._loop.create_task(self._serve(head, place))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    # Views that are async and nothing else: in a task that they share as long as none of them waits

    def _start_runner(self) -> None:
        self._runner = self._loop.create_task(self._run())

    async def _run(self) -> None:
        """Serve what is ready, until a view waits: the task is its own then, and ends with it."""
        task = asyncio.current_task()
        while self._runner is task:
            if not self._ready:
                self._server.flush()
                self._wake = self._loop.create_future()
                await self._wake
            elif (rest := self._answer(*self._ready.popleft())) is not None:
                self._server.flush(not self._ready)
                self._start_runner()
                await self._keep(rest)

    async def _keep(self, rest: Awaitable[None]) -> None:
        """Await what is left of a request in the present task, which is nobody else's any more."""
        task = cast("asyncio.Task[None]", asyncio.current_task())
        self._tasks.add(task)
        try:
            await rest
        finally:
            self._tasks.discard(task)

    def _answer(self, head: Head, plan: Plan | None) -> Awaitable[None] | None:
        """Answer a request if that takes no waiting; else return what is to be awaited."""
        context = self._context.copy()
        try:
            if plan is None:
                begun = context.run(self._begin_request, head)
            else:
                begun = context.run(self._begin_fast, head, plan)
        except BaseException as error:  # SystemExit too ends the request only
            fail(head, error)
            return None
        return None if begun is None else self._serve(head, Place.LOOP, context, begun)

    def _begin_fast(self, head: Head, plan: Plan) -> Any:
        """Do as `_begin_request` for a request in which only its view has a say."""
        ctx = self._fast.begin(plan, head)
        arguments, view = plan[1], plan[2]
        coroutine: Any = None
        replay: Any
        try:
            coroutine = view(**arguments) if arguments else view()
            replay = Replay(coroutine, coroutine.send(None))
        except StopIteration as stopped:
            try:
                if self._fast.answer(plan, head, ctx, stopped.value, True):
                    return None
            except Exception as error:
                return Suspended(self._app, ctx).fail_late(error)
            return self._conclude(head, Suspended(self._app, ctx, coroutine), stopped.value)
        except BaseException as error:
            replay = _failed(coroutine, error)
        return Suspended(self._app, ctx, replay)

    def _begin_request(self, head: Any) -> Any:
        """Serve a request as far as that takes no waiting; return what is left, ``None`` if it was answered.

        PERF: the view is stepped here, once, so that a request which does not wait enters its context only once.
        """
        found: Any = self._app.handle(head, can_suspend=True)
        if not isinstance(found, Suspended):
            return found
        coroutine: Any = found.coroutine
        try:
            found.coroutine = Replay(coroutine, coroutine.send(None))
        except StopIteration as stopped:
            return self._conclude(head, found, stopped.value)
        except BaseException as error:
            found.coroutine = _failed(coroutine, error)
        return found

    def _conclude(self, head: Head, suspended: Suspended, value: Any) -> Any:
        """Go on with what a view has returned."""
        if type(value) in QUICK and not suspended.has_late_functions:
            return self._finish(head, suspended, value)
        suspended.coroutine = Replay(suspended.coroutine, error=StopIteration(value))
        return suspended

    def _finish(self, head: Head, suspended: Suspended, value: Any) -> Any:
        """Answer a request whose view has returned; return the response if sending it may take waiting."""
        response: Any = suspended.finish(value)
        environ = head.to_environ() if response.autocorrect_location_header else {"REQUEST_METHOD": head.method}
        body = response(environ, head.start)
        if type(body) is not list:
            return response
        head.answer_soon(body[0] if len(body) == 1 else b"".join(body))
        return None

    async def _serve(self, head: Head, place: Place, context: Context | None = None, begun: Any = None) -> None:
        exchange = NativeExchange(self._app, head, self._server, self._keys, self._pool, self._server_loop)
        if context is not None:
            exchange.go_on_with(context, begun)
        try:
            await exchange.serve(place)
        except PoolIsFullError:
            head.refuse()
        except Exception as error:
            fail(head, error)


def _failed(coroutine: Any, error: BaseException) -> Any:
    """Return what raises the error again for whoever awaits it."""
    # Without the caller's frame, which holds the request: that would be a cycle.
    error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
    return Replay(coroutine, error=error)
