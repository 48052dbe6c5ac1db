"""A request with an async view on the native server: the ASGI door's exchange, with this server's two ends."""

from __future__ import annotations

import asyncio
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Any, cast

from hipflask.asgi.answer import Answer, note_async_body
from hipflask.asgi.exchange import Exchange
from hipflask.asgi.incoming import PIECE_BYTES, SPOOL_BYTES, AsgiBody
from hipflask.http.exceptions import ClientDisconnected, HTTPException, RequestEntityTooLarge
from hipflask.server.native_stream import FILES, answer_with_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Context

    from hipflask.concurrency import ServerLoop
    from hipflask.dispatch import Suspended
    from hipflask.server._native import Body, Head, Server
    from hipflask.server.workers import WorkerPool

__all__ = ["Keys", "NativeExchange", "NativeIncoming", "Replay"]

_LOOP = 0xFFFF_FFFF << 32


class Keys:
    """What waits on the loop for the server to tell a key."""

    def __init__(self) -> None:
        self._last = 0
        self._waiting: dict[int, Callable[[], object]] = {}

    def new(self, func: Callable[[], object]) -> int:
        """Return a new key; *func* is called whenever it is told, until it is dropped."""
        self._last = (self._last + 1) & 0xFFFF_FFFF
        key = _LOOP | self._last
        self._waiting[key] = func
        return key

    def drop(self, key: int) -> None:
        """Forget a key."""
        self._waiting.pop(key, None)

    def tell(self, key: int) -> None:
        """Call what waits for a key."""
        func = self._waiting.get(key)
        if func is not None:
            func()


class Replay:
    """A coroutine that has been stepped once, for somebody who steps it from its beginning.

    Args:
        coroutine: The coroutine; ``None`` if the call that was to give it has raised.
        waits_for: What its first step gave.
        error: What it raised instead; `StopIteration` if it has returned.
    """

    def __init__(self, coroutine: Any, waits_for: Any = None, error: BaseException | None = None) -> None:
        self._coroutine = coroutine
        self._waits_for = waits_for
        self._error = error
        self._is_replayed = False

    def send(self, value: Any) -> Any:
        """Have the coroutine go on; the first call gives what its first step gave."""
        if self._is_replayed:
            return self._coroutine.send(value)
        self._is_replayed = True
        if self._error is not None:
            raise self._error
        return self._waits_for

    def throw(self, error: BaseException) -> Any:
        """Raise an error where the coroutine waits."""
        return self._coroutine.throw(error)

    def close(self) -> None:
        """End the coroutine."""
        if self._coroutine is not None:
            self._coroutine.close()


class NativeIncoming:
    """What the exchange reads of a request: its body, and the news that the client has gone.

    Args:
        head: The request.
        keys: Keys of the loop.

    Attributes:
        is_ended: The whole body has arrived.
        is_watched: The exchange learns at once that the client has gone.
    """

    def __init__(self, head: Head, keys: Keys) -> None:
        self._head: Head | None = head
        self._keys = keys
        self._watch_key = 0
        self._spool: SpooledTemporaryFile[bytes] | None = None
        self._error: HTTPException | None = None
        self.is_watched = True
        self.is_ended = not head.may_have_body
        self._body: Body | None = None
        if head.may_have_body:
            self._body = head.replace_body(AsgiBody(self))  # type: ignore[arg-type]  # it asks for read_some only

    @property
    def is_disconnected(self) -> bool:
        """Whether nothing can be sent to the client any more; a body that broke off raises when it is read."""
        return self._head is None or self._head.is_cut

    def watch(self, on_disconnect: Callable[[], object] | None = None) -> None:
        """Have a function called when the client goes, at once if it has gone already."""
        head = self._head
        if head is not None and on_disconnect is not None and not self._watch_key:
            self._watch_key = self._keys.new(on_disconnect)
            if not head.watch(self._watch_key):
                on_disconnect()

    def unwatch(self) -> None:
        """Call no function any more when the client goes."""
        if self._head is not None and self._watch_key:
            self._head.watch(0)
            self._keys.drop(self._watch_key)
            self._watch_key = 0

    def lose(self) -> None:
        """Take note that the client has gone: the server knows it first."""

    def close(self) -> None:
        """End all reading, and the cycle of head, body and this object."""
        self.unwatch()
        self._head = self._body = None
        self.is_ended = False  # who still reads gets no end that is none
        self._error = self._error or ClientDisconnected()
        if self._spool is not None:
            self._spool.close()

    async def collect(self, limit: int | None) -> None:
        """Take the whole body, for an async view: it can read without waiting then.

        Args:
            limit: Bytes after which the body is refused anyway.
        """
        head = cast("Head", self._head)  # the exchange closes this at its end
        spool = self._spool = SpooledTemporaryFile(max_size=SPOOL_BYTES)  # noqa: SIM115  # closed by close()
        taken = 0
        arrived = asyncio.Event()
        key = self._keys.new(arrived.set)
        try:
            while limit is None or taken <= limit:
                data = head.receive(key)
                if data is None:
                    await arrived.wait()
                    arrived.clear()
                elif data:
                    taken += spool.write(data)
                else:
                    self.is_ended = True
                    break
        except HTTPException as error:
            self._error = error
        finally:
            self._keys.drop(key)
        spool.seek(0)

    def read_some(self) -> bytes:
        """Return the next bytes of the body, ``b""`` at the end; a thread waits until there are some.

        Raises:
            HTTPException: The body is not whole.
        """
        spool = self._spool
        if spool is None and self._body is not None:
            return self._body.read1()
        data = b"" if spool is None or spool.closed else spool.read(PIECE_BYTES)
        if data or self.is_ended:
            return data
        raise self._error or RequestEntityTooLarge()  # collect() has not gone on


class NativeExchange(Exchange):
    """A request to an application of ours, and its answer.

    Args:
        app: The application.
        head: The request.
        server: The server.
        keys: Keys of the loop.
        pool: Threads that host such requests.
        loop: The loop.
    """

    def __init__(self, app: Any, head: Head, server: Server, keys: Keys, pool: WorkerPool, loop: ServerLoop) -> None:
        incoming: Any = NativeIncoming(head, keys)
        native_head: Any = head
        super().__init__(app, native_head, incoming, self._send_natively, pool, loop)
        self._native = head
        self._keys = keys
        self._key = 0
        self._room = asyncio.Event()
        self._begun: Suspended | Any = None
        # The server sends a file.
        self._is_answered = False

    def go_on_with(self, context: Context, begun: Any) -> None:
        """Serve what has been begun on the loop.

        Args:
            context: Context of the request.
            begun: What ``handle`` has returned, or the response.
        """
        self._context = context
        self._begun = begun

    async def _answer_on_loop(self) -> Answer:
        begun, self._begun = self._begun, None
        if begun is None:
            return await super()._answer_on_loop()
        if not hasattr(begun, "coroutine"):
            return await self._on_thread(lambda: self._begin_answer(begun), is_async=True)
        self._left = begun
        return await self._finish_view(begun)

    def _begin_answer(self, response: Any) -> Answer:
        self._left = answer = self._make_answer(response)
        return self._pull_first(answer)

    def _finish_on_loop(self, suspended: Suspended, value: Any) -> Answer:
        return self._make_answer(suspended.finish(value))

    def _make_answer(self, response: Any) -> Answer:
        head = self._native
        environ = head.to_environ() if response.autocorrect_location_header else {"REQUEST_METHOD": head.method}
        body, status, headers = response.get_wsgi_response(environ)
        head.start(status, headers)  # the server checks and sends text; _start() has nothing to do
        if type(body) in FILES and answer_with_file(head, body):
            self._is_answered = True
            return Answer(int(status[:3]), headers, [], "HEAD")
        return note_async_body(Answer(int(status[:3]), headers, body, head.method), response)

    async def _send_natively(self, message: dict[str, Any]) -> None:
        """Take what the exchange sends; returns when the client can take more."""
        head = self._native
        if message["type"] == "http.response.start" or self._is_answered:
            return
        data, is_open = message["body"], message.get("more_body", False)
        if not self._key:
            if not is_open:
                head.answer(data)
                return
            self._key = self._keys.new(self._room.set)
            head.begin(self._key)
        if data and not head.is_cut:  # else nobody tells the key
            self._room.clear()
            head.send(data)
            await self._room.wait()
        if head.is_cut:
            raise ConnectionResetError()
        if not is_open:
            head.end()

    async def serve(self, place: Any) -> None:
        """Have the application answer, and send what it answers; see `Exchange.serve`."""
        head = self._native
        try:
            await super().serve(place)
        except asyncio.CancelledError:
            head.abort()
            raise
        finally:
            self._keys.drop(self._key)
        head.abort()  # what was not answered by now will not be: the client has gone
