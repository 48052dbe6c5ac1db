"""The async test client: what ``app.async_test_client()`` gives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, TypeVar

from hipflask.concurrency import ServerLoop, use_loop
from hipflask.http.datastructures import Headers
from hipflask.testing.asgi_connection import AsgiConnection
from hipflask.testing.asgi_scope import make_http_scope, make_messages
from hipflask.testing.client_base import ClientBase, close_body, make_response_class
from hipflask.testing.flask_client import USER_AGENT, make_request
from hipflask.testing.redirects import REDIRECTS, RedirectChain, check_redirect, make_next_builder
from hipflask.testing.session_access import SessionAccess, replace_content
from hipflask.testing.streamed_response import StreamedResponse

if TYPE_CHECKING:
    from types import TracebackType

    from hipflask.app import Flask
    from hipflask.testing.response import TestResponse

__all__ = ["AsyncFlaskClient"]

T = TypeVar("T")


class AsyncFlaskClient(ClientBase):
    """Sends requests to an application's ASGI door, in this process and on the running loop.

    Parameters, responses, cookies and errors are those of :class:`~hipflask.testing.flask_client.FlaskClient`. Async
    views run on the test's own loop, sync ones on threads, as under an ASGI server. In a block, the functions of
    ``app.on_startup`` run at its beginning and those of ``app.on_shutdown`` at its end; without one, the first request
    runs those of ``on_startup``::

        async with AsyncFlaskClient(app) as client:
            response = await client.get("/")
            assert response.status_code == 200

    A context is not kept after the request: it was another task's or another thread's. What a view has put into the
    session can be looked at by :meth:`session_transaction`.

    Args:
        application: The application.
        response_wrapper: Class that responses shall also be an instance of; ``app.response_class`` if not given.
        use_cookies: Keep cookies and send them back.
        allow_subdomain_redirects: Follow redirects to subdomains of the host that was asked.

    Attributes:
        environ_base: Items that every request starts from, as ``REMOTE_ADDR`` or ``HTTP_X_NAME`` for a header field; to
            be changed in place or replaced.
    """

    application: Flask

    def __init__(
        self,
        application: Flask,
        response_wrapper: type[Any] | None = None,
        use_cookies: bool = True,
        allow_subdomain_redirects: bool = False,
    ) -> None:
        wrapper = response_wrapper or application.response_class
        super().__init__(application, wrapper, use_cookies, allow_subdomain_redirects)
        self.environ_base: dict[str, Any] = {"REMOTE_ADDR": "127.0.0.1", "HTTP_USER_AGENT": USER_AGENT}
        self._streamed_class = make_response_class(wrapper, StreamedResponse)
        self._lifespan: AsgiConnection | None = None
        self._is_entered = False

    # Requests

    async def open(
        self, *args: Any, buffered: bool = True, follow_redirects: bool = False, **kwargs: Any
    ) -> TestResponse:
        """Send a request and return the response with its whole body.

        Args:
            *args: The arguments of :class:`~hipflask.testing.flask_client.EnvironBuilder` without the application; or
                one builder, one WSGI environ or one request.
            buffered: Taken for the other client's sake: the body is always read. :meth:`stream` reads it bit by bit.
            follow_redirects: Go where redirects lead, and return what is there; the redirects are the response's
                ``history``.
            **kwargs: The arguments of the builder by name.

        Raises:
            ClientRedirectError: The redirects are a circle.
            RuntimeError: A redirect leads to another host.
            ValueError: The request has something that no ASGI server could pass on.
        """
        request = make_request(self.application, args, kwargs, self._complete_environ)
        response = await self._send(request)
        return await self._follow_redirects(response) if follow_redirects else response

    async def get(self, *args: Any, **kw: Any) -> TestResponse:
        """Send a ``GET`` request; arguments are those of :meth:`open`."""
        return await self.open(*args, **{**kw, "method": "GET"})

    async def post(self, *args: Any, **kw: Any) -> TestResponse:
        """Send a ``POST`` request; arguments are those of :meth:`open`."""
        return await self.open(*args, **{**kw, "method": "POST"})

    async def put(self, *args: Any, **kw: Any) -> TestResponse:
        """Send a ``PUT`` request; arguments are those of :meth:`open`."""
        return await self.open(*args, **{**kw, "method": "PUT"})

    async def patch(self, *args: Any, **kw: Any) -> TestResponse:
        """Send a ``PATCH`` request; arguments are those of :meth:`open`."""
        return await self.open(*args, **{**kw, "method": "PATCH"})

    async def delete(self, *args: Any, **kw: Any) -> TestResponse:
        """Send a ``DELETE`` request; arguments are those of :meth:`open`."""
        return await self.open(*args, **{**kw, "method": "DELETE"})

    async def head(self, *args: Any, **kw: Any) -> TestResponse:
        """Send a ``HEAD`` request; arguments are those of :meth:`open`."""
        return await self.open(*args, **{**kw, "method": "HEAD"})

    async def options(self, *args: Any, **kw: Any) -> TestResponse:
        """Send an ``OPTIONS`` request; arguments are those of :meth:`open`."""
        return await self.open(*args, **{**kw, "method": "OPTIONS"})

    async def trace(self, *args: Any, **kw: Any) -> TestResponse:
        """Send a ``TRACE`` request; arguments are those of :meth:`open`."""
        return await self.open(*args, **{**kw, "method": "TRACE"})

    @asynccontextmanager
    async def stream(self, *args: Any, **kwargs: Any) -> AsyncIterator[StreamedResponse]:
        """Send a request and give the response as soon as it begins; the end of the block is the client's going.

        The application is held back while the test does not read, as by a slow client::

            async with client.stream("/events") as response:
                async for chunk in response.iter_chunks():
                    ...

        Args:
            *args: The arguments of :meth:`open`; redirects are not followed.
            **kwargs: The same by name.

        Raises:
            ValueError: The request has something that no ASGI server could pass on.
        """
        request = make_request(self.application, args, kwargs, self._complete_environ)
        connection = await self._connect(request)
        try:
            status, headers = await self._begin(connection, request)
            response: StreamedResponse = self._streamed_class([], status, headers, request=request)
            response.json_module = self.application.json
            response.bind(_iter_parts(connection))
            yield response
            response.close()
        finally:
            await connection.close()

    async def follow(self, response: TestResponse) -> TestResponse:
        """Go where a redirect leads, as ``follow_redirects=True`` does, after having looked at it.

        Args:
            response: A redirect that this client got.

        Returns:
            What is at the end of the chain; the redirects are its ``history``.

        Raises:
            AssertionError: *response* is no redirect.
            ClientRedirectError: The redirects are a circle.
            RuntimeError: A redirect leads to another host.
        """
        check_redirect(response)
        return await self._follow_redirects(response)

    # The session

    @asynccontextmanager
    async def session_transaction(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        """Open the session that the next request will see; changes are saved when the block ends.

        ::

            async with client.session_transaction() as session:
                session["user_id"] = 1

        Args:
            *args: The arguments of ``app.test_request_context``: the request that the session is opened for.
            **kwargs: The same by name.

        Raises:
            TypeError: The client was made with ``use_cookies=False``.
            RuntimeError: The session interface opened no session, for want of a secret key for instance.
        """
        access = SessionAccess(self.application, self._get_jar(), args, kwargs)
        # On a thread: the interface may block, and teardown functions may wait for this very loop.
        yield await _run_in_thread(access.open)
        await _run_in_thread(access.save)

    async def log_in(self, user_id: Any, key: str = "user_id", **values: Any) -> None:
        """Put a user into the session, as the application's own login does; the login page is not asked.

        Args:
            user_id: What the application keeps of a user.
            key: Under which name; Flask-Login's is ``"_user_id"``.
            **values: What else its login puts into the session.

        Raises:
            TypeError: The client was made with ``use_cookies=False``.
            RuntimeError: There is no session, for want of a secret key for instance.
        """
        async with self.session_transaction() as session:
            replace_content(session, {key: user_id, **values})

    async def log_out(self) -> None:
        """Empty the session.

        Raises:
            TypeError: The client was made with ``use_cookies=False``.
            RuntimeError: There is no session, for want of a secret key for instance.
        """
        async with self.session_transaction() as session:
            session.clear()

    # Beginning and end

    async def __aenter__(self) -> AsyncFlaskClient:
        if self._is_entered:
            raise RuntimeError(f"{self!r} is in use by a block already. Make a second client for the inner block.")
        if not self._is_started():
            self._lifespan = await self._start()
        self._is_entered = True
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._is_entered = False
        lifespan, self._lifespan = self._lifespan, None
        if lifespan is None:
            return
        lifespan.end_messages()
        message = await lifespan.take()
        await lifespan.close()
        if message is not None and message["type"] == "lifespan.shutdown.failed":
            raise RuntimeError(f"The application could not be shut down: {message.get('message', '')}")

    def _is_started(self) -> bool:
        lifespan = self.application._lifespan
        return lifespan is not None and lifespan.is_started

    async def _start(self) -> AsgiConnection | None:
        """Have the application start; return ``None`` if it takes no part in it, as ASGI allows.

        Source: ASGI 3.0, lifespan: an exception instead of an answer means that it is not supported.
        """
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}}
        connection = AsgiConnection(
            self.application.asgi_app, scope, [{"type": "lifespan.startup"}], {"type": "lifespan.shutdown"}
        )
        try:
            message = await connection.take()
        except Exception:
            return None
        if message is not None and message["type"] == "lifespan.startup.failed":
            await connection.close()
            raise RuntimeError(f"The application could not be started: {message.get('message', '')}")
        return connection if message is not None else None

    # One exchange

    async def _send(self, request: Any) -> TestResponse:
        connection = await self._connect(request)
        try:
            status, headers = await self._begin(connection, request)
            body = [part async for part in _iter_parts(connection)]
        except BaseException:
            close_body(request.environ)  # after an error, as in the other client
            raise
        finally:
            await connection.close()
        response: TestResponse = self.response_wrapper(body, status, headers, request=request)
        response.json_module = self.application.json
        return response

    async def _connect(self, request: Any) -> AsgiConnection:
        app = self.application
        # Here, and not in the door, where an error would end the process.
        if app._lifespan is not None and not app._lifespan.is_started:
            connection = await self._start()
            if connection is not None:
                await connection.abandon()
        environ = request.environ
        if self._cookies is not None:
            self._cookies.add_to_environ(environ)
        return AsgiConnection(
            app.asgi_app, make_http_scope(environ), make_messages(environ), {"type": "http.disconnect"}
        )

    async def _begin(self, connection: AsgiConnection, request: Any) -> tuple[int, Headers]:
        """Wait for the beginning of the response, and keep the cookies it sets."""
        message = await connection.take()
        if message is None or message["type"] != "http.response.start":
            raise RuntimeError(f"The ASGI application did not begin a response; it sent {message!r}.")
        headers = Headers(
            [(name.decode("latin-1"), value.decode("latin-1")) for name, value in message.get("headers", ())]
        )
        if self._cookies is not None:
            self._cookies.update_from_response(request.environ, headers.getlist("Set-Cookie"))
        return message["status"], headers

    async def _follow_redirects(self, response: TestResponse) -> TestResponse:
        chain = RedirectChain()
        while response.status_code in REDIRECTS:
            chain.add(response)
            response = await self.open(make_next_builder(response, self.allow_subdomain_redirects))
        response.history = tuple(chain.responses)
        return response

    def _complete_environ(self, environ: dict[str, Any]) -> dict[str, Any]:
        return {**self.environ_base, **environ}


async def _iter_parts(connection: AsgiConnection) -> AsyncIterator[bytes]:
    """Yield the body of a response, and wait for the application's end after it."""
    is_whole = False
    while (message := await connection.take()) is not None:
        if part := message.get("body", b""):
            yield part
        if not message.get("more_body", False):
            is_whole = True
            connection.end_messages()
    if not is_whole:
        raise RuntimeError("The ASGI application ended before its response was whole.")


async def _run_in_thread(func: Callable[[], T]) -> T:
    """Run a function on a thread, where coroutines it waits for run on this loop."""
    loop = asyncio.get_running_loop()
    context = copy_context()
    context.run(use_loop, ServerLoop(loop))
    return await loop.run_in_executor(None, context.run, func)
