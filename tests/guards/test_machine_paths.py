"""No committed file names a path of somebody's machine."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

_LEFT_OUT = {"target", "build", "dist", "__pycache__", "instance", "htmlcov"}
_SUFFIXES = {
    "",
    ".py",
    ".pyi",
    ".toml",
    ".md",
    ".in",
    ".rs",
    ".txt",
    ".html",
    ".css",
    ".js",
    ".sql",
    ".lock",
    ".cfg",
}
# Home folders and workspaces; the pieces are joined here so that this file does not name one itself.
_PREFIXES = [r"work/\w", r"root/\.\w", r"Users/\w", r"home/\w+/\w", r"tmp/(?:ref|coord)\b"]
_MACHINE_PATH = re.compile(rf"(?<![\w./>-])/(?:{'|'.join(_PREFIXES)})")


def project_files(root: Path) -> Iterator[Path]:
    """Yield the text files below *root* that are meant to be committed."""
    for path in sorted(root.rglob("*")):
        parts = path.relative_to(root).parts
        hidden = any(part.startswith(".") and part not in (".ci", ".gitignore") for part in parts)
        left_out = any(part in _LEFT_OUT or part.endswith(".egg-info") for part in parts)
        if not hidden and not left_out and path.suffix in _SUFFIXES and path.is_file():
            yield path


def machine_paths(root: Path) -> list[str]:
    """Return a line for each machine path in a file below *root*."""
    return [
        f"{path.relative_to(root)}:{number}: {found.group()}"
        for path in project_files(root)
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if (found := _MACHINE_PATH.search(line))
    ]


def test_project_names_no_machine_path(project_root: Path) -> None:
    assert machine_paths(project_root) == []


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        pytest.param("see /{}/main/src", True, id="workspace"),
        pytest.param('open("/{}/x")', True, id="quoted"),
        pytest.param("http://localhost/{}/x", False, id="url"),
        pytest.param("/root/a", False, id="url-path"),
        pytest.param("/ro" + "ot/.cache", True, id="home"),
        pytest.param("docs/{}/x", False, id="relative"),
    ],
)
def test_machine_path_of_sample_is_found(tmp_path: Path, line: str, wrong: bool) -> None:
    (tmp_path / "notes.md").write_text(f"first\n{line.format('work')}\n")
    assert bool(machine_paths(tmp_path)) is wrong
