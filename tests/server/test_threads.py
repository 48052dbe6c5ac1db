from __future__ import annotations

import threading

import pytest

from hipflask.server import threads
from hipflask.server.threads import ThreadPool

WAIT = 10


def test_threads_grow_to_the_bound_and_are_used_again() -> None:
    pool, ran, go_on = ThreadPool(2, 1, "test"), threading.Semaphore(0), threading.Event()
    names = []

    def job() -> None:
        names.append(threading.current_thread().name)
        ran.release()
        assert go_on.wait(WAIT)

    assert pool.submit(job)
    assert pool.submit(job)
    assert ran.acquire(timeout=WAIT)
    assert ran.acquire(timeout=WAIT)
    assert pool.submit(job)
    assert pool.is_crowded
    assert not pool.submit(job)
    go_on.set()
    assert ran.acquire(timeout=WAIT)
    pool.close()
    assert not pool.submit(job)
    assert set(names) == {"test-1", "test-2"}


def test_idle_thread_ends_and_another_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "_IDLE_SECONDS", 0.01)
    pool = ThreadPool(1, 1, "test")
    seen = []

    def job() -> None:
        seen.append(threading.current_thread())

    assert pool.submit(job)
    while not seen:
        pass
    seen[0].join(WAIT)
    assert pool.submit(job)
    while len(seen) < 2:
        pass
    seen[1].join(WAIT)
    assert [each.name for each in seen] == ["test-1", "test-2"]


def test_idle_thread_takes_the_next_job() -> None:
    pool, done = ThreadPool(5, 5, "test"), threading.Semaphore(0)
    names = set()

    def job() -> None:
        names.add(threading.current_thread().name)
        done.release()

    for _ in range(5):
        assert pool.submit(job)
        assert done.acquire(timeout=WAIT)
        with pool._changed:
            pool._changed.wait_for(lambda: pool._idle == 1, WAIT)
    pool.close()
    assert len(names) <= 5


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_job_that_fails_ends_its_thread_only() -> None:
    pool, ran = ThreadPool(1, 1, "test"), threading.Event()
    failed = []

    def fail() -> None:
        failed.append(threading.current_thread())
        raise RuntimeError("job")

    assert pool.submit(fail)
    while not failed:
        pass
    failed[0].join(WAIT)
    assert pool.submit(ran.set)
    assert ran.wait(WAIT)
    pool.close()
