from __future__ import annotations

import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from importlib.metadata import EntryPoint, EntryPoints
from typing import Any

import click
import pytest
from click.testing import CliRunner

import hipflask.cli
from hipflask import Blueprint, Flask, current_app
from hipflask.cli import (
    AppGroup,
    FlaskGroup,
    ScriptInfo,
    cli,
    load_dotenv,
    run_command,
    show_server_banner,
    with_appcontext,
)

HELLO = """
from hipflask import Flask, current_app
app = Flask("hello")

@app.get("/")
def index():
    return "hello"

@app.cli.command()
def greet():
    print("hello from", current_app.name, "debug" if current_app.debug else "plain")
"""


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What `run_simple` was called with."""
    calls: list[tuple[Any, ...]] = []
    monkeypatch.setattr("hipflask.server.runner.run_simple", lambda *args, **options: calls.append((*args, options)))
    return calls


def test_names_of_flask_cli_are_there() -> None:
    assert hipflask.cli.__all__ == hipflask.cli.api.__all__
    for name in hipflask.cli.__all__:
        assert getattr(hipflask.cli, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        hipflask.cli.nothing  # noqa: B018


@pytest.mark.parametrize(
    ("args", "environment"),
    [
        pytest.param(["--app", "hello"], {}, id="name"),
        pytest.param(["-A", "hello.py:app"], {}, id="file"),
        pytest.param([], {"FLASK_APP": "hello"}, id="flask-app"),
        pytest.param([], {"HIPFLASK_APP": "hello", "FLASK_APP": "other"}, id="hipflask-app"),
        pytest.param([], {"HIPFLASK_APP": "", "FLASK_APP": "hello"}, id="empty"),
    ],
)
def test_app_is_named_by_option_or_environment(
    args: list[str], environment: dict[str, str], runner: CliRunner, write: Callable[..., None]
) -> None:
    write(hello=HELLO)
    result = runner.invoke(cli, [*args, "greet"], env=environment)
    assert (result.output, result.exit_code) == ("hello from hello plain\n", 0)


@pytest.mark.parametrize("file", ["app", "wsgi"])
def test_default_files_are_found(file: str, runner: CliRunner, write: Callable[..., None]) -> None:
    write({f"{file}.py": HELLO})
    assert runner.invoke(cli, ["greet"]).output == "hello from hello plain\n"


def test_missing_app_is_told(runner: CliRunner) -> None:
    result = runner.invoke(cli, ["routes"])
    assert result.exit_code == 2
    assert re.search(r"HIPFLASK_APP \(or FLASK_APP\) .*no wsgi.py and no app.py in .*type --app hello", result.stderr)
    result = runner.invoke(cli, ["unknown"])
    assert result.exit_code == 2
    assert "FLASK_APP" in result.stderr
    assert "No such command 'unknown'" in result.stderr


@pytest.mark.parametrize(("args", "status"), [(["--help"], 0), ([], 2)])
def test_help_lists_the_commands_of_the_app(
    args: list[str], status: int, runner: CliRunner, write: Callable[..., None]
) -> None:
    write(hello=HELLO)
    result = runner.invoke(cli, args, env={"FLASK_APP": "hello"})
    assert result.exit_code == status
    for name in ("greet", "routes", "run", "secret", "shell"):
        assert f"\n  {name} " in result.output or f"\n  {name}\n" in result.output


def test_help_survives_a_broken_app(runner: CliRunner, write: Callable[..., None]) -> None:
    write(broken="raise RuntimeError('oh no')")
    result = runner.invoke(cli, ["--app", "broken", "--help"])
    assert result.exit_code == 0
    assert "RuntimeError: oh no" in result.stderr
    assert "Usage:" in result.stdout
    assert "Could not import" in runner.invoke(cli, ["--app", "none", "--help"]).stderr


@pytest.mark.parametrize(
    ("args", "environment", "mode"),
    [
        (["--debug"], {}, "debug"),
        (["--no-debug"], {"FLASK_DEBUG": "1"}, "plain"),
        (["--no-debug"], {"HIPFLASK_DEBUG": "1"}, "plain"),
        ([], {"FLASK_DEBUG": "1"}, "debug"),
        ([], {"HIPFLASK_DEBUG": "1"}, "debug"),
    ],
)
def test_debug_mode_is_set(
    args: list[str], environment: dict[str, str], mode: str, runner: CliRunner, write: Callable[..., None]
) -> None:
    write(hello=HELLO)
    result = runner.invoke(cli, ["--app", "hello", *args, "greet"], env=environment)
    assert result.output == f"hello from hello {mode}\n"


def test_version_is_shown(runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.metadata.version", lambda name: "1.2.3")
    assert runner.invoke(cli, ["--version"]).output.endswith("\nhipflask 1.2.3\n")
    monkeypatch.undo()
    assert runner.invoke(cli, ["--version"]).output.startswith(f"Python {sys.version.split()[0]}\nhipflask ")


def test_run_serves_the_app(served: list[Any], runner: CliRunner, write: Callable[..., None]) -> None:
    write(hello=HELLO)
    result = runner.invoke(cli, ["--app", "hello", "run"])
    assert result.output == " * Serving application 'hello'\n * Debug mode: off\n"
    ((host, port, app, options),) = served
    assert (host, port, app.name) == ("127.0.0.1", 5000, "hello")
    assert options == {
        "use_reloader": False,
        "use_debugger": False,
        "threaded": True,
        "ssl_context": None,
        "extra_files": None,
        "exclude_patterns": None,
    }


def test_run_takes_its_options_from_arguments_and_environment(
    served: list[Any], runner: CliRunner, write: Callable[..., None]
) -> None:
    write(hello=HELLO)
    environment = {"FLASK_RUN_PORT": "1", "HIPFLASK_RUN_PORT": "2", "FLASK_RUN_HOST": "::1", "FLASK_RUN_RELOAD": "0"}
    args = ["--debug", "--without-threads", "--extra-files", f"a{os.pathsep}b", "--exclude-patterns", "*.txt"]
    runner.invoke(cli, ["--app", "hello", "run", *args], env=environment)
    ((host, port, app, options),) = served
    assert (host, port, app.debug) == ("::1", 2, True)
    assert (options["use_reloader"], options["use_debugger"], options["threaded"]) == (False, True, False)
    assert (options["extra_files"], options["exclude_patterns"]) == (["a", "b"], ["*.txt"])


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import os\nraise ValueError('broken')", "broken.py, line 2: ValueError: broken. "),
        ("x = 1\ndef (", "broken.py, line 2: SyntaxError: "),
        ("import no_such_module", "broken.py, line 1: ModuleNotFoundError: No module named 'no_such_module'. "),
        ("import json\njson.loads('{')", "broken.py, line 2: json.decoder.JSONDecodeError: "),
    ],
)
def test_run_tells_a_broken_app_in_one_line(
    code: str, message: str, served: list[Any], runner: CliRunner, write: Callable[..., None]
) -> None:
    write(broken=code)
    result = runner.invoke(cli, ["--app", "broken", "run"])
    assert result.exit_code == 1
    assert message in result.stderr
    assert result.stderr.startswith("Error: Importing broken failed in ")
    assert result.stderr.count("\n") == 1
    assert served == []


def test_run_shows_the_whole_traceback_in_debug_mode(
    served: list[Any], runner: CliRunner, write: Callable[..., None]
) -> None:
    write(broken="raise ValueError('broken')")
    result = runner.invoke(cli, ["--app", "broken", "run", "--debug"])
    assert isinstance(result.exception, ValueError)


def test_run_tells_a_failing_factory(served: list[Any], runner: CliRunner) -> None:
    def fail() -> Flask:
        raise RuntimeError("no database")

    result = runner.invoke(FlaskGroup(create_app=fail), ["run"])
    assert result.exit_code == 1
    assert "Importing the application failed" in result.stderr
    assert "RuntimeError: no database" in result.stderr


def test_run_tells_a_missing_app(served: list[Any], runner: CliRunner) -> None:
    result = runner.invoke(cli, ["--app", "none", "run"])
    assert result.exit_code == 2
    assert "Could not import 'none'" in result.stderr


def test_banner_is_not_repeated_by_the_reloader(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    show_server_banner(True, None)
    monkeypatch.setenv("WERKZEUG_RUN_MAIN", "true")
    show_server_banner(True, "app")
    assert capsys.readouterr().out == " * Debug mode: on\n"


def test_certificate_and_key_belong_together(write: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    write({"cert.pem": "", "key.pem": ""})
    context = run_command.make_context("run", ["--cert", "cert.pem", "--key", "key.pem"])
    assert [os.path.basename(each) for each in context.params["cert"]] == ["cert.pem", "key.pem"]
    assert run_command.make_context("run", []).params["cert"] is None
    for args, message in (
        (["--cert", "cert.pem"], 'needs "--key"'),
        (["--key", "key.pem"], 'needs "--cert"'),
        (["--cert", "none.pem"], "does not exist"),
        (["--cert", "hipflask"], "does not exist"),
    ):
        with pytest.raises(click.BadParameter, match=message):
            run_command.make_context("run", args)
    monkeypatch.setitem(sys.modules, "ssl", None)
    with pytest.raises(click.BadParameter, match="without SSL"):
        run_command.make_context("run", ["--cert", "cert.pem", "--key", "key.pem"])


def test_certificate_may_be_made_or_imported(write: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    write({"key.pem": ""})
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    monkeypatch.setitem(sys.modules, "my_context", context)  # type: ignore[arg-type]
    assert run_command.make_context("run", ["--cert", "my_context"]).params["cert"] is context
    monkeypatch.setitem(sys.modules, "cryptography", context)  # type: ignore[arg-type]
    assert run_command.make_context("run", ["--cert", "ADHOC"]).params["cert"] == "adhoc"
    for cert in ("adhoc", "my_context"):
        with pytest.raises(click.BadParameter, match='"--key" belongs to'):
            run_command.make_context("run", ["--cert", cert, "--key", "key.pem"])
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(click.BadParameter, match="pip install cryptography"):
        run_command.make_context("run", ["--cert", "adhoc"])


def routes_app(**options: Any) -> Flask:
    app = Flask("routes", static_folder=None, **options)
    app.add_url_rule("/b", endpoint="x.first", methods=["GET", "POST"])
    app.add_url_rule("/a", endpoint="second", methods=["DELETE"])
    app.add_url_rule("/c", endpoint="third")
    return app


@pytest.mark.parametrize(
    ("args", "lines"),
    [
        (
            [],
            [
                "Endpoint  Methods    Rule",
                "--------  ---------  ----",
                "second    DELETE     /a",
                "third     GET        /c",
                "x.first   GET, POST  /b",
            ],
        ),
        (["-s", "rule"], ["/a", "/b", "/c"]),
        (["-s", "methods"], ["/a", "/c", "/b"]),
        (["--sort", "match"], ["/b", "/a", "/c"]),
        (["-s", "domain"], ["/b", "/a", "/c"]),
    ],
)
def test_routes_are_listed(args: list[str], lines: list[str], runner: CliRunner) -> None:
    result = runner.invoke(FlaskGroup(create_app=routes_app), ["routes", *args])
    shown = result.output.splitlines()
    assert (shown if not args else [each.split()[-1] for each in shown[2:]]) == lines


def test_routes_show_what_is_asked_for(runner: CliRunner) -> None:
    assert "OPTIONS, POST" in runner.invoke(FlaskGroup(create_app=routes_app), ["routes", "--all-methods"]).output

    def with_subdomain() -> Flask:
        app = routes_app()
        app.add_url_rule("/", endpoint="api", subdomain="api")
        return app

    def with_hosts() -> Flask:
        app = Flask("hosts", static_folder=None, host_matching=True)
        app.add_url_rule("/", endpoint="api", host="api.example")
        return app

    def empty() -> Flask:
        return Flask("empty", static_folder=None)

    result = runner.invoke(FlaskGroup(create_app=with_subdomain), ["routes", "-s", "domain"])
    assert result.output.splitlines()[0].split() == ["Endpoint", "Methods", "Subdomain", "Rule"]
    assert result.output.splitlines()[-1].split() == ["api", "GET", "api", "/"]
    result = runner.invoke(FlaskGroup(create_app=with_hosts), ["routes"])
    assert result.output.splitlines()[0].split() == ["Endpoint", "Methods", "Host", "Rule"]
    assert runner.invoke(FlaskGroup(create_app=empty), ["routes"]).output == "No routes were registered.\n"


def test_secret_is_new_each_time(runner: CliRunner) -> None:
    keys = {runner.invoke(cli, ["secret"]).output.strip() for _ in range(3)}
    assert len(keys) == 3
    assert all(re.fullmatch("[0-9a-f]{64}", key) for key in keys)


def test_shell_has_the_names_of_the_app(
    runner: CliRunner, write: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def create() -> Flask:
        app = Flask("shelled")
        app.shell_context_processor(lambda: {"extra": "from the processor"})
        return app

    write({"startup.py": "started = 'by start-up'"})
    monkeypatch.setenv("PYTHONSTARTUP", "startup.py")
    monkeypatch.delattr(sys, "__interactivehook__", raising=False)
    result = runner.invoke(FlaskGroup(create_app=create), ["shell"], input="print(app.name, extra, started)\n")
    assert "App: shelled\nInstance: " in result.output
    assert "shelled from the processor by start-up" in result.output


def test_shell_completes_names(runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    readline = pytest.importorskip("readline")
    before, called = readline.get_completer(), []
    monkeypatch.setattr(sys, "__interactivehook__", lambda: called.append(1), raising=False)
    try:
        runner.invoke(FlaskGroup(create_app=lambda: Flask("shelled")), ["shell"], input="")
        assert "app" in readline.get_completer()("ap", 0)
        monkeypatch.setitem(sys.modules, "readline", None)
        runner.invoke(FlaskGroup(create_app=lambda: Flask("shelled")), ["shell"], input="")
    finally:
        readline.set_completer(before)
    assert called == [1, 1]


def test_commands_of_the_app_run_in_its_context(runner: CliRunner) -> None:
    app = Flask("commands")

    @app.cli.command
    def bare() -> None:
        click.echo(current_app.name)

    @app.cli.command("named", help="Say it.")
    @click.argument("word")
    def named(word: str) -> None:
        click.echo(f"{current_app.name} {word}")

    @app.cli.command(with_appcontext=False)
    def without() -> None:
        click.echo(bool(current_app))

    @app.cli.group()
    def users() -> None:
        """Users."""

    @users.command()
    @click.pass_context
    def add(ctx: click.Context) -> None:
        click.echo(f"{ctx.command_path} {current_app.name}")

    group = FlaskGroup(create_app=lambda: app)
    assert isinstance(users, AppGroup)
    for args, output in (
        (["bare"], "commands"),
        (["named", "x"], "commands x"),
        (["without"], "True"),  # the group has to look into the application to find it
        (["users", "add"], "root users add commands"),
    ):
        assert runner.invoke(group, args).output.strip().endswith(output)
    assert app.test_cli_runner().invoke(args=["without"]).output == "False\n"
    assert app.test_cli_runner().invoke(args=["named", "y"]).output == "commands y\n"


@pytest.mark.parametrize(
    ("option", "args"),
    [({}, ["pages", "list"]), ({"cli_group": "other"}, ["other", "list"]), ({"cli_group": None}, ["list"])],
)
def test_commands_of_a_blueprint_are_grouped(option: dict[str, Any], args: list[str], runner: CliRunner) -> None:
    pages = Blueprint("pages", __name__, **option)

    @pages.cli.command("list")
    def list_pages() -> None:
        click.echo(current_app.name)

    app = Flask("blueprints")
    app.register_blueprint(pages)
    assert runner.invoke(FlaskGroup(create_app=lambda: app), args).output == "blueprints\n"


def test_context_is_pushed_for_a_command_of_any_group(runner: CliRunner) -> None:
    @click.command()
    @with_appcontext
    def show() -> None:
        """Show it."""
        click.echo(current_app.name)

    assert show.help == "Show it."
    app = Flask("any")
    result = runner.invoke(show, obj=ScriptInfo(create_app=lambda: app))
    assert result.output == "any\n"
    with Flask("outer").app_context():
        assert runner.invoke(show, obj=ScriptInfo(create_app=lambda: app)).output == "outer\n"
        assert runner.invoke(FlaskGroup(create_app=lambda: app), ["routes"]).exit_code == 0


def test_script_info_loads_once_and_sets_debug() -> None:
    made = []

    def create() -> Flask:
        made.append(Flask("made"))
        made[-1].debug = True
        return made[-1]

    info = ScriptInfo(create_app=create)
    assert info.load_app() is info.load_app()
    assert (len(made), made[0].debug, info.data) == (1, False, {})
    assert ScriptInfo(create_app=create, set_debug_flag=False).load_app().debug is True


def test_plugins_add_commands(runner: CliRunner, monkeypatch: pytest.MonkeyPatch, write: Callable[..., None]) -> None:
    write(plugin="import click\n@click.command()\ndef extra():\n    click.echo('from the plugin')\n")
    monkeypatch.syspath_prepend(".")
    found = EntryPoints([EntryPoint("extra", "plugin:extra", "hipflask.commands")])
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: found.select(group=group))
    group = FlaskGroup()
    for _ in range(2):
        assert runner.invoke(group, ["extra"]).output == "from the plugin\n"
    assert "extra" in runner.invoke(group, ["--help"]).output


def test_group_may_be_made_without_defaults() -> None:
    extra = click.Option(["--extra"])
    group = FlaskGroup(
        add_default_commands=False, add_version_option=False, params=[extra], context_settings={"color": True}
    )
    assert group.commands == {}
    assert [each.name for each in group.params] == ["extra", "env_file", "app", "debug"]
    assert group.context_settings == {"auto_envvar_prefix": "FLASK", "color": True}
    assert AppGroup("name", [click.Command("one")]).commands.keys() == {"one"}
    assert AppGroup("name", {"two": click.Command("one")}).commands.keys() == {"two"}


def test_obj_that_is_given_is_used(runner: CliRunner) -> None:
    info = ScriptInfo(create_app=lambda: Flask("given"))
    assert runner.invoke(FlaskGroup(), ["routes"], obj=info).exit_code == 0


FILES = {
    ".env": "SPAM=env\nFOO=env\nNONE\n",
    ".flaskenv": "BAR=flaskenv\nFOO=flaskenv\n",
    "third.env": "SPAM=third\nEGGS=third\n",
}


def test_env_files_are_read_in_order(write: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("dotenv")
    write({**FILES, "sub/x": ""})
    monkeypatch.chdir("sub")
    monkeypatch.setenv("BAR", "environment")
    assert load_dotenv("../third.env")
    names = ("SPAM", "EGGS", "FOO", "BAR", "NONE")
    assert [os.environ.get(each) for each in names] == ["third", "third", "env", "environment", None]
    assert not load_dotenv(load_defaults=False)
    assert not load_dotenv("no such file", load_defaults=False)


def test_env_file_option_is_read_before_the_app(runner: CliRunner, write: Callable[..., None]) -> None:
    pytest.importorskip("dotenv")
    write({"some.env": "FLASK_APP=hello\n"}, hello=HELLO)
    assert runner.invoke(cli, ["-e", "some.env", "greet"]).output == "hello from hello plain\n"
    os.environ.pop("FLASK_APP")
    assert runner.invoke(cli, ["greet"], env={"FLASK_ENV_FILE": "some.env"}).output == "hello from hello plain\n"


def test_default_env_files_may_be_left_unread(runner: CliRunner, write: Callable[..., None]) -> None:
    pytest.importorskip("dotenv")
    write({".flaskenv": "FLASK_APP=hello\n"}, hello=HELLO)
    assert runner.invoke(cli, ["greet"], env={"FLASK_SKIP_DOTENV": "1"}).exit_code == 2
    assert runner.invoke(FlaskGroup(load_dotenv=False), ["greet"]).exit_code == 2
    assert runner.invoke(cli, ["greet"]).exit_code == 0


def test_env_files_that_nothing_reads_are_told(
    runner: CliRunner, write: Callable[..., None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "dotenv", None)
    assert not load_dotenv()
    assert capsys.readouterr().err == ""
    write(FILES)
    assert not load_dotenv()
    assert ".env and .flaskenv not read" in capsys.readouterr().err
    result = runner.invoke(cli, ["-e", "third.env", "secret"])
    assert result.exit_code == 2
    assert "pip install python-dotenv" in result.stderr


def test_python_m_hipflask_tells_a_port_in_use(write: Callable[..., None]) -> None:
    write(hello=HELLO)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        command = [sys.executable, "-m", "hipflask", "--app", "hello", "run", "--port", port]
        result = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert result.returncode == 1
    assert result.stderr.startswith(f"Error: Port {port} on 127.0.0.1 is in use by another program.")
    assert result.stderr.count("\n") == 1


def test_python_m_hipflask_serves_until_ctrl_c(write: Callable[..., None]) -> None:
    write(hello=HELLO)
    command = [sys.executable, "-m", "hipflask", "--app", "hello", "run", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    url = process.stderr.readline().split()[-1]
    with urllib.request.urlopen(url, timeout=10) as answer:
        assert answer.read() == b"hello"
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=10)
    assert process.returncode == 0
    assert output == " * Serving application 'hello'\n * Debug mode: off\n"
    assert "Traceback" not in errors
