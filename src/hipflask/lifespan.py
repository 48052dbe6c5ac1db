"""What an application does when it begins to serve and when it ends: ``app.on_startup`` and ``app.on_shutdown``.

Every door has the functions run: one with a beginning and an end of its own (ASGI, ``run_simple``, the test client in a
``with`` block) by :meth:`Lifespan.start` and :meth:`Lifespan.stop`; for the others, the first request and the end of
the process stand for them.
"""

from __future__ import annotations

import os
import sys
import threading
import typing as t
from contextlib import contextmanager
from contextvars import ContextVar
from weakref import WeakSet

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextvars import Context

    from hipflask.app import Flask

__all__ = ["Lifespan", "carry_runs", "describe_error", "exit_process"]

#: The runs of such functions that the present code is part of, outermost first: one application may start another.
_cv_runs: ContextVar[tuple[object, ...]] = ContextVar("hipflask.lifespan_runs", default=())


class Lifespan:
    """The functions that run at the beginning and at the end, and whether they have run in this process.

    Args:
        app: The application.

    Attributes:
        startup: Functions of ``on_startup``, in the order of their registration.
        shutdown: Functions of ``on_shutdown``, likewise; they run in reverse.
        is_started: The functions of *startup* have run, and those of *shutdown* not since.
    """

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.startup: list[Callable[[], t.Any]] = []
        self.shutdown: list[Callable[[], t.Any]] = []
        self.is_started = False
        self._lock = threading.Lock()
        self._is_told_at_exit = False
        # While functions run, an object that stands for this run in `_cv_runs`.
        self._run_here: object | None = None
        _all.add(self)

    @property
    def is_inside(self) -> bool:
        """Whether the caller is part of a function that is running, which may well ask its own application.

        Such a request passes, as it would otherwise wait for itself. It is known by its context, so also in the tasks
        that the function makes, and in threads that run in a copy of its context.
        """
        return self._run_here is not None and self._run_here in _cv_runs.get()

    def start(self) -> bool:
        """Run the start-up functions, unless that has been done; further threads wait until they have run.

        Returns:
            Whether this call ran them; not if it comes from one of them, or from a shut-down function.

        Raises:
            BaseException: What one of them raised; the ones after it have not run.
        """
        if self.is_inside:
            return False
        with self._lock:
            if self.is_started:
                return False
            with self._running():
                for func in self.startup:
                    self._run(func)
            self.is_started = True
        return True

    def stop(self) -> None:
        """Run the shut-down functions, if the start-up functions have run; a call from one of them does nothing.

        Raises:
            BaseException: The first that one of them raised; the others have run all the same, and are logged if they
                failed. Only an interrupt has the others not run.
        """
        if self.is_inside:
            return
        with self._lock:
            if not self.is_started:
                return
            self.is_started = False
            with self._running():
                errors = [error for error in map(self._try, reversed(self.shutdown)) if error is not None]
        for error in errors[1:]:
            self.app.logger.error("An on_shutdown function failed", exc_info=error)
        if errors:
            raise errors[0]

    def _try(self, func: Callable[[], t.Any]) -> BaseException | None:
        try:
            self._run(func)
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:
            return error
        return None

    def start_without_door(self) -> None:
        """Run the start-up functions for a door that does not know when it begins, as WSGI servers are.

        An error of theirs is logged and ends the process; see :func:`exit_process`. The shut-down functions run at the
        end of the process.
        """
        try:
            if not self.start():
                return
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except SystemExit as error:
            self.app.logger.error("An on_startup function ended the process: %s", describe_error(error))
            exit_process(error)
        except BaseException as error:
            self.app.logger.exception("An on_startup function failed, so the application cannot serve")
            exit_process(error)
        if not self._is_told_at_exit:
            import atexit

            self._is_told_at_exit = True
            atexit.register(self._stop_at_exit, os.getpid())

    def forget(self) -> None:
        """Begin anew: a forked child has begun nothing yet."""
        self._lock = threading.Lock()
        self._run_here = None
        self.is_started = self._is_told_at_exit = False
        self.app._got_first_request = False

    def _stop_at_exit(self, pid: int) -> None:
        if pid != os.getpid():
            return  # a child's end is not that of the process that began
        try:
            self.stop()
        except (Exception, SystemExit):
            self.app.logger.exception("An on_shutdown function failed")

    @contextmanager
    def _running(self) -> Iterator[None]:
        self._run_here = object()
        try:
            yield
        finally:
            self._run_here = None

    def _run(self, func: Callable[[], t.Any]) -> None:
        """Run a function in an application context, where nothing of the request that may be going on is seen."""
        from hipflask.concurrency import make_empty_context

        def run() -> None:
            with self.app.app_context():
                self.app.ensure_sync(func)()

        context = make_empty_context()
        context.run(_cv_runs.set, (*_cv_runs.get(), self._run_here))
        context.run(run)


def carry_runs(context: Context) -> None:
    """Have code in another context count as part of the functions that the caller is part of.

    Args:
        context: A context that is not a copy of the present one.
    """
    runs = _cv_runs.get()
    if runs:
        context.run(_cv_runs.set, runs)


def describe_error(error: BaseException) -> str:
    """Return an error in one line; of ``sys.exit("message")``, the message.

    Args:
        error: What a function has raised.
    """
    if isinstance(error, SystemExit) and not isinstance(error.code, int | None):
        return str(error.code)
    return f"{type(error).__name__}: {error}"


def exit_process(error: BaseException) -> t.NoReturn:
    """End the process, whichever thread this is: only the main one can do it by SystemExit.

    The status is 1, or that of a :exc:`SystemExit` other than 0; a message it has instead is printed on stderr, as
    Python does.

    Args:
        error: Why; it has been logged.
    """
    code = error.code if isinstance(error, SystemExit) else 1
    if isinstance(code, int | None):
        # For the caller it is a failure, whatever the function thought; of 256, the system would make 0.
        code = (code or 0) & 0xFF or 1
    if threading.current_thread() is threading.main_thread():
        raise SystemExit(code) from error
    import logging

    if not isinstance(code, int):
        print(code, file=sys.stderr)
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    os._exit(code if isinstance(code, int) else 1)


_all: WeakSet[Lifespan] = WeakSet()


def _forget_all() -> None:
    for lifespan in list(_all):
        lifespan.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
