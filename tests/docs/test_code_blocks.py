"""The blocks of the documentation run, in order, page by page.

* Python blocks of one page share their names, as for a reader who types them along. One after
  ``<!-- compiled only: REASON -->`` is compiled and not run (it serves forever, say).
* A block whose first line is a comment with a file's name (``# hello.py``, ``{# page.html #}``) is written there too.
* The commands of a console block after ``<!-- run: -->`` are run; what the page shows below them is what they print.
* The command after ``<!-- serves: PATH -->`` is a server on port 8000: it is started on another port, asked for PATH,
  and ended. It is skipped where the server is not installed.
"""

from __future__ import annotations

import http.client
import os
import shlex
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, Block, Prompt, blocks_of, prompts_of, shown_in, write_file
from tests.ports import free_port

SECONDS = 60.0  # a deadline that only a hang reaches


def run_page(text: str, name: str, folder: Path) -> int:
    """Run a page's blocks in one namespace, which is not ``__main__``, and return how many there were."""
    names: dict[str, object] = {"__name__": "documentation"}
    ran = 0
    for block in blocks_of(text):
        write_file(block, folder)
        if block.kind in ("python", "py"):
            ran += 1
            code = compile("\n" * (block.line - 1) + block.text, name, "exec")
            if block.mark != "compiled only":
                exec(code, names)
        elif block.kind == "console" and block.mark == "run":
            ran += 1
            run_prompts(block, folder)
    return ran


def environment(folder: Path) -> dict[str, str]:
    """The environment of a reader, who has activated the virtual environment in which hipflask is installed."""
    scripts = folder / ".scripts"
    scripts.mkdir(exist_ok=True)
    for name, words in (("hipflask", '-m hipflask "$@"'), ("python", '"$@"')):
        (scripts / name).write_text(f"#!/bin/sh\nexec {shlex.quote(sys.executable)} {words}\n", encoding="utf-8")
        (scripts / name).chmod(0o755)
    paths = [str(scripts), sysconfig.get_path("scripts"), os.environ.get("PATH", "")]
    left_out = ("HIPFLASK_", "FLASK_", "PYTEST_")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(left_out)}
    return kept | {"PATH": os.pathsep.join(paths), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def run_prompts(block: Block, folder: Path) -> None:
    """Run the commands of a block.

    Raises:
        AssertionError: A command fails, or prints something else than the page shows.
    """
    for prompt in prompts_of(block):
        done = subprocess.run(
            prompt.command,
            shell=True,
            cwd=folder,
            env=environment(folder),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        printed = done.stdout + done.stderr
        assert done.returncode == 0, f"line {block.line}: {prompt.command}\n{printed}"
        assert shown_in(prompt.output, printed), f"line {block.line}: {prompt.command} printed\n{printed}"


@contextmanager
def serving(command: str, folder: Path) -> Iterator[int]:
    """Start a server on a free port instead of 8000, and end it with its workers."""
    port = free_port()
    words = shlex.split(command.replace("8000", str(port)))
    with open(folder / "server.log", "wb") as log:
        process = subprocess.Popen(
            words,
            cwd=folder,
            env=environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield port
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()


def ask(port: int, path: str, deadline: float) -> tuple[int, str]:
    """Ask until the server listens."""
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
        try:
            connection.request("GET", path, headers={"Host": "localhost"})
            response = connection.getresponse()
            return response.status, response.read().decode()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)  # polls to the deadline
        finally:
            connection.close()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_code_blocks_of_page_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # what a block writes is not left in the project
    monkeypatch.syspath_prepend(tmp_path)  # a later block may import it
    try:
        run_page(page.read_text(encoding="utf-8"), str(page), tmp_path)
    finally:
        for name, module in list(sys.modules.items()):
            if str(getattr(module, "__file__", None)).startswith(str(tmp_path)):
                del sys.modules[name]  # another page has another module of that name


def _served() -> list[object]:
    rows = []
    for page in PAGES:
        for block in blocks_of(page.read_text(encoding="utf-8")):
            if block.mark == "serves":
                command = prompts_of(block)[-1].command
                rows.append(pytest.param(page, block, id=f"{page.stem}-{block.line}-{command.split()[0]}"))
    return rows


@pytest.mark.slow
@pytest.mark.parametrize(("page", "block"), _served())
def test_server_of_page_serves(page: Path, block: Block, tmp_path: Path) -> None:
    command = prompts_of(block)[-1].command
    if shutil.which(command.split()[0], path=environment(tmp_path)["PATH"]) is None:
        pytest.skip(f"{command.split()[0]} is not installed; make conformance-servers installs it")
    for other in blocks_of(page.read_text(encoding="utf-8")):
        write_file(other, tmp_path)
    with serving(command, tmp_path) as port:
        status, body = ask(port, block.about, time.monotonic() + SECONDS)
    assert status == 200, body


def test_blocks_of_sample_page_are_found_and_run(tmp_path: Path) -> None:
    run = "# T\n\n```python\nx = 1\n```\ntext\n"
    compiled = "<!-- compiled only: endless -->\n```python\nwhile x: ...\n```\n"
    page = run + compiled + "```sh\nls\n```\n"
    assert blocks_of(page) == [
        Block("python", 4, "x = 1\n", "", ""),
        Block("python", 9, "while x: ...\n", "compiled only", "endless"),
        Block("sh", 12, "ls\n", "", ""),
    ]
    assert run_page(page, "sample", tmp_path) == 2


def test_files_of_sample_page_are_written_and_commands_run(tmp_path: Path) -> None:
    page = "```python\n# a.py\nprint('one', 2)\n```\n```html\n{# t/b.html #}\n<p>\n```\n"
    prompt = "<!-- run: -->\n```console\n$ python \\\n  a.py\none ...\n$ cat t/b.html\n<p>\n```\n"
    assert run_page(page + prompt, "sample", tmp_path) == 2
    assert prompts_of(blocks_of(prompt)[0])[1] == Prompt("cat t/b.html", ["<p>"])


@pytest.mark.parametrize(
    ("page", "error"),
    [
        pytest.param("```python\n1 / 0\n```\n", ZeroDivisionError, id="fails"),
        pytest.param("<!-- compiled only: r -->\n```python\nx =\n```\n", SyntaxError, id="no-python"),
        pytest.param("<!-- run: -->\n```console\n$ exit 3\n```\n", AssertionError, id="command-fails"),
        pytest.param("<!-- run: -->\n```console\n$ echo a\nb\n```\n", AssertionError, id="prints-something-else"),
    ],
)
def test_wrong_block_of_sample_page_is_reported(page: str, error: type[Exception], tmp_path: Path) -> None:
    with pytest.raises(error):
        run_page(page, "sample", tmp_path)
