"""The Python blocks of the documentation run, in order, page by page.

A block after ``<!-- compiled only: REASON -->`` is compiled and not run (it serves forever, say). Blocks of
one page share their names, as for a reader who types them along.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
_BLOCK = re.compile(
    r"(?:<!-- compiled only: (?P<reason>[^>]+) -->\s*)?^```(?:python|py)\n(?P<code>.*?)^```",
    re.DOTALL | re.MULTILINE,
)


class Block(NamedTuple):
    """One fenced block of Python."""

    line: int
    code: str
    is_run: bool


def blocks_of(text: str) -> list[Block]:
    """Return the Python blocks of a Markdown page."""
    return [
        Block(text.count("\n", 0, found.start("code")) + 1, found["code"], found["reason"] is None)
        for found in _BLOCK.finditer(text)
    ]


def run_page(text: str, name: str) -> int:
    """Run a page's blocks in one namespace, which is not ``__main__``, and return how many there were."""
    names: dict[str, object] = {"__name__": "documentation"}
    blocks = blocks_of(text)
    for block in blocks:
        code = compile("\n" * (block.line - 1) + block.code, name, "exec")
        if block.is_run:
            exec(code, names)
    return len(blocks)


def _pages() -> list[Path]:
    pages = [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        ROOT / "SECURITY.md",
        *(ROOT / "docs").rglob("*.md"),
    ]
    return [page for page in pages if page.exists()]


@pytest.mark.parametrize("page", _pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_code_blocks_of_page_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # what a block writes is not left in the project
    run_page(page.read_text(encoding="utf-8"), str(page))


def test_blocks_of_sample_page_are_found_and_run() -> None:
    run = "# T\n\n```python\nx = 1\n```\ntext\n"
    compiled = "<!-- compiled only: endless -->\n```python\nwhile x: ...\n```\n"
    page = run + compiled + "```sh\nls\n```\n"
    assert blocks_of(page) == [Block(4, "x = 1\n", True), Block(9, "while x: ...\n", False)]
    assert run_page(page, "sample") == 2


@pytest.mark.parametrize(
    ("page", "error"),
    [
        pytest.param("```python\n1 / 0\n```\n", ZeroDivisionError, id="fails"),
        pytest.param("<!-- compiled only: r -->\n```python\nx =\n```\n", SyntaxError, id="no-python"),
    ],
)
def test_wrong_block_of_sample_page_is_reported(page: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        run_page(page, "sample")
