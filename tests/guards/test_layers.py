"""Imports point one way: ``http`` <- ``routing`` <- core <- doors <- ``ext``, ``compat`` (design.md, 2)."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.guards.import_graph import Import, cycles, dynamic_imports, imports_of_tree, module_strings

PACKAGE = "hipflask"
DOORS = {"wsgi", "asgi", "testing", "middleware", "server", "cli", "debug", "__main__"}
ROOMS = ["http", "routing", "core", "doors", "compat", "ext"]
# Modules beside the package, and the room whose rules they keep.
OTHER_MODULES = {"_hipflask_pytest": "plugin"}

# (module, scope): methods of Flask's API that must reach a door; the import is deferred.
DEFERRED_UPWARDS = {
    *(("hipflask.app", f"Flask.{name}") for name in ("run", "test_client", "test_cli_runner", "cli", "wsgi_app")),
    ("hipflask.app", "Flask.asgi_app"),
    ("hipflask.app", "Flask.async_test_client"),
    ("hipflask.app", "Flask.test_request_context"),  # its arguments are the test client's
    ("hipflask.app_setup", "App.cli"),
    ("hipflask.scaffold", "Scaffold.cli"),
    ("hipflask.blueprints", "Blueprint.cli"),
    ("hipflask.cli.options", "_start_compat_mode"),  # the option --compat
    ("hipflask.http.request", "Request.from_values"),  # Werkzeug's, made by the test client's builder
}
# Classes that core modules and those above may import under TYPE_CHECKING against the arrows.
TYPE_ONLY_NAMES = {
    "Flask": "nearly everything is about an application",
    "AppGroup": "the type of Flask.cli and Blueprint.cli",
    "AsyncFlaskClient": "what Flask.async_test_client returns",
    "FlaskClient": "what Flask.test_client returns",
    "FlaskCliRunner": "what Flask.test_cli_runner returns",
}
# Deferred imports that close a cycle inside a room, because Flask's or Werkzeug's API is that way.
CYCLES_ALLOWED = {
    ("hipflask.http.http_exception", "hipflask.http.response"): "HTTPException.get_response makes a Response",
    ("hipflask.http.exceptions", "hipflask.http.base_response"): "abort() takes a response or a status",
}
# Modules that may hold the names of our own modules as strings, or import by a call, each with its reason.
STRINGS_ALLOWED: dict[str, str] = {}
DYNAMIC_ALLOWED = {
    "hipflask.imports": "imports what a user's setting names",
    "hipflask.cli.discovery": "imports the module that --app names",
    "hipflask.compat.modules": "makes Flask's modules out of ours by a table",
}

FOREIGN = {
    "http": {"markupsafe"},
    "routing": {"markupsafe"},
    "core": {"markupsafe", "jinja2", "itsdangerous", "click", "blinker"},
    # Where installed: dotenv for .env files, watchfiles for the reloader, cryptography for `--cert adhoc`.
    "doors": {
        "markupsafe",
        "jinja2",
        "itsdangerous",
        "click",
        "blinker",
        "dotenv",
        "watchfiles",
        "cryptography",
    },
    "plugin": {"pytest"},
}


def room_of(module: str) -> str:
    """Return the room of a module of the package; the package's own ``__init__`` is a room of its own."""
    parts = module.split(".")
    if parts[0] != PACKAGE:
        return OTHER_MODULES.get(parts[0], "package")
    if len(parts) == 1:
        return "package"
    if parts[1] in ROOMS:
        return parts[1]
    return "doors" if parts[1] in DOORS else "core"


def _is_named_exception(one: Import) -> bool:
    if one.typing_only and one.name in TYPE_ONLY_NAMES:
        return room_of(one.source) not in ("http", "routing")
    return (one.source, one.scope) in DEFERRED_UPWARDS


def may_import(source: str, target: str) -> bool:
    """Return whether a module may import another one of the package, by their rooms."""
    here, there = room_of(source), room_of(target)
    if here == "package":
        return there in ("http", "routing", "core")
    if there == "package":  # the public API is for those above the doors
        return here in ("ext", "compat")
    if here == there == "ext":  # each extension stands alone
        return target.split(".")[2:3] == source.split(".")[2:3]
    if here == "ext":
        return there != "compat"
    if here in ("compat", "plugin"):
        return True
    return ROOMS.index(there) <= ROOMS.index(here)


def wrong_arrows(root: Path) -> list[str]:
    """Return a line for each import of the package below *root* that points the wrong way."""
    return [
        f"{one.place}: {one.source} ({room_of(one.source)}) imports {one.target} ({room_of(one.target)})"
        for one in imports_of_tree(root)
        if one.target.split(".")[0] == PACKAGE
        and not _is_named_exception(one)
        and not may_import(one.source, one.target)
    ]


def wrong_foreign_imports(root: Path) -> list[str]:
    """Return a line for each import of a distribution that the importing room must do without."""
    faults = []
    for one in imports_of_tree(root):
        top = one.target.split(".")[0]
        if top == PACKAGE or top in sys.stdlib_module_names or (top == "_typeshed" and one.typing_only):
            continue
        room = room_of(one.source)
        if top in ("flask", "werkzeug") or (room in FOREIGN and top not in FOREIGN[room]) or room == "package":
            faults.append(f"{one.place}: {room} must not import {top}")
    return faults


def import_cycles(root: Path) -> list[list[str]]:
    """Return the groups of modules below *root* that import each other when they run, deferred or not.

    Imports for typing never run, so they close no cycle; the arrows hold for them too. A deferred import that
    is in ``CYCLES_ALLOWED`` or ``DEFERRED_UPWARDS`` is left out.
    """
    return cycles(
        (one.source, one.target)
        for one in imports_of_tree(root)
        if one.target.split(".")[0] == PACKAGE
        and not one.typing_only
        and not _is_named_exception(one)
        and not (one.scope and (one.source, one.target) in CYCLES_ALLOWED)
    )


def hidden_imports(root: Path) -> list[str]:
    """Return a line for each import by a string or a call outside the allowed places."""
    by_call = [
        f"{module}:{line}: imports by a call; import by a statement"
        for module, line in dynamic_imports(root)
        if module not in DYNAMIC_ALLOWED
    ]
    return by_call + [
        f"{module}:{line}: {text!r} names a module of ours; import it by a statement"
        for module, line, text in module_strings(root)
        if module not in STRINGS_ALLOWED and text.startswith(f"{PACKAGE}.")
    ]


def test_project_imports_point_one_way(project_root: Path) -> None:
    assert wrong_arrows(project_root / "src") == []


def test_project_has_no_import_cycle(project_root: Path) -> None:
    assert import_cycles(project_root / "src") == []


def test_project_imports_only_its_dependencies(project_root: Path) -> None:
    assert wrong_foreign_imports(project_root / "src") == []


def test_project_imports_nothing_by_string(project_root: Path) -> None:
    assert hidden_imports(project_root / "src") == []


def _write(root: Path, files: dict[str, str]) -> Path:
    for name in ("", "http", "routing", "server", "ext"):
        (root / PACKAGE / name).mkdir(parents=True, exist_ok=True)
        (root / PACKAGE / name / "__init__.py").touch()
    (root / PACKAGE / "app.py").touch()
    for name, source in files.items():
        (root / PACKAGE / name).write_text(source)
    return root


@pytest.mark.parametrize(
    ("name", "source", "wrong"),
    [
        pytest.param("http/a.py", "import hipflask.routing\n", True, id="http-routing"),
        pytest.param("http/a.py", "from hipflask import app\n", True, id="http-core"),
        pytest.param("http/a.py", "from .. import app\n", True, id="relative"),
        pytest.param("http/a.py", "def f():\n    from hipflask.app import g\n", True, id="deferred"),
        pytest.param("http/a.py", "if TYPE_CHECKING:\n    import hipflask.app\n", True, id="typing"),
        pytest.param("http/a.py", "if TYPE_CHECKING:\n    from hipflask.app import Flask\n", True, id="http-flask"),
        pytest.param("routing/a.py", "from hipflask.http import b\n", False, id="routing-http"),
        pytest.param("ctx.py", "from hipflask.server import b\n", True, id="core-door"),
        pytest.param("ctx.py", "from hipflask import Flask\n", True, id="core-package"),
        pytest.param("ctx.py", "from hipflask.ext import db\n", True, id="core-extension"),
        pytest.param("server/a.py", "from hipflask.app import Flask\n", False, id="door-core"),
        pytest.param("cli.py", "import hipflask.server\n", False, id="door-door"),
        pytest.param("ext/a.py", "from hipflask import Flask\n", False, id="extension-package"),
        pytest.param("ext/a.py", "from hipflask.ext.b import c\n", True, id="extension-extension"),
        pytest.param("ext/a.py", "import hipflask.compat\n", True, id="extension-compat"),
        pytest.param("app.py", "class Flask:\n  def run(self):\n    import hipflask.server\n", False, id="named"),
        pytest.param("app.py", "class Flask:\n  def other(self):\n    import hipflask.server\n", True, id="not-named"),
        pytest.param("__init__.py", "from hipflask.server import a\n", True, id="package-door"),
    ],
)
def test_wrong_arrow_of_sample_is_found(tmp_path: Path, name: str, source: str, wrong: bool) -> None:
    assert bool(wrong_arrows(_write(tmp_path, {name: source}))) is wrong


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param(
            {"ctx.py": "import hipflask.globals", "globals.py": "def f():\n    import hipflask.ctx"},
            [["hipflask.ctx", "hipflask.globals"]],
            id="deferred",
        ),
        pytest.param(
            {"a.py": "import hipflask.b", "b.py": "import hipflask.c", "c.py": "from hipflask.a import x"},
            [["hipflask.a", "hipflask.b", "hipflask.c"]],
            id="three",
        ),
        pytest.param(
            {
                "ctx.py": "if TYPE_CHECKING:\n    from hipflask.app import Flask",
                "app.py": "import hipflask.ctx",
            },
            [],
            id="flask-for-typing",
        ),
        pytest.param(
            {"ctx.py": "from hipflask.app import Flask", "app.py": "import hipflask.ctx"},
            [["hipflask.app", "hipflask.ctx"]],
            id="flask-at-run-time",
        ),
        pytest.param({"a.py": "import hipflask.b", "b.py": "import hipflask.c", "c.py": ""}, [], id="chain"),
        pytest.param({"a.py": "import hipflask.a"}, [["hipflask.a"]], id="itself"),
    ],
)
def test_cycles_of_sample_are_found(tmp_path: Path, files: dict[str, str], expected: list[list[str]]) -> None:
    assert import_cycles(_write(tmp_path, files)) == expected


@pytest.mark.parametrize(
    ("name", "source", "wrong"),
    [
        pytest.param("http/a.py", "import re, markupsafe\n", False, id="http-markupsafe"),
        pytest.param("http/a.py", "import jinja2\n", True, id="http-jinja2"),
        pytest.param("app.py", "def f():\n    import requests\n", True, id="core-other"),
        pytest.param("ext/a.py", "import sqlalchemy\n", False, id="extension-other"),
        pytest.param("ext/a.py", "from werkzeug import Request\n", True, id="werkzeug"),
        pytest.param("server/a.py", "import flask.app\n", True, id="flask"),
    ],
)
def test_foreign_import_of_sample_is_found(tmp_path: Path, name: str, source: str, wrong: bool) -> None:
    assert bool(wrong_foreign_imports(_write(tmp_path, {name: source}))) is wrong


@pytest.mark.parametrize(
    ("source", "wrong"),
    [
        pytest.param('import_string("hipflask.server")\n', True, id="module"),
        pytest.param("importlib.import_module(name)\n", True, id="import_module"),
        pytest.param("__import__(name)\n", True, id="dunder-import"),
        pytest.param('import_module(f"{__name__}.{home}")\n', False, id="part-of-own-package"),
        pytest.param('import_module(f"{package}.{home}")\n', True, id="part-of-any-package"),
        pytest.param('LAZY = {"run": "hipflask.server:run_simple"}\n', True, id="name-in-module"),
        pytest.param('"""hipflask.server"""\n', False, id="docstring"),
        pytest.param('getLogger("hipflask.access")\n', False, id="other-name"),
    ],
)
def test_hidden_import_of_sample_is_found(tmp_path: Path, source: str, wrong: bool) -> None:
    assert bool(hidden_imports(_write(tmp_path, {"app.py": source}))) is wrong
