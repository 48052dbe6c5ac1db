"""The workers that are forked before there is a supervisor."""

from __future__ import annotations

import errno
import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from hipflask.server import first_workers
from hipflask.server.first_workers import can_fork, fork_workers
from tests.server.supervised import is_alive, supervised, wait_until

APP = """
import sys
from hipflask import Flask
app = Flask(__name__)
app.add_url_rule("/", "index", lambda: str("hipflask.cli.run" in sys.modules))
"""


def test_process_with_other_threads_is_not_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    end = threading.Event()
    thread = threading.Thread(target=end.wait)
    thread.start()
    assert not can_fork()
    end.set()
    thread.join()
    monkeypatch.setattr(first_workers, "_THREADS", "/no/such/folder")
    assert not can_fork()


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="needs /proc")
@pytest.mark.parametrize("args", [(), ("--preload",)], ids=["workers", "preload"])
def test_first_worker_is_a_copy_and_later_ones_are_not(tmp_path: Path, args: tuple[str, ...]) -> None:
    (tmp_path / "hello.py").write_text(APP)
    with supervised(tmp_path, *args) as server:
        assert server.get() == "True"
        server.signal(signal.SIGHUP)
        server.wait_for("Reloaded")
        wait_until(lambda: server.get() == "False", "a worker that is no copy")


def test_all_first_workers_end_with_the_main_process(tmp_path: Path) -> None:
    with supervised(tmp_path, "--workers", "3") as server:
        pids = server.worker_pids(3)
        assert len(pids) == 3
        server.signal(signal.SIGKILL)
        wait_until(lambda: not any(map(is_alive, pids)), "the workers' end")


def test_system_without_processes_is_left_to_the_supervisor(monkeypatch: pytest.MonkeyPatch) -> None:
    def fork() -> int:
        raise OSError(errno.EAGAIN, "no more processes")

    monkeypatch.setattr(os, "fork", fork)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    settings: dict[str, Any] = {"preload": False, "workers": 2, "worker": {}}
    assert fork_workers(settings) == []
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before
