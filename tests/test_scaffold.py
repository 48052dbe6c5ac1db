from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hipflask import Blueprint, Flask
from hipflask.http.exceptions import HTTPException, NotFound
from hipflask.scaffold import Scaffold, endpoint_from_view_func


def view() -> str:
    return "x"


@pytest.mark.parametrize("method", ["get", "post", "put", "delete", "patch"])
def test_decorator_of_a_method_registers_it(method: str) -> None:
    app = Flask("x")
    assert getattr(app, method)("/path")(view) is view
    response = app.test_client().open("/path", method=method)
    assert response.data == b"x"
    assert app.test_client().open("/path", method="TRACE").status_code == 405


def test_decorator_of_a_method_refuses_methods() -> None:
    with pytest.raises(TypeError, match=r"Use @route\(\) to pass methods="):
        Flask("x").get("/", methods=["POST"])


def test_route_takes_options() -> None:
    app = Flask("x")
    app.route("/<int:n>", endpoint="own", methods=["PUT"], defaults={"m": 1})(lambda n, m: f"{n} {m}")
    assert app.test_client().put("/5").data == b"5 1"
    assert "own" in app.view_functions


def test_endpoint_registers_a_view_for_later() -> None:
    app = Flask("x")
    app.add_url_rule("/", endpoint="index")
    assert app.endpoint("index")(view) is view
    assert app.test_client().get("/").data == b"x"


def test_endpoint_needs_a_view_or_a_name() -> None:
    assert endpoint_from_view_func(view) == "view"
    with pytest.raises(AssertionError, match="endpoint= or view_func="):
        endpoint_from_view_func(None)
    with pytest.raises(AssertionError, match="endpoint="):
        Flask("x").add_url_rule("/")


HOOKS = [
    "before_request",
    "after_request",
    "teardown_request",
    "context_processor",
    "url_value_preprocessor",
    "url_defaults",
]
REGISTRIES = [
    "before_request_funcs",
    "after_request_funcs",
    "teardown_request_funcs",
    "template_context_processors",
    "url_value_preprocessors",
    "url_default_functions",
]


@pytest.mark.parametrize(("hook", "registry"), list(zip(HOOKS, REGISTRIES, strict=True)))
def test_hook_is_registered_and_returned(hook: str, registry: str) -> None:
    app = Flask("x")
    assert getattr(app, hook)(view) is view
    assert getattr(app, registry)[None][-1] is view


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        pytest.param(404, (NotFound, 404), id="code"),
        pytest.param(NotFound, (NotFound, 404), id="http-class"),
        pytest.param(HTTPException, (HTTPException, None), id="http-base"),
        pytest.param(ValueError, (ValueError, None), id="class"),
    ],
)
def test_error_handler_is_kept_by_code_and_class(key: Any, expected: tuple[type[Exception], int | None]) -> None:
    app = Flask("x")
    assert app.errorhandler(key)(view) is view
    cls, code = expected
    assert app.error_handler_spec[None][code][cls] is view


@pytest.mark.parametrize(
    ("key", "error", "message"),
    [
        pytest.param(299, ValueError, "no HTTP error with the code 299", id="unknown-code"),
        pytest.param(ValueError("x"), TypeError, "is an instance, not a class", id="instance"),
        pytest.param(int, ValueError, "not a subclass of Exception", id="other-class"),
        pytest.param("404", TypeError, "neither a class nor a status code", id="text"),
        pytest.param(KeyboardInterrupt, ValueError, "not a subclass of Exception", id="base-exception"),
    ],
)
def test_wrong_key_of_error_handler_is_refused(key: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Flask("x").register_error_handler(key, lambda error: "x")


def test_folders_are_found(tmp_path: Path) -> None:
    app = Flask("x", root_path=str(tmp_path), static_folder=Path("files/"), template_folder=None)
    assert app.static_folder == str(tmp_path / "files")
    assert (app.static_url_path, app.has_static_folder, app.jinja_loader) == ("/files", True, None)
    app.static_url_path = "/own/"
    assert app.static_url_path == "/own"
    app.static_url_path = app.static_folder = None
    assert (app.static_url_path, app.static_folder, app.has_static_folder) == (None, None, False)
    assert type(Flask("x", root_path=str(tmp_path)).jinja_loader).__name__ == "FileSystemLoader"


def test_names_are_told() -> None:
    assert repr(Flask("name")) == "<Flask 'name'>"
    assert repr(Blueprint("part", "name")) == "<Blueprint 'part'>"


@pytest.mark.parametrize(
    ("setting", "expected"), [(None, None), (60, 60), (timedelta(minutes=2), 120)], ids=["none", "number", "timedelta"]
)
def test_send_file_max_age(setting: Any, expected: int | None) -> None:
    app = Flask("x")
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = setting
    with app.app_context():
        assert app.get_send_file_max_age("a.txt") == expected


def test_send_static_file(tmp_path: Path) -> None:
    (tmp_path / "static").mkdir()
    (tmp_path / "static/a.txt").write_text("content")
    app = Flask("x", root_path=str(tmp_path))
    with app.test_request_context():
        response = app.send_static_file("a.txt")
        response.direct_passthrough = False
        assert response.data == b"content"
        response.close()
        with pytest.raises(NotFound):
            app.send_static_file("absent.txt")
        app.static_folder = None
        with pytest.raises(RuntimeError, match="has no static folder"):
            app.send_static_file("a.txt")


def test_open_resource(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("é".encode())
    app = Flask("x", root_path=str(tmp_path))
    with app.open_resource("a.txt") as file:
        assert file.read() == "é".encode()
    with app.open_resource("a.txt", "r") as file:
        assert file.read() == "é"
    with app.open_resource("a.txt", "rt", encoding="latin-1") as file:
        assert file.read() == "Ã©"
    with pytest.raises(ValueError, match="opened for reading"):
        app.open_resource("a.txt", "w")


def test_commands_are_of_the_object() -> None:
    app, part = Flask("app_name"), Blueprint("part", "x")
    assert app.cli is app.cli
    assert (app.cli.name, part.cli.name) == ("app_name", "part")


def test_scaffold_itself_leaves_the_rest_to_its_subclasses() -> None:
    scaffold = Scaffold("x")
    with pytest.raises(NotImplementedError):
        scaffold.add_url_rule("/")
    with pytest.raises(NotImplementedError):
        scaffold.before_request(view)
