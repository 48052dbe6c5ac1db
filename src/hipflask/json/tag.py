"""JSON that keeps types: a value that JSON does not know becomes an object with one key, its tag.

Sessions are stored in this form. ``(1, b"x")`` is ``{" t":[1,{" b":"eA=="}]}``. The format is Flask's, so
that applications on either read each other's sessions.

Source: the behaviour of ``flask.json.tag`` 3.1.
"""

from __future__ import annotations

import sys
from base64 import b64decode, b64encode
from datetime import datetime
from typing import Any

from markupsafe import Markup

from hipflask.json import dumps, loads

__all__ = [
    "JSONTag",
    "PassDict",
    "PassList",
    "TagBytes",
    "TagDateTime",
    "TagDict",
    "TagMarkup",
    "TagTuple",
    "TagUUID",
    "TaggedJSONSerializer",
]


class JSONTag:
    """Base of the tags: one kind of value, and how it is written.

    Args:
        serializer: The serializer that the tag belongs to; tags of containers use it for what they contain.

    Example::

        class TagSet(JSONTag):
            key = " s"

            def check(self, value):
                return isinstance(value, set)

            def to_json(self, value):
                return [self.serializer.tag(item) for item in value]

            def to_python(self, value):
                return set(value)

        app.session_interface.serializer.register(TagSet)
    """

    __slots__ = ("serializer",)

    key: str = ""
    """The one key of the object that the value becomes; empty for tags that only pass into a container."""

    serializer: TaggedJSONSerializer
    """The serializer that the tag belongs to."""

    def __init__(self, serializer: TaggedJSONSerializer) -> None:
        self.serializer = serializer

    def check(self, value: Any) -> bool:
        """Return whether the value is of the tag's kind."""
        raise NotImplementedError

    def to_json(self, value: Any) -> Any:
        """Return what JSON has for the value, without the tag."""
        raise NotImplementedError

    def to_python(self, value: Any) -> Any:
        """Return the value that :meth:`to_json` was called with; what it contains is restored already."""
        raise NotImplementedError

    def tag(self, value: Any) -> dict[str, Any]:
        """Return the value as an object with the tag as its key."""
        return {self.key: self.to_json(value)}


class TagDict(JSONTag):
    """A dict whose only key looks like a tag; the key gets ``__`` at its end."""

    __slots__ = ()
    key = " di"

    def check(self, value: Any) -> bool:
        """Return whether the value is a dict with one key, which is a tag."""
        return isinstance(value, dict) and len(value) == 1 and next(iter(value)) in self.serializer.tags

    def to_json(self, value: Any) -> Any:
        """Return the dict with a marked key."""
        [(key, item)] = value.items()
        return {f"{key}__": self.serializer.tag(item)}

    def to_python(self, value: Any) -> Any:
        """Return the dict with its own key."""
        key = next(iter(value))
        return {key[:-2]: value[key]}


class PassDict(JSONTag):
    """Any other dict: only its values are tagged. Keys become text, as in JSON."""

    __slots__ = ()

    def check(self, value: Any) -> bool:
        """Return whether the value is a dict."""
        return isinstance(value, dict)

    def to_json(self, value: Any) -> Any:
        """Return the dict with tagged values."""
        tag = self.serializer.tag
        return {key: tag(item) for key, item in value.items()}

    def tag(self, value: Any) -> Any:
        """Return :meth:`to_json`; there is no tag."""
        return self.to_json(value)


class TagTuple(JSONTag):
    """A tuple, written as a list."""

    __slots__ = ()
    key = " t"

    def check(self, value: Any) -> bool:
        """Return whether the value is a tuple."""
        return isinstance(value, tuple)

    def to_json(self, value: Any) -> Any:
        """Return a list of the tagged items."""
        return [self.serializer.tag(item) for item in value]

    def to_python(self, value: Any) -> Any:
        """Return a tuple of the items."""
        return tuple(value)


class PassList(JSONTag):
    """A list: only its items are tagged."""

    __slots__ = ()

    def check(self, value: Any) -> bool:
        """Return whether the value is a list."""
        return isinstance(value, list)

    def to_json(self, value: Any) -> Any:
        """Return a list of the tagged items."""
        return [self.serializer.tag(item) for item in value]

    def tag(self, value: Any) -> Any:
        """Return :meth:`to_json`; there is no tag."""
        return self.to_json(value)


class TagBytes(JSONTag):
    """Bytes, written in Base64."""

    __slots__ = ()
    key = " b"

    def check(self, value: Any) -> bool:
        """Return whether the value is of type bytes."""
        return isinstance(value, bytes)

    def to_json(self, value: Any) -> Any:
        """Return the bytes in Base64."""
        return b64encode(value).decode("ascii")

    def to_python(self, value: Any) -> Any:
        """Return the bytes."""
        return b64decode(value)


class TagMarkup(JSONTag):
    """Text that is HTML: ``Markup``, or anything with a method ``__html__``; comes back as ``Markup``."""

    __slots__ = ()
    key = " m"

    def check(self, value: Any) -> bool:
        """Return whether the value has a form in HTML."""
        return callable(getattr(value, "__html__", None))

    def to_json(self, value: Any) -> Any:
        """Return the HTML as plain text."""
        return str(value.__html__())

    def to_python(self, value: Any) -> Any:
        """Return the text as ``Markup``."""
        return Markup(value)


class TagUUID(JSONTag):
    """A UUID, written in 32 hexadecimal digits."""

    __slots__ = ()
    key = " u"

    def check(self, value: Any) -> bool:
        """Return whether the value is a UUID."""
        uuid = sys.modules.get("uuid")  # who has made one has imported it
        return uuid is not None and isinstance(value, uuid.UUID)

    def to_json(self, value: Any) -> Any:
        """Return the digits."""
        return value.hex

    def to_python(self, value: Any) -> Any:
        """Return the UUID."""
        from uuid import UUID

        return UUID(value)


class TagDateTime(JSONTag):
    """A moment, written as an HTTP date (RFC 9110, 5.6.7): in seconds; comes back in UTC."""

    __slots__ = ()
    key = " d"

    def check(self, value: Any) -> bool:
        """Return whether the value is a datetime."""
        return isinstance(value, datetime)

    def to_json(self, value: Any) -> Any:
        """Return the HTTP date; a moment without time zone is taken as UTC."""
        from hipflask.http.dates import http_date

        return http_date(value)

    def to_python(self, value: Any) -> Any:
        """Return the moment in UTC."""
        from hipflask.http.dates import parse_date

        return parse_date(value)


class TaggedJSONSerializer:
    """Writes and reads the tagged form.

    It knows dict, tuple, list, bytes, Markup, UUID and datetime besides what JSON knows, and what
    :meth:`register` adds.
    """

    __slots__ = ("order", "tags")

    default_tags: list[type[JSONTag]] = [
        TagDict,
        PassDict,
        TagTuple,
        PassList,
        TagBytes,
        TagMarkup,
        TagUUID,
        TagDateTime,
    ]
    """The tags that a new serializer has."""

    tags: dict[str, JSONTag]
    """The tags by their keys."""

    order: list[JSONTag]
    """The tags in the order in which they are asked; the first that knows a value writes it."""

    def __init__(self) -> None:
        self.tags = {}
        self.order = []
        for tag_class in self.default_tags:
            self.register(tag_class)

    def register(self, tag_class: type[JSONTag], force: bool = False, index: int | None = None) -> None:
        """Add a tag.

        Args:
            tag_class: The tag's class.
            force: Take over a key that is in use.
            index: Place in :attr:`order`; the end by default. A special kind goes before the general one: a
                subclass of dict before ``TagDict``, so at 0.

        Raises:
            KeyError: The tag's key is in use.
        """
        tag = tag_class(self)
        key = tag.key
        if key:
            if key in self.tags and not force:
                raise KeyError(f"The tag {key!r} is in use; choose another key, or pass force=True to take it over.")
            self.tags[key] = tag
        self.order.insert(len(self.order) if index is None else index, tag)

    def tag(self, value: Any) -> Any:
        """Return a value in tagged form, ready for JSON; one that no tag knows is returned as it is."""
        for tag in self.order:
            if tag.check(value):
                return tag.tag(value)
        return value

    def untag(self, value: dict[str, Any]) -> Any:
        """Return the value that a dict stands for: itself, if its only key is no tag."""
        if len(value) != 1:
            return value
        key = next(iter(value))
        if key not in self.tags:
            return value
        return self.tags[key].to_python(value[key])

    def _untag_deep(self, value: Any) -> Any:
        if isinstance(value, dict):
            return self.untag({key: self._untag_deep(item) for key, item in value.items()})
        if isinstance(value, list):
            return [self._untag_deep(item) for item in value]
        return value

    def dumps(self, value: Any) -> str:
        """Return a value as compact JSON text in tagged form."""
        return dumps(self.tag(value), separators=(",", ":"))

    def loads(self, value: str) -> Any:
        """Return the value that :meth:`dumps` was called with."""
        return self._untag_deep(loads(value))
