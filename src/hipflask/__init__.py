"""hipflask: the Flask API, made for today.

``import hipflask as flask`` is all that an application of one's own needs to move.

PYTEST_DONT_REWRITE (pytest would warn that the package of its plugin was imported before it, in compat mode)
"""

from hipflask import json as json
from hipflask.app import Flask
from hipflask.blueprints import Blueprint
from hipflask.config import Config
from hipflask.ctx import (
    after_this_request,
    copy_current_request_context,
    has_app_context,
    has_request_context,
)
from hipflask.current import abort, make_response, redirect, stream_with_context, url_for
from hipflask.files import send_file, send_from_directory
from hipflask.flashing import flash, get_flashed_messages
from hipflask.globals import current_app, g, request, session
from hipflask.json import jsonify
from hipflask.signals import (
    appcontext_popped,
    appcontext_pushed,
    appcontext_tearing_down,
    before_render_template,
    got_request_exception,
    message_flashed,
    request_finished,
    request_started,
    request_tearing_down,
    template_rendered,
)
from hipflask.templating import (
    get_template_attribute,
    render_template,
    render_template_string,
    stream_template,
    stream_template_string,
)
from hipflask.wrappers import Request, Response

__all__ = [
    "Blueprint",
    "Config",
    "Flask",
    "Request",
    "Response",
    "abort",
    "after_this_request",
    "appcontext_popped",
    "appcontext_pushed",
    "appcontext_tearing_down",
    "before_render_template",
    "copy_current_request_context",
    "current_app",
    "flash",
    "g",
    "get_flashed_messages",
    "get_template_attribute",
    "got_request_exception",
    "has_app_context",
    "has_request_context",
    "json",
    "jsonify",
    "make_response",
    "message_flashed",
    "redirect",
    "render_template",
    "render_template_string",
    "request",
    "request_finished",
    "request_started",
    "request_tearing_down",
    "send_file",
    "send_from_directory",
    "session",
    "stream_template",
    "stream_template_string",
    "stream_with_context",
    "template_rendered",
    "url_for",
]


def __getattr__(name: str) -> object:
    """Return ``__version__`` from the installed package's metadata, read when it is asked for."""
    if name == "__version__":
        from importlib.metadata import version

        return version("hipflask")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
