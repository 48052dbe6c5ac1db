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

SECURITY_HEADERS = {
    # Browsers load only the board's own files, send its forms nowhere else, and show it in no other site's frame.
    "Content-Security-Policy": (
        "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """Return a board that is ready to serve.

    Args:
        config: Settings that win over the environment; the tests give their own `DATABASE` and `SECRET_KEY`.
    """
    from . import accounts, admin, api, csrf, dates, db, errors, forms, links, pages, posting, rate_limit, sample_data

    app = Flask(__name__, instance_path=str(HERE / "instance"))
    configure(app, config or {})
    db.init_app(app, sample_data.insert_into(app))

    # What is asked before each request: who it is, whether it is too much, and whether a form is the board's own.
    app.register_blueprint(accounts.blueprint)
    rate_limit.init_app(app)
    posting.init_app(app)
    csrf.init_app(app)
    app.register_blueprint(pages.blueprint)
    app.register_blueprint(posting.blueprint)
    app.register_blueprint(api.blueprint)
    app.register_blueprint(forms.blueprint)
    app.after_request(add_headers)

    dates.init_app(app)
    links.init_app(app)
    errors.init_app(app)
    admin.init_app(app)
    return app


def configure(app: Flask, config: Mapping[str, Any]) -> None:
    """Set what can be set: the defaults, then the environment, then *config*; and make what is not there yet."""
    from . import secret_key
    from .config import DEFAULTS, read_environment

    app.config.from_mapping(DEFAULTS)
    app.config.from_mapping(read_environment(os.environ, app.instance_path))
    app.config.from_mapping(config)
    if not app.config["PICTURES"]:
        app.config["PICTURES"] = str(Path(app.config["DATABASE"]).resolve().with_name("pictures"))
    if not app.config["SECRET_KEY"]:
        app.config["SECRET_KEY"] = secret_key.read_or_create(Path(app.instance_path, "secret_key"))
    app.logger.setLevel(app.config["LOG_LEVEL"])
    try:
        Path(app.config["PICTURES"]).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RuntimeError(
            f"The board cannot keep pictures in {app.config['PICTURES']!r}: {error}. "
            "Set BOARD_PICTURES to a folder that this process may write, or may make."
        ) from error


def add_headers(response: Response) -> Response:
    """Add the headers that make browsers careful; pages may be kept, but are asked for anew each time."""
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "private, no-cache")
    return response


if __name__ == "__main__":
    # Started as a file, this module does not know yet that it belongs to the package `board`.
    sys.path.insert(0, str(HERE.parent))
    import board  # type: ignore[import-not-found]  # found through the line above

    board.create_app().run()
