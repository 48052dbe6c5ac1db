"""The message board: `create_app` puts its parts together.

Start it from the repository's root with `make run`, or with one of

    hipflask --app examples/board run
    python examples/board/app.py
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hipflask import Flask, Response

HERE = Path(__file__).resolve().parent


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """Return a board that is ready to serve.

    Args:
        config: Settings that win over the environment; the tests give their own `DATABASE` and `SECRET_KEY`.
    """
    from . import accounts, api, csrf, db, errors, messages, secret_key

    app = Flask(__name__, instance_path=str(HERE / "instance"))
    app.config.from_mapping(
        DATABASE=os.environ.get("BOARD_DATABASE") or os.path.join(app.instance_path, "board.sqlite3"),
        MAX_CONTENT_LENGTH=64 * 1024,  # bytes in one request: room for the longest message in any script
        SESSION_COOKIE_NAME="board_session",  # other programs on localhost have a cookie named "session"
        SESSION_COOKIE_SAMESITE="Lax",  # not sent along with a form on somebody else's page
    )
    app.config.from_mapping(config or {})
    if not app.config["SECRET_KEY"]:
        app.config["SECRET_KEY"] = secret_key.find(Path(app.instance_path, "secret_key"))

    db.init_app(app)
    errors.init_app(app)
    app.register_blueprint(accounts.blueprint)  # first: it finds out who is asking, for every page
    csrf.init_app(app)
    app.register_blueprint(messages.blueprint)
    app.register_blueprint(api.blueprint)
    app.after_request(add_security_headers)
    return app


def add_security_headers(response: Response) -> Response:
    """Let browsers load only the board's own files, and show it in no other site's frame."""
    response.headers.setdefault("Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'")
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    return response


if __name__ == "__main__":
    # Started as a file, this module does not know yet that it belongs to the package `board`.
    sys.path.insert(0, str(HERE.parent))
    import board  # type: ignore[import-not-found]  # found through the line above

    board.create_app().run()
