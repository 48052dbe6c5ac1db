"""A new board for each test, with its database and its pictures in a temporary folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from jinja2 import FileSystemBytecodeCache

from examples.board import create_app
from examples.board.posts import Draft, publish
from examples.board.store import messages, users
from hipflask.http.security import generate_password_hash
from tests.examples.board.visitor import PASSWORD, Visitor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hipflask import Flask

# So many of each that no test meets them by chance.
NO_LIMITS = dict.fromkeys(("writing", "log-in", "token", "sign-up"), (10_000, 60))


@pytest.fixture(scope="session")
def compiled_templates(tmp_path_factory: pytest.TempPathFactory) -> FileSystemBytecodeCache:
    """Where the boards of all tests keep their compiled templates: most of a test's time would go there."""
    return FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))


@pytest.fixture
def make_app(tmp_path: Path, compiled_templates: FileSystemBytecodeCache) -> Iterator[Callable[..., Flask]]:
    """Make boards with the sample data and the users `maria`, `pavel` and `root`, an administrator."""

    apps = []

    def make(**settings: object) -> Flask:
        config = {
            "TESTING": True,
            "DATABASE": str(tmp_path / "board.sqlite3"),
            "PICTURES": str(tmp_path / "pictures"),
            "SECRET_KEY": "test",
            "RATE_LIMITS": NO_LIMITS,
        }
        app = create_app(config | settings)
        apps.append(app)
        app.jinja_env.bytecode_cache = compiled_templates
        cheap_hash = generate_password_hash(PASSWORD, method="pbkdf2:sha256:1")
        with app.app_context():
            for name in ("maria", "pavel", "root"):
                users.add(name, cheap_hash, is_admin=name == "root")
        return app

    yield make
    for app in apps:
        app.extensions["connections"].close()


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """A board."""
    return make_app()


@pytest.fixture
def guest(app: Flask) -> Visitor:
    """Somebody who is not logged in."""
    return Visitor(app)


@pytest.fixture
def maria(app: Flask) -> Visitor:
    """Somebody who is logged in."""
    return Visitor(app, "maria")


@pytest.fixture
def pavel(app: Flask) -> Visitor:
    """Somebody else who is logged in."""
    return Visitor(app, "pavel")


@pytest.fixture
def root(app: Flask) -> Visitor:
    """An administrator who is logged in."""
    return Visitor(app, "root")


@pytest.fixture
def post(app: Flask) -> Callable[..., int]:
    """Put a message on the board, without its form, and return the id."""

    def put(title: str, body: str = "Some text.", author: str = "maria", thread: int | None = None) -> int:
        with app.app_context():
            user = users.find_by_name(author)
            assert user is not None
            return publish(user, Draft(title, body), thread=messages.find(thread) if thread else None)

    return put


@pytest.fixture
def new_pictures(app: Flask) -> Callable[[], set[str]]:
    """Return what is in the folder of pictures since the test began: drafts too, without the sample's."""
    folder = Path(app.config["PICTURES"])
    before = {path.name for path in folder.iterdir()}
    return lambda: {path.name for path in folder.iterdir()} - before
