from __future__ import annotations

import gc
import weakref
from pathlib import Path
from typing import Any

import pytest

from hipflask import Flask


@pytest.fixture
def root(tmp_path: Path) -> str:
    (tmp_path / "static").mkdir()
    (tmp_path / "static/a.txt").write_text("content")
    return str(tmp_path)


@pytest.mark.parametrize(
    ("options", "url"),
    [
        pytest.param({}, "/static/a.txt", id="default"),
        pytest.param({"static_url_path": "/files"}, "/files/a.txt", id="own-path"),
        pytest.param({"static_url_path": ""}, "/a.txt", id="root"),
    ],
)
def test_static_files_have_a_route(root: str, options: dict[str, Any], url: str) -> None:
    app = Flask("x", root_path=root, **options)
    with app.test_request_context():
        assert app.url_for("static", filename="a.txt") == url
    with app.test_client().get(url) as response:
        assert response.data == b"content"


def test_no_folder_no_route() -> None:
    app = Flask("x", static_folder=None)
    assert not list(app.url_map.iter_rules())


def test_static_host_goes_with_host_matching(root: str) -> None:
    app = Flask("x", root_path=root, static_host="files.org", host_matching=True)
    with app.test_client().get("/static/a.txt", base_url="http://files.org") as response:
        assert response.status_code == 200
    assert app.test_client().get("/static/a.txt", base_url="http://other.org").status_code == 404
    for options in ({"static_host": "files.org"}, {"host_matching": True}):
        with pytest.raises(AssertionError, match="do not go together"):
            Flask("x", root_path=root, **options)


def test_view_of_static_files_does_not_keep_the_application_alive(root: str) -> None:
    app = Flask("x", root_path=root)
    view = app.view_functions["static"]
    reference = weakref.ref(app)
    del app
    gc.collect()
    assert reference() is None
    assert callable(view)
