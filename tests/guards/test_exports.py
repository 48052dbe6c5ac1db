"""What is public is said to be: `__all__` of every public module, and Flask's names in the package itself."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tests.guards.source_tree import Module, definitions, is_public, modules

# The names of `flask` 3.1 that are not modules and not deprecated.
FLASK_NAMES = """
    Blueprint Config Flask Request Response abort after_this_request appcontext_popped appcontext_pushed
    appcontext_tearing_down before_render_template copy_current_request_context current_app flash
    get_flashed_messages get_template_attribute got_request_exception g has_app_context has_request_context
    jsonify json make_response message_flashed redirect render_template render_template_string request
    request_finished request_started request_tearing_down send_file send_from_directory session
    stream_template stream_template_string stream_with_context template_rendered url_for
""".split()


def declared_names(module: Module) -> list[str] | None:
    """Return the module's `__all__` if it is a literal list or tuple of strings, else ``None``."""
    for node in module.tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        value = getattr(node, "value", None)
        if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
            try:
                names = ast.literal_eval(value) if isinstance(value, (ast.List, ast.Tuple)) else None
            except ValueError:
                return None
            return list(names) if names is not None and all(isinstance(name, str) for name in names) else None
    return None


def _faults_of(module: Module) -> Iterator[str]:
    names = declared_names(module)
    if names is None:
        yield f"{module.name}: has no `__all__` that is a literal list of strings"
        return
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        yield f"{module.name}: `__all__` repeats {', '.join(repeated)}"
    own = {node.name for node in definitions(module.tree.body) if not node.name.startswith("_")}
    for name in sorted(own - set(names)):
        yield f"{module.name}: {name} is public and not in `__all__`"
    try:
        imported = importlib.import_module(module.name)
    except ImportError as error:
        yield f"{module.name}: cannot be imported: {error}"
        return
    for name in sorted(set(names)):
        try:
            getattr(imported, name)
        except (AttributeError, ImportError):  # ImportError: a name that is imported when it is asked for
            yield f"{module.name}: `__all__` names {name}, which does not exist"


def export_faults(root: Path) -> list[str]:
    """Return a line for each public module below *root* (on ``sys.path``) whose `__all__` is not right."""
    return [fault for module in modules(root) if is_public(module) for fault in _faults_of(module)]


def test_project_modules_declare_their_names(project_root: Path) -> None:
    assert export_faults(project_root / "src") == []


def test_package_exports_names_of_flask(project_root: Path) -> None:
    package = importlib.import_module("hipflask")
    assert [name for name in FLASK_NAMES if not hasattr(package, name)] == []
    assert [name for name in FLASK_NAMES if name not in package.__all__] == []


def test_list_of_flask_names_is_complete() -> None:
    flask = pytest.importorskip("flask")
    public = {name for name, value in vars(flask).items() if not isinstance(value, ModuleType)}
    public = {name for name in public if not name.startswith("_")} - {"annotations"}  # of __future__
    assert public | {"json"} == set(FLASK_NAMES)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param('__all__ = ["f"]\ndef f(): ...\n', [], id="right"),
        pytest.param("__all__ = ()\n", [], id="empty-tuple"),
        pytest.param("x = 1\n", ["has no `__all__` that is a literal list of strings"], id="missing"),
        pytest.param("__all__ = [1]\n", ["has no `__all__` that is a literal list of strings"], id="no-strings"),
        pytest.param("__all__ = dir()\n", ["has no `__all__` that is a literal list of strings"], id="computed"),
        pytest.param('__all__: list[str] = ["x"]\n', ["`__all__` names x, which does not exist"], id="absent"),
        pytest.param('__all__ = ["x", "x"]\nx = 1\n', ["`__all__` repeats x"], id="repeated"),
        pytest.param(
            "__all__ = []\nimport absent_sample\n",
            ["cannot be imported: No module named 'absent_sample'"],
            id="broken",
        ),
        pytest.param("__all__ = []\nclass C: ...\n", ["C is public and not in `__all__`"], id="undeclared"),
    ],
)
def test_export_faults_of_sample_are_found(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    source: str,
    expected: list[str],
) -> None:
    name = "sample_" + request.node.callspec.id.replace("-", "_")
    (tmp_path / f"{name}.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    assert export_faults(tmp_path) == [f"{name}: {fault}" for fault in expected]
