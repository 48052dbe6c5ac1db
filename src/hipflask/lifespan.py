"""What an application does when it begins to serve and when it ends: ``app.on_startup`` and ``app.on_shutdown``.

Every door has the functions run: one with a beginning and an end of its own (ASGI, ``run_simple``, the test client in a
``with`` block) by :meth:`Lifespan.start` and :meth:`Lifespan.stop`; for the others, the first request and the end of
the process stand for them.
"""

from __future__ import annotations

import os
import threading
import typing as t
from weakref import WeakSet

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from hipflask.app import Flask

__all__ = ["Lifespan", "exit_process"]


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
        _all.add(self)

    def start(self) -> bool:
        """Run the start-up functions, unless that has been done; further threads wait until they have run.

        Returns:
            Whether this call ran them.

        Raises:
            Exception: What one of them raised; the ones after it have not run.
        """
        with self._lock:
            if self.is_started:
                return False
            for func in self.startup:
                self._run(func)
            self.is_started = True
        return True

    def stop(self) -> None:
        """Run the shut-down functions, if the start-up functions have run.

        Raises:
            Exception: The first that one of them raised; the others have run all the same, and are logged if they
                failed.
        """
        with self._lock:
            if not self.is_started:
                return
            self.is_started = False
            errors = [error for error in map(self._try, reversed(self.shutdown)) if error is not None]
        for error in errors[1:]:
            self.app.logger.error("An on_shutdown function failed", exc_info=error)
        if errors:
            raise errors[0]

    def _try(self, func: Callable[[], t.Any]) -> Exception | None:
        try:
            self._run(func)
        except Exception as error:
            return error
        return None

    def start_without_door(self) -> None:
        """Run the start-up functions for a door that does not know when it begins, as WSGI servers are.

        An error of theirs is logged and ends the process with status 1. The shut-down functions run at the end of the
        process.
        """
        try:
            if not self.start():
                return
        except Exception as error:
            self.app.logger.exception("An on_startup function failed, so the application cannot serve")
            exit_process(error)
        if not self._is_told_at_exit:
            import atexit

            self._is_told_at_exit = True
            atexit.register(self._stop_at_exit, os.getpid())

    def forget(self) -> None:
        """Begin anew: a forked child has begun nothing yet."""
        self._lock = threading.Lock()
        self.is_started = self._is_told_at_exit = False
        self.app._got_first_request = False

    def _stop_at_exit(self, pid: int) -> None:
        if pid != os.getpid():
            return  # a child's end is not that of the process that began
        try:
            self.stop()
        except Exception:
            self.app.logger.exception("An on_shutdown function failed")

    def _run(self, func: Callable[[], t.Any]) -> None:
        """Run a function in an application context, where nothing of the request that may be going on is seen."""
        from hipflask.concurrency import make_empty_context

        def run() -> None:
            with self.app.app_context():
                self.app.ensure_sync(func)()

        make_empty_context().run(run)


def exit_process(error: BaseException) -> t.NoReturn:
    """End the process with status 1, whichever thread this is: only the main one can do it by SystemExit.

    Args:
        error: Why; it has been logged.
    """
    if threading.current_thread() is threading.main_thread():
        raise SystemExit(1) from error
    import logging
    import sys

    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    os._exit(1)


_all: WeakSet[Lifespan] = WeakSet()


def _forget_all() -> None:
    for lifespan in list(_all):
        lifespan.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
