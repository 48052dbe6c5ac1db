"""The first workers: forked from the process that becomes the supervisor.

That process has read the command line, and has imported most of what a worker needs; a worker that is spawned imports
it once more, which is a third of the time from the command to the first answer. Workers that come later are spawned by
the supervisor, so that they have nothing of the past.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from typing import Any

__all__ = ["can_fork", "fork_workers"]

_THREADS = "/proc/self/task"


def can_fork() -> bool:
    """Return whether a copy of this process can be a worker.

    A thread that somebody has started is missing in a copy, with whatever it has locked. Elsewhere than on Linux, the
    system's own libraries may start some.
    """
    try:
        return len(os.listdir(_THREADS)) == 1
    except OSError:
        return False


def fork_workers(settings: dict[str, Any]) -> list[dict[str, int]]:
    """Fork the workers of the first start, or what forks them with ``--preload``.

    In a worker this does not return: it serves, and the process ends.

    Args:
        settings: The supervisor's.

    Returns:
        For each worker its process number and the descriptor of this side of its channel. Fewer than wanted if the
        system has no more processes; the supervisor then tries, and tells.
    """
    forked: list[dict[str, int]] = []
    sys.stdout.flush()
    sys.stderr.flush()
    # Ctrl+C goes to every process of the terminal: blocked, until the worker is ready to ignore it.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        for _ in range(1 if settings["preload"] else settings["workers"]):
            found = _fork(settings, forked)
            if found is None:
                break
            forked.append(found)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    return forked


def _fork(settings: dict[str, Any], before: list[dict[str, int]]) -> dict[str, int] | None:
    """Fork one; ``None`` if there are no more processes."""
    ours, theirs = socket.socketpair()
    try:
        pid = os.fork()
    except OSError:
        ours.close()
        theirs.close()
        return None
    if not pid:
        ours.close()
        for each in before:
            os.close(each["channel"])
        from hipflask.server.worker import main

        main(json.dumps({**settings["worker"], "channel": theirs.detach(), "is_preloader": settings["preload"]}))
    theirs.close()
    ours.set_inheritable(True)
    return {"pid": pid, "channel": ours.detach()}
