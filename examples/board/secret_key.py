"""The key that signs session cookies: made once, kept in a file that only its owner can read."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from pathlib import Path

SHORTEST_KEY = 32  # characters


def read_or_create(path: Path) -> str:
    """Return the key in the file *path*, which is made if there is none.

    Raises:
        RuntimeError: The file holds no usable key.
    """
    if not path.exists():
        create(path)
    key = path.read_text(encoding="ascii", errors="replace").strip()
    if len(key) < SHORTEST_KEY:
        raise RuntimeError(f"The secret key in {path} is too short. Delete the file, and a new one is made.")
    return key


def create(path: Path) -> None:
    """Write a new key to *path*, unless another process is quicker.

    The key is written to a file of another name first. Giving it its real name is one step, which fails
    if the name is taken: so all processes read the same key, and nobody reads half a key.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=".secret_key-")  # mode 0600
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32))
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        os.unlink(draft)
