"""Makes a copy of `examples/board` that runs on Flask: only the names of the imported packages differ."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

__all__ = ["BOARD", "copy_board", "rename_imports"]

BOARD = Path(__file__).resolve().parents[2] / "examples" / "board"


def rename_imports(source: str) -> str:
    """Return Python code that imports Flask and Werkzeug where *source* imports hipflask."""
    source = re.sub(r"\bhipflask\.http\b", "werkzeug", source)
    source = re.sub(r"\bimport hipflask as flask\b", "import flask", source)
    return re.sub(r"\bhipflask\b", "flask", source)


def copy_board(folder: Path, name: str = "board") -> Path:
    """Copy the board into *folder*, as the package *name* on Flask, and return its path; data is not copied."""
    target = folder / name
    shutil.copytree(BOARD, target, ignore=shutil.ignore_patterns("instance", "__pycache__"))
    for path in target.rglob("*.py"):
        path.write_text(rename_imports(path.read_text(encoding="utf-8")), encoding="utf-8")
    return target


if __name__ == "__main__":
    print(copy_board(Path(sys.argv[1])))
