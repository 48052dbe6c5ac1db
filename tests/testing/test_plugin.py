"""The pytest plugin, in pytest runs of its own."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

APP = """
    import hipflask

    log = []

    def create_app():
        app = hipflask.Flask("sample")
        app.on_startup(lambda: log.append("start"))
        app.on_shutdown(lambda: log.append("stop"))
        app.add_url_rule("/", view_func=lambda: "ours")
        return app
"""


@pytest.fixture
def run(pytester, monkeypatch):
    """Return a function that runs pytest in the test's folder with our plugin and no other that is installed."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    def run(*args, plugin="_hipflask_pytest"):
        return pytester.runpytest_subprocess("-p", plugin, "-p", "no:cacheprovider", "-W", "error", *args)

    return run


def test_documentation_holds(pytester, run, project_root):
    page = (project_root / "docs" / "testing.md").read_text(encoding="utf-8")
    files = dict(re.findall(r"^```python\n# (\w+\.py)\n(.*?)^```$", page, re.DOTALL | re.MULTILINE))
    assert {"app.py", "conftest.py"} < set(files)
    for name, source in files.items():
        Path(pytester.path, name).write_text(source, encoding="utf-8")
    result = run()
    result.assert_outcomes(passed=sum(source.count("def test_") for source in files.values()))
    assert "hipflask:" not in result.stdout.str()  # nothing was left to anybody


def test_start_of_pytest_imports_nothing_of_the_package(pytester, run):
    pytester.makeconftest("import sys\nassert 'hipflask' not in sys.modules")
    pytester.makepyfile(
        """
        import sys

        def test_other():
            assert not [name for name in sys.modules if name.partition(".")[0] == "hipflask"]
        """
    )
    run().assert_outcomes(passed=1)


def test_plugin_imports_nothing_but_itself(project_root, without_coverage):
    script = "import sys, pytest; before = set(sys.modules); import _hipflask_pytest; print(*set(sys.modules) - before)"
    environ = {**without_coverage, "PYTHONPATH": str(project_root / "src")}
    done = subprocess.run([sys.executable, "-c", script], env=environ, check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["_hipflask_pytest"]


def test_app_of_setting_is_made_anew_and_ended(pytester, run):
    pytester.makepyfile(made=APP)
    pytester.makeini("[pytest]\nhipflask_app = made:create_app")
    pytester.makepyfile(
        """
        import made
        import pytest

        apps = []

        def test_first(app, client):
            assert app.testing
            assert client.get("/").text == "ours"
            assert made.log == ["start"]
            apps.append(app)

        def test_second(app, live_server):
            assert app is not apps[0]
            assert not apps[0].testing
            assert made.log == ["start", "stop", "start"]
            assert str(live_server.port) in live_server.url

        def test_third(app):
            assert made.log == ["start", "stop"] * 2
        """
    )
    run().assert_outcomes(passed=3)


def test_setting_is_relative_to_the_folder_of_the_configuration(pytester, run, monkeypatch):
    pytester.makepyfile(made=APP, test_page="def test_page(client): assert client.get('/').text == 'ours'")
    pytester.makeini("[pytest]\nhipflask_app = made:create_app")
    monkeypatch.chdir(pytester.mkdir("deeper"))
    run("..").assert_outcomes(passed=1)


def test_missing_app_is_explained(pytester, run):
    pytester.makepyfile("def test_page(client): pass")
    result = run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["The fixture `app` found no application: neither hipflask_app *", '    hipflask_app = "module:create_app"']
    )
    assert "Traceback" not in result.stdout.str()
    pytester.makeini("[pytest]\nhipflask_app = made:create_ap")
    pytester.makepyfile(made=APP)
    result = run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*hipflask_app = made:create_ap: *Did you mean*made:create_app*"])


def test_fixtures_of_a_conftest_win(pytester, run):
    pytester.makepyfile(
        app=APP + "    app = create_app()", test_conftest="def test_client(client, app): assert client == 'mine'"
    )
    pytester.makeconftest("import pytest\n@pytest.fixture\ndef client(): return 'mine'")
    result = run()
    result.assert_outcomes(passed=1)
    assert "hipflask:" not in result.stdout.str()


@pytest.mark.parametrize(
    ("wanted", "there", "missing"),
    [
        pytest.param("app client", ["app", "client"], ["runner", "live_server"], id="some"),
        pytest.param("runner app runner", ["app", "runner"], ["client", "live_server"], id="repeated"),
        pytest.param("", [], ["app", "client", "runner", "live_server"], id="none"),
    ],
)
def test_fixtures_can_be_switched_off(run, wanted, there, missing):
    result = run("--fixtures", "-o", f"hipflask_fixtures={wanted}")
    listed = {line.partition(" -- ")[0] for line in result.stdout.lines if " -- " in line}
    assert listed.issuperset(there)
    assert not listed.intersection(missing)


def test_unknown_fixture_in_the_setting_is_an_error(run):
    result = run("-o", "hipflask_fixtures=app clients")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*hipflask_fixtures names clients; * app, client, runner, live_server. *rootdir*"])


def test_unknown_fixture_in_a_file_names_the_file(pytester, run):
    path = pytester.makeini("[pytest]\nhipflask_fixtures = app clients")
    result = run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*names clients; *Correct it in {path}, *"])


def test_fixtures_of_other_plugins_are_left_to_them(pytester, run):
    pytester.makepyfile(
        app=APP,
        other="""
            import pytest

            runner = object()  # no fixture

            @pytest.fixture(name="live_server")
            def make_server():
                return "theirs"

            class Plugin:
                @pytest.fixture
                def client(self):
                    return "theirs"

            def pytest_configure(config):
                config.pluginmanager.register(Plugin(), "plugin-object")
        """,
        test_others="""
            def test_others(app, client, runner, live_server):
                assert client == live_server == "theirs"
                assert runner.app is app
        """,
    )
    result = run("-p", "other")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines_random(
        ["hipflask: live_server left to other", "hipflask: client left to plugin-object"]
    )


# As pytest-flask has it: a server that lasts as long as its setting says.
SESSION_SERVER = """
    import pytest

    def pytest_addoption(parser):
        parser.addini("live_server_scope", "scope", default="session")

    @pytest.fixture(scope=lambda fixture_name, config: config.getini("live_server_scope"))
    def live_server(app):
        return "theirs"
"""
ASKS_FOR_THEIRS = "def test_live(live_server): assert live_server == 'theirs'"
ASKS_FOR_OURS = """
    from urllib.request import urlopen

    def test_live(live_server):
        with urlopen(live_server.url + "/") as response:
            assert response.read() == b"ours"
"""


def test_live_server_that_outlives_our_app_is_replaced(pytester, run):
    pytester.makepyfile(app=APP, other=SESSION_SERVER, test_live=ASKS_FOR_OURS)
    result = run("-p", "other")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        [
            "hipflask: live_server left to other",
            'hipflask: live_server is hipflask\'s in tests *live_server_scope = "function" *other',
        ]
    )


def test_live_server_of_another_plugin_stays_with_an_app_that_lasts(pytester, run):
    pytester.makepyfile(app=APP, other=SESSION_SERVER)
    pytester.mkdir("deeper")
    Path("deeper/conftest.py").write_text("import pytest\n@pytest.fixture(scope='session')\ndef app(): return 'app'")
    Path("deeper/test_live.py").write_text(ASKS_FOR_THEIRS)
    run("-p", "other").assert_outcomes(passed=1)


def test_live_server_of_another_plugin_stays_with_its_setting(pytester, run):
    pytester.makepyfile(app=APP, other=SESSION_SERVER, test_live=ASKS_FOR_THEIRS)
    pytester.makeini("[pytest]\nlive_server_scope = function")
    result = run("-p", "other")
    result.assert_outcomes(passed=1)
    assert "live_server is hipflask's" not in result.stdout.str()


def test_fixtures_marked_as_before_pytest_8_4_are_found():
    import _hipflask_pytest as plugin  # the module, whose functions pytest does not call here

    def client():
        pass

    assert plugin._fixture_name("client", client) is None
    client._pytestfixturefunction = type("Marker", (), {"name": None})
    assert plugin._fixture_name("client", client) == "client"


def _has_entry_point() -> bool:
    found = importlib.metadata.entry_points(group="pytest11", name="hipflask")
    return [each.value for each in found] == ["_hipflask_pytest"]


@pytest.mark.skipif(not _has_entry_point(), reason="the package was installed before it had the entry point")
def test_plugin_is_found_by_its_entry_point(pytester, run):
    pytester.makepyfile(app=APP, test_page="def test_page(client): assert client.get('/').text == 'ours'")
    run(plugin="hipflask").assert_outcomes(passed=1)
    run(plugin="no:hipflask").assert_outcomes(errors=1)
