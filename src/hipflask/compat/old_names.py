"""What extensions written for older versions of Flask and Werkzeug still import.

Reached through compat mode only, which warns about each.
"""

from __future__ import annotations

import hmac
import json
import typing as t

from hipflask.globals import _cv_app, _cv_request
from hipflask.http.datastructures import Authorization
from hipflask.http.response import Response
from hipflask.json.provider import to_serializable
from hipflask.scaffold import endpoint_from_view_func

if t.TYPE_CHECKING:
    from contextvars import ContextVar

__all__ = ["BaseResponse", "JSONEncoder", "JSONMixin", "parse_authorization_header", "safe_str_cmp"]

BaseResponse = Response
parse_authorization_header = Authorization.from_header
_endpoint_from_view_func = endpoint_from_view_func


class _ContextStack:
    """Shows the context that is current in the manner of the stacks that Flask 2.1 had."""

    def __init__(self, variable: ContextVar[t.Any]) -> None:
        self._variable = variable

    @property
    def top(self) -> t.Any:
        """The current context, ``None`` if there is none."""
        return self._variable.get(None)

    def push(self, ctx: t.Any) -> None:
        """Make *ctx* current."""
        ctx.push()

    def pop(self) -> t.Any:
        """End the current context and return it, ``None`` if there is none."""
        ctx = self.top
        if ctx is not None:
            ctx.pop()
        return ctx


_app_ctx_stack = _ContextStack(_cv_app)
_request_ctx_stack = _ContextStack(_cv_request)


class JSONEncoder(json.JSONEncoder):
    """Encodes what Flask's provider encodes: dates, UUIDs, decimals, dataclasses and objects with ``__html__``."""

    def default(self, o: t.Any) -> t.Any:
        """Return something that JSON knows for *o*.

        Raises:
            TypeError: There is nothing.
        """
        return to_serializable(o)


class JSONMixin:
    """Was mixed into requests and responses for JSON, which both can do themselves now."""


def safe_str_cmp(a: str | bytes, b: str | bytes) -> bool:
    """Return whether two texts are equal, in a time that does not tell where they differ."""
    left, right = (value.encode() if isinstance(value, str) else value for value in (a, b))
    return hmac.compare_digest(left, right)
