"""The worker's side of its channel, and how it loads the application."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hipflask.server.worker import Channel, StartError, load_app
from tests.server.supervised import supervised


def test_channel_tells_lines_and_hears_commands() -> None:
    ours, theirs = socket.socketpair()
    channel = Channel(ours)
    with theirs:
        channel.beat()
        channel.say(ready=["a\nb"])
        assert theirs.recv(100) == b'\n{"ready": ["a\\nb"]}\n'
        assert channel.wait(0.0) is None
        theirs.sendall(b"DD")
        assert channel.wait(10) == b"D"
        assert channel.wait(10) == b"D"
    assert channel.wait(10) == b""
    channel.say(more=1)  # nobody is there any more
    channel.beat()
    ours.close()


def test_signs_of_life_that_nobody_reads_hold_nothing_up() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
        for _ in range(10_000):
            Channel(ours).beat()


@pytest.mark.parametrize(
    ("text", "message", "status"),
    [
        ("raise ValueError('broken')", "ValueError: broken", 1),
        ("", "no Flask object", 2),
        ("import sys; sys.exit('no')", "ended the process while it was imported", 1),
        ("import sys; sys.exit()", "ended the process while it was imported", 1),
    ],
)
def test_failing_import_is_a_start_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str, status: int
) -> None:
    name = f"worker_app_{tmp_path.name}".replace("-", "_")
    (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(StartError, match=message) as caught:
        load_app({"app": name, "set_debug_flag": True})
    assert caught.value.status == status


def test_compat_mode_is_on_in_workers(tmp_path: Path) -> None:
    (tmp_path / "hello.py").write_text(
        "import flask, hipflask\napp = flask.Flask(__name__)\n"
        "app.add_url_rule('/', 'index', lambda: str(flask.Flask is hipflask.Flask))\n"
    )
    with supervised(tmp_path, before=("--compat",)) as server:
        assert server.get() == "True"


def test_arguments_are_those_of_the_command(tmp_path: Path) -> None:
    (tmp_path / "hello.py").write_text(
        "import sys\nfrom hipflask import Flask\napp = Flask(__name__)\nargv = list(sys.argv)\n"
        "app.add_url_rule('/', 'index', lambda: argv[1:])\n"
    )
    with supervised(tmp_path, is_measured=False) as server:
        assert server.get() == '["--app","hello","run","-p","0"]\n'


def test_thread_of_the_application_does_not_keep_a_worker(tmp_path: Path) -> None:
    with supervised(tmp_path, "--graceful-timeout", "0.2") as server:
        server.get()
        server.write("two", "import threading; threading.Thread(target=time.sleep, args=(60,)).start()")
        server.signal(1)
        server.wait_for("Reloaded")
        server.signal(15)
        assert server.wait() == 0
        server.wait_for("did not end within the graceful time; it is cut")


def test_functions_of_the_end_run(tmp_path: Path) -> None:
    (tmp_path / "hello.py").write_text(
        "from hipflask import Flask\napp = Flask(__name__)\n"
        "app.on_shutdown(lambda: open('ended', 'w').close())\n"
        "app.config.update(TRUSTED_HOSTS=['.example.test'])\n"
        "app.add_url_rule('/', 'index', lambda: 'x')\n"
    )
    with supervised(tmp_path, "--health-check", "/") as server:
        server.wait_for("Running on")
        server.signal(15)
        assert server.wait() == 0
    assert (tmp_path / "ended").exists()


def test_health_check_that_the_end_overtakes_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "hello.py").write_text(
        "import os, signal, threading, time\nfrom hipflask import Flask\napp = Flask(__name__)\n"
        "app.on_shutdown(lambda: (time.sleep(0.5), open('ended', 'w').close()))\n"
        "@app.route('/check')\ndef check():\n"
        "    os.kill(os.getppid(), signal.SIGTERM)\n"
        "    control = next(each for each in threading.enumerate() if each.name == 'hipflask-control')\n"
        "    while not control.is_stopping:\n"
        "        time.sleep(0.01)\n"
        "    return 'too late', 500\n"
    )
    with supervised(tmp_path, "--health-check", "/check") as server:
        assert server.wait() == 0
    assert (tmp_path / "ended").exists()


def test_worker_is_started_by_a_program_of_one_line(tmp_path: Path) -> None:
    """A worker whose supervisor is gone ends at once, before it has imported anything."""
    (tmp_path / "hello.py").write_text("import time; time.sleep(60)")
    ours, theirs = socket.socketpair()
    settings: dict[str, Any] = {
        **{"app": "hello", "set_debug_flag": True, "sockets": [], "given": {}, "with_threads": True, "cert": None},
        **{"is_multiprocess": False, "hang_timeout": 30, "health_check": None, "user": None, "is_preloader": False},
        "channel": theirs.fileno(),
    }
    script = "import sys; from hipflask.server.worker import main; main(sys.argv[1])"
    process = subprocess.Popen(
        [sys.executable, "-c", script, json.dumps(settings)], pass_fds=[theirs.fileno()], cwd=tmp_path, env=os.environ
    )
    theirs.close()
    assert ours.recv(1) == b"\n"
    ours.close()
    assert process.wait(timeout=20) == 1
