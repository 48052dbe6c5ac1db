"""The threads that run an application's sync code.

A request may come in several parts: the hooks before an async view and what follows it, the pulls of a generator and
its ``close()``. All parts of a request run on one thread, so that what is bound to a thread (a sqlite3 connection in
``g``) works; between two parts the thread serves others.

No suspended request waits behind somebody else's slow view: a worker that hosts requests whose async view is being
awaited takes no view that might be slow. When there is no other, the pool grows, and when it may not, requests queue.
"""

from __future__ import annotations

import enum
import logging
import os
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from contextvars import Context, copy_context
from dataclasses import dataclass
from time import monotonic
from typing import Protocol
from weakref import WeakSet

__all__ = ["Filed", "Job", "JobQueue", "MemoryQueue", "PoolSettings", "Stay", "WorkerPool"]

#: After this time without work, a thread beyond the usual number ends.
IDLE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """How many threads there are, and how many requests wait for them.

    Each value is a setting, named as those of `hipflask.server.limits.Limits` are: ``SERVER_THREADS``, ...
    """

    threads: int = 8
    """Threads that are kept once they are started."""
    max_threads: int = 0
    """Threads at most, while all others are busy; 0 for four times *threads*."""
    queue_size: int = 256
    """Requests that wait for a thread; more are answered 503."""
    queue_timeout_seconds: float = 5.0
    """A request that has waited longer is answered 503."""

    @property
    def most_threads(self) -> int:
        """*max_threads*, or what stands for it."""
        return max(self.threads, self.max_threads) if self.max_threads else 4 * self.threads


class Stay(enum.Enum):
    """What a worker has to do with a request after a part of it."""

    ENDED = 0
    """Nothing any more."""
    STREAMING = 1
    """More parts follow, in which a body is pulled; they can wait a while if need be."""
    SUSPENDED = 2
    """More parts follow when an async view has ended; they must not wait for somebody's slow view."""


class Filed(enum.Enum):
    """What became of a job that was submitted."""

    STARTED = 0
    """A worker has it."""
    WAITING = 1
    """It is in the queue, and can be withdrawn."""
    REFUSED = 2
    """The queue is full, or the pool is closed."""


Part = Callable[[], Stay]


class Job:
    """The stay of one request in a pool: parts that one thread runs.

    Args:
        first: The first part. A part handles its own errors; one that raises ends the stay.
        context: A fresh context, in which the parts run the application's code; by default a copy of the caller's.
        is_async: The first part is short, as it comes before an async view.
    """

    __slots__ = ("_pool", "_stay", "_worker", "context", "first", "is_async")

    def __init__(self, first: Part, context: Context | None = None, is_async: bool = False) -> None:
        self.first = first
        self.context = copy_context() if context is None else context
        self.is_async = is_async
        self._pool: WorkerPool | None = None
        self._worker: _Worker | None = None
        self._stay = Stay.ENDED

    def then(self, part: Part) -> None:
        """Have another part run on the same thread, after those before; for a job that a worker has.

        Args:
            part: The part.
        """
        if self._pool is not None:
            self._pool.post(self, part)

    def withdraw(self) -> bool:
        """Take the job out of the queue.

        Returns:
            False if a worker has it already.
        """
        return self._pool is not None and self._pool.withdraw(self)

    def run(self, part: Part) -> Stay:
        """Run a part; called by the job's worker.

        A part enters the context for the application's code only. What tells others of its result comes after it has
        left: they may enter the context at once.

        Args:
            part: The part.
        """
        try:
            return part()
        except BaseException:
            logging.getLogger(__name__).exception("A part of a request failed outside of the application")
            return Stay.ENDED


class JobQueue(Protocol):
    """Where jobs wait for a worker. Every method is called while the pool is locked, and must return at once."""

    def put(self, job: Job) -> bool:
        """Append a job; return false if the queue is full."""

    def take(self) -> Job | None:
        """Remove and return the job that has waited longest, ``None`` if there is none."""

    def withdraw(self, job: Job) -> bool:
        """Remove a job; return false if it is not there."""

    def clear(self) -> None:
        """Forget all jobs."""


class MemoryQueue:
    """A bounded queue in this process.

    Args:
        size: Jobs at most.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._jobs: OrderedDict[Job, None] = OrderedDict()

    def put(self, job: Job) -> bool:
        """Append a job; return false if the queue is full."""
        if len(self._jobs) >= self._size:
            return False
        self._jobs[job] = None
        return True

    def take(self) -> Job | None:
        """Remove and return the job that has waited longest, ``None`` if there is none."""
        return self._jobs.popitem(last=False)[0] if self._jobs else None

    def withdraw(self, job: Job) -> bool:
        """Remove a job; return false if it is not there."""
        if job not in self._jobs:
            return False
        del self._jobs[job]
        return True

    def clear(self) -> None:
        """Forget all jobs."""
        self._jobs.clear()


class _Worker:
    """One thread: its mailbox, what it hosts, and the lock it sleeps on."""

    __slots__ = ("has_gone_on", "is_idle", "mailbox", "streams", "suspended", "thread", "wake")

    def __init__(self) -> None:
        self.mailbox: deque[tuple[Job, Part]] = deque()
        self.suspended = 0
        self.streams = 0
        self.is_idle = False
        self.has_gone_on = False
        self.wake = threading.Lock()
        self.wake.acquire()
        self.thread: threading.Thread

    def settle(self, job: Job, stay: Stay) -> None:
        """Note what is left to do for a job after a part of it."""
        before, job._stay = job._stay, stay
        self.suspended += (stay is Stay.SUSPENDED) - (before is Stay.SUSPENDED)
        self.streams += (stay is Stay.STREAMING) - (before is Stay.STREAMING)


class WorkerPool:
    """Runs jobs on threads, which are started when they are needed.

    The threads are daemons: the end of the process does not wait for a view that hangs.

    Args:
        settings: Numbers of threads and of waiting jobs.
        queue: Where jobs wait; by default in memory.
        name: Beginning of the threads' names.
    """

    def __init__(
        self, settings: PoolSettings | None = None, queue: JobQueue | None = None, name: str = "hipflask-worker"
    ) -> None:
        self.settings = settings or PoolSettings()
        self._queue = queue or MemoryQueue(self.settings.queue_size)
        self._name = name
        self._max_hosts = max(1, self.settings.threads // 2)
        self._reset()
        _pools.add(self)

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._workers: list[_Worker] = []
        self._idle: list[_Worker] = []  # the one that worked last is taken first: its caches are warm
        self._started = 0
        self._is_closed = False

    def forget(self) -> None:
        """Begin anew: a forked child has none of the threads, and none of the requests."""
        self._reset()
        self._queue.clear()

    def submit(self, job: Job) -> Filed:
        """Have a worker run a job, now or later.

        Args:
            job: The job; an async one goes to a worker that hosts such requests, and never waits behind a view.
        """
        job._pool = self
        with self._lock:
            if self._is_closed:
                return Filed.REFUSED
            worker = self._find_host() if job.is_async else self._find_free()
            if worker is not None:
                self._assign(worker, job)
                return Filed.STARTED
            return Filed.WAITING if self._queue.put(job) else Filed.REFUSED

    def withdraw(self, job: Job) -> bool:
        """Take a job out of the queue; return false if it is not there any more."""
        with self._lock:
            return self._queue.withdraw(job)

    def post(self, job: Job, part: Part) -> None:
        """Have another part of a job run on the worker that has the job."""
        with self._lock:
            worker = job._worker
            if worker is not None and worker in self._workers:
                worker.mailbox.append((job, part))
                self._wake(worker)

    def notify(self) -> None:
        """Have idle workers look into the queue, for a queue that is filled from elsewhere."""
        with self._lock:
            while (worker := self._find_free()) is not None:
                job = self._queue.take()
                if job is None:
                    return
                job._pool = self
                self._assign(worker, job)

    def close(self, timeout_seconds: float = 0.0) -> bool:
        """Take no more jobs; threads end when they have done what was filed and what they host.

        Args:
            timeout_seconds: How long to wait for that.

        Returns:
            Whether all have ended.
        """
        with self._lock:
            self._is_closed = True
            workers = list(self._workers)
            for worker in workers:
                self._wake(worker)
        deadline = monotonic() + timeout_seconds
        for worker in workers:
            if worker.thread is not threading.current_thread():
                worker.thread.join(max(0.0, deadline - monotonic()))
        with self._lock:
            return not self._workers

    @property
    def thread_count(self) -> int:
        """Threads that there are now."""
        return len(self._workers)

    # Who gets a job; called while the pool is locked.

    def _find_free(self) -> _Worker | None:
        """Return a worker for a job that may take long: one that hosts nothing, else one that hosts but streams."""
        second: _Worker | None = None
        for worker in reversed(self._idle):
            if not worker.suspended:
                if not worker.streams:
                    return worker
                if second is None or worker.streams < second.streams:
                    second = worker
        return self._start_worker() or second

    def _find_host(self) -> _Worker | None:
        """Return a worker for a job with an async view: a new host while there may be more, else the least loaded."""
        hosts = [worker for worker in self._workers if worker.suspended]
        if len(hosts) < self._max_hosts:
            worker = self._find_free()
            if worker is not None:
                return worker
        return min(hosts, key=lambda worker: worker.suspended, default=None)

    def _start_worker(self) -> _Worker | None:
        if len(self._workers) >= self.settings.most_threads:
            return None
        worker = _Worker()
        self._started += 1
        worker.thread = threading.Thread(
            target=self._work, args=(worker,), name=f"{self._name}-{self._started}", daemon=True
        )
        self._workers.append(worker)
        try:
            worker.thread.start()
        except RuntimeError:  # the system has no more threads to give
            self._workers.remove(worker)
            return None
        return worker

    def _assign(self, worker: _Worker, job: Job) -> None:
        self._own(worker, job)
        worker.mailbox.append((job, job.first))
        self._wake(worker)

    def _own(self, worker: _Worker, job: Job) -> None:
        job._worker = worker
        if job.is_async:
            worker.settle(job, Stay.SUSPENDED)

    def _wake(self, worker: _Worker) -> None:
        if worker.is_idle:
            worker.is_idle = False
            self._idle.remove(worker)
            worker.wake.release()

    # A thread

    def _work(self, worker: _Worker) -> None:
        found = self._next(worker)
        while found is not None:
            job, part = found
            stay = job.run(part)
            with self._lock:
                worker.settle(job, stay)
            del job, part, found  # keeps nothing of the last request alive while it waits
            found = self._next(worker)

    def _next(self, worker: _Worker) -> tuple[Job, Part] | None:
        """Wait for a part to run; ``None`` tells the thread to end."""
        while True:
            with self._lock:
                # What is its own and what is new take turns: streams keep no request waiting for long.
                if worker.mailbox and not worker.has_gone_on:
                    return self._go_on(worker)
                # Only a worker that hosts no async view may get stuck in a slow one.
                job = None if worker.suspended else self._queue.take()
                if job is not None:
                    worker.has_gone_on = False
                    job._pool = self
                    self._own(worker, job)
                    return job, job.first
                if worker.mailbox:
                    return self._go_on(worker)
                if self._is_closed and not worker.suspended and not worker.streams:
                    self._workers.remove(worker)
                    return None
                worker.is_idle = True
                self._idle.append(worker)
            if not worker.wake.acquire(timeout=IDLE_SECONDS) and self._may_retire(worker):
                return None

    def _go_on(self, worker: _Worker) -> tuple[Job, Part]:
        worker.has_gone_on = True
        return worker.mailbox.popleft()

    def _may_retire(self, worker: _Worker) -> bool:
        """Return whether a worker that has long had nothing to do is to end; else it looks again."""
        with self._lock:
            if not worker.is_idle:  # somebody has just released its lock
                worker.wake.acquire()
                return False
            worker.is_idle = False
            self._idle.remove(worker)
            if len(self._workers) <= self.settings.threads or worker.suspended or worker.streams:
                return False
            self._workers.remove(worker)
            return True


_pools: WeakSet[WorkerPool] = WeakSet()


def _forget_all() -> None:
    for pool in list(_pools):
        pool.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
