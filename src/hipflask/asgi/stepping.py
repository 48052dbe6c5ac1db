"""Awaiting a coroutine in a context of its own, without a task of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator
    from contextvars import Context

__all__ = ["InContext"]


async def _await(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


class InContext:
    """Awaits a coroutine so that its context variables are those of *context*.

    It is stepped by the task that awaits this object, so ``asyncio.timeout``, ``current_task`` and whatever else looks
    at the task work as usual.

    Args:
        awaitable: The coroutine, not started, or another awaitable.
        context: Context in which it runs.
        on_suspend: Called when the coroutine waits for the first time; many never do.
    """

    def __init__(self, awaitable: Any, context: Context, on_suspend: Callable[[], object] | None = None) -> None:
        self._on_suspend = on_suspend
        self._coroutine = awaitable if hasattr(awaitable, "send") else _await(awaitable)
        self._context = context

    def __await__(self) -> Generator[Any, Any, Any]:
        run, send, throw = self._context.run, self._coroutine.send, self._coroutine.throw
        waiting_for: Any
        try:
            waiting_for = run(send, None)
            if self._on_suspend is not None:
                self._on_suspend()
            while True:
                try:
                    value = yield waiting_for
                except GeneratorExit:
                    run(self._coroutine.close)
                    raise
                except BaseException as error:
                    waiting_for = run(throw, error)
                else:
                    waiting_for = run(send, value)
        except StopIteration as stopped:
            return stopped.value
