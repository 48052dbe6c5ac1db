"""The event loop on which coroutines run, and the bridge to it from threads.

One loop per process: that of the ASGI server where there is one, else one on a thread of its own, started when the
first coroutine needs it. A thread that needs a coroutine's result waits for it; no blocking code ever runs on the loop.
"""

from __future__ import annotations

import os
import threading
import typing as t
from contextvars import ContextVar
from types import CoroutineType, FunctionType

if t.TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable, Coroutine
    from concurrent.futures import Future
    from contextvars import Context

__all__ = [
    "CO_COROUTINE",
    "EventLoopThread",
    "ServerLoop",
    "adopt_loop",
    "is_coroutine_function",
    "make_empty_context",
    "run_coroutine",
    "to_sync",
    "use_loop",
]

T = t.TypeVar("T")
# Flag of a code object, inspect.CO_COROUTINE.
CO_COROUTINE = 0x80


def is_coroutine_function(func: t.Any) -> bool:
    """Return whether a call of *func* gives a coroutine: ``async def``, also behind ``partial`` and methods.

    Functions marked by :func:`inspect.markcoroutinefunction` count too.

    Args:
        func: Any callable.
    """
    while type(func) is not FunctionType:
        # A bound method, or functools.partial.
        inner = getattr(func, "__func__", None) or getattr(func, "func", None)
        if inner is None:
            code = getattr(func, "__code__", None)  # a function compiled by Cython has one as well
            return code is not None and bool(getattr(code, "co_flags", 0) & CO_COROUTINE) or _is_marked(func)
        if _is_marked(func):
            return True
        func = inner
    return bool(func.__code__.co_flags & CO_COROUTINE) or (bool(func.__dict__) and _is_marked(func))


def _is_marked(func: t.Any) -> bool:
    """Return whether a callable says of itself that its calls give coroutines."""
    marks = getattr(func, "__dict__", None)
    return marks is not None and ("_is_coroutine_mark" in marks or "_is_coroutine" in marks)


class _Loop:
    """An event loop that runs in some thread, and takes coroutines from others.

    Attributes:
        loop: The loop.
        thread: The thread it runs in.
    """

    loop: asyncio.AbstractEventLoop
    thread: threading.Thread

    @property
    def is_here(self) -> bool:
        """Whether the calling thread is the loop's own."""
        return threading.current_thread() is self.thread

    def run(self, coroutine: Coroutine[t.Any, t.Any, T], context: Context) -> T:
        """Run a coroutine as a task on the loop and return its result; the calling thread waits.

        Args:
            coroutine: What to run. It is cancelled if the waiting thread is interrupted.
            context: Context variables that it sees and sets.

        Raises:
            RuntimeError: Called on the loop's own thread, which would wait for itself; or the loop has ended.
            BaseException: What the coroutine raised. :exc:`SystemExit` and :exc:`KeyboardInterrupt` too are raised
                here, in the waiting thread, and the loop goes on.
        """
        if self.is_here:
            coroutine.close()
            raise RuntimeError(
                "A sync function that waits for a coroutine was called on the event loop itself, which would then wait "
                "for ever. Await the async function instead."
            )
        waited = _Waited(self.loop, coroutine, context)
        try:
            self.loop.call_soon_threadsafe(waited.start)
            return self._wait(waited.done)
        except BaseException:
            if not waited.done.done() and not self.loop.is_closed():
                self.loop.call_soon_threadsafe(waited.cancel)
            raise

    def _wait(self, done: Future[T]) -> T:
        while True:
            try:
                done.exception(LOOK_SECONDS)
            except TimeoutError:
                problem = self._find_problem()
                if problem is None or done.done():
                    continue
                raise RuntimeError(f"{problem} while a thread waited for a coroutine on it.") from None
            return done.result()

    def _find_problem(self) -> str | None:
        """Return what has happened if the loop will never answer again."""
        raise NotImplementedError


class _Waited(t.Generic[T]):
    """A coroutine that a thread waits for.

    Args:
        loop: Where it is to run.
        coroutine: The coroutine, not started.
        context: Context variables that it sees and sets.

    Attributes:
        done: What comes of it.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, coroutine: Coroutine[t.Any, t.Any, T], context: Context
    ) -> None:
        from concurrent.futures import Future

        self.done: Future[T] = Future()
        self._loop = loop
        self._coroutine = coroutine
        self._context = context
        self._task: asyncio.Task[T] | None = None
        self._exit: BaseException | None = None

    def start(self) -> None:
        """Make the task; on the loop's thread."""
        self._task = self._loop.create_task(self._guard(), context=self._context)
        self._task.add_done_callback(self._finish)

    def cancel(self) -> None:
        """End the coroutine, as nobody waits for it any more; on the loop's thread."""
        if self._task is not None:
            self._task.cancel()
        else:
            self._coroutine.close()  # interrupted before the task was made

    async def _guard(self) -> T:
        try:
            return await self._coroutine
        except (SystemExit, KeyboardInterrupt) as error:
            # A task that ends by one of these ends its loop; they are for the thread that waits.
            self._exit = error
            return t.cast("T", None)  # not looked at

    def _finish(self, task: asyncio.Task[T]) -> None:
        self._coroutine.close()  # if the task was cancelled before it began
        error = self._exit or (_cancelled() if task.cancelled() else task.exception())
        if error is not None:
            self.done.set_exception(error)
        else:
            self.done.set_result(task.result())


class EventLoopThread(_Loop):
    """An event loop on a daemon thread.

    The thread runs from the construction on, until the process ends.
    """

    def __init__(self) -> None:
        import asyncio

        self.loop = asyncio.new_event_loop()
        started = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(started,), name="hipflask-loop", daemon=True)
        self.thread.start()
        started.wait()

    def _run(self, started: threading.Event) -> None:
        self.loop.call_soon(started.set)
        while True:
            try:
                self.loop.run_forever()
                return  # it was stopped
            except (SystemExit, KeyboardInterrupt) as error:
                # asyncio lets these out of tasks and callbacks, here of those that no thread waits for. The rest of
                # the loop has nothing to do with it.
                import logging

                logging.getLogger(__name__).error("A task or callback tried to end the event loop", exc_info=error)

    def _find_problem(self) -> str | None:
        return None if self.thread.is_alive() else "The event loop's thread ended"


LOOK_SECONDS = 1.0  # how often a thread that waits for a loop looks whether it is still there


class ServerLoop(_Loop):
    """The loop of a server, which ends when the server likes; to be made in the loop's own thread.

    Args:
        loop: The running loop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.thread = threading.current_thread()

    def _find_problem(self) -> str | None:
        return "The server's event loop was closed" if self.loop.is_closed() else None


def _cancelled() -> BaseException:
    from asyncio import CancelledError

    return CancelledError()


class _LoopOfProcess:
    """The loop of this process, once it is needed."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew: a forked child has the loop's object but not its thread."""
        self.lock = threading.Lock()
        self.thread: EventLoopThread | None = None
        self.adopted: ServerLoop | None = None

    def get(self) -> _Loop:
        """Return the server's loop, else our own, started if it is the first time."""
        adopted = self.adopted
        # A thread with a loop of its own can use sync functions that wait, as long as that loop is another one.
        if adopted is not None and adopted.loop.is_running() and not adopted.is_here:
            return adopted
        thread = self.thread
        if thread is None or not thread.thread.is_alive():
            with self.lock:
                thread = self.thread
                if thread is None or not thread.thread.is_alive():
                    thread = self.thread = EventLoopThread()
        return thread


_loop_of_process = _LoopOfProcess()
#: Loop of the request, where the door says so.
_cv_loop: ContextVar[ServerLoop] = ContextVar("hipflask.loop")


def use_loop(loop: ServerLoop) -> None:
    """Have this context's coroutines run on the loop of the server that serves the request.

    Args:
        loop: The server's loop.
    """
    _cv_loop.set(loop)


def adopt_loop(loop: ServerLoop) -> None:
    """Make a server's loop the one of the process, for threads that serve no request; the latest one counts.

    Args:
        loop: The server's loop.
    """
    _loop_of_process.adopted = loop


def make_empty_context() -> Context:
    """Return a context with no variable set but the loop that coroutines run on."""
    from contextvars import Context

    context = Context()
    loop = _cv_loop.get(None)
    if loop is not None:
        context.run(use_loop, loop)
    return context


def _current_loop() -> _Loop:
    found = _cv_loop.get(None)
    return _loop_of_process.get() if found is None or found.loop.is_closed() else found


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_loop_of_process.forget)


def run_coroutine(awaitable: Awaitable[T]) -> T:
    """Run an awaitable on the request's loop, else the process's, and return its result; the calling thread waits.

    It sees the caller's context variables, and those that it sets are set for the caller afterwards.

    Args:
        awaitable: Coroutine, or anything else that can be awaited.
    """
    from contextvars import copy_context

    if isinstance(awaitable, CoroutineType):
        coroutine: t.Any = awaitable
    else:
        coroutine = _await(awaitable)
    context = copy_context()
    loop = _current_loop()
    if isinstance(loop, ServerLoop):
        context.run(use_loop, loop)  # so that what would wait for it there is found out
    try:
        result: T = loop.run(coroutine, context)
    finally:
        for variable, value in context.items():
            if variable.get(_UNSET) is not value and variable is not _cv_loop:
                variable.set(value)
    return result


_UNSET: t.Any = object()


async def _await(awaitable: Awaitable[T]) -> T:
    return await awaitable


def to_sync(func: Callable[..., Awaitable[T]]) -> Callable[..., T]:
    """Return a function that calls the async function *func* and waits for its result.

    Args:
        func: Function whose calls give awaitables.
    """
    from functools import wraps

    @wraps(func)
    def call(*args: t.Any, **kwargs: t.Any) -> T:
        return run_coroutine(func(*args, **kwargs))

    return call
