"""A new board for each test, with its database in a temporary folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from examples.board import create_app
from examples.board.store import add_message, add_user
from hipflask.http.security import generate_password_hash
from tests.examples.board.visitor import PASSWORD, Visitor

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hipflask import Flask


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    """A board with the sample data and the users `maria` and `noor`."""
    app = create_app({"TESTING": True, "DATABASE": str(tmp_path / "board.sqlite3"), "SECRET_KEY": "test"})
    cheap_hash = generate_password_hash(PASSWORD, method="pbkdf2:sha256:1")
    with app.app_context():
        assert add_user("maria", cheap_hash)
        assert add_user("noor", cheap_hash)
    return app


@pytest.fixture
def guest(app: Flask) -> Visitor:
    """Somebody who is not logged in."""
    return Visitor(app)


@pytest.fixture
def maria(app: Flask) -> Visitor:
    """Somebody who is logged in."""
    return Visitor(app, "maria")


@pytest.fixture
def post(app: Flask) -> Callable[..., int]:
    """Put a message on the board, without its form, and return the id."""

    def put(title: str, body: str = "Some text.", author_id: int = 1) -> int:
        with app.app_context():
            return add_message(author_id, title, body)

    return put
