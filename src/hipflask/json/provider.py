"""What turns objects into JSON and back for an application, as ``app.json``.

Source: the behaviour of ``flask.json.provider`` 3.1.
"""

from __future__ import annotations

import json
import sys
import weakref
from collections.abc import Callable
from datetime import date
from json import encoder as _encoder
from typing import IO, TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from hipflask.app import Flask
    from hipflask.http.response import Response

__all__ = ["DefaultJSONProvider", "JSONProvider", "to_serializable"]

_COMPACT = (",", ":")


class JSONProvider:
    """Base of providers. A subclass defines :meth:`dumps` and :meth:`loads`, and may redefine the others.

    Make it the application's by ``app.json = MyProvider(app)`` or ``Flask.json_provider_class``.

    Args:
        app: The application; the provider does not keep it alive.
    """

    def __init__(self, app: Flask) -> None:
        self._app = cast("Flask", weakref.proxy(app))
        self._get_app = weakref.ref(app)  # PERF: attributes through the proxy cost three times as much

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        """Return an object as JSON text.

        Args:
            obj: What to serialize.
            kwargs: Options of the subclass.
        """
        raise NotImplementedError

    def dump(self, obj: Any, fp: IO[str], **kwargs: Any) -> None:
        """Write an object as JSON to a text file.

        Args:
            obj: What to serialize.
            fp: File, open for writing text.
            kwargs: Options for :meth:`dumps`.
        """
        fp.write(self.dumps(obj, **kwargs))

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """Return the object that a JSON text describes.

        Args:
            s: The text; bytes are UTF-8.
            kwargs: Options of the subclass.
        """
        raise NotImplementedError

    def load(self, fp: IO[Any], **kwargs: Any) -> Any:
        """Return the object that a file of JSON describes.

        Args:
            fp: File, open for reading text or UTF-8 bytes.
            kwargs: Options for :meth:`loads`.
        """
        return self.loads(fp.read(), **kwargs)

    def _prepare_response_obj(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return the object that the arguments of :meth:`response` mean."""
        if args and kwargs:
            raise TypeError(
                "A JSON response is made of either args or kwargs, and got both. Pass one dict, or only keywords."
            )
        if len(args) == 1:
            return args[0]
        if args:
            return args
        return kwargs or None

    def response(self, *args: Any, **kwargs: Any) -> Response:
        """Return a response whose body is JSON, made by :meth:`dumps`.

        Args:
            args: One value; several become a list, none is ``null``.
            kwargs: Or the items of an object.

        Raises:
            TypeError: Both are given.
        """
        obj = self._prepare_response_obj(args, kwargs)
        return self._app.response_class(self.dumps(obj), mimetype="application/json")


def to_serializable(o: Any) -> Any:
    """Return a form that JSON has for an object that it does not know.

    Dates become HTTP dates (RFC 9110, 5.6.7), ``Decimal`` and ``UUID`` text, dataclasses objects; what has
    ``__html__`` (such as ``Markup``) becomes that text.

    Raises:
        TypeError: The object is none of these.
    """
    if isinstance(o, date):
        from hipflask.http.dates import http_date

        return http_date(o)
    if isinstance(o, _loaded("decimal", "Decimal") + _loaded("uuid", "UUID")):
        return str(o)
    if hasattr(o, "__dataclass_fields__"):
        from dataclasses import asdict

        return asdict(o)
    if hasattr(o, "__html__"):
        return str(o.__html__())
    raise TypeError(f"Object of type {type(o).__name__} is not JSON serializable")


def _loaded(module: str, name: str) -> tuple[type, ...]:
    """Return a class if its module was imported; otherwise no object can be an instance of it."""
    found = sys.modules.get(module)
    return () if found is None else (getattr(found, name),)


class DefaultJSONProvider(JSONProvider):
    """The provider that applications start with; it uses the standard library's :mod:`json`.

    Its attributes can be set on an application's provider (``app.json.sort_keys = False``) or in a subclass.
    """

    default: Callable[[Any], Any] = staticmethod(to_serializable)
    """Called with an object that JSON does not know; returns one that it knows, or raises TypeError."""

    ensure_ascii = True
    """Write characters beyond ASCII as escapes."""

    sort_keys = True
    """Order the keys of objects, so that the same data gives the same text. Mixed types of keys cannot be."""

    compact: bool | None = None
    """Whether responses have no spaces and line breaks; ``None``: unless the application is in debug mode."""

    mimetype = "application/json"
    """Media type of :meth:`response`."""

    # The options of the last encoder, and its function.
    _kept: tuple[Any, bool, bool, str, Callable[[Any, int], tuple[str, ...]]] | None = None

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        """Return an object as JSON text.

        Args:
            obj: What to serialize.
            kwargs: Options of :func:`json.dumps`; they win over the provider's attributes.

        Raises:
            TypeError: It contains what :attr:`default` does not know, or keys that cannot be sorted.
            ValueError: It contains itself.
        """
        if not kwargs:
            return self._encode(obj, ", ", ": ")
        kwargs.setdefault("default", self.default)
        kwargs.setdefault("ensure_ascii", self.ensure_ascii)
        kwargs.setdefault("sort_keys", self.sort_keys)
        return json.dumps(obj, **kwargs)

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """Return the object that a JSON text describes.

        Args:
            s: The text; bytes are UTF-8.
            kwargs: Options of :func:`json.loads`.

        Raises:
            ValueError: The text is not JSON.
        """
        return json.loads(s, **kwargs)

    def response(self, *args: Any, **kwargs: Any) -> Response:
        """Return a response whose body is JSON and a line break.

        In debug mode the text is indented, unless :attr:`compact` says otherwise.

        Args:
            args: One value; several become a list, none is ``null``.
            kwargs: Or the items of an object.

        Raises:
            TypeError: Both are given.
        """
        obj = self._prepare_response_obj(args, kwargs) if kwargs or len(args) != 1 else args[0]
        app = self._get_app() or self._app
        return app.response_class(self._response_text(app, obj), mimetype=self.mimetype)

    def _response_text(self, app: Any, obj: Any) -> str:
        """Return the body of a response."""
        if app.debug if self.compact is None else not self.compact:
            text = self.dumps(obj, indent=2)
        elif type(self).dumps is _dumps:
            text = self._encode(obj, ",", ":")  # PERF: what dumps() comes to, without its keywords
        else:
            text = self.dumps(obj, separators=_COMPACT)
        return text + "\n"

    def _encode(self, obj: Any, item_separator: str, key_separator: str) -> str:
        """Return an object as JSON text on one line, with the provider's attributes as options."""
        default, ensure_ascii, sort_keys = self.default, self.ensure_ascii, self.sort_keys
        kept = self._kept
        # PERF: what json.dumps does with these options, without making a JSONEncoder each time: a third of the time for
        # a small dict. The one that is kept does not look for circular references, which would not be safe in threads;
        # it meets them as a recursion that is too deep, and then json.dumps says what is wrong.
        if kept is None or kept[:4] != (default, ensure_ascii, sort_keys, item_separator):
            if default is None or not _HAS_C_ENCODER:
                return self._dumps_as_json_does(obj, item_separator, key_separator)
            quote = _QUOTE_ASCII if ensure_ascii else _QUOTE
            encode = _make_encoder(None, default, quote, None, key_separator, item_separator, sort_keys, False, True)
            kept = self._kept = (default, ensure_ascii, sort_keys, item_separator, encode)
        try:
            return "".join(kept[4](obj, 0))
        except RecursionError:
            return self._dumps_as_json_does(obj, item_separator, key_separator)

    def _dumps_as_json_does(self, obj: Any, item_separator: str, key_separator: str) -> str:
        return json.dumps(
            obj,
            default=self.default,
            ensure_ascii=self.ensure_ascii,
            sort_keys=self.sort_keys,
            separators=(item_separator, key_separator),
        )


# Whether a subclass has its own.
_dumps = DefaultJSONProvider.dumps


# What json.dumps uses in CPython; other implementations of Python may lack it.
_make_encoder: Any = getattr(_encoder, "c_make_encoder", None)
_QUOTE_ASCII: Any = _encoder.encode_basestring_ascii
_QUOTE: Any = _encoder.encode_basestring


def _c_encoder_works() -> bool:
    """Whether the standard library's encoder in C is there and takes the arguments that we know."""
    if _make_encoder is None:
        return False
    try:
        encode = _make_encoder({}, str, _QUOTE_ASCII, None, *reversed(_COMPACT), True, False, True)
        return "".join(encode({"b": [1], "a": None}, 0)) == '{"a":null,"b":[1]}'
    except TypeError:
        return False


_HAS_C_ENCODER = _c_encoder_works()
