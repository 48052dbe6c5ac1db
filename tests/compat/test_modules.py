from __future__ import annotations

import sys

import pytest

import hipflask
from hipflask import compat, views
from hipflask.compat import modules
from hipflask.server import runner

OLD = [
    "flask._app_ctx_stack",
    "flask._request_ctx_stack",
    "flask.Markup",
    "flask.globals._app_ctx_stack",
    "flask.helpers._endpoint_from_view_func",
    "flask.json.JSONEncoder",
    "flask.scaffold._endpoint_from_view_func",
    "werkzeug.FileStorage",
    "werkzeug.datastructures.ImmutableOrderedMultiDict",
    "werkzeug.datastructures.OrderedMultiDict",
    "werkzeug.http.parse_authorization_header",
    "werkzeug.secure_filename",
    "werkzeug.security.safe_str_cmp",
    "werkzeug.wrappers.BaseResponse",
    "werkzeug.wrappers.json.JSONMixin",
]


def test_module_is_made_once_and_installs_nothing() -> None:
    made = compat.module("werkzeug.utils")
    assert made is compat.module("werkzeug.utils")
    assert sys.modules.get("werkzeug.utils") is not made
    assert made.__name__ == "werkzeug.utils"


def test_names_are_ours() -> None:
    flask = compat.module("flask")
    assert flask.Flask is hipflask.Flask
    assert flask.url_for is hipflask.url_for
    assert compat.module("flask.views").View is views.View
    assert compat.module("flask.sessions") is sys.modules["hipflask.sessions"]


@pytest.mark.parametrize(
    "path",
    ["flask.json.provider", "flask.sansio.app", "flask.cli", "werkzeug.datastructures.structures", "werkzeug.test"],
)
def test_modules_of_packages_are_attributes(path: str) -> None:
    root, *parts = path.split(".")
    found = compat.module(root)
    for part in parts:
        found = getattr(found, part)
    assert found is compat.module(path)


@pytest.mark.parametrize("name", ["Client", "Request", "Response", "run_simple"])
def test_names_of_a_lazy_module_come_when_asked_for(name: str) -> None:
    werkzeug = compat.module("werkzeug")
    vars(werkzeug).pop(name, None)
    assert name in dir(werkzeug)
    assert getattr(werkzeug, name) is getattr(werkzeug, name)
    assert name in vars(werkzeug)


def test_modules_of_others_are_reached() -> None:
    import click

    assert compat.module("flask.cli").click is click


@pytest.mark.parametrize("module", ["flask", "flask.helpers", "werkzeug.http"])
def test_unknown_attribute_raises(module: str) -> None:
    with pytest.raises(AttributeError, match=f"module '{module}' has no attribute 'nothing'"):
        _ = compat.module(module).nothing


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("flask.nothing", "No module named 'flask.nothing'"),
        ("werkzeug.debug.repr", "werkzeug.debug.repr is not part of hipflask yet; it comes with a later version"),
        ("jinja2", "No module named 'jinja2'"),
    ],
)
def test_unknown_module_raises(name: str, message: str) -> None:
    with pytest.raises(ModuleNotFoundError, match=message) as caught:
        compat.module(name)
    assert caught.value.name == name


@pytest.mark.parametrize("path", OLD)
def test_old_name_warns_where_it_is_used(path: str) -> None:
    module, _, name = path.rpartition(".")
    with pytest.warns(DeprecationWarning, match=f"^'{name}' of {module} is older than") as caught:
        assert getattr(compat.module(module), name) is not None
    assert caught[0].filename == __file__


def test_old_name_whose_home_is_missing_is_no_attribute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(modules.tables.OLD_NAMES, "werkzeug.wsgi", {"Old": "not.there"})
    with pytest.raises(AttributeError, match="module 'werkzeug.wsgi' has no attribute 'Old' yet"):
        _ = compat.module("werkzeug.wsgi").Old


def test_version_of_flask_warns_as_flask_does() -> None:
    with pytest.warns(DeprecationWarning, match=r"flask.__version__ will not be there in Flask 3.2"):
        assert compat.module("flask").__version__ == "3.1.3"


def test_patch_acts_where_the_code_is(monkeypatch: pytest.MonkeyPatch) -> None:
    serving = compat.module("werkzeug.serving")
    original = runner.run_simple
    served: list[object] = []
    with monkeypatch.context() as patch:
        patch.setattr(serving, "run_simple", lambda host, port, app, **options: served.append((host, port)))
        hipflask.Flask("patched").run(port=5001)
        assert runner.run_simple is serving.run_simple is not original
    assert served == [("127.0.0.1", 5001)]
    assert runner.run_simple is serving.run_simple is original


def test_patch_acts_in_every_module_of_the_room(monkeypatch: pytest.MonkeyPatch) -> None:
    from hipflask.cli import environment, options

    original = environment.load_dotenv
    with monkeypatch.context() as patch:
        patch.setattr(compat.module("flask.cli"), "load_dotenv", lambda *args, **kwargs: True)
        assert environment.load_dotenv is options.load_dotenv is not original
    assert environment.load_dotenv is options.load_dotenv is original


def test_patch_of_other_modules_stays_there(monkeypatch: pytest.MonkeyPatch) -> None:
    flask = compat.module("flask")
    monkeypatch.setattr(flask, "request", "mine")
    assert flask.request == "mine"
    assert hipflask.request is compat.module("flask.globals").request


@pytest.mark.parametrize(
    ("package", "some"), [("flask", {"Flask", "json", "helpers"}), ("werkzeug", {"Request", "run_simple", "http"})]
)
def test_a_star_gives_what_it_gives_there(package: str, some: set[str]) -> None:
    made = compat.module(package)
    names = set(made.__all__)
    assert some <= names
    assert [name for name in names if not hasattr(made, name)] == []
    real = pytest.importorskip(package)
    assert [name for name in names if not hasattr(real, name)] == []
