"""The event loop on which coroutines run, and the bridge to it from threads.

One loop per process, on a thread of its own, started when the first coroutine needs it. A thread that needs a
coroutine's result waits for it; no blocking code ever runs on the loop.
"""

from __future__ import annotations

import os
import threading
import typing as t
from types import CoroutineType, FunctionType

if t.TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable, Coroutine
    from contextvars import Context

__all__ = ["CO_COROUTINE", "EventLoopThread", "is_coroutine_function", "run_coroutine", "to_sync"]

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


class EventLoopThread:
    """An event loop on a daemon thread.

    The thread runs from the construction on, until the process ends.
    """

    def __init__(self) -> None:
        import asyncio

        self.loop: asyncio.AbstractEventLoop = asyncio.new_event_loop()
        started = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(started,), name="hipflask-loop", daemon=True)
        self.thread.start()
        started.wait()

    def _run(self, started: threading.Event) -> None:
        self.loop.call_soon(started.set)
        self.loop.run_forever()

    def run(self, coroutine: Coroutine[t.Any, t.Any, T], context: Context) -> T:
        """Run a coroutine as a task on the loop and return its result; the calling thread waits.

        Args:
            coroutine: What to run. It is cancelled if the waiting thread is interrupted.
            context: Context variables that it sees and sets.

        Raises:
            RuntimeError: Called on the loop's own thread, which would wait for itself.
        """
        if threading.current_thread() is self.thread:
            coroutine.close()
            raise RuntimeError(
                "A sync function that waits for a coroutine was called on the event loop itself, which would then wait "
                "for ever. Await the async function instead."
            )
        from concurrent.futures import Future

        done: Future[T] = Future()
        tasks: list[asyncio.Task[T]] = []

        def start() -> None:
            task = self.loop.create_task(coroutine, context=context)
            tasks.append(task)
            task.add_done_callback(finish)

        def finish(task: asyncio.Task[T]) -> None:
            error = task.exception() if not task.cancelled() else _cancelled()
            if error is not None:
                done.set_exception(error)
            else:
                done.set_result(task.result())

        try:
            self.loop.call_soon_threadsafe(start)
            return done.result()
        except BaseException:
            if not done.done():
                self.loop.call_soon_threadsafe(_cancel, tasks, coroutine)
            raise


def _cancel(tasks: list[asyncio.Task[T]], coroutine: Coroutine[t.Any, t.Any, T]) -> None:
    if tasks:
        tasks[0].cancel()
    else:
        coroutine.close()  # interrupted before the task was made


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

    def get(self) -> EventLoopThread:
        """Return the loop, started if it is the first time."""
        thread = self.thread
        if thread is None:
            with self.lock:
                thread = self.thread
                if thread is None:
                    thread = self.thread = EventLoopThread()
        return thread


_loop_of_process = _LoopOfProcess()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_loop_of_process.forget)


def run_coroutine(awaitable: Awaitable[T]) -> T:
    """Run an awaitable on the process's loop and return its result; the calling thread waits.

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
    try:
        result: T = _loop_of_process.get().run(coroutine, context)
    finally:
        for variable, value in context.items():
            if variable.get(_UNSET) is not value:
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
