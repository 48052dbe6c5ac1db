"""Which application the fixture ``app`` is about."""

import sys

import pytest

from hipflask.testing.project_app import NoProjectAppError, find_project_app


@pytest.fixture(autouse=True)
def _clean_imports(monkeypatch):
    """Leave neither modules nor folders of the path behind."""
    monkeypatch.setattr(sys, "path", sys.path[:])
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if not name.startswith("hipflask"):
            del sys.modules[name]


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a module with an application named as it is told."""

    def write(path, name):
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"import hipflask\napp = hipflask.Flask({name!r})\ndef create_app(name): return app\n")

    return write


@pytest.mark.parametrize(
    ("files", "setting", "environ", "expected"),
    [
        pytest.param(["root/one.py"], "one:app", {"FLASK_APP": "two"}, "root/one.py", id="setting"),
        pytest.param(["root/one.py"], "one.py:create_app('x')", {}, "root/one.py", id="call"),
        pytest.param(["root/pack/one.py", "root/pack/__init__.py"], "pack.one", {}, "root/pack/one.py", id="dotted"),
        pytest.param(
            ["here/one.py", "here/two.py"],
            "",
            {"HIPFLASK_APP": "two", "FLASK_APP": "one"},
            "here/two.py",
            id="hipflask-variable",
        ),
        pytest.param(["here/one.py", "here/app.py"], "", {"FLASK_APP": "one"}, "here/one.py", id="flask-variable"),
        pytest.param(["here/app.py", "here/wsgi.py", "root/wsgi.py"], "", {}, "here/wsgi.py", id="wsgi"),
        pytest.param(["root/app.py"], "", {"FLASK_APP": ""}, "root/app.py", id="root"),
        pytest.param(["here/app/__init__.py"], "", {}, "here/app/__init__.py", id="package"),
    ],
)
def test_app_is_found_in_this_order(tmp_path, monkeypatch, write, files, setting, environ, expected):
    for file in files:
        write(file, file)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    found = find_project_app(setting, str(tmp_path / "root"), str(tmp_path / "here"))
    assert found.import_name == expected


@pytest.mark.parametrize(
    ("setting", "environ", "message"),
    [
        pytest.param("", {}, r"neither hipflask_app .* no app\.py in .*here or .*root\.$", id="nothing"),
        pytest.param("absent:app", {}, r"^hipflask_app = absent:app: Could not import", id="module"),
        pytest.param("one:create_app", {}, r"^hipflask_app = one:create_app: .*its signature is", id="arguments"),
        pytest.param("", {"FLASK_APP": "gone"}, r"^FLASK_APP=gone: Could not import", id="variable"),
    ],
)
def test_missing_app_is_told_with_where_it_was_named(tmp_path, monkeypatch, write, setting, environ, message):
    write("root/one.py", "one")
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(NoProjectAppError, match=message):
        find_project_app(setting, str(tmp_path / "root"), str(tmp_path / "here"))
