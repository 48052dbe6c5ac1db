"""One HTTP request of an ASGI server, from its scope to the last byte of the answer.

The part of it that runs on the loop asks for parts of the application's sync code one after another; each runs on the
request's worker thread, in the request's context, and what comes of it is sent back to the loop.
"""

from __future__ import annotations

import asyncio
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from hipflask.asgi.answer import Answer, StartResponse, answer_of_response, encode_fields, run_wsgi
from hipflask.asgi.routes import Place
from hipflask.asgi.stepping import InContext
from hipflask.concurrency import use_loop
from hipflask.dispatch import Suspended
from hipflask.http.exceptions import ClientDisconnected
from hipflask.server.workers import Filed, Job, Stay

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hipflask.asgi.head import AsgiHead
    from hipflask.asgi.incoming import Incoming
    from hipflask.concurrency import ServerLoop
    from hipflask.http.response import Response
    from hipflask.server.workers import WorkerPool

__all__ = ["QUICK", "WATCH_AFTER_SECONDS", "ClientGoneError", "Exchange", "PoolIsFullError"]

#: An async view that takes longer is cancelled when the client goes.
WATCH_AFTER_SECONDS = 0.1

T = TypeVar("T")
#: What an async view returns most, of which a response is made without calling code that might block.
QUICK = frozenset({str, bytes, dict, list})


class ClientGoneError(Exception):
    """The client has gone; there is nobody to answer."""


class PoolIsFullError(Exception):
    """The request has waited too long for a thread, or may not wait."""


class Exchange:
    """A request to an application, and the answer.

    Args:
        app: An application of ours, or any WSGI application.
        head: The request.
        incoming: Its body.
        send: ASGI's callable.
        pool: Where sync code runs.
        loop: The server's loop, on which all of this class runs but the parts that are given to the pool.
    """

    def __init__(
        self,
        app: Any,
        head: AsgiHead,
        incoming: Incoming,
        send: Callable[[dict[str, Any]], Awaitable[None]],
        pool: WorkerPool,
        loop: ServerLoop,
    ) -> None:
        self._app = app
        self._head = head
        self._incoming = incoming
        self._send_message = send
        self._pool = pool
        self._server_loop = loop
        self._loop = loop.loop
        self._context = copy_context()
        self._context.run(use_loop, loop)
        self._job: Job | None = None
        self._is_part_running = False
        # What a thread has begun and not ended; it has to be closed there.
        self._left: Suspended | Answer | None = None
        self._is_started = False
        # What close() raised.
        self._late_error: Exception | None = None
        # The view was cancelled since the client has gone.
        self._is_cancelled = False

    async def serve(self, place: Place | None) -> None:
        """Have the application answer, and send what it answers.

        Args:
            place: Where it is served; ``None`` if it is to be called as a WSGI application.

        Raises:
            PoolIsFullError: No thread has had time for it; nothing was sent.
            Exception: What left the application. If something was sent, the server has to break the answer off.
        """
        try:
            if place is Place.LOOP:
                answer = await self._answer_on_loop()
            else:
                begin = self._run_wsgi if place is None else self._run_handle
                found = await self._on_thread(begin, is_async=place is Place.HOST)
                answer = await self._finish_view(found) if isinstance(found, Suspended) else found
            await self._send_answer(answer)
            if self._late_error is not None:
                raise self._late_error
        except ClientGoneError:
            pass
        except asyncio.CancelledError:
            if not self._is_cancelled:
                raise  # it was not the client's going but the server
        finally:
            self._incoming.close()
            await self._release()

    # On the thread

    def _run_handle(self) -> Suspended | Answer:
        found = self._app.handle(self._head, can_suspend=True)
        if isinstance(found, Suspended):
            self._left = found
            return found
        return self._begin_answer(found)

    def _run_wsgi(self) -> Answer:
        start = StartResponse(self._send_now)
        body, first = run_wsgi(self._app, self._head.to_environ(), start)
        self._left = answer = Answer(start.status, start.headers, body, self._head.method, first, start.sent_bytes)
        return self._pull_first(answer)

    def _begin_answer(self, response: Any) -> Answer:
        self._left = answer = answer_of_response(response, self._head)
        return self._pull_first(answer)

    def _pull_first(self, answer: Answer) -> Answer:
        """Pull the first part before anything is sent: an error in it can still be answered."""
        if answer.is_open and not answer.first and answer.async_body is None:
            answer.first = self._pull(answer)
        return answer

    def _pull(self, answer: Answer) -> bytes:
        """Pull a part; at the end, close the body: a client that has seen the end can rely on that."""
        part = answer.pull()
        if not part:
            self._left = None
            try:
                answer.close()
            except Exception as error:
                self._late_error = error  # the answer is whole
        return part

    def _send_now(self, status: int, headers: list[tuple[str, str]], data: bytes) -> None:
        """Send something while the application is running, and wait: PEP 3333's ``write``."""

        async def send() -> None:
            await self._start(status, encode_fields(headers))
            if data:
                await self._send({"type": "http.response.body", "body": data, "more_body": True})

        self._server_loop.run(send(), copy_context())

    def _close_left(self) -> None:
        """End what was begun and will not be finished, or has been sent."""
        left, self._left = self._left, None
        if isinstance(left, Suspended):
            _close_coroutine(left)
            try:
                left.fail(asyncio.CancelledError()).close()
            except asyncio.CancelledError:
                pass
        elif left is not None:
            left.close()

    # Parts

    async def _on_thread(self, func: Callable[[], T], is_async: bool = False) -> T:
        """Run a function on the request's thread, and return what it returns."""
        done: asyncio.Future[tuple[T | None, BaseException | None]] = self._loop.create_future()
        self._is_part_running = True

        def part() -> Stay:
            value: T | None = None
            error: BaseException | None = None
            try:
                value = self._context.run(func)
            except BaseException as caught:
                error = caught
            stay = self._find_stay()
            try:
                self._loop.call_soon_threadsafe(self._resolve, done, value, error)
            except RuntimeError:  # the server's loop is gone, and nobody will ask for more
                self._context.run(self._close_left)
                return Stay.ENDED
            return stay

        if self._job is not None:
            self._job.then(part)
        else:
            await self._file(Job(part, self._context, is_async), done)
        value, error = await done
        if error is not None:
            raise _for_server(error)
        return value  # type: ignore[return-value]  # there is a value where there is no error

    async def _file(self, job: Job, done: asyncio.Future[Any]) -> None:
        """Give the pool the first part, and wait while it waits."""
        self._job = job
        filed = self._pool.submit(job)
        if filed is Filed.STARTED:
            return
        if filed is Filed.WAITING:
            try:
                await asyncio.wait((done,), timeout=self._pool.settings.queue_timeout_seconds)
            except asyncio.CancelledError:
                if job.withdraw():
                    self._job = None
                raise
            if not job.withdraw():
                return
        self._job = None
        raise PoolIsFullError()

    def _find_stay(self) -> Stay:
        if isinstance(self._left, Suspended):
            return Stay.SUSPENDED
        return Stay.ENDED if self._left is None or not self._left.is_open else Stay.STREAMING

    def _resolve(self, done: asyncio.Future[Any], value: Any, error: BaseException | None) -> None:
        self._is_part_running = False
        if not done.done():
            done.set_result((value, error))

    async def _release(self) -> None:
        """Have the thread close what it has open; if it is still running a part of this request, after that."""
        if isinstance(self._left, Answer) and self._left.async_body is not None and not self._is_part_running:
            await self._close_async(self._left)
        if self._job is None:
            return
        if self._is_part_running:  # this task was cancelled meanwhile

            def part() -> Stay:
                self._context.run(self._close_left)
                return Stay.ENDED

            self._job.then(part)
        elif self._find_stay() is not Stay.ENDED:
            await self._on_thread(self._close_left)

    # Async views

    async def _answer_on_loop(self) -> Answer:
        """Answer without a thread, unless the view fails or gives what may block."""
        if not await self._collect_body():
            raise ClientGoneError()
        found = self._context.run(self._app.handle, self._head, can_suspend=True)
        if not isinstance(found, Suspended):  # it changed its mind: the application is being set up
            return await self._on_thread(lambda: self._begin_answer(found), is_async=True)
        self._left = found
        return await self._finish_view(found)

    async def _finish_view(self, suspended: Suspended) -> Answer:
        """Await a view on the loop, and have its answer made on the thread where the request has one."""
        respond: Callable[[], Response]
        try:
            if self._job is not None and not await self._collect_body():
                raise ClientDisconnected()
            value = await self._run_view(suspended.coroutine)
        except BaseException as caught:
            _close_coroutine(suspended)
            respond = partial(suspended.fail, caught)
        else:
            is_quick = type(value) in QUICK or hasattr(value, "__anext__")
            if self._job is None and is_quick and not suspended.has_late_functions:
                self._left = None
                answer = self._context.run(self._finish_on_loop, suspended, value)
                if answer.is_open:
                    self._left = answer
                if answer.is_open and answer.async_body is None:
                    await self._on_thread(partial(self._pull_first, answer), is_async=True)
                return answer
            respond = partial(suspended.finish, value)

        def conclude() -> Answer:
            self._left = None
            return self._begin_answer(respond())

        return await self._on_thread(conclude, is_async=True)

    def _finish_on_loop(self, suspended: Suspended, value: Any) -> Answer:
        return answer_of_response(suspended.finish(value), self._head)

    async def _collect_body(self) -> bool:
        """Take the whole body before an async view runs, since it must not wait for it; false if it broke off."""
        if not self._head.may_have_body:
            self._incoming.is_ended = True  # a view that reads all the same must not wait for its own loop
            return True
        app = self._app
        limit = app.config["MAX_CONTENT_LENGTH"]
        if limit is None or self._head.content_length <= limit:
            await self._incoming.collect(limit)
        return self._incoming.is_ended or not self._incoming.is_disconnected

    async def _run_view(self, coroutine: Any) -> Any:
        """Await a view in the request's context; the client's going cancels it."""
        task = asyncio.current_task()

        def cancel() -> None:
            if not self._is_cancelled and task is not None:
                self._is_cancelled = True
                task.cancel()

        timer: asyncio.TimerHandle | None = None

        def watch_later() -> None:
            nonlocal timer
            timer = self._loop.call_later(WATCH_AFTER_SECONDS, self._incoming.watch, cancel)

        try:
            # PERF: a view that does not wait, or not for long, costs no task that watches for the client's going.
            return await InContext(coroutine, self._context, watch_later)
        finally:
            if timer is not None:
                timer.cancel()
            self._incoming.unwatch()
            if self._is_cancelled and task is not None:
                task.uncancel()

    # The answer

    async def _pull_async(self, answer: Answer) -> bytes:
        """Pull a part on the loop; otherwise as `_pull`."""
        part = await self._run_view(answer.pull_async())
        if not part:
            try:
                await self._close_async(answer)
            except Exception as error:
                self._late_error = error  # the answer is whole
        return part  # type: ignore[no-any-return]  # bytes

    async def _close_async(self, answer: Answer) -> None:
        """Close an asynchronous body on the loop, then the response."""
        self._left = None
        try:
            await InContext(answer.async_body.aclose(), self._context)  # type: ignore[union-attr]  # see the callers
        finally:
            if answer.may_block_at_end or self._job is not None:
                await self._on_thread(answer.close)
            else:
                self._context.run(answer.close)

    async def _send_answer(self, answer: Answer) -> None:
        if answer.is_open and answer.async_body is not None:
            answer.first = await self._pull_async(answer)
        if not answer.is_open or not answer.first:
            await self._start(answer.status, answer.headers)
            await self._send({"type": "http.response.body", "body": answer.first})
            return
        if not self._head.is_told_by_send:
            self._incoming.watch()
        await self._start(answer.status, answer.headers)
        part = answer.first
        while part:
            await self._send({"type": "http.response.body", "body": part, "more_body": True})
            if answer.async_body is not None:
                part = await self._pull_async(answer)
            else:
                part = await self._on_thread(partial(self._pull, answer))
        await self._send({"type": "http.response.body", "body": b""})

    async def _start(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        if not self._is_started:
            self._is_started = True
            await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def _send(self, message: dict[str, Any]) -> None:
        """Send a message; it returns when the client can take more.

        Raises:
            ClientGoneError: The client has gone.
        """
        try:
            await self._send_message(message)
        except OSError as error:  # what servers raise for a client that has gone, since ASGI 2.4
            self._incoming.lose()
            raise ClientGoneError() from error
        if self._incoming.is_disconnected and self._incoming.is_watched:
            raise ClientGoneError()


def _close_coroutine(suspended: Suspended) -> None:
    """Have a coroutine that may not have been started end without a warning."""
    close = getattr(suspended.coroutine, "close", None)
    if close is not None:
        close()


def _for_server(error: BaseException) -> BaseException:
    """Return what is raised on the loop for an error of the application: nothing that would end the server."""
    if isinstance(error, (Exception, asyncio.CancelledError)):
        return error
    wrapped = RuntimeError(f"{type(error).__name__} left the application; only the request ends by it.")
    wrapped.__cause__ = error
    return wrapped
