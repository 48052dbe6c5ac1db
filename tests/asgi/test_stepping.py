from __future__ import annotations

import asyncio
from contextvars import Context, ContextVar
from typing import Any

import pytest

from hipflask.asgi.stepping import InContext

variable: ContextVar[str] = ContextVar("variable", default="unset")


def test_variables_are_those_of_the_context() -> None:
    context = Context()
    context.run(variable.set, "inside")

    async def coroutine() -> str:
        seen = variable.get()
        await asyncio.sleep(0)
        variable.set("changed")
        return seen

    async def main() -> tuple[str, str]:
        return await InContext(coroutine(), context), variable.get()

    assert asyncio.run(main()) == ("inside", "unset")
    assert context[variable] == "changed"


def test_errors_go_in_and_out() -> None:
    async def coroutine() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            raise LookupError("cancelled") from None
        return "never"

    async def main() -> None:
        async def step() -> None:
            await InContext(coroutine(), Context())

        task = asyncio.create_task(step())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(LookupError, match="cancelled"):
            await task

    asyncio.run(main())


def test_error_that_the_coroutine_answers_by_a_value() -> None:
    async def coroutine() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "caught"
        return "never"

    async def step(awaitable: Any) -> Any:
        return await awaitable

    stepped = step(InContext(coroutine(), Context()))

    async def main() -> None:
        stepped.send(None)
        with pytest.raises(StopIteration) as stopped:
            stepped.throw(asyncio.CancelledError())
        assert stopped.value.value == "caught"

    asyncio.run(main())


def test_closing_closes_the_coroutine() -> None:
    closed: list[bool] = []

    async def coroutine() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            closed.append(True)

    async def main() -> None:
        iterator = InContext(coroutine(), Context()).__await__()
        iterator.send(None)
        iterator.close()

    asyncio.run(main())
    assert closed == [True]
