"""Reads the blocks of a Markdown page: what is run, what is written to a file, what is typed at a prompt."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

__all__ = ["PAGES", "ROOT", "Block", "Prompt", "blocks_of", "prompts_of", "shown_in", "write_file"]

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = [
    page
    for page in [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        ROOT / "SECURITY.md",
        *sorted((ROOT / "docs").rglob("*.md")),
    ]
    if page.exists()
]
_BLOCK = re.compile(
    r"(?:^<!-- (?P<mark>compiled only|run|serves): ?(?P<about>[^>]*?) ?-->\s*)?"
    r"^```(?P<kind>[\w+]*)\n(?P<text>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
_FILE = re.compile(r"(?:# |\{# |<!-- |; |\[# )(?P<name>[\w./-]+\.\w+)(?: #\}| -->)?\n")


class Block(NamedTuple):
    """One fenced block."""

    kind: str
    line: int
    text: str
    mark: str
    about: str


class Prompt(NamedTuple):
    """A command, and the lines that the page shows below it."""

    command: str
    output: list[str]


def blocks_of(text: str) -> list[Block]:
    """Return the fenced blocks of a page."""
    return [
        Block(
            found["kind"],
            text.count("\n", 0, found.start("text")) + 1,
            found["text"],
            found["mark"] or "",
            found["about"] or "",
        )
        for found in _BLOCK.finditer(text)
    ]


def write_file(block: Block, folder: Path) -> str:
    """Write a block whose first line is a comment with a file's name, and return the name."""
    found = _FILE.match(block.text)
    if found is None:
        return ""
    path = folder / found["name"]
    path.parent.mkdir(parents=True, exist_ok=True)
    is_comment = path.suffix in (".py", ".toml", ".cfg", ".ini")
    path.write_text(block.text if is_comment else block.text[found.end() :], encoding="utf-8")
    return found["name"]


def prompts_of(block: Block) -> list[Prompt]:
    """Return the commands of a console block; a line that ends in a backslash goes on in the next."""
    prompts: list[Prompt] = []
    for line in block.text.replace("\\\n", " ").splitlines():
        if line.startswith("$ "):
            prompts.append(Prompt(line[2:], []))
        elif line.strip():
            prompts[-1].output.append(line)
    return prompts


def shown_in(output: list[str], printed: str) -> bool:
    """Return whether the lines were printed, in this order; ``...`` stands for any text."""
    pattern = ".*?".join(re.escape(line.strip()).replace(r"\.\.\.", ".*?") for line in output)
    return re.search(pattern, printed, re.DOTALL) is not None
