from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import types
from pathlib import Path

import pytest

from hipflask.paths import find_instance_path, get_root_path


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A source tree with a module, a package and a namespace package."""
    (tmp_path / "sample_module.py").write_text("")
    (tmp_path / "sample_package/inner").mkdir(parents=True)
    (tmp_path / "sample_package/__init__.py").write_text("")
    (tmp_path / "sample_package/part.py").write_text("")
    (tmp_path / "sample_space/inside").mkdir(parents=True)
    (tmp_path / "sample_space/inside/__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("sample_")]:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("sample_module", "."),
        ("sample_package", "sample_package"),
        ("sample_package.part", "sample_package"),
        ("sample_space.inside", "sample_space/inside"),
    ],
)
@pytest.mark.parametrize("is_imported", [True, False])
def test_root_path_is_the_modules_folder(tree: Path, name: str, folder: str, is_imported: bool) -> None:
    if is_imported:
        importlib.import_module(name)
    assert Path(get_root_path(name)) == tree / folder


@pytest.mark.parametrize("name", ["absent_sample", "absent_sample.part", "", "__main__x"])
def test_root_path_of_code_without_file_is_the_working_directory(name: str) -> None:
    assert get_root_path(name) == os.getcwd()


def test_root_path_of_a_namespace_package_cannot_be_told(tree: Path) -> None:
    with pytest.raises(RuntimeError, match="root_path="):
        get_root_path("sample_space")


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("sample_module", "instance"),
        ("sample_package", "instance"),
        ("sample_package.part", "instance"),
        ("sample_space.inside", "instance"),
    ],
)
def test_instance_path_in_a_source_tree_is_beside_the_package(tree: Path, name: str, folder: str) -> None:
    assert Path(find_instance_path(name)) == tree / folder


@pytest.mark.parametrize("name", ["absent_sample", "sys"])
def test_instance_path_of_code_without_file_is_below_the_working_directory(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_instance_path(name) == os.path.join(os.getcwd(), "instance")


@pytest.mark.parametrize(
    ("site_packages", "prefix"),
    [
        pytest.param("env/lib/python3.11/site-packages", "env", id="unix"),
        pytest.param("env/Lib/site-packages", "env", id="windows"),
        pytest.param("env/site-packages", "env", id="other"),
    ],
)
def test_instance_path_of_an_installed_package_is_below_its_prefix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, site_packages: str, prefix: str
) -> None:
    folder = tmp_path / site_packages
    folder.mkdir(parents=True)
    (folder / "installed_sample.py").write_text("")
    monkeypatch.syspath_prepend(folder)
    importlib.invalidate_caches()
    assert Path(find_instance_path("installed_sample")) == tmp_path / prefix / "var" / "installed_sample-instance"


def test_instance_path_below_this_pythons_prefix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here_sample.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    importlib.invalidate_caches()
    assert Path(find_instance_path("here_sample")) == tmp_path / "var" / "here_sample-instance"


@pytest.mark.parametrize("name", ["sample_module", "sample_package", "sample_package.part", "sample_space.inside"])
def test_paths_are_flasks(tree: Path, name: str) -> None:
    flask = pytest.importorskip("flask")
    importlib.import_module(name)
    theirs = flask.Flask(name)
    assert get_root_path(name) == theirs.root_path
    assert find_instance_path(name) == theirs.instance_path


@pytest.mark.parametrize("first", [True, False])
def test_instance_path_of_a_namespace_in_several_folders_is_the_modules(
    tree: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, first: bool
) -> None:
    other = tmp_path_factory.mktemp("other")
    (other / "sample_space").mkdir()
    (monkeypatch.syspath_prepend if first else sys.path.append)(str(other))
    importlib.invalidate_caches()
    try:
        assert Path(find_instance_path("sample_space.inside")) == tree / "instance"
    finally:
        sys.path[:] = [path for path in sys.path if path != str(other)]


def test_instance_path_of_module_outside_of_its_namespace(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tree / "elsewhere.py"
    elsewhere.write_text("")
    module = types.ModuleType("sample_space.far")
    module.__spec__ = importlib.util.spec_from_file_location("sample_space.far", elsewhere)
    monkeypatch.setitem(sys.modules, "sample_space.far", module)
    assert Path(find_instance_path("sample_space.far")) == tree / "instance"


@pytest.mark.parametrize("name", ["sample_package.absent.part", "sample_package.absent"])
def test_module_that_does_not_exist_is_no_error(tree: Path, name: str) -> None:
    assert Path(find_instance_path(name)) == tree / "instance"
