"""The folder of pictures. Names are random: nothing of the sender's file name is kept, and nobody can guess one."""

from __future__ import annotations

import os
import re
import secrets
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hipflask import current_app

from .formats import Picture

NAME_PATTERN = re.compile(r"[0-9a-f]{32}\.(?:png|jpg|gif|webp)")
DRAFT_PREFIX = ".draft-"
OLD_SECONDS = 3600.0  # a draft, or a picture without a message, of this age is nobody's work any more


@contextmanager
def stored(picture: Picture | None) -> Iterator[str | None]:
    """Keep *picture* in the folder, and give the block its name; if the block raises, nothing is kept.

    Put the transaction that writes the message into the block: then there is a file for each message that names one.
    """
    if picture is None:
        yield None
        return
    name = write(folder(), picture)
    try:
        yield name
    except BaseException:
        remove([name])
        raise


def write(directory: Path, picture: Picture) -> str:
    """Write *picture* into *directory* and return its name there.

    It is written under a name of a draft first, and then renamed, in one step: nobody sees half a picture.
    """
    name = secrets.token_hex(16) + picture.extension
    handle, draft = tempfile.mkstemp(dir=directory, prefix=DRAFT_PREFIX)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(picture.data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, directory / name)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
    return name


def remove(names: Iterable[str | None]) -> None:
    """Delete the pictures with these names; those that are not there any more are fine."""
    for name in names:
        if name is not None:
            (folder() / name).unlink(missing_ok=True)


def remove_lost(names: set[str]) -> int:
    """Delete what a crash has left: old drafts, and old pictures that are not in *names*. Return how many."""
    oldest = time.time() - OLD_SECONDS
    count = 0
    for path in folder().iterdir():
        is_lost = path.name.startswith(DRAFT_PREFIX) or (NAME_PATTERN.fullmatch(path.name) and path.name not in names)
        if is_lost and path.stat().st_mtime < oldest:
            path.unlink(missing_ok=True)
            count += 1
    return count


def folder() -> Path:
    """Return the folder of the application that is asked."""
    return Path(current_app.config["PICTURES"])
