"""JSON for applications: the functions of the standard library, done by the current application's provider.

Source: the behaviour of ``flask.json`` 3.1.
"""

from __future__ import annotations

import json as _json
from typing import IO, TYPE_CHECKING, Any

from hipflask.globals import _cv_app, current_app
from hipflask.json.provider import to_serializable

if TYPE_CHECKING:
    from hipflask.wrappers import Response

__all__ = ["dump", "dumps", "jsonify", "load", "loads"]


def dumps(obj: Any, **kwargs: Any) -> str:
    """Return an object as JSON text.

    Done by ``current_app.json``; without an application by :func:`json.dumps`, which knows the same types.

    Args:
        obj: What to serialize.
        kwargs: Options of the provider; the default one takes those of :func:`json.dumps`.

    Raises:
        TypeError: It contains something that has no form in JSON.
    """
    ctx = _cv_app.get(None)
    if ctx is not None:
        return ctx.app.json.dumps(obj, **kwargs)
    kwargs.setdefault("default", to_serializable)
    return _json.dumps(obj, **kwargs)


def dump(obj: Any, fp: IO[str], **kwargs: Any) -> None:
    """Write an object as JSON to a text file.

    Args:
        obj: What to serialize.
        fp: File, open for writing text.
        kwargs: Options, as for :func:`dumps`.
    """
    ctx = _cv_app.get(None)
    if ctx is not None:
        ctx.app.json.dump(obj, fp, **kwargs)
    else:
        kwargs.setdefault("default", to_serializable)
        _json.dump(obj, fp, **kwargs)


def loads(s: str | bytes, **kwargs: Any) -> Any:
    """Return the object that a JSON text describes.

    Args:
        s: The text; bytes are UTF-8.
        kwargs: Options of the provider; the default one takes those of :func:`json.loads`.

    Raises:
        ValueError: The text is not JSON.
    """
    ctx = _cv_app.get(None)
    if ctx is not None:
        return ctx.app.json.loads(s, **kwargs)
    return _json.loads(s, **kwargs)


def load(fp: IO[Any], **kwargs: Any) -> Any:
    """Return the object that a file of JSON describes.

    Args:
        fp: File, open for reading text or UTF-8 bytes.
        kwargs: Options, as for :func:`loads`.
    """
    ctx = _cv_app.get(None)
    if ctx is not None:
        return ctx.app.json.load(fp, **kwargs)
    return _json.load(fp, **kwargs)


def jsonify(*args: Any, **kwargs: Any) -> Response:
    """Return a response whose body is JSON.

    A view can also return the dict or list itself; this is for other values, and to change the response.

    Args:
        args: One value; several become a list, none is ``null``.
        kwargs: Or the items of an object, instead of *args*.

    Raises:
        RuntimeError: There is no current application.
        TypeError: Both are given.

    Example::

        return jsonify(name=user.name, id=user.id), 201
    """
    ctx = _cv_app.get(None)
    app = current_app if ctx is None else ctx.app  # the proxy raises the error for a missing application
    return app.json.response(*args, **kwargs)  # type: ignore[return-value]  # of the application's response class
