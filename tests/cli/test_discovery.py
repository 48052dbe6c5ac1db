from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from hipflask import Flask
from hipflask.cli.discovery import (
    NoAppException,
    find_app_by_string,
    find_best_app,
    load_named_app,
    locate_app,
    prepare_import,
    split_import_path,
)


def module(**names: Any) -> ModuleType:
    made = ModuleType("made")
    vars(made).update(names)
    return made


def create(name: str = "default", *, debug: bool = False) -> Flask:
    app = Flask(name)
    app.debug = debug
    return app


def needing(a: str, c: int = 0, *rest: str, b: str, d: int = 0, **more: str) -> Flask:
    return Flask(a)


ONE, TWO = Flask("one"), Flask("two")


@pytest.mark.parametrize(
    ("names", "found"),
    [
        pytest.param({"app": ONE, "application": TWO}, "one", id="app"),
        pytest.param({"application": ONE, "other": TWO}, "one", id="application"),
        pytest.param({"other": ONE, "app": 3}, "one", id="single"),
        pytest.param({"create_app": lambda: ONE, "make_app": lambda: TWO}, "one", id="create"),
        pytest.param({"create_app": create}, "default", id="create-default"),
        pytest.param({"create_app": 3, "make_app": lambda: TWO}, "two", id="make"),
        pytest.param({"create_app": lambda: 3, "make_app": lambda: TWO}, "two", id="create-returns-other"),
    ],
)
def test_best_app_is_found(names: dict[str, Any], found: str) -> None:
    assert find_best_app(module(**names)).import_name == found


@pytest.mark.parametrize(
    ("names", "message"),
    [
        pytest.param({}, "has no Flask object.*--app made:make", id="none"),
        pytest.param({"a": ONE, "b": TWO}, "several applications: a, b.*--app made:a", id="several"),
        pytest.param(
            {"create_app": lambda name: ONE},
            r"'made' needs arguments.*--app 'made:create_app\(\"x\"\)'$",
            id="arguments",
        ),
        pytest.param({"create_app": lambda: 3}, "has no Flask object", id="returns-other"),
    ],
)
def test_best_app_that_is_none_is_told(names: dict[str, Any], message: str) -> None:
    with pytest.raises(NoAppException, match=message):
        find_best_app(module(**names))


@pytest.mark.parametrize(
    ("text", "name", "debug"),
    [
        ("one", "one", False),
        (" one ", "one", False),
        ("create", "default", False),
        ("create()", "default", False),
        ("create('x')", "x", False),
        ('create("x", debug=True)', "x", True),
        ("create(name='x')", "x", False),
    ],
)
def test_app_is_found_by_string(text: str, name: str, debug: bool) -> None:
    app = find_app_by_string(module(one=ONE, create=create), text)
    assert (app.import_name, app.debug) == (name, debug)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ones", "has no 'ones'. Did you mean --app made:one?"),
        ("zzz", "has no 'zzz'.$"),
        ("zzz()", "has no 'zzz'"),
        ("1 + 2", "neither a name nor the call"),
        ("create(", "neither a name nor the call"),
        ("a.b()", "neither a name nor the call"),
        ("create\0", "neither a name nor the call"),
        ("create(one)", "must be literals"),
        ("create(*['x'])", "must be literals"),
        ("create(**{'name': 'x'})", "must be literals"),
        ("create({[]: 1})", "must be literals"),
        ("create(1, 2)", r"its signature is create\(name.*--app 'made:create\(\)'$"),
        ("needing", r"its signature is needing\(.*--app 'made:needing\(\"x\", b=\"x\"\)'$"),
        ("number", "is no Flask application but of type int"),
        ("count()", "is no Flask application but of type int"),
    ],
)
def test_string_that_names_no_app_is_told(text: str, message: str) -> None:
    with pytest.raises(NoAppException, match=message):
        find_app_by_string(module(one=ONE, create=create, number=3, count=lambda: 3, needing=needing), text)


def test_type_error_inside_a_factory_is_its_own() -> None:
    def fail() -> Flask:
        raise TypeError("inside")

    for find in (lambda: find_best_app(module(create_app=fail)), lambda: find_app_by_string(module(f=fail), "f")):
        with pytest.raises(TypeError, match="inside"):
            find()


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("hello", ("hello", None)),
        ("hello:app", ("hello", "app")),
        ("pkg.mod:create('a:b')", ("pkg.mod", "create('a:b')")),
        ("C:\\x\\app.py", ("C:\\x\\app.py", None)),
        ("C:/x/app.py:app", ("C:/x/app.py", "app")),
        ("hello:", ("hello", "")),
    ],
)
def test_import_path_is_split(path: str, parts: tuple[str, str | None]) -> None:
    assert split_import_path(path) == parts


@pytest.mark.parametrize(
    ("path", "name", "folder"),
    [
        ("hello", "hello", "."),
        ("hello.py", "hello", "."),
        ("sub/hello.py", "hello", "sub"),
        ("pkg", "pkg", "."),
        ("pkg/__init__.py", "pkg", "."),
        ("pkg/inner/mod.py", "pkg.inner.mod", "."),
        ("pkg.inner.mod", "pkg.inner.mod", "."),
    ],
)
def test_path_becomes_a_module_name(path: str, name: str, folder: str, write: Callable[..., None]) -> None:
    write({"pkg/__init__.py": "", "pkg/inner/__init__.py": "", "pkg/inner/mod.py": "", "sub/hello.py": ""})
    assert prepare_import(path) == name
    assert sys.path[0] == str(Path(folder).resolve())
    before = list(sys.path)
    prepare_import(path)
    assert sys.path == before


def test_app_is_located(write: Callable[..., None]) -> None:
    write(located="from hipflask import Flask\napp = Flask('a')\nother = Flask('b')\n")
    name = prepare_import("located.py")
    assert locate_app(name, None).import_name == "a"
    assert locate_app(name, "other").import_name == "b"


def test_module_that_is_missing_is_told(write: Callable[..., None]) -> None:
    write(hello="")
    with pytest.raises(NoAppException, match=r"no file .*/helo\.py, no package .*Did you mean --app hello\?$"):
        locate_app("helo", None)
    with pytest.raises(NoAppException, match="Type --app and the path or dotted name"):
        locate_app("no_such_package.module", None)
    assert locate_app("helo", None, raise_if_not_found=False) is None


@pytest.mark.parametrize("code", ["import no_such_module", "from os import no_such_name"])
def test_import_error_inside_a_module_is_told_with_its_place(code: str, write: Callable[..., None]) -> None:
    write(breaks=code)
    name = prepare_import("breaks")
    for raise_if_not_found in (True, False):
        with pytest.raises(NoAppException, match=r"(?s)While importing 'breaks'.*breaks\.py.*no_such"):
            locate_app(name, None, raise_if_not_found)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (
            "./x/y.py",
            r"'\./x/y\.py': there is no file .*/x/y\.py, no package .*/x/y/, and no module 'y' on Python's path",
        ),
        ("./x/hell.py", r"'\./x/hell\.py': .*Did you mean --app \./x/hello\.py\?$"),
        ("x/hell", r"'x/hell': .*Did you mean --app x/hello\.py\?$"),
        ("none/a.py", r"'none/a\.py': .*/none/a\.py, .*for example: --app hello\.py or --app package\.web$"),
        (
            "pkg/wed.py",
            r"'pkg/wed\.py': .*/pkg/wed\.py, .*and no module 'pkg\.wed' .*Did you mean --app pkg/web\.py\?$",
        ),
        ("pkg.wed", r"'pkg\.wed': .*/pkg/wed\.py, .*Did you mean --app pkg\.web\?$"),
        ("wsg:app", r"'wsg': .*Did you mean --app wsgi\?$"),
        ("./x/hello.py", r"needs arguments.*: --app './x/hello\.py:create_app\(\"x\"\)'$"),
        ("x/hello.py:create_app", r"its signature.*: --app 'x/hello\.py:create_app\(\"x\"\)'$"),
        ("x/hello.py:creat_app", r"Did you mean --app x/hello\.py:create_app\?$"),
        ("x/hello.py:", r"'' is neither a name.*: --app x/hello\.py:app or: --app 'x/hello\.py:create_app\(\"x\"\)'$"),
        ("x y/several.py", r"several applications: a, b.*: --app 'x y/several\.py:a'$"),
    ],
)
def test_message_repeats_what_was_typed(typed: str, message: str, write: Callable[..., None]) -> None:
    files = {
        "x/hello.py": "def create_app(name):\n    pass\n",
        "x y/several.py": "from hipflask import Flask\na, b = Flask('a'), Flask('b')\n",
        "pkg/__init__.py": "",
        "pkg/web.py": "",
        "wsgi.py": "",
    }
    write(files)
    with pytest.raises(NoAppException, match=message):
        load_named_app(typed)
