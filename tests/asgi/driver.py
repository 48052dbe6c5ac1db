"""A client of ASGI applications in this process: what a server does, step by step, without a socket."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from hipflask import Flask

__all__ = ["WAIT_SECONDS", "Call", "Reply", "ask", "ask_once", "call", "here", "make_scope", "run"]

WAIT_SECONDS = 20.0  # a deadline that only a hang reaches

Fields = Iterable[tuple[str, str]]


def run(main: Any) -> Any:
    """Run a coroutine on a loop of its own, at most until the deadline."""

    async def limited() -> Any:
        async with asyncio.timeout(WAIT_SECONDS):
            return await main

    return asyncio.run(limited())


def make_scope(target: str = "/", method: str = "GET", headers: Fields = (), **more: Any) -> dict[str, Any]:
    """Return the scope of a request."""
    path, _, query = target.partition("?")
    fields = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    if not any(name == b"host" for name, _ in fields):
        fields.insert(0, (b"host", b"localhost"))
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode("latin-1"),
        "query_string": query.encode("latin-1"),
        "root_path": "",
        "headers": fields,
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 80),
        **more,
    }


@dataclass
class Reply:
    """What an application has sent."""

    messages: list[dict[str, Any]] = field(default_factory=list)

    @property
    def is_started(self) -> bool:
        return bool(self.messages)

    @property
    def status(self) -> int:
        status: int = self.messages[0]["status"]
        return status

    @property
    def headers(self) -> list[tuple[str, str]]:
        return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in self.messages[0]["headers"]]

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)

    @property
    def parts(self) -> list[bytes]:
        return [message.get("body", b"") for message in self.messages[1:]]

    @property
    def body(self) -> bytes:
        return b"".join(self.parts)

    @property
    def is_complete(self) -> bool:
        return self.is_started and len(self.messages) > 1 and not self.messages[-1].get("more_body", False)


class Call:
    """One request that is under way.

    Attributes:
        reply: What has been sent so far.
        task: Runs the application.
        received: How many messages it has taken.
    """

    def __init__(self, app: Any, scope: dict[str, Any], *, gate: asyncio.Event | None = None) -> None:
        self.reply = Reply()
        self.received = 0
        self.waiting = 0
        self._messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._gate = gate
        self._changed = asyncio.Condition()
        self.task = asyncio.create_task(app(scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        message = await self._messages.get()
        self.received += 1
        if message["type"] == "http.disconnect":
            self._messages.put_nowait(message)  # again and again
        return message

    async def _send(self, message: dict[str, Any]) -> None:
        self.reply.messages.append(message)
        async with self._changed:
            self._changed.notify_all()
        if self._gate is not None:
            await self._gate.wait()

    def feed(self, body: bytes = b"", more: bool = False) -> None:
        self._messages.put_nowait({"type": "http.request", "body": body, "more_body": more})

    def disconnect(self) -> None:
        self._messages.put_nowait({"type": "http.disconnect"})

    async def until(self, condition: Callable[[Reply], bool]) -> None:
        """Wait for a message after which *condition* holds."""
        async with self._changed:
            await self._changed.wait_for(lambda: condition(self.reply))

    async def end(self) -> Reply:
        await self.task
        return self.reply


@asynccontextmanager
async def call(app: Any, *args: Any, gate: asyncio.Event | None = None, **kwargs: Any) -> AsyncIterator[Call]:
    """Begin a request; the arguments are those of :func:`make_scope`. No body is fed yet."""
    under_way = Call(app, make_scope(*args, **kwargs), gate=gate)
    try:
        yield under_way
    finally:
        under_way.task.cancel()
        await asyncio.gather(under_way.task, return_exceptions=True)


async def ask(app: Any, *args: Any, body: bytes = b"", **kwargs: Any) -> Reply:
    """Send a request with its whole body, and return what comes."""
    async with call(app, *args, **kwargs) as under_way:
        under_way.feed(body)
        return await under_way.end()


def ask_once(app: Any, *args: Any, **kwargs: Any) -> Reply:
    """Ask an application, ours or any ASGI one, on a loop of its own; the reply is whole."""
    reply: Reply = run(ask(app.asgi_app if isinstance(app, Flask) else app, *args, **kwargs))
    assert reply.is_complete
    return reply


def here() -> str:
    """Return the name of the thread that asks."""
    return threading.current_thread().name
