from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import pytest

from hipflask.server import workers
from hipflask.server.settings import fill, resolve
from hipflask.server.workers import Filed, Job, MemoryQueue, PoolSettings, Stay, WorkerPool

WAIT = 20.0
variable: ContextVar[str] = ContextVar("variable", default="unset")


class Part:
    """A part that says when it runs, where, and ends when it is told to."""

    def __init__(self, stay: Stay = Stay.ENDED, *, is_held: bool = False) -> None:
        self.stay = stay
        self.thread: threading.Thread | None = None
        self.began = threading.Event()
        self.go_on = threading.Event()
        self.ended = threading.Event()
        if not is_held:
            self.go_on.set()

    def __call__(self) -> Stay:
        self.thread = threading.current_thread()
        self.began.set()
        assert self.go_on.wait(WAIT)
        self.ended.set()
        return self.stay

    def wait(self) -> threading.Thread:
        assert self.ended.wait(WAIT)
        assert self.thread is not None
        return self.thread


def make_pool(threads: int = 2, most: int = 2, queue: int = 2) -> WorkerPool:
    return WorkerPool(PoolSettings(threads, most, queue))


def start(pool: WorkerPool, part: Part, is_async: bool = False) -> Job:
    """Submit a job that must get a worker, and wait until it runs."""
    job = Job(part, is_async=is_async)
    assert pool.submit(job) is Filed.STARTED
    assert part.began.wait(WAIT)
    return job


def test_parts_of_a_job_run_on_one_thread_in_order() -> None:
    pool = make_pool()
    parts = [Part(Stay.SUSPENDED), Part(Stay.STREAMING), Part(Stay.STREAMING), Part()]
    job = start(pool, parts[0])
    for part in parts[1:]:
        job.then(part)
    threads = {part.wait() for part in parts}
    assert len(threads) == 1
    assert pool.close(WAIT)


def test_other_requests_are_served_between_two_parts() -> None:
    pool = make_pool(1, 1)
    first, other, last = Part(Stay.STREAMING), Part(), Part()
    stream = start(pool, first)
    thread = first.wait()
    assert pool.submit(Job(other)) is not Filed.REFUSED
    assert other.wait() is thread
    stream.then(last)
    assert last.wait() is thread


def test_worker_that_hosts_an_async_view_takes_no_sync_one() -> None:
    pool = make_pool(2, 2)
    hooks, slow = Part(Stay.SUSPENDED), Part(is_held=True)
    hosted = start(pool, hooks, is_async=True)
    host = hooks.wait()
    start(pool, slow)
    assert slow.thread is not host
    waiting = Part()
    assert pool.submit(Job(waiting)) is Filed.WAITING  # the host has nothing to do, and must not take it
    after = Part()
    hosted.then(after)
    assert after.wait() is host
    assert waiting.wait() is host  # now it hosts nothing
    slow.go_on.set()
    assert pool.close(WAIT)


def test_async_job_never_waits_for_sync_ones() -> None:
    pool = make_pool(2, 2, 5)
    first = Part(Stay.SUSPENDED)
    start(pool, first, is_async=True)
    slow = Part(is_held=True)
    start(pool, slow)
    assert [pool.submit(Job(Part())) for _ in range(3)] == [Filed.WAITING] * 3
    second = Part()
    assert pool.submit(Job(second, is_async=True)) is Filed.STARTED
    assert second.wait() is first.thread
    slow.go_on.set()


def test_hosts_are_at_most_half_of_the_threads_and_the_least_loaded_is_taken() -> None:
    pool = make_pool(4, 4)
    hosts = []
    for _ in range(6):
        part = Part(Stay.SUSPENDED)
        start(pool, part, is_async=True)
        hosts.append(part.wait())
    assert len(set(hosts)) == 2
    assert [hosts.count(host) for host in set(hosts)] == [3, 3]
    assert pool.thread_count == 2


def test_pool_grows_and_then_queues_and_then_refuses() -> None:
    pool = make_pool(1, 2, 1)
    slow = [Part(is_held=True), Part(is_held=True)]
    for part in slow:
        start(pool, part)
    assert pool.thread_count == 2
    waiting = Part()
    assert pool.submit(Job(waiting)) is Filed.WAITING
    assert pool.submit(Job(Part())) is Filed.REFUSED
    for part in slow:
        part.go_on.set()
    waiting.wait()
    assert pool.close(WAIT)
    assert pool.submit(Job(Part())) is Filed.REFUSED


def test_async_job_queues_where_there_is_no_host_and_no_thread() -> None:
    pool = make_pool(1, 1)
    slow, hooks = Part(is_held=True), Part()
    start(pool, slow)
    assert pool.submit(Job(hooks, is_async=True)) is Filed.WAITING
    slow.go_on.set()
    assert hooks.wait() is slow.thread


def test_waiting_job_can_be_withdrawn_and_a_running_one_not() -> None:
    pool = make_pool(1, 1)
    slow, never = Part(is_held=True), Part()
    running = start(pool, slow)
    waiting = Job(never)
    assert not waiting.withdraw()  # not filed yet
    assert pool.submit(waiting) is Filed.WAITING
    assert waiting.withdraw()
    assert not waiting.withdraw()
    assert not running.withdraw()
    slow.go_on.set()
    assert pool.close(WAIT)
    assert not never.began.is_set()


def test_many_streams_do_not_keep_sync_views_from_running() -> None:
    pool = make_pool(1, 2, 1)
    streams = [start(pool, Part(Stay.STREAMING)) for _ in range(2)]
    for _ in range(4):
        part = Part()
        assert pool.submit(Job(part)) is not Filed.REFUSED
        part.wait()
    for stream in streams:
        last = Part()
        stream.then(last)
        last.wait()
    assert pool.close(WAIT)


def test_parts_of_streams_and_new_requests_take_turns() -> None:
    pool = make_pool(1, 1)
    order: list[str] = []

    def make(name: str, stay: Stay) -> Callable[[], Stay]:
        def part() -> Stay:
            order.append(name)
            return stay

        return part

    stream = start(pool, Part(Stay.STREAMING))
    held = Part(Stay.STREAMING, is_held=True)
    stream.then(held)
    assert held.began.wait(WAIT)
    for name in ("first pull", "second pull", "third pull"):
        stream.then(make(name, Stay.STREAMING))
    for name in ("first request", "second request"):
        assert pool.submit(Job(make(name, Stay.ENDED))) is Filed.WAITING
    last = Part()
    stream.then(last)
    held.go_on.set()
    last.wait()
    assert order == ["first request", "first pull", "second request", "second pull", "third pull"]
    assert pool.close(WAIT)


def test_part_that_raises_ends_the_stay_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    pool = make_pool(1, 1)

    def fail() -> Stay:
        raise SystemExit("in a part")

    assert pool.submit(Job(fail)) is Filed.STARTED
    after = Part()
    assert pool.submit(Job(after)) is not Filed.REFUSED
    after.wait()
    assert "outside of the application" in caplog.text


def test_close_lets_what_is_hosted_end() -> None:
    pool = make_pool(2, 2)
    hooks, last = Part(Stay.SUSPENDED), Part()
    job = start(pool, hooks, is_async=True)
    assert not pool.close()
    job.then(last)
    assert pool.close(WAIT)
    assert last.wait() is hooks.thread
    job.then(Part())  # too late, and no harm
    assert pool.thread_count == 0


def test_close_from_a_worker_does_not_wait_for_itself() -> None:
    pool = make_pool(1, 1)
    closed: list[bool] = []
    done = threading.Event()

    def part() -> Stay:
        closed.append(pool.close(WAIT))
        done.set()
        return Stay.ENDED

    pool.submit(Job(part))
    assert done.wait(WAIT)
    assert closed == [False]


def test_context_is_a_copy_of_the_submitters() -> None:
    variable.set("submitter")
    try:
        job = Job(Part())
    finally:
        variable.set("unset")
    assert job.context[variable] == "submitter"


def test_thread_beyond_the_usual_number_ends_when_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "IDLE_SECONDS", 0.01)
    pool = make_pool(1, 2)
    parts = [Part(is_held=True), Part(is_held=True)]
    for part in parts:
        start(pool, part)
    for part in parts:
        part.go_on.set()
    first, second = (part.wait() for part in parts)
    while first.is_alive() and second.is_alive():
        first.join(0.01)
    assert pool.thread_count == 1
    again = Part()
    start(pool, again)
    assert again.wait().is_alive() or pool.close(WAIT)
    assert pool.close(WAIT)


def test_thread_that_cannot_be_started_is_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = make_pool(2, 2, 1)

    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        waiting = Part()
        assert pool.submit(Job(waiting)) is Filed.WAITING
        assert pool.submit(Job(Part())) is Filed.REFUSED
    pool.notify()
    waiting.wait()


class Elsewhere:
    """A queue that is filled by somebody else."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []

    def put(self, job: Job) -> bool:
        return False

    def take(self) -> Job | None:
        return self.jobs.pop(0) if self.jobs else None

    def withdraw(self, job: Job) -> bool:
        return False

    def clear(self) -> None:
        self.jobs.clear()


def test_queue_of_another_kind_is_looked_into_when_it_says_so() -> None:
    queue = Elsewhere()
    pool = WorkerPool(PoolSettings(2, 2), queue)
    parts = [Part(), Part(), Part()]
    queue.jobs.extend(Job(part) for part in parts)
    pool.notify()
    for part in parts:
        part.wait()
    pool.notify()
    assert pool.close(WAIT)


def test_memory_queue_keeps_its_order_and_bound() -> None:
    queue, jobs = MemoryQueue(2), [Job(Part()) for _ in range(3)]
    assert [queue.put(job) for job in jobs] == [True, True, False]
    assert queue.take() is jobs[0]
    queue.clear()
    assert queue.take() is None


@pytest.mark.parametrize(
    ("config", "most"),
    [
        ({}, 32),
        ({"SERVER_THREADS": 3}, 12),
        ({"SERVER_MAX_THREADS": 9}, 9),
        ({"SERVER_MAX_THREADS": 2}, 2),
        ({"SERVER_MAX_THREADS": 0}, 32),
    ],
    ids=["default", "threads", "max", "max-below-threads", "max-zero"],
)
def test_settings_come_from_the_configuration(config: dict[str, Any], most: int) -> None:
    assert fill(PoolSettings(), resolve(None, config, {})).most_threads == most


def test_settings_of_the_queue() -> None:
    environment = {"HIPFLASK_RUN_QUEUE_SIZE": "7", "HIPFLASK_RUN_QUEUE_TIMEOUT": "0.5"}
    settings = fill(PoolSettings(), resolve(None, None, environment))
    assert (settings.queue_size, settings.queue_timeout_seconds) == (7, 0.5)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_forked_child_has_threads_of_its_own() -> None:
    pool = make_pool(1, 1)
    slow = Part(is_held=True)
    start(pool, slow)
    assert pool.submit(Job(Part())) is Filed.WAITING
    pid = os.fork()
    if not pid:
        part = Part()
        is_right = pool.submit(Job(part)) is Filed.STARTED and part.ended.wait(WAIT) and pool.thread_count == 1
        os._exit(0 if is_right else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    slow.go_on.set()
    assert pool.close(WAIT)


def race(pool: WorkerPool, count: int, part: Callable[[], Stay]) -> None:
    for _ in range(count):
        while pool.submit(Job(part)) is Filed.REFUSED:
            pass


def test_every_job_of_many_threads_runs_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "IDLE_SECONDS", 0.0001)  # threads end and begin all the time
    pool = make_pool(1, 4, 10)
    ran: list[None] = []

    def part() -> Stay:
        ran.append(None)
        return Stay.ENDED

    racers = [threading.Thread(target=race, args=(pool, 200, part)) for _ in range(4)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join(WAIT)
    assert pool.close(WAIT)
    assert len(ran) == 800
