"""Where a setting comes from decides before how it is spelled."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner

from hipflask.cli import cli, load_dotenv

pytest.importorskip("dotenv")

#: From the first that counts to the last.
SOURCES = ["option", "environment", "--env-file", ".env", ".flaskenv"]
APP = """
import os
from hipflask import Flask
app = Flask({name!r})

@app.cli.command()
def tell():
    print(app.name, app.debug)
"""


@pytest.fixture
def told(
    monkeypatch: pytest.MonkeyPatch, runner: CliRunner, write: Callable[..., None]
) -> Callable[..., tuple[str, bool, str, int]]:
    """Return application, debug mode, host and port for settings of sources, by running the command."""
    served: list[tuple[str, bool, str, int]] = []
    monkeypatch.setattr(
        "hipflask.server.runner.run_simple",
        lambda host, port, app, **options: served.append((app.name, app.debug, host, port)),
    )
    write(**{name: APP.format(name=name) for name in ("first", "second", "wsgi")})

    def tell(**sources: dict[str, str]) -> tuple[str, bool, str, int]:
        environment = sources.pop("environment", {})
        before, after = [], []
        for name, value in sources.pop("option", {}).items():
            if name == "FLASK_APP":
                before += ["--app", value]
            elif name == "FLASK_DEBUG":
                before.append("--debug" if value == "1" else "--no-debug")
            else:
                after += [f"--{name.removeprefix('FLASK_RUN_').lower()}", value]
        if "--env-file" in sources:
            before += ["--env-file", "--env-file"]
        write({source: "".join(f"{key}={value}\n" for key, value in each.items()) for source, each in sources.items()})
        result = runner.invoke(cli, [*before, "run", *after], env=environment)
        assert result.exit_code == 0, result.output
        return served.pop()

    return tell


@pytest.mark.parametrize(
    ("setting", "values", "expected"),
    [
        pytest.param("APP", ("first", "second"), ("first", False, "127.0.0.1", 5000), id="app"),
        pytest.param("DEBUG", ("1", "0"), ("wsgi", True, "127.0.0.1", 5000), id="debug-on"),
        pytest.param("DEBUG", ("0", "1"), ("wsgi", False, "127.0.0.1", 5000), id="debug-off"),
        pytest.param("RUN_PORT", ("1", "2"), ("wsgi", False, "127.0.0.1", 1), id="port"),
        pytest.param("RUN_HOST", ("::1", "::2"), ("wsgi", False, "::1", 5000), id="host"),
    ],
)
@pytest.mark.parametrize(("earlier", "later"), list(itertools.combinations(SOURCES, 2)))
def test_source_comes_before_spelling(
    earlier: str, later: str, setting: str, values: tuple[str, str], expected: tuple[Any, ...], told: Callable[..., Any]
) -> None:
    both = {earlier: {f"FLASK_{setting}": values[0]}, later: {f"HIPFLASK_{setting}": values[1]}}
    assert told(**both) == expected


@pytest.mark.parametrize("source", SOURCES[1:])
def test_our_spelling_comes_first_within_a_source(source: str, told: Callable[..., Any]) -> None:
    settings = {"FLASK_APP": "second", "HIPFLASK_APP": "first", "HIPFLASK_RUN_PORT": "1", "FLASK_RUN_PORT": "2"}
    assert told(**{source: settings}) == ("first", False, "127.0.0.1", 1)


@pytest.mark.parametrize(("earlier", "later"), list(itertools.combinations(SOURCES[1:], 2)))
def test_our_spelling_in_an_earlier_source_comes_first(earlier: str, later: str, told: Callable[..., Any]) -> None:
    both = {earlier: {"HIPFLASK_APP": "first"}, later: {"FLASK_APP": "second"}}
    assert told(**both) == ("first", False, "127.0.0.1", 5000)


def test_other_spelling_of_a_later_file_is_set_for_other_readers(write: Callable[..., None]) -> None:
    write({".env": "HIPFLASK_X=1\nFLASK_Y\nFLASK_Z=3\n", ".flaskenv": "FLASK_X=2\nHIPFLASK_Y=2\nHIPFLASK_Z=4\n"})
    for _ in range(2):  # app.run() reads them once more
        assert load_dotenv()
        found = {key: os.environ.get(key) for key in ("HIPFLASK_X", "FLASK_X", "HIPFLASK_Y", "HIPFLASK_Z")}
        assert found == {"HIPFLASK_X": "1", "FLASK_X": "2", "HIPFLASK_Y": None, "HIPFLASK_Z": None}


def test_values_refer_to_the_environment_and_their_own_file(write: Callable[..., None]) -> None:
    write({".env": "A=env\n", ".flaskenv": "A=flaskenv\nB=${A}\n"})
    assert load_dotenv()
    assert (os.environ["A"], os.environ["B"]) == ("env", "flaskenv")
