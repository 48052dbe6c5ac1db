"""The native server's door: what starts it, stops it, and hears of what it has done.

The contract::

    if native.is_available():
        native.serve(app, sockets, settings, ready=lambda server: ..., report=lambda report: ...)

``serve`` serves until somebody calls ``server.stop(graceful_seconds)`` (a signal handler, a view, another thread;
``ready`` is given the server once connections are accepted), and returns when what was accepted is answered or the
time is up. Called from the main thread, as it usually is, it has Python's signal handlers run while it waits; called
from another, it ends when the process does. The sockets are bound and listening; they are the caller's and stay open.
"""

from __future__ import annotations

import _thread
import atexit
import select
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from time import monotonic
from types import BuiltinFunctionType
from typing import TYPE_CHECKING, Any, NamedTuple

from hipflask.concurrency import is_coroutine_function
from hipflask.lifespan import Lifespan
from hipflask.server.limits import Limits
from hipflask.server.workers import PoolSettings

if TYPE_CHECKING:
    from hipflask.server.native_loop import NativeLoop

__all__ = ["Access", "NativeServer", "NativeSettings", "Refused", "Report", "find_obstacle", "is_available", "serve"]

#: How long `serve` goes on after `NativeServer.stop` if no other time is given.
GRACEFUL_SECONDS = 30.0
#: How long a thread that computes keeps others waiting. Measured with 32 clients of a trivial view beside a view that
#: computes: 10,400 requests a second instead of 5,100 with CPython's 5 ms, the median wait 2.4 ms instead of 6.3; the
#: view that computes takes as long as before, and without one nothing changes.
SWITCH_SECONDS = 0.0005
_USUAL_SWITCH_SECONDS = 0.005
_JOIN_SECONDS = 1.0
_BUILD = "pip install --force-reinstall --no-deps --no-binary hipflask hipflask"
_BEAT_MILLISECONDS = 1000


@dataclass(frozen=True, slots=True)
class NativeSettings(Limits):
    """Everything that the native server can be told: the fields of `Limits` and these.

    Rust reads them by these very names.
    """

    threads: int = 8
    """Threads that run sync code."""
    max_threads: int = 0
    """Threads at most, while all others are stuck; 0 for four times *threads*."""
    queue_size: int = 256
    """Requests that wait for a thread; more are answered 503."""
    queue_timeout_seconds: float = 5.0
    """A request that has waited longer is answered 503."""
    trusted_proxies: int = 0
    """Proxies in front whose ``X-Forwarded-For`` and ``X-Forwarded-Proto`` are believed, as `ProxyFix` does."""
    is_multiprocess: bool = False
    """Other processes serve the same sockets: ``wsgi.multiprocess``."""
    has_access_log: bool = True
    """Answers are told to *report*."""


class Access(NamedTuple):
    """An answer that was sent, for the access log. Text is latin-1 as received and may hold control characters."""

    client: tuple[str, int] | None
    method: str
    target: str
    http_version: str
    status: int
    body_bytes: int
    started: float
    duration_seconds: float
    referrer: str
    user_agent: str
    is_complete: bool


class Refused(NamedTuple):
    """A request that the server itself has answered, or a connection that it has closed for its client's sake."""

    client: tuple[str, int] | None
    status: int
    reason: str


class Report(NamedTuple):
    """What has happened since the last report; at most some twenty reports a second are made."""

    answers: list[Access]
    refusals: list[Refused]
    left_out_refusals: int
    left_out_answers: int


class _Switching:
    """The interpreter's switch interval, which all servers of the process share."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._servers = 0
        self._before: float | None = None

    @contextmanager
    def often(self) -> Iterator[None]:
        """Have threads take turns at `SWITCH_SECONDS` while any server serves, unless another interval was chosen."""
        with self._lock:
            self._servers += 1
            interval = sys.getswitchinterval()
            if self._servers == 1 and interval == _USUAL_SWITCH_SECONDS:
                self._before = interval
                sys.setswitchinterval(SWITCH_SECONDS)
        try:
            yield
        finally:
            with self._lock:
                self._servers -= 1
                if not self._servers and self._before is not None:
                    sys.setswitchinterval(self._before)
                    self._before = None


_switching = _Switching()


class NativeServer:
    """A server that has been started; made by `serve`.

    Attributes:
        app: The application.
        settings: As given.
    """

    def __init__(self, app: Any, sockets: Sequence[socket.socket], settings: NativeSettings) -> None:
        from hipflask.server._native import Server

        self.app = app
        self.settings = settings
        is_sorted = _may_have_async_views(app)
        self._core = Server(settings, [each.fileno() for each in sockets], is_sorted)
        self._loop: NativeLoop | None = None
        if is_sorted:
            from hipflask.server.native_loop import NativeLoop

            self._loop = NativeLoop(self._core, app, settings)
        self._threads: list[threading.Thread] = []
        self._most_threads = PoolSettings(settings.threads, settings.max_threads).most_threads
        self._started = 0
        self._is_interrupted = False
        self._interrupt_seconds = GRACEFUL_SECONDS

    def stop(self, graceful_seconds: float = GRACEFUL_SECONDS) -> None:
        """Accept no more connections, answer what was accepted, then have `serve` return; returns at once.

        May be called in a signal handler and from any thread. A second call shortens the time.

        Args:
            graceful_seconds: What takes longer is cut.
        """
        self._core.stop(graceful_seconds)

    def run(
        self,
        ready: Callable[[NativeServer], object] | None,
        report: Callable[[Report], object] | None,
        heartbeat: Callable[[], object] | None,
        interrupt_seconds: float = GRACEFUL_SECONDS,
    ) -> None:
        """Serve; called once, by `serve`."""
        self._interrupt_seconds = interrupt_seconds
        for _ in range(self.settings.threads):
            self._start_worker()
        if self._loop is not None:
            self._loop.start()
        self._core.start()
        try:
            self._keep(ready, report, heartbeat)
        finally:
            self._core.stop(0)
            self._core.close_queue()
            if self._loop is not None:
                self._loop.close(_JOIN_SECONDS)
        deadline = monotonic() + _JOIN_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, deadline - monotonic()))  # a view that hangs ends with the process

    def _keep(
        self,
        ready: Callable[[NativeServer], object] | None,
        report: Callable[[Report], object] | None,
        heartbeat: Callable[[], object] | None,
    ) -> None:
        """Do what there is to be done beside serving, until the end."""
        core = self._core
        poller = select.poll()
        poller.register(core.keeper_descriptor(), select.POLLIN)
        is_ended = False
        while not is_ended:
            try:
                if ready is not None:
                    tell, ready = ready, None
                    tell(self)
                poller.poll(_BEAT_MILLISECONDS)
                is_ended = self._look(report)
                if heartbeat is not None:
                    heartbeat()
            except KeyboardInterrupt:
                self.stop(0 if self._is_interrupted else self._interrupt_seconds)
                self._is_interrupted = True

    def _look(self, report: Callable[[Report], object] | None) -> bool:
        """Do what the server asks for; true if it has ended."""
        core = self._core
        wants_worker, is_ended, error = core.take_tasks()
        if wants_worker:
            with suppress(RuntimeError):  # the system has no more threads to give
                self._start_worker()
        answers, refusals, *left_out = core.take_report()
        if report is not None and (answers or refusals or any(left_out)):
            report(Report(list(map(Access._make, answers)), list(map(Refused._make, refusals)), *left_out))
        if error is not None:
            raise RuntimeError(f"The native server has ended: {error}.")
        return is_ended

    def _start_worker(self) -> None:
        from hipflask.server.native_worker import NativeWorker

        self._threads = [thread for thread in self._threads if thread.is_alive()]
        if len(self._threads) >= self._most_threads:
            return
        self._started += 1
        worker = NativeWorker(self._core, self.app, self._loop is not None)
        thread = threading.Thread(target=worker.run, name=f"hipflask-worker-{self._started}", daemon=True)
        thread.start()
        self._threads.append(thread)


def _may_have_async_views(app: Any) -> bool:
    """Return whether requests are worth a look on an event loop; asyncio is not imported for an app without."""
    from hipflask.asgi.routes import is_served_by_handle

    return is_served_by_handle(app) and any(map(is_coroutine_function, list(app.view_functions.values())))


def is_available() -> bool:
    """Return whether the native server was built."""
    try:
        from hipflask.server import _native
    except ImportError:
        return False
    return bool(_native.__version__)


def find_obstacle(*, has_tls: bool = False) -> str | None:
    """Return why the native server cannot serve here, ``None`` if it can.

    Args:
        has_tls: HTTPS is asked for.
    """
    if not is_available():
        return f"the native one is not built. With Rust installed, this builds it: {_BUILD}"
    if has_tls:
        return "the native one has no HTTPS yet."
    if not isinstance(_thread.start_new_thread, BuiltinFunctionType):
        return "threads are replaced by green ones (gevent, eventlet), which a wait outside of Python would hold up."
    return None


def serve(
    app: Any,
    sockets: Sequence[socket.socket],
    settings: NativeSettings | None = None,
    *,
    ready: Callable[[NativeServer], object] | None = None,
    report: Callable[[Report], object] | None = None,
    heartbeat: Callable[[], object] | None = None,
    interrupt_seconds: float = GRACEFUL_SECONDS,
) -> None:
    """Serve an application until it is asked to stop.

    The start-up functions of an application of ours run before, the shut-down functions after.

    Args:
        app: An application of ours, or any WSGI application.
        sockets: Listening sockets, TCP or Unix.
        settings: Limits, time-outs and numbers.
        ready: Called once, in the calling thread, when connections are accepted.
        report: Called in the calling thread with what has happened, for the access log.
        heartbeat: Called in the calling thread about once a second.
        interrupt_seconds: How long requests may go on after Ctrl+C; a second one cuts them.

    Raises:
        ImportError: The native server was not built.
    """
    settings = settings or NativeSettings(has_access_log=report is not None)
    lifespan = getattr(app, "_lifespan", None)
    if isinstance(lifespan, Lifespan):
        lifespan.start()
    try:
        server = NativeServer(app, sockets, settings)
        with _ended_with_process(server), _switching.often():
            server.run(ready, report, heartbeat, interrupt_seconds)
    finally:
        if isinstance(lifespan, Lifespan):
            lifespan.stop()


@contextmanager
def _ended_with_process(server: NativeServer) -> Iterator[None]:
    """Have a server in another than the main thread stop before the interpreter does.

    Its threads wait in Rust, and CPython before 3.14 ends a thread that comes back to a finished interpreter by
    unwinding its stack, which Rust may answer by aborting the process.
    """
    thread = threading.current_thread()
    if thread is threading.main_thread():
        yield
        return

    def end() -> None:
        server.stop(0)
        thread.join(2 * _JOIN_SECONDS)

    atexit.register(end)
    try:
        yield
    finally:
        atexit.unregister(end)
