"""Importing by name, against werkzeug where it is installed."""

import os
import pathlib
import xml.etree.ElementTree
from collections.abc import Mapping

import pytest

from hipflask.imports import ImportStringError, find_modules, import_string


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("os", os),
        ("os.path", os.path),
        ("os:path", os.path),
        ("os.path:join", os.path.join),
        ("os.path.join", os.path.join),
        ("os:path.join", os.path.join),
        ("collections.abc:Mapping", Mapping),
        ("xml.etree", xml.etree),
        ("xml.etree:ElementTree", xml.etree.ElementTree),
    ],
)
def test_import_string_returns_the_object(name, expected):
    assert import_string(name) is expected
    assert import_string(name, silent=True) is expected


@pytest.mark.parametrize(
    ("name", "dotted"),
    [
        ("no_such_module", "no_such_module"),
        ("os.nope", "os.nope"),
        ("os:nope", "os.nope"),
        ("xml.nope.deeper", "xml.nope.deeper"),
        ("a b", "a b"),
        ("os.", "os."),
        ("os:", "os."),
    ],
)
def test_import_string_missing_raises_import_string_error(name, dotted):
    with pytest.raises(ImportStringError, match="could not be imported") as caught:
        import_string(name)
    error = caught.value
    assert error.import_name == dotted
    assert isinstance(error.exception, ImportError)
    assert repr(error) == f"<ImportStringError({dotted!r}, {error.exception!r})>"
    assert import_string(name, silent=True) is None


def test_import_string_error_tells_how_far_it_got():
    with pytest.raises(ImportStringError) as caught:
        import_string("xml.nope.deeper")
    text = str(caught.value)
    assert "'xml' was found in" in text
    assert "'xml.nope' was not found" in text
    assert "deeper' was" not in text


def test_import_string_error_for_a_name_that_can_be_imported():
    assert "'os' was found in" in str(ImportStringError("os", ImportError("refused")))


@pytest.mark.parametrize("name", ["", ".x", ":x"])
def test_import_string_empty_module_name_is_a_value_error(name):
    with pytest.raises(ValueError, match="Empty module name"):
        import_string(name, silent=True)


def test_import_string_import_error_inside_the_module(tmp_path, monkeypatch):
    (tmp_path / "imports_broken.py").write_text("import no_such_module_inside\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ImportStringError, match="no_such_module_inside"):
        import_string("imports_broken:name")
    assert import_string("imports_broken", silent=True) is None


def test_import_string_other_errors_inside_the_module_pass(tmp_path, monkeypatch):
    (tmp_path / "imports_failing.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ZeroDivisionError, match="division by zero"):
        import_string("imports_failing", silent=True)


def test_import_string_attribute_error_without_text(tmp_path, monkeypatch):
    (tmp_path / "imports_mute.py").write_text("def __getattr__(name): raise AttributeError\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ImportStringError, match="module 'imports_mute' has no attribute 'x'"):
        import_string("imports_mute:x")


@pytest.fixture
def package(tmp_path, monkeypatch):
    for name in ("top/__init__.py", "top/a.py", "top/sub/__init__.py", "top/sub/b.py"):
        path = tmp_path / name.replace("top", "imports_top")
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    return "imports_top"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ["a"]),
        ({"include_packages": True}, ["a", "sub"]),
        ({"recursive": True}, ["a", "sub.b"]),
        ({"include_packages": True, "recursive": True}, ["a", "sub", "sub.b"]),
    ],
    ids=str,
)
def test_find_modules_yields_full_names(package, options, expected):
    assert list(find_modules(package, **options)) == [f"{package}.{name}" for name in expected]


def test_find_modules_of_a_module_is_a_value_error():
    with pytest.raises(ValueError, match="'os' is a module, not a package"):
        list(find_modules("os"))


def test_find_modules_of_nothing_is_an_import_string_error():
    with pytest.raises(ImportStringError, match="no_such_package"):
        list(find_modules("no_such_package"))


def test_find_modules_is_werkzeugs():
    theirs = pytest.importorskip("werkzeug.utils")
    assert pathlib.Path(xml.__path__[0]).is_dir()
    assert list(find_modules("xml", True, True)) == list(theirs.find_modules("xml", True, True))
