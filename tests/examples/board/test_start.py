"""Every way to start the board serves its first page."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request

import pytest

from tests.examples.board.served import ROOT, RUN_BOARD, WAIT_SECONDS, serve_board

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "target",
    [
        pytest.param("examples/board", id="package"),
        pytest.param("examples/board/app.py", id="file"),
        pytest.param("examples.board:create_app", id="factory"),
    ],
)
def test_command_line_serves_the_board(tmp_path, target):
    command = tuple(target if argument == "examples/board" else argument for argument in RUN_BOARD)
    with (
        serve_board(tmp_path, command) as address,
        urllib.request.urlopen(address, timeout=WAIT_SECONDS) as response,
    ):
        assert b"Welcome to the board" in response.read()


def test_file_can_be_started_without_the_command_line(tmp_path):
    # run() is replaced: it takes port 5000, which may be in use.
    code = (
        "import hipflask, runpy\n"
        "hipflask.Flask.run = lambda app: print(app.test_client().get('/').status_code)\n"
        "runpy.run_path('examples/board/app.py', run_name='__main__')\n"
    )
    settings = {
        "BOARD_DATABASE": str(tmp_path / "board.sqlite3"),
        "BOARD_PICTURES": str(tmp_path / "pictures"),
        "BOARD_SECRET_KEY": "test" * 8,
    }
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        cwd=ROOT,
        env=os.environ | settings,
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
    )
    assert (done.stdout, done.stderr) == ("200\n", "")


def test_command_line_has_the_admin_commands(tmp_path):
    settings = {
        "BOARD_DATABASE": str(tmp_path / "board.sqlite3"),
        "BOARD_PICTURES": str(tmp_path / "pictures"),
        "BOARD_SECRET_KEY": "test" * 8,
    }
    command = [sys.executable, "-m", "hipflask", "--app", "examples/board", "admin"]
    options = {"cwd": ROOT, "env": os.environ | settings, "capture_output": True, "text": True}
    made = subprocess.run(
        [*command, "create", "boss", "--password", "long enough"], check=True, timeout=WAIT_SECONDS, **options
    )
    assert made.stdout == "boss is an administrator.\n"
    listed = subprocess.run([*command, "users"], check=True, timeout=WAIT_SECONDS, **options)
    assert "boss" in listed.stdout
    assert "ada" in listed.stdout
