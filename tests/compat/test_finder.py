from __future__ import annotations

import sys
from importlib.util import module_from_spec

import pytest

from hipflask import sessions
from hipflask.compat import finder, modules


@pytest.fixture
def put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts ``sys.modules`` back."""
    monkeypatch.setattr(sys, "modules", dict(sys.modules))


@pytest.mark.parametrize("name", ["os", "flask_login", "werkzeugs", "flask.nothing", "werkzeug.wrappers.nothing"])
def test_other_modules_are_not_found(name: str) -> None:
    assert finder.CompatFinder().find_spec(name) is None


@pytest.mark.parametrize("name", ["werkzeug.debug", "werkzeug.debug.tbtools", "werkzeug._reloader"])
def test_later_modules_say_so(name: str) -> None:
    with pytest.raises(ModuleNotFoundError, match=f"{name} is not part of hipflask yet") as caught:
        finder.CompatFinder().find_spec(name)
    assert caught.value.name == name


@pytest.mark.parametrize(
    ("name", "is_package"), [("flask", True), ("flask.helpers", False), ("werkzeug.routing", True)]
)
def test_spec_says_what_the_module_is(name: str, is_package: bool) -> None:
    spec = finder.CompatFinder().find_spec(name)
    assert spec is not None
    assert (spec.name, spec.submodule_search_locations) == (name, [] if is_package else None)
    assert spec.loader is not None
    assert spec.loader.is_package(name) is is_package
    assert spec.origin == spec.loader.get_filename(name)


@pytest.mark.usefixtures("put_back")
def test_made_module_gets_the_spec() -> None:
    spec = finder.CompatFinder().find_spec("flask.helpers")
    assert spec is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.__spec__ is spec
    assert sys.modules["flask.helpers"] is module is modules.build("flask.helpers")


@pytest.mark.usefixtures("put_back")
def test_module_of_ours_keeps_its_own_spec() -> None:
    spec = finder.CompatFinder().find_spec("flask.sessions")
    assert spec is not None
    spec.loader.exec_module(module_from_spec(spec))
    assert sys.modules["flask.sessions"] is sessions
    assert sessions.__spec__.name == "hipflask.sessions"


def test_code_is_that_of_the_command_line_only() -> None:
    loader = finder.CompatLoader()
    assert loader.get_source("flask.app") == ""
    assert loader.get_code("flask.__main__").co_names == ("flask.cli", "main")
    assert loader.create_module(finder.CompatFinder().find_spec("flask.__main__")) is None
