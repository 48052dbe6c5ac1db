"""One connection to an ASGI application in this process, of whatever kind: what a server does, without a socket.

A request, the lifespan and, later, a WebSocket are each a scope and a series of messages both ways; this module knows
nothing else of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

__all__ = ["CLOSE_SECONDS", "AsgiConnection"]

#: How long an application may take to end after it has been told that the client has gone; then it is cancelled.
CLOSE_SECONDS = 5.0

Message = dict[str, Any]
Application = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
]


class _GoneError(OSError):
    """What ``send`` raises after the other side has gone."""


class AsgiConnection:
    """Runs an application for one scope, as a task of the running loop.

    Its ``send`` returns when the message has been taken, as it does where a client is slow.

    Args:
        app: An ASGI 3 application.
        scope: What the connection is about.
        messages: What the application receives; it is pulled when the application asks.
        last_message: What it receives after :meth:`end_messages`, as often as it asks.

    Raises:
        RuntimeError: No asyncio loop is running.

    Source: ASGI 3.0; ``send`` raises OSError after the client has gone, as since version 2.4 of the HTTP part.
    """

    def __init__(self, app: Application, scope: Message, messages: Iterable[Message], last_message: Message) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError as error:
            raise RuntimeError(
                "The async client needs a running asyncio loop: that of asyncio.run(), of pytest-asyncio, or of anyio "
                "with its asyncio backend."
            ) from error
        self._messages = iter(messages)
        self._last_message = last_message
        self._has_ended_messages = asyncio.Event()
        self._is_hung_up = False
        # Messages of the application, and after them None, when it has ended.
        self._sent: asyncio.Queue[Message | None] = asyncio.Queue()
        self._task = loop.create_task(self._run(app, scope))

    async def take(self) -> Message | None:
        """Return the application's next message, ``None`` when it has ended.

        Raises:
            Exception: What left the application.
        """
        if self._task.done() and self._sent.empty():
            return None
        message = await self._sent.get()
        self._sent.task_done()
        if message is None:
            await self._wait()
        return message

    def end_messages(self) -> None:
        """Have the application receive the last message, whatever was left of the others."""
        self._has_ended_messages.set()

    def hang_up(self) -> None:
        """End the messages and refuse what the application sends: the other side has gone."""
        self.end_messages()
        self._is_hung_up = True
        while not self._sent.empty():  # lets a waiting send() return
            self._sent.get_nowait()
            self._sent.task_done()

    async def abandon(self) -> None:
        """Cancel the application without telling it anything, as the end of a process does."""
        self._task.cancel()
        await asyncio.wait((self._task,), timeout=CLOSE_SECONDS)

    async def close(self) -> None:
        """Hang up and wait for the application's end; it is cancelled if that takes too long.

        Raises:
            Exception: What left the application meanwhile.
        """
        if self._task.done():
            return
        self.hang_up()
        try:
            await asyncio.wait((self._task,), timeout=CLOSE_SECONDS)
        finally:
            is_late = not self._task.done()
            if is_late:
                await self.abandon()
        if not is_late:
            await self._wait()

    async def _wait(self) -> None:
        await asyncio.wait((self._task,))
        if self._task.cancelled():
            raise RuntimeError("The application cancelled its own task, so there is no answer.")
        self._task.result()

    async def _run(self, app: Application, scope: Message) -> None:
        try:
            await app(scope, self._receive, self._send)
        except _GoneError:
            pass  # servers take no notice of it either
        finally:
            self._sent.put_nowait(None)

    async def _receive(self) -> Message:
        if not self._has_ended_messages.is_set():
            message = next(self._messages, None)
            if message is not None:
                return message
            await self._has_ended_messages.wait()
        return self._last_message

    async def _send(self, message: Message) -> None:
        if self._is_hung_up:
            raise _GoneError("The client has gone.")
        self._sent.put_nowait(message)
        await self._sent.join()
