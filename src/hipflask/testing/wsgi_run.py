"""Where Werkzeug's ``run_wsgi_app`` is looked for: among what tests use."""

from __future__ import annotations

from hipflask.http.wsgi import run_wsgi_app

__all__ = ["run_wsgi_app"]
