"""A board in a server process of its own, started as a person starts it."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[3]
WAIT_SECONDS = 60.0
RUN_BOARD = ("-m", "hipflask", "--app", "examples/board", "run", "--port", "0")


@contextlib.contextmanager
def serve_board(folder: Path, command: tuple[str, ...] = RUN_BOARD) -> Iterator[str]:
    """Run Python with *command*, which serves a board, and give the server's address.

    Args:
        folder: Where the database and the pictures are kept.
        command: Python's arguments.
    """
    settings = {
        "BOARD_DATABASE": str(folder / "board.sqlite3"),
        "BOARD_PICTURES": str(folder / "pictures"),
        "BOARD_SECRET_KEY": os.urandom(16).hex(),
    }
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env=os.environ | settings | {"PYTHONUNBUFFERED": "1"},
            stdout=output,
            stderr=output,
        )
    try:
        yield read_address(process, log)
    finally:
        process.terminate()
        process.wait(timeout=WAIT_SECONDS)
        print(log.read_text(errors="replace"))  # pytest shows it where a test failed


def read_address(process: subprocess.Popen[bytes], log: Path) -> str:
    """Return the address that a server writes to its log when it is ready."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        has_ended = process.poll() is not None
        found = re.search(r"http://127\.0\.0\.1:\d+(?=\s)", log.read_text(errors="replace"))
        if found is not None:
            return found[0]
        if has_ended:
            break
        time.sleep(0.05)
    raise AssertionError(f"The server told no address:\n{log.read_text(errors='replace')}")
