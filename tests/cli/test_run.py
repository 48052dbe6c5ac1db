"""The options of ``hipflask run``: their groups, their contradictions, and what one process does with them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner

from hipflask import Flask
from hipflask.cli import FlaskGroup, cli
from hipflask.server import launch
from hipflask.server.launch import Address, Plan
from hipflask.server.settings import SETTINGS, Group, Setting

HELLO = "from hipflask import Flask\napp = Flask('hello')\napp.add_url_rule('/', 'index', lambda: 'hello')\n"


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch, write: Callable[..., None]) -> list[tuple[Any, ...]]:
    """What `run_simple` was called with."""
    write(hello=HELLO)
    calls: list[tuple[Any, ...]] = []
    monkeypatch.setattr("hipflask.server.runner.run_simple", lambda *args, **options: calls.append((*args, options)))
    return calls


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch, write: Callable[..., None]) -> list[Plan]:
    """The plans that a supervisor was asked to carry out."""
    write(hello=HELLO)
    plans: list[Plan] = []

    def take(plan: Plan) -> None:
        plans.append(plan)
        raise SystemExit(0)

    monkeypatch.setattr(launch, "launch", take)
    monkeypatch.setattr(launch, "can_supervise", lambda: True)
    return plans


def test_help_is_in_groups(runner: CliRunner) -> None:
    text = runner.invoke(cli, ["run", "--help"]).output
    places = [text.index(f"\n{group.value}:\n") for group in Group]
    assert places == sorted(places)
    assert places[0] < text.index("--host") < places[1] < text.index("--workers") < places[2]
    words = " ".join(text.split())
    assert "SERVER_HEAD_TIMEOUT for --head-timeout. --hang-timeout and --start-timeout are not:" in words
    assert "[default: 100M]" in " ".join(text.split())


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda each: each.name)
def test_every_setting_is_an_option(setting: Setting, planned: list[Plan], runner: CliRunner) -> None:
    is_flag = setting.default is False
    text = {"bind": "127.0.0.1:1"}.get(setting.name) or (setting.choices or (str(setting.default),))[-1]
    option = [setting.option] if is_flag else [setting.option, text]
    for args, environment in ((option, {}), ([], {setting.variables[0]: "1" if is_flag else text})):
        result = runner.invoke(cli, ["--app", "hello", "run", *args], env=environment)
        assert result.exit_code == 0, result.output
        plan = planned.pop()
        if setting.name == "bind":
            assert plan.addresses == [Address("127.0.0.1", 1)]
        else:
            assert plan.given == {setting.name: True if is_flag else setting.parse(text)}


def test_plan_has_what_was_asked_for(planned: list[Plan], runner: CliRunner, write: Callable[..., None]) -> None:
    write({"cert.pem": "", "key.pem": "", "wsgi.py": HELLO})
    args = [
        "-h",
        "::1",
        "-p",
        "8000",
        "--without-threads",
        "--cert",
        "cert.pem",
        "--key",
        "key.pem",
        "--max-body",
        "2M",
    ]
    result = runner.invoke(cli, ["run", *args])
    assert result.output == " * Serving application 'wsgi.py'\n * Debug mode: off\n"
    (plan,) = planned
    assert (plan.app, plan.addresses, plan.with_threads) == (None, [Address("::1", 8000)], False)
    assert [os.path.basename(each) for each in plan.cert] == ["cert.pem", "key.pem"]
    assert plan.given == {"max_body": 2 * 2**20}


def test_certificate_that_is_imported_is_handed_on_by_name(
    planned: list[Plan], runner: CliRunner, write: Callable[..., None]
) -> None:
    write(tls="import ssl\ncontext = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)\n")
    sys.path.insert(0, os.getcwd())
    assert runner.invoke(cli, ["--app", "hello", "run", "--cert", "tls:context"]).exit_code == 0
    assert planned[0].cert == "tls:context"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--bind", "127.0.0.1:1", "-p", "2"], "--bind and --port contradict each other"),
        (["--bind", "127.0.0.1:1", "-h", "::"], "--bind and --host contradict each other"),
        (["--bind", "nonsense"], "'nonsense' is no address"),
        (["--threads", "2", "--without-threads"], "--threads and --without-threads contradict each other"),
        (["--workers", "many"], "'many' is not 'auto' or a whole number from 1 to 1024"),
        (["--head-timeout", "0"], "'0' is not a number of seconds from 0.01 to 86400"),
        (["--access-log", "xml"], "'xml' is not one of apache, json, off"),
        (["--no-such-option"], "No such option"),
    ],
)
def test_wrong_options_are_usage_errors(args: list[str], message: str, planned: list[Plan], runner: CliRunner) -> None:
    result = runner.invoke(cli, ["--app", "hello", "run", *args])
    assert result.exit_code == 2
    assert message in result.stderr
    assert planned == []


def test_inherited_sockets_are_used(planned: list[Plan], runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid()), "FLASK_RUN_PORT": "80"}
    assert runner.invoke(cli, ["--app", "hello", "run"], env=environment).exit_code == 0
    assert planned.pop().addresses == [Address("", 0, 3)]
    result = runner.invoke(cli, ["--app", "hello", "run", "-p", "80"], env=environment)
    assert result.exit_code == 2
    assert "Sockets were passed to this process" in result.stderr


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--debug"], "debug mode serves in one process"),
        (["--reload"], "--reload serves in one process"),
        (["--debugger"], "--debugger serves in one process"),
    ],
)
def test_one_process_refuses_what_takes_a_supervisor(
    args: list[str], message: str, served: list[Any], planned: list[Plan], runner: CliRunner
) -> None:
    result = runner.invoke(cli, ["--app", "hello", "run", *args, "--workers", "2"])
    assert result.exit_code == 2
    assert f"--workers takes the supervisor, but {message}. Leave one of the two out." in result.stderr
    assert served == planned == []
    result = runner.invoke(cli, ["--app", "hello", "run", *args], env={"FLASK_RUN_WORKERS": "2"})
    assert f" * The setting of --workers in the environment is not heeded: {message}.\n" in result.stderr
    assert len(served) == 1
    assert planned == []


def test_script_with_a_factory_of_its_own_is_one_process(
    served: list[Any], planned: list[Plan], runner: CliRunner
) -> None:
    group = FlaskGroup(create_app=lambda: Flask("made"))
    assert runner.invoke(group, ["run"]).exit_code == 0
    assert served[0][2].name == "made"
    assert "a script with a function" in runner.invoke(group, ["run", "--workers", "2"]).stderr


def test_test_that_calls_the_command_stays_the_process(served: list[Any], runner: CliRunner) -> None:
    assert runner.invoke(cli, ["--app", "hello", "run"]).exit_code == 0
    assert len(served) == 1
    result = runner.invoke(cli, ["--app", "hello", "run", "--preload"])
    assert "there is no supervisor here" in result.stderr


def test_one_process_heeds_limits_and_proxies(served: list[Any], runner: CliRunner) -> None:
    args = ["--debug", "--head-timeout", "2.5", "--trusted-proxies", "1"]
    assert runner.invoke(cli, ["--app", "hello", "run", *args]).exit_code == 0
    assert os.environ["HIPFLASK_RUN_HEAD_TIMEOUT"] == "2.5"
    assert os.environ["HIPFLASK_RUN_TRUSTED_PROXIES"] == "1"  # `run_simple` reads it


def test_one_process_may_choose_its_server(served: list[Any], runner: CliRunner) -> None:
    assert runner.invoke(cli, ["--app", "hello", "run", "--debug", "--server", "pure"]).exit_code == 0
    assert os.environ["HIPFLASK_RUN_SERVER"] == "pure"


def test_one_process_heeds_the_format_of_the_log(served: list[Any], runner: CliRunner) -> None:
    assert runner.invoke(cli, ["--app", "hello", "run", "--debug", "--access-log", "off"]).exit_code == 0
    assert os.environ["HIPFLASK_RUN_ACCESS_LOG"] == "off"


def test_one_process_says_that_inherited_sockets_are_not_heeded(served: list[Any], runner: CliRunner) -> None:
    environment = {"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())}
    result = runner.invoke(cli, ["--app", "hello", "run", "--debug"], env=environment)
    line = " * The sockets passed to this process (LISTEN_FDS) are not heeded: debug mode serves in one process.\n"
    assert line in result.stderr
    assert len(served) == 1


@pytest.mark.parametrize(
    ("args", "address"),
    [
        pytest.param(["-p", "5721"], Address("127.0.0.1", 5721), id="port"),
        pytest.param(["-h", "::1"], Address("::1", 5000), id="host"),
        pytest.param(["--bind", "127.0.0.1:2"], Address("127.0.0.1", 2), id="bind"),
        pytest.param([], Address("127.0.0.1", 5730), id="nothing"),
    ],
)
def test_typed_address_comes_before_a_variable(
    args: list[str], address: Address, planned: list[Plan], runner: CliRunner
) -> None:
    environment = {"HIPFLASK_RUN_BIND": "127.0.0.1:5730"}
    assert runner.invoke(cli, ["--app", "hello", "run", *args], env=environment).exit_code == 0
    assert planned.pop().addresses == [address]


def test_help_says_which_settings_are_keys() -> None:
    groups = {Group.QUEUE, Group.TIMEOUTS, Group.LIMITS}
    named = {"trusted_proxies", "threads", "max_threads", "access_log"}
    said = named | {each.name for each in SETTINGS if each.group in groups} - {"hang_timeout", "start_timeout"}
    assert {each.name for each in SETTINGS if each.has_key} == said


def test_one_process_heeds_the_backlog(served: list[Any], runner: CliRunner) -> None:
    assert runner.invoke(cli, ["--app", "hello", "run", "--debug", "--backlog", "7"]).exit_code == 0
    assert os.environ["HIPFLASK_RUN_BACKLOG"] == "7"


def test_wrong_key_is_one_line(served: list[Any], runner: CliRunner, write: Callable[..., None]) -> None:
    write(wrong=HELLO + "app.config['SERVER_THREADS'] = 0\n")
    result = runner.invoke(cli, ["--app", "wrong", "run", "--debug"])
    assert (result.exit_code, served) == (1, [])
    assert result.stderr == "Error: A setting is wrong. SERVER_THREADS: 0 is not a whole number from 1 to 10000.\n"
