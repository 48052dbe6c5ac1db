"""What every template sees of the current request."""

from __future__ import annotations

import typing as t

from hipflask.globals import _cv_app, _cv_request

__all__ = ["default_template_names"]


def default_template_names() -> dict[str, t.Any]:
    """Return ``g``, and within a request ``request``, for templates; ``session`` is a global of the environment."""
    names: dict[str, t.Any] = {}
    app_context = _cv_app.get(None)
    if app_context is not None:
        names["g"] = app_context.g
    request_context = _cv_request.get(None)
    if request_context is not None:
        names["request"] = request_context.request
    return names
