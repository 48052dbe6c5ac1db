"""Configuration: where settings come from, and which are taken."""

import json
import os
import types
from pathlib import Path

import pytest

from hipflask.config import Config, ConfigAttribute
from hipflask.imports import ImportStringError


@pytest.fixture
def config(tmp_path):
    return Config(tmp_path)


def write(config, name, text):
    path = Path(config.root_path) / name
    path.write_text(text)
    return path


def test_config_is_a_dict_with_defaults():
    config = Config("/root", {"A": 1})
    assert config == {"A": 1}
    assert config.root_path == "/root"
    assert repr(config) == "<Config {'A': 1}>"


# Objects and mappings


class Base:
    UPPER = 1
    lower = 2
    _UNDERSCORE = 3


class Derived(Base):
    MORE = 4

    @property
    def COMPUTED(self):  # noqa: N802  # a setting
        return 5


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param(Base, {"UPPER": 1, "_UNDERSCORE": 3}, id="class"),
        pytest.param(Derived(), {"UPPER": 1, "_UNDERSCORE": 3, "MORE": 4, "COMPUTED": 5}, id="instance"),
        pytest.param(types.SimpleNamespace(A=1, b=2), {"A": 1}, id="namespace"),
        pytest.param({"A": 1}, {}, id="dict has no such attributes"),
        pytest.param("errno", None, id="name of a module"),
        pytest.param("stat:S_ISUID", {}, id="name of an int"),
    ],
)
def test_from_object_takes_upper_case_attributes(config, source, expected):
    config.from_object(source)
    if expected is None:
        assert config["ENOENT"] == 2
        assert "errorcode" not in config
    else:
        assert config == expected


def test_from_object_name_of_nothing(config):
    with pytest.raises(ImportStringError, match="no_such_module"):
        config.from_object("no_such_module.Class")


def test_from_object_error_of_a_property_passes(config):
    class Broken:
        @property
        def A(self):  # noqa: N802  # a setting
            raise ZeroDivisionError("inside")

    with pytest.raises(ZeroDivisionError, match="inside"):
        config.from_object(Broken())


@pytest.mark.parametrize(
    ("args", "kwargs", "expected"),
    [
        pytest.param((), {}, {}, id="nothing"),
        pytest.param(({"A": 1, "b": 2},), {"C": 3, "d": 4}, {"A": 1, "C": 3}, id="both"),
        pytest.param(([("A", 1)],), {}, {"A": 1}, id="pairs"),
        pytest.param(({"A": 1},), {"A": 2}, {"A": 2}, id="keywords win"),
        pytest.param((), {"mapping": {"A": 1}}, {"A": 1}, id="by keyword"),
        pytest.param(({"A1": 1, "1": 2, "": 3, "Aa": 4},), {}, {"A1": 1}, id="what is upper case"),
    ],
)
def test_from_mapping_takes_upper_case_keys(config, args, kwargs, expected):
    assert config.from_mapping(*args, **kwargs) is True
    assert config == expected


# Files


def test_from_pyfile_runs_the_file(config):
    path = write(config, "settings.py", "import os\nA = 1\nlower = 2\nNAME = __name__\nFILE = __file__\n")
    assert config.from_pyfile("settings.py") is True
    assert config == {"A": 1, "NAME": "config", "FILE": str(path)}


@pytest.mark.parametrize("source", ["A = (\n", "1 / 0\n"], ids=["syntax", "run time"])
def test_from_pyfile_errors_in_the_file_pass(config, source):
    write(config, "settings.py", source)
    with pytest.raises((SyntaxError, ZeroDivisionError)):
        config.from_pyfile("settings.py", silent=True)


def test_from_file_loads_with_a_function(config):
    write(config, "settings.json", '{"A": [1], "b": 2}')
    assert config.from_file("settings.json", load=json.load) is True
    assert config == {"A": [1]}
    config.from_file("settings.json", load=lambda file: {"MODE": file.mode}, text=False)
    assert config["MODE"] == "rb"


def test_from_file_accepts_paths(tmp_path):
    config = Config(str(tmp_path))
    write(config, "settings.py", "A = 1")
    assert config.from_pyfile(Path("settings.py"))
    assert config.from_pyfile(tmp_path / "settings.py")


LOADERS = {
    "python": lambda config, name, silent: config.from_pyfile(name, silent=silent),
    "file": lambda config, name, silent: config.from_file(name, load=json.load, silent=silent),
}


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize(("name", "error"), [("missing", FileNotFoundError), (".", IsADirectoryError)])
def test_missing_file_raises_or_is_silent(config, loader, name, error):
    with pytest.raises(error, match="Unable to load configuration file"):
        LOADERS[loader](config, name, silent=False)
    assert LOADERS[loader](config, name, silent=True) is False


def test_file_below_a_file_is_missing_for_python_files_only(config):
    write(config, "plain", "")
    assert config.from_pyfile("plain/settings.py", silent=True) is False
    with pytest.raises(NotADirectoryError, match="Unable to load configuration file"):
        config.from_file("plain/settings.json", load=json.load, silent=True)


# Environment


def test_from_envvar_loads_the_file(config, monkeypatch):
    monkeypatch.setenv("TEST_SETTINGS", str(write(config, "settings.py", "A = 1")))
    assert config.from_envvar("TEST_SETTINGS") is True
    assert config == {"A": 1}


@pytest.mark.parametrize("value", [None, ""], ids=["not set", "empty"])
def test_from_envvar_without_value(config, monkeypatch, value):
    monkeypatch.delenv("TEST_SETTINGS", raising=False)
    if value is not None:
        monkeypatch.setenv("TEST_SETTINGS", value)
    with pytest.raises(RuntimeError, match="'TEST_SETTINGS' is not set"):
        config.from_envvar("TEST_SETTINGS")
    assert config.from_envvar("TEST_SETTINGS", silent=True) is False


def test_from_envvar_file_missing(config, monkeypatch):
    monkeypatch.setenv("TEST_SETTINGS", "missing.py")
    with pytest.raises(FileNotFoundError, match="Unable to load configuration file"):
        config.from_envvar("TEST_SETTINGS")
    assert config.from_envvar("TEST_SETTINGS", silent=True) is False


@pytest.fixture
def environment(monkeypatch):
    for name in list(os.environ):
        monkeypatch.delenv(name)
    return monkeypatch.setenv


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        pytest.param({"FLASK_A": "1"}, {"A": 1}, id="number"),
        pytest.param({"FLASK_A": "true", "FLASK_B": "null"}, {"A": True, "B": None}, id="words"),
        pytest.param({"FLASK_A": "text", "FLASK_B": "[1", "FLASK_C": ""}, {"A": "text", "B": "[1", "C": ""}, id="text"),
        pytest.param({"FLASK_A": '{"b": [1]}'}, {"A": {"b": [1]}}, id="object"),
        pytest.param({"FLASK_low": "1"}, {"low": 1}, id="any case"),
        pytest.param({"OTHER_A": "1", "FLASKA": "2"}, {}, id="other names"),
        pytest.param({"FLASK_A__b__c": "1", "FLASK_A__d": "2"}, {"A": {"b": {"c": 1}, "d": 2}}, id="nested"),
        pytest.param({"FLASK_A": '{"x": 1}', "FLASK_A__b": "2"}, {"A": {"x": 1, "b": 2}}, id="nested in a value"),
    ],
)
def test_from_prefixed_env_parses_values(config, environment, variables, expected):
    for name, value in variables.items():
        environment(name, value)
    assert config.from_prefixed_env() is True
    assert config == expected


def test_from_prefixed_env_keeps_what_is_nested_already(config, environment):
    config["A"] = {"old": 1}
    environment("X_A__new", "2")
    config.from_prefixed_env("X")
    assert config == {"A": {"old": 1, "new": 2}}


def test_from_prefixed_env_own_loader(config, environment):
    def loads(text):
        if text == "bad":
            raise LookupError(text)
        return text.upper()

    environment("X_A", "value")
    environment("X_B", "bad")
    config.from_prefixed_env("X", loads=loads)
    assert config == {"A": "VALUE", "B": "bad"}


def test_from_prefixed_env_key_inside_a_text(config, environment):
    environment("X_A", "text")
    environment("X_A__b", "secret")
    with pytest.raises(TypeError, match="'X_A__b' sets a key inside 'A', whose value is not a dict") as caught:
        config.from_prefixed_env("X")
    assert "secret" not in str(caught.value)


# Namespaces and attributes


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {"type": "fs", "base_url": "u"}),
        ({"lowercase": False}, {"TYPE": "fs", "BASE_URL": "u"}),
        ({"trim_namespace": False}, {"image_type": "fs", "image_base_url": "u"}),
        ({"lowercase": False, "trim_namespace": False}, {"IMAGE_TYPE": "fs", "IMAGE_BASE_URL": "u"}),
    ],
    ids=str,
)
def test_get_namespace(options, expected):
    config = Config("/", {"IMAGE_TYPE": "fs", "IMAGE_BASE_URL": "u", "OTHER": 1, "image_low": 2})
    assert config.get_namespace("IMAGE_", **options) == expected


def test_config_attribute_reads_and_writes_the_config():
    class App:
        plain = ConfigAttribute("PLAIN")
        number = ConfigAttribute("NUMBER", get_converter=int)

        def __init__(self):
            self.config = {"PLAIN": "x", "NUMBER": "5"}

    app = App()
    assert (app.plain, app.number) == ("x", 5)
    app.plain, app.number = "y", "6"
    assert app.config == {"PLAIN": "y", "NUMBER": "6"}
    assert app.number == 6
    assert isinstance(App.plain, ConfigAttribute)
    assert App.plain.__name__ == "PLAIN"
    del app.config["PLAIN"]
    with pytest.raises(KeyError, match="PLAIN"):
        app.plain  # noqa: B018  # reading is the test
