"""Where a request is to be served: on a thread, on a thread that hosts async views, or wholly on the event loop."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any

from hipflask import signals
from hipflask.concurrency import is_coroutine_function
from hipflask.dispatch import STAGES, STEPS
from hipflask.originals import ORIGINALS, are_original, is_original
from hipflask.routing.converters import DEFAULT_CONVERTERS
from hipflask.routing.map import Map
from hipflask.sessions import may_open_late
from hipflask.url_building import find_plainly

if TYPE_CHECKING:
    from hipflask.app import Flask
    from hipflask.asgi.head import AsgiHead

__all__ = ["Place", "find_place", "is_served_by_handle"]

_SIGNALS = (*signals._of_every_request, signals.got_request_exception)


class Place(enum.Enum):
    """Where a request is served."""

    THREAD = 0
    """On a thread of its own for as long as it takes: sync code, or code that is not known."""
    HOST = 1
    """An async view with sync parts around it, which run on a thread that others use too."""
    LOOP = 2
    """An async view and nothing else."""


def is_served_by_handle(app: Any) -> bool:
    """Return whether an application is one of ours that nobody has wrapped or replaced a part of.

    Middleware is put around ``wsgi_app``, and agents patch it or ``__call__``; such a request must go through them.

    Args:
        app: Any WSGI application.
    """
    try:
        function = app.wsgi_app.__func__
    except AttributeError:
        return False
    return function is ORIGINALS["wsgi_app"] and type(app).__call__ is ORIGINALS["__call__"]


def find_place(app: Flask, head: AsgiHead) -> Place:
    """Return where a request to an application is to be served; a match is kept for the context, in the head.

    Args:
        app: An application for which :func:`is_served_by_handle` holds.
        head: The request.
    """
    url_map = app.url_map
    # Matching calls converters; one of the application's own may look into a database.
    if type(url_map) is not Map or url_map.converters != DEFAULT_CONVERTERS:
        return Place.THREAD
    found = find_plainly(app, head)
    if found is None:
        return Place.THREAD
    head.set_match((app, found))
    rule = found[0]
    view = app.view_functions.get(rule.endpoint)
    if view is None or not is_coroutine_function(view):
        return Place.THREAD
    if head.method == "OPTIONS" and getattr(rule, "provide_automatic_options", False):
        return Place.THREAD
    if not are_original(app):
        if not _are_original(app, STAGES):
            return Place.THREAD  # its view is not suspended but waited for
        if not _are_original(app, STEPS):
            return Place.HOST
    return Place.HOST if _has_sync_parts(app, rule.endpoint) else Place.LOOP


def _has_sync_parts(app: Flask, endpoint: str) -> bool:
    """Return whether anything of a request may block besides its view."""
    registries = (
        app.url_value_preprocessors,
        app.before_request_funcs,
        app.after_request_funcs,
        app.teardown_request_funcs,
    )
    if any(registries):
        names: list[str | None] = [None]
        blueprint = endpoint
        while "." in blueprint:
            blueprint = blueprint.rpartition(".")[0]
            names.append(blueprint)
        if any(registry.get(name) for registry in registries for name in names):
            return True
    return bool(
        app.teardown_appcontext_funcs
        or not may_open_late(app.session_interface)
        or (signals.in_use and any(signal.receivers for signal in _SIGNALS))
    )


def _are_original(app: Flask, names: tuple[str, ...]) -> bool:
    return all(is_original(app, name) for name in names)
