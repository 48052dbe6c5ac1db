"""A thread that serves the native server's requests: calls the application, and pulls what it streams.

All of a request runs on one thread and in one context. Between two pulls of a body the thread serves others.
"""

from __future__ import annotations

from contextvars import Context
from typing import TYPE_CHECKING, Any

from hipflask.asgi.answer import StartResponse, run_wsgi
from hipflask.asgi.routes import is_served_by_handle
from hipflask.dispatch import Suspended
from hipflask.server.native_fast_path import Plan, fast_path_of
from hipflask.server.native_stream import FILES, Stream, answer_with_file, check_client, fail

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hipflask.server._native import Head, Server

__all__ = ["NativeWorker"]

# As much of an environ as a response reads that leaves its URLs as they are.
_ENVIRONS = {method: {"REQUEST_METHOD": method} for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")}


class NativeWorker:
    """One worker; `run` is what its thread does.

    Args:
        server: Where the work comes from.
        app: An application of ours, or any WSGI application.
        is_sorted: The event loop has looked at each request.
    """

    def __init__(self, server: Server, app: Any, is_sorted: bool) -> None:
        self._server = server
        self._app = app
        self._fast: Any = fast_path_of(app)
        self._find = self._find_sorted if is_sorted else self._find_none if self._fast is None else self._fast.find
        self._number = 0
        self._streams: dict[int, Stream] = {}
        self._last_key = 0

    def run(self) -> None:
        """Serve until the server ends, or has too many workers."""
        server = self._server
        self._number = number = server.add_worker()
        streams = self._streams
        try:
            while (found := server.take(number, not streams)) is not None:
                if type(found) is int:
                    self._go_on(found)
                else:
                    self._serve(found)
                del found  # keeps nothing of the last request alive while it waits
        finally:
            server.remove_worker(number)
            for stream in streams.values():  # the server has ended: nobody says any more that they can go on
                stream.close()

    def _serve(self, head: Any) -> None:
        try:
            context = Context()
            plan = self._find(head)
            if plan is not None and not plan[3]:
                body = context.run(self._respond_fast, head, plan)
                if body is None:
                    return
            elif not is_served_by_handle(self._app):
                self._serve_wsgi(head)
                return
            else:
                body = context.run(self._respond, head)
            if type(body) is list:
                head.answer(body[0] if len(body) == 1 else b"".join(body))
            elif type(body) not in FILES or not answer_with_file(head, body):
                self._begin(Stream(head, body, context))
        except BaseException as error:  # SystemExit too ends the request only
            fail(head, error)

    def _find_sorted(self, head: Head) -> Any:
        """Return what the event loop has found out about a request."""
        found: Any = head.take_match()
        if found is None:
            return None
        if len(found) > 2:
            if self._fast.holds():
                return found
            found = self._app, found[:2]  # something was set while the request has waited
        head.set_match(found)  # for RequestContext: the rule only
        return None

    def _find_none(self, head: Head) -> None:
        """Return that a request to somebody else's application has no fast path."""

    def _respond_fast(self, head: Head, plan: Plan) -> Iterable[bytes] | None:
        """Serve a request in which only its view has a say; ``None`` if it was answered."""
        fast = self._fast
        ctx = fast.begin(plan, head)
        arguments = plan[1]
        try:
            value = plan[2](**arguments) if arguments else plan[2]()
        except BaseException as error:
            response = Suspended(self._app, ctx).fail(error)
        else:
            try:
                if fast.answer(plan, head, ctx, value, False):
                    return None
            except Exception as error:
                response = Suspended(self._app, ctx).fail_late(error)
            else:
                response = Suspended(self._app, ctx).finish(value)
        return self._start(head, response)

    def _respond(self, head: Head) -> Iterable[bytes]:
        return self._start(head, self._app.handle(head))

    def _start(self, head: Head, response: Any) -> Iterable[bytes]:
        environ: dict[str, Any] | None = _ENVIRONS.get(head.method)
        if environ is None or response.autocorrect_location_header:
            environ = head.to_environ()
        # PERF: calling the object itself leaves the interpreter's loop and enters it again.
        return response.__call__(environ, head.start)  # type: ignore[no-any-return]  # what PEP 3333 says

    def _serve_wsgi(self, head: Head) -> None:
        """Call a WSGI application."""
        key = self._new_key()
        start: StartResponse

        def send_now(_: int, headers: list[tuple[str, str]], data: bytes) -> None:
            check_client(head)  # its going is told under the key once only
            if head.is_unanswered:
                head.start(start.line, headers)
                head.begin(key)
            if data:
                head.send(data)
                if not head.is_cut:  # else nobody tells the key
                    self._server.wait_for(self._number, key)
                check_client(head)

        context = Context()
        start = StartResponse(send_now)
        body, first = context.run(run_wsgi, self._app, head.to_environ(), start)
        if head.is_unanswered:
            head.start(start.line, start.headers)
            if type(body) is list:
                head.answer(b"".join(body))
                return
            if type(body) in FILES and not first and answer_with_file(head, body):
                return
        self._begin(Stream(head, body, context, first), key)

    def _new_key(self) -> int:
        self._last_key = (self._last_key + 1) & 0xFFFF_FFFF
        return self._number << 32 | self._last_key

    def _begin(self, stream: Stream, key: int | None = None) -> None:
        """Begin to send a body."""
        if key is None:
            key = self._new_key()
        try:
            if not stream.begin(key):
                self._streams[key] = stream
        except BaseException:
            stream.close()
            raise

    def _go_on(self, key: int) -> None:
        """What there was of a body has left, or its client has."""
        stream = self._streams.pop(key, None)
        if stream is None:
            return
        try:
            if not stream.go_on():
                self._streams[key] = stream
        except BaseException as error:
            stream.close()
            fail(stream.head, error)
