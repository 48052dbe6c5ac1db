"""A pool of threads that grows while all are busy, up to a bound, with a bounded queue before it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

__all__ = ["ThreadPool"]

_IDLE_SECONDS = 30.0


class ThreadPool:
    """Runs jobs on threads that are made when needed and end after a while without work.

    The threads are daemons: Ctrl+C ends the process whatever the application is doing.

    Args:
        max_threads: Jobs that run at a time.
        max_queue: Jobs that may wait for a thread.
        name: Beginning of the threads' names.
    """

    def __init__(self, max_threads: int, max_queue: int, name: str) -> None:
        self._max_threads = max_threads
        self._max_queue = max_queue
        self._name = name
        self._jobs: deque[Callable[[], None]] = deque()
        self._changed = threading.Condition()
        self._threads = 0
        self._idle = 0
        self._started = 0
        self._is_closed = False

    def submit(self, job: Callable[[], None]) -> bool:
        """Have a job run; false if the queue is full or the pool closed."""
        with self._changed:
            if self._is_closed:
                return False
            if self._idle > len(self._jobs):
                self._jobs.append(job)
                self._changed.notify()
                return True
            if self._threads >= self._max_threads:
                if len(self._jobs) >= self._max_queue:
                    return False
                self._jobs.append(job)
                return True
            self._jobs.append(job)
            self._threads += 1
            self._started += 1
            number = self._started
        threading.Thread(target=self._work, name=f"{self._name}-{number}", daemon=True).start()
        return True

    @property
    def is_crowded(self) -> bool:
        """Whether jobs wait for a thread."""
        return bool(self._jobs)

    def close(self) -> None:
        """Take no more jobs and let idle threads end; running jobs are left alone."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def _next_job(self) -> Callable[[], None] | None:
        """Wait for a job; ``None`` tells the thread to end."""
        with self._changed:
            self._idle += 1
            try:
                if not self._jobs and not self._is_closed:
                    self._changed.wait_for(lambda: self._jobs or self._is_closed, _IDLE_SECONDS)
                if self._jobs:
                    return self._jobs.popleft()
            finally:
                self._idle -= 1
            self._threads -= 1
            return None

    def _work(self) -> None:
        """Run jobs until there are none."""
        job = self._next_job()
        while job is not None:
            try:
                job()
            except BaseException:
                with self._changed:
                    self._threads -= 1
                raise
            job = None  # keeps nothing of the last request alive while it waits
            job = self._next_job()
