from __future__ import annotations

import asyncio
import functools
import inspect
import os
import signal
import threading
from collections.abc import Callable, Generator
from contextvars import Context, ContextVar, copy_context
from typing import Any

import pytest

from hipflask import concurrency
from hipflask.concurrency import (
    EventLoopThread,
    ServerLoop,
    adopt_loop,
    is_coroutine_function,
    make_empty_context,
    run_coroutine,
    to_sync,
    use_loop,
)

variable: ContextVar[str] = ContextVar("variable", default="unset")
other: ContextVar[str] = ContextVar("other")
WAIT_SECONDS = 10.0


async def async_function(*args: Any) -> Any:
    return args


def sync_function() -> None: ...


class Owner:
    async def method(self) -> str:
        return "method"

    def sync_method(self) -> None: ...

    async def __call__(self) -> None: ...


def mark(func: Any) -> Any:
    """Mark a function as returning coroutines: by inspect (Python 3.12), else by what asyncio looked for before."""
    if hasattr(inspect, "markcoroutinefunction"):
        return inspect.markcoroutinefunction(func)
    func._is_coroutine = asyncio.coroutines._is_coroutine  # type: ignore[attr-defined]
    return func


@mark
def marked() -> Any:
    return async_function()


marked_partial = mark(functools.partial(sync_function))


class Compiled:
    """What a function compiled by Cython looks like: not a FunctionType, but with a code object."""

    def __init__(self, flags: int) -> None:
        self.__code__ = type("Code", (), {"co_flags": flags})()


@pytest.mark.parametrize(
    ("func", "expected"),
    [
        pytest.param(async_function, True, id="async"),
        pytest.param(sync_function, False, id="sync"),
        pytest.param(functools.partial(async_function, 1), True, id="partial"),
        pytest.param(functools.partial(functools.partial(async_function, 1), 2), True, id="nested-partial"),
        pytest.param(functools.partial(sync_function), False, id="sync-partial"),
        pytest.param(Owner().method, True, id="method"),
        pytest.param(Owner().sync_method, False, id="sync-method"),
        pytest.param(functools.partial(Owner().method), True, id="partial-of-method"),
        pytest.param(marked, True, id="marked"),
        pytest.param(functools.partial(marked), True, id="partial-of-marked"),
        pytest.param(marked_partial, True, id="marked-partial"),
        pytest.param(len, False, id="builtin"),
        pytest.param(str, False, id="class"),
        pytest.param(lambda: None, False, id="lambda"),
        pytest.param(Compiled(concurrency.CO_COROUTINE), True, id="compiled-async"),
        pytest.param(Compiled(0), False, id="compiled-sync"),
    ],
)
def test_is_coroutine_function(func: Any, expected: bool) -> None:
    assert is_coroutine_function(func) is expected


def test_is_coroutine_function_of_wrapper_is_the_wrappers() -> None:
    @functools.wraps(async_function)
    def wrapper(*args: Any) -> Any:
        return args

    assert not is_coroutine_function(wrapper)


@pytest.mark.parametrize(
    "func",
    [async_function, sync_function, Owner().method, functools.partial(async_function), len, lambda: None],
    ids=["async", "sync", "method", "partial", "builtin", "lambda"],
)
def test_is_coroutine_function_agrees_with_inspect(func: Any) -> None:
    assert is_coroutine_function(func) is inspect.iscoroutinefunction(func)


def test_run_coroutine_returns_result() -> None:
    assert run_coroutine(async_function(1, 2)) == (1, 2)


def test_run_coroutine_raises_what_the_coroutine_raises() -> None:
    async def fail() -> None:
        await asyncio.sleep(0)
        raise LookupError("inside")

    with pytest.raises(LookupError, match="inside"):
        run_coroutine(fail())


def test_run_coroutine_raises_for_cancelled_task() -> None:
    async def cancel() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(0)

    with pytest.raises(asyncio.CancelledError):
        run_coroutine(cancel())


def test_run_coroutine_takes_any_awaitable() -> None:
    class Awaitable:
        def __await__(self) -> Generator[Any, None, str]:
            yield from asyncio.sleep(0).__await__()
            return "awaited"

    assert run_coroutine(Awaitable()) == "awaited"


def test_context_variables_go_in_and_come_back() -> None:
    async def change() -> str:
        seen = variable.get()
        variable.set("inside")
        other.set("new")
        await asyncio.sleep(0)
        return seen

    def run() -> tuple[str, str, str]:
        variable.set("outside")
        seen = run_coroutine(change())
        return seen, variable.get(), other.get()

    assert copy_context().run(run) == ("outside", "inside", "new")
    assert variable.get() == "unset"


def test_context_variables_come_back_from_a_coroutine_that_failed() -> None:
    async def change() -> None:
        variable.set("inside")
        raise ValueError("x")

    def run() -> str:
        with pytest.raises(ValueError, match="x"):
            run_coroutine(change())
        return variable.get()

    assert copy_context().run(run) == "inside"


def test_all_coroutines_run_on_one_loop_on_a_thread_of_its_own() -> None:
    async def where() -> tuple[Any, int]:
        return asyncio.get_running_loop(), threading.get_ident()

    (first, thread), (second, _) = run_coroutine(where()), run_coroutine(where())
    assert first is second
    assert thread != threading.get_ident()


def test_waiting_on_the_loops_own_thread_is_refused() -> None:
    async def outer() -> None:
        coroutine = async_function()
        try:
            run_coroutine(coroutine)
        finally:
            assert inspect.getcoroutinestate(coroutine) == inspect.CORO_CLOSED

    with pytest.raises(RuntimeError, match="on the event loop itself"):
        run_coroutine(outer())


def test_several_threads_wait_at_once() -> None:
    barrier = threading.Barrier(3)
    found: list[int] = []

    async def meet(number: int) -> int:
        await asyncio.to_thread(barrier.wait, WAIT_SECONDS)
        return number

    threads = [threading.Thread(target=lambda n=n: found.append(run_coroutine(meet(n)))) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_SECONDS)
    assert sorted(found) == [0, 1, 2]


def test_loop_is_made_once_by_threads_that_need_it_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = concurrency._LoopOfProcess()
    real_lock = fresh.lock
    existing = concurrency._loop_of_process.get()

    class Lock:
        """Lets another thread win between the first look and the lock."""

        def __enter__(self) -> None:
            real_lock.acquire()
            fresh.thread = existing

        def __exit__(self, *details: object) -> None:
            real_lock.release()

    fresh.lock = Lock()  # type: ignore[assignment]
    assert fresh.get() is existing


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_forked_child_has_a_loop_of_its_own() -> None:
    run_coroutine(async_function())
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writable, repr(run_coroutine(async_function("child"))).encode())
        finally:
            os._exit(0)
    os.close(writable)
    _, status = os.waitpid(child, 0)
    with os.fdopen(readable, "rb") as pipe:
        assert pipe.read() == b"('child',)"
    assert status == 0


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="needs signals of POSIX")
def test_interrupted_wait_cancels_the_coroutine() -> None:
    """Ctrl+C comes as an exception of the waiting thread; the coroutine must not go on alone."""
    started = threading.Event()
    cancelled = threading.Event()

    async def wait() -> None:
        started.set()
        try:
            await asyncio.sleep(WAIT_SECONDS)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    def interrupt() -> None:
        started.wait(WAIT_SECONDS)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)  # type: ignore[arg-type]

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        run_coroutine(wait())
    thread.join(WAIT_SECONDS)
    assert cancelled.wait(WAIT_SECONDS)


def test_interrupt_before_the_task_is_made_closes_the_coroutine(monkeypatch: pytest.MonkeyPatch) -> None:
    loop_thread = EventLoopThread()
    schedule = loop_thread.loop.call_soon_threadsafe
    closed = threading.Event()

    def interrupted(callback: Any) -> Any:
        if callback.__name__ == "start":
            raise KeyboardInterrupt
        return schedule(lambda: (callback(), closed.set()))

    coroutine = async_function()
    monkeypatch.setattr(loop_thread.loop, "call_soon_threadsafe", interrupted)
    with pytest.raises(KeyboardInterrupt):
        loop_thread.run(coroutine, copy_context())
    assert closed.wait(WAIT_SECONDS)
    assert inspect.getcoroutinestate(coroutine) == inspect.CORO_CLOSED
    stop(loop_thread)


ENDS = [SystemExit(3), KeyboardInterrupt(), GeneratorExit()]


@pytest.mark.parametrize("error", ENDS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("is_at_once", [True, False], ids=["at-once", "later"])
def test_what_ends_a_process_is_raised_in_the_waiting_thread(error: BaseException, is_at_once: bool) -> None:
    """asyncio lets it out of run_forever(), which would end the loop for every request to come."""

    async def leave() -> None:
        if not is_at_once:
            await asyncio.sleep(0)
        raise error

    loop_thread = EventLoopThread()
    for _ in range(2):
        with pytest.raises(type(error)) as caught:
            loop_thread.run(leave(), copy_context())
        assert caught.value is error
        assert loop_thread.run(async_function(1), copy_context()) == (1,)
    stop(loop_thread)


def test_loop_goes_on_after_a_task_of_its_own_has_tried_to_end_it(caplog: pytest.LogCaptureFixture) -> None:
    async def leave() -> None:
        raise SystemExit(3)

    async def wait_for_task() -> str:
        with pytest.raises(SystemExit):
            await asyncio.create_task(leave())
        asyncio.get_running_loop().call_soon(exit_now)
        await asyncio.sleep(0)
        return "went on"

    def exit_now() -> None:
        raise SystemExit(4)

    loop_thread = EventLoopThread()
    assert loop_thread.run(wait_for_task(), copy_context()) == "went on"
    stop(loop_thread)
    found = [record.exc_info[1] for record in caplog.records if record.exc_info]
    assert [error.code for error in found if isinstance(error, SystemExit)] == [3, 4]


def test_what_ends_a_process_does_not_end_a_servers_loop() -> None:
    async def leave() -> None:
        raise SystemExit(3)

    async def main() -> str:
        loop = ServerLoop(asyncio.get_running_loop())

        def request() -> str:
            with pytest.raises(SystemExit):
                loop.run(leave(), copy_context())
            return "went on"

        return await asyncio.to_thread(request)

    assert asyncio.run(main()) == "went on"


def test_timeout_of_a_coroutine_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(concurrency, "LOOK_SECONDS", 0.01)
    has_looked = threading.Event()

    class Watched(EventLoopThread):
        def _find_problem(self) -> str | None:
            has_looked.set()
            return super()._find_problem()

    async def fail() -> None:
        await asyncio.to_thread(has_looked.wait, WAIT_SECONDS)
        raise TimeoutError("inside")

    loop_thread = Watched()
    with pytest.raises(TimeoutError, match="inside"):
        loop_thread.run(fail(), copy_context())
    stop(loop_thread)


def test_task_that_is_cancelled_before_it_begins_closes_its_coroutine() -> None:
    loop_thread = EventLoopThread()

    def cancel_first() -> None:
        waited.start()
        waited.cancel()

    coroutine = async_function()
    waited = concurrency._Waited(loop_thread.loop, coroutine, copy_context())
    loop_thread.loop.call_soon_threadsafe(cancel_first)
    with pytest.raises(asyncio.CancelledError):
        waited.done.result(WAIT_SECONDS)
    assert inspect.getcoroutinestate(coroutine) == inspect.CORO_CLOSED
    stop(loop_thread)


def test_thread_that_has_ended_is_told_and_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(concurrency, "LOOK_SECONDS", 0.01)
    loops = concurrency._LoopOfProcess()
    first = loops.get()
    assert isinstance(first, EventLoopThread)
    first.loop.call_soon_threadsafe(first.loop.stop)
    first.thread.join(WAIT_SECONDS)
    coroutine = async_function()
    with pytest.raises(RuntimeError, match="thread ended while a thread waited"):
        first.run(coroutine, copy_context())
    coroutine.close()
    first.loop.close()
    second = loops.get()
    assert isinstance(second, EventLoopThread)
    assert second.run(async_function(1), copy_context()) == (1,)
    stop(second)


def stop(loop_thread: EventLoopThread) -> None:
    asyncio.BaseEventLoop.call_soon_threadsafe(loop_thread.loop, loop_thread.loop.stop)  # type: ignore[arg-type]
    loop_thread.thread.join(WAIT_SECONDS)
    loop_thread.loop.close()


def test_to_sync_keeps_name_and_arguments() -> None:
    found: Callable[..., Any] = to_sync(async_function)
    assert found(1, 2) == (1, 2)
    assert found.__name__ == "async_function"


def test_event_loop_thread_is_a_daemon() -> None:
    thread = EventLoopThread()
    assert thread.thread.daemon
    assert thread.run(async_function(1), copy_context()) == (1,)
    stop(thread)


# The loop of a server


def run_in_thread(func: Callable[[], Any]) -> Any:
    """Run a function in a thread that knows of no loop, and await it."""
    return asyncio.to_thread(lambda: Context().run(func))


async def current_loop() -> Any:
    return asyncio.get_running_loop()


async def wait_there() -> Any:
    return run_coroutine(current_loop())


def test_threads_of_a_request_use_the_servers_loop() -> None:
    async def main() -> None:
        loop = ServerLoop(asyncio.get_running_loop())

        def request() -> Any:
            use_loop(loop)
            return run_coroutine(current_loop()), make_empty_context().run(run_coroutine, current_loop())

        assert await run_in_thread(request) == (loop.loop, loop.loop)

    asyncio.run(main())


def test_other_threads_use_the_loop_that_was_adopted_as_long_as_it_runs() -> None:
    async def main() -> Any:
        loop = asyncio.get_running_loop()
        adopt_loop(ServerLoop(loop))
        assert await run_in_thread(lambda: run_coroutine(current_loop())) is loop
        with pytest.raises(RuntimeError, match="on the event loop itself"):
            await run_in_thread(lambda: run_coroutine(wait_there()))
        # Its own thread may wait for another loop, but not for this one.
        assert run_coroutine(current_loop()) is not loop
        return loop

    loop = asyncio.run(main())
    assert run_coroutine(current_loop()) is not loop


def test_loop_of_a_request_that_was_closed_is_not_used() -> None:
    async def main() -> ServerLoop:
        return ServerLoop(asyncio.get_running_loop())

    def late() -> Any:
        use_loop(loop)
        return run_coroutine(current_loop())

    loop = asyncio.run(main())
    assert copy_context().run(late) is not loop.loop


def test_loop_that_is_closed_while_a_thread_waits_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(concurrency, "LOOK_SECONDS", 0.01)
    loop = asyncio.new_event_loop()
    server = ServerLoop(loop)
    errors: list[BaseException] = []
    began = threading.Event()
    coroutine = current_loop()

    def wait() -> None:
        server_call = loop.call_soon_threadsafe

        def call_soon(*args: Any) -> None:
            server_call(*args)
            began.set()

        loop.call_soon_threadsafe = call_soon  # type: ignore[method-assign, assignment]  # to know when it waits
        try:
            server.run(coroutine, copy_context())
        except RuntimeError as error:
            errors.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    assert began.wait(WAIT_SECONDS)
    loop.close()
    thread.join(WAIT_SECONDS)
    coroutine.close()
    assert "was closed while a thread waited" in str(errors[0])
