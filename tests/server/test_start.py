"""``app.run()``, in processes of its own and with ``run_simple`` replaced as applications' tests do it."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import textwrap
import urllib.request
from pathlib import Path
from typing import Any

import pytest

import hipflask
from hipflask.server import runner


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
    """What ``run_simple`` is called with; it is looked up late so that it can be replaced like this."""
    calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
    monkeypatch.setattr(runner, "run_simple", lambda *args, **kwargs: calls.append((args, kwargs)))
    return calls


@pytest.mark.parametrize(
    ("server_name", "arguments", "address"),
    [
        (None, {}, ("127.0.0.1", 5000)),
        (None, {"host": "0.0.0.0", "port": 8080}, ("0.0.0.0", 8080)),
        (None, {"port": 0}, ("127.0.0.1", 0)),
        ("example.test:8000", {}, ("example.test", 8000)),
        ("example.test", {}, ("example.test", 5000)),
        ("example.test:8000", {"host": "localhost", "port": 80}, ("localhost", 80)),
    ],
)
def test_run_listens_on_the_address(
    called: list[Any], server_name: str | None, arguments: dict[str, Any], address: tuple[str, int]
) -> None:
    app = hipflask.Flask("run_test")
    app.config["SERVER_NAME"] = server_name
    app.run(**arguments)
    ((args, options),) = called
    assert args == (*address, app)
    assert options == {"use_reloader": False, "use_debugger": False, "threaded": True}


def test_run_in_debug_mode_asks_for_reloader_and_debugger(called: list[Any]) -> None:
    app = hipflask.Flask("run_test")
    app.run(debug=True, use_debugger=False, threaded=False, load_dotenv=False)
    assert app.debug
    assert called[0][1] == {"use_reloader": True, "use_debugger": False, "threaded": False}


def test_run_allows_setting_up_again_afterwards(called: list[Any]) -> None:
    app = hipflask.Flask("run_test")
    app.test_client().get("/")
    app.run()
    app.add_url_rule("/late", view_func=lambda: "late", endpoint="late")
    assert app.test_client().get("/late").text == "late"


def test_run_reads_debug_from_dotenv(called: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("dotenv")
    (tmp_path / ".env").write_text("FLASK_DEBUG=1\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FLASK_DEBUG", "")  # so that what the file sets is put back
    app = hipflask.Flask("run_test")
    monkeypatch.delenv("FLASK_DEBUG")
    app.run()
    assert app.debug


@pytest.mark.parametrize("is_child", [False, True])
def test_run_is_ignored_while_the_command_imports(
    called: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], is_child: bool
) -> None:
    monkeypatch.setenv("FLASK_RUN_FROM_CLI", "true")
    if is_child:
        monkeypatch.setenv("WERKZEUG_RUN_MAIN", "true")
    hipflask.Flask("run_test").run()
    assert called == []
    assert ("app.run() was called" in capsys.readouterr().out) is not is_child


def test_run_serves_until_interrupted(tmp_path: Path) -> None:
    script = tmp_path / "served.py"
    script.write_text(
        textwrap.dedent(
            """
            import hipflask

            app = hipflask.Flask(__name__)
            app.add_url_rule("/", "index", lambda: "served")
            app.run(port=0, use_reloader=True)
            """
        )
    )
    with subprocess.Popen(
        [sys.executable, script], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        try:
            said = ""
            while (found := re.search(r"Running on (http://127\.0\.0\.1:\d+)", said)) is None:
                line = process.stderr.readline()
                assert line, said
                said += line
            assert "reloader comes with a later version" in said
            with urllib.request.urlopen(found[1], timeout=10) as answer:
                assert answer.read() == b"served"
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=10) == 0
            assert "Traceback" not in process.stderr.read()
        finally:
            process.kill()
