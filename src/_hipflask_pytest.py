"""The pytest plugin: the fixtures ``app``, ``client``, ``runner`` and ``live_server``.

pytest imports this module at its start, in every project of the environment. So it stands beside the package, not in
it: ``import hipflask`` waits until a fixture is used, and a coverage measurement that starts with the tests sees the
whole of it.
"""

from __future__ import annotations

from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hipflask import Flask
    from hipflask.testing import FlaskClient, FlaskCliRunner
    from hipflask.testing.live_server import LiveServer

__all__: list[str] = []

_HIDDEN_LIVE_SERVER = "_hipflask_live_server"
_SCOPES = ("function", "class", "module", "package", "session")
_HELP = """
To name the application, put into pytest's configuration:

    hipflask_app = "module:create_app"

or define a fixture `app` in conftest.py that returns it."""


class _AppPlugin:
    @pytest.fixture
    def app(self, pytestconfig: pytest.Config) -> Iterator[Flask]:
        """The application of the project, with TESTING set; `hipflask_app` names it."""
        from hipflask.testing.project_app import NoProjectAppError, find_project_app

        try:
            app = find_project_app(
                pytestconfig.getini("hipflask_app"),
                str(pytestconfig.rootpath),
                str(pytestconfig.invocation_params.dir),
            )
        except NoProjectAppError as error:
            pytest.fail(f"The fixture `app` found no application: {error}\n{_HELP}", pytrace=False)
        was_testing, was_started = app.testing, _is_started(app)
        app.testing = True
        try:
            yield app
        finally:
            app.testing = was_testing
            _end(app, was_started)


class _ClientPlugin:
    @pytest.fixture
    def client(self, app: Flask) -> Iterator[FlaskClient]:
        """A new test client of the application: `client.get("/")`."""
        was_started = _is_started(app)
        try:
            yield app.test_client()
        finally:
            _end(app, was_started)


class _RunnerPlugin:
    @pytest.fixture
    def runner(self, app: Flask) -> FlaskCliRunner:
        """A runner of the application's commands: `runner.invoke(args=["create-user", "ada"])`."""
        return app.test_cli_runner()


class _LiveServerPlugin:
    @pytest.fixture
    def live_server(self, app: Flask) -> Iterator[LiveServer]:
        """The application on a socket, for browsers: `browser.get(live_server.url_for("index"))`."""
        yield from _serve(app)


class _HiddenLiveServerPlugin:
    # Stands in for a `live_server` of another plugin in tests where that could not use `app`.
    @pytest.fixture(name=_HIDDEN_LIVE_SERVER)
    def live_server(self, app: Flask) -> Iterator[LiveServer]:
        yield from _serve(app)


def _serve(app: Flask) -> Iterator[LiveServer]:
    from hipflask.testing.live_server import LiveServer

    with LiveServer(app) as server:
        yield server


_PLUGINS = {
    "app": _AppPlugin,
    "client": _ClientPlugin,
    "runner": _RunnerPlugin,
    "live_server": _LiveServerPlugin,
}
_left_to_others = pytest.StashKey[dict[str, list[str]]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the configuration file."""
    parser.addini("hipflask_app", "hipflask: the application, as for `hipflask --app`: module:create_app", default="")
    parser.addini(
        "hipflask_fixtures",
        "hipflask: which of its fixtures to have; the others are switched off",
        type="args",
        default=list(_PLUGINS),
    )


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Register the fixtures that are wanted and that no other plugin has."""
    wanted = config.getini("hipflask_fixtures")
    unknown = [name for name in wanted if name not in _PLUGINS]
    if unknown:
        place = config.inipath or f"rootdir {config.rootpath}, which has no configuration file"
        raise pytest.UsageError(
            f"hipflask_fixtures names {', '.join(unknown)}; the fixtures of hipflask are {', '.join(_PLUGINS)}. "
            f"Correct it in {place}, or in -o on the command line."
        )
    left: dict[str, list[str]] = {}
    owners = _fixture_owners(config)
    for name in dict.fromkeys(wanted):
        if name in owners:
            left.setdefault(owners[name], []).append(name)
        else:
            config.pluginmanager.register(_PLUGINS[name](), f"hipflask-{name}")
    config.stash[_left_to_others] = left
    if "live_server" in wanted and "live_server" in owners:
        config.pluginmanager.register(_HiddenLiveServerPlugin(), "hipflask-hidden-live-server")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Give a test our ``live_server`` if another plugin's outlives the ``app`` that it asks for.

    pytest would end such a test by a ScopeMismatch. It is decided test by test, since an ``app`` of a conftest.py may
    last as long as that ``live_server`` wants.
    """
    fixtures = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {})
    server, app = fixtures.get("live_server"), fixtures.get("app")
    if not (server and app) or "app" not in server[-1].argnames:
        return
    if _SCOPES.index(server[-1].scope) > _SCOPES.index(app[-1].scope):
        node: Any = item if pytest.version_tuple >= (8,) else item.nodeid
        ours = item.session._fixturemanager.getfixturedefs(_HIDDEN_LIVE_SERVER, node)
        if ours:  # else it is switched off
            fixtures["live_server"] = ours


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say which fixtures are left to other plugins."""
    left = config.stash.get(_left_to_others, {})
    lines = [f"hipflask: {', '.join(names)} left to {owner}" for owner, names in left.items()]
    owner = next((owner for owner, names in left.items() if "live_server" in names), None)
    if owner is not None and _live_server_scope(config) not in (None, "function"):
        lines.append(
            "hipflask: live_server is hipflask's in tests whose app lasts for one test; "
            f'live_server_scope = "function" makes it that of {owner}'
        )
    return lines


def _live_server_scope(config: pytest.Config) -> str | None:
    """Return the setting of pytest-flask, ``None`` where no plugin has it."""
    try:
        return str(config.getini("live_server_scope"))
    except ValueError:
        return None


def _fixture_owners(config: pytest.Config) -> dict[str, str]:
    """Return which other plugin has a fixture of a name of ours; the project's conftest.py files win anyway."""
    distributions = {id(plugin): dist.project_name for plugin, dist in config.pluginmanager.list_plugin_distinfo()}
    owners = {}
    for plugin in config.pluginmanager.get_plugins():
        label = config.pluginmanager.get_name(plugin) or repr(plugin)
        if isinstance(plugin, ModuleType) and (plugin.__file__ or "").endswith("conftest.py"):
            continue
        for name in _fixtures_of(plugin) & _PLUGINS.keys():
            owners[name] = distributions.get(id(plugin), label)
    return owners


def _fixtures_of(plugin: object) -> set[str]:
    """Return the names of the fixtures that a plugin, a module or an object, defines."""
    names = vars(plugin if isinstance(plugin, (ModuleType, type)) else type(plugin))
    return {name for key, value in names.items() if (name := _fixture_name(key, value)) is not None}


def _fixture_name(key: str, value: Any) -> str | None:
    """Return the name of a fixture that is kept under *key*, ``None`` for anything else."""
    marker: Any = None
    if type(value).__name__ == "FixtureFunctionDefinition":  # since pytest 8.4
        marker = value._fixture_function_marker
    elif isinstance(value, FunctionType):
        marker = getattr(value, "_pytestfixturefunction", None)
    return None if marker is None else marker.name or key


def _is_started(app: Flask) -> bool:
    lifespan = getattr(app, "_lifespan", None)
    return lifespan is not None and lifespan.is_started


def _end(app: Flask, was_started: bool) -> None:
    """Run the on_shutdown functions if the test has had those of on_startup run."""
    if not was_started and _is_started(app):
        app._lifespan.stop()  # type: ignore[union-attr]  # _is_started looked
