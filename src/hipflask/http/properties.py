"""Properties that keep their value, and properties that are kept in a header or in the WSGI environ."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, overload

__all__ = ["cached_property", "environ_property", "get_content_type", "header_property"]

T = TypeVar("T")

_MISSING: Any = object()

# Types of text that are not text/*, and not XML by their name's ending.
_TYPES_WITH_CHARSET = frozenset(
    f"application/{subtype}"
    for subtype in ("ecmascript", "javascript", "sql", "xml", "xml-dtd", "xml-external-parsed-entity")
)


def get_content_type(mimetype: str, charset: str) -> str:
    """Return *mimetype* with a ``charset`` parameter if it is a type of text.

    Args:
        mimetype: The media type, such as ``"text/html"``.
        charset: The name of the text's encoding.
    """
    if mimetype.startswith("text/") or mimetype in _TYPES_WITH_CHARSET or mimetype.endswith("+xml"):
        return f"{mimetype}; charset={charset}"
    return mimetype


class cached_property(Generic[T]):  # noqa: N801  # used like a function, as `property` is
    """A property that is computed once per object; from then on it is an attribute of the object.

    Setting it sets that attribute, deleting it has it computed again.

    A class with ``__slots__`` and no ``__dict__`` needs a slot ``_cache_<name>``.

    Args:
        fget: Computes the value from the object.
        name: The attribute to keep the value in, the function's name if left out.
        doc: The docstring, the function's if left out.

    Example::

        class Page:
            @cached_property
            def words(self):
                return self.text.split()

    Differs from Werkzeug: it is no subclass of :class:`property`, so that reading it again costs no call of a
    Python function; deleting a value that is not there is an :exc:`AttributeError`.
    """

    def __init__(self, fget: Callable[[Any], T], name: str | None = None, doc: str | None = None) -> None:
        self.fget = fget
        self._is_named = name is not None
        self.__name__ = name or fget.__name__
        self.__module__ = fget.__module__
        self.__doc__ = doc or fget.__doc__
        self.slot_name = f"_cache_{self.__name__}"

    def __set_name__(self, owner: type, name: str) -> None:
        if not self._is_named:
            self.__name__ = name
            self.slot_name = f"_cache_{name}"
        if self.__name__ != name or not owner.__dictoffset__:
            # The value is not in the attribute itself, so setting and deleting have to be redirected.
            setattr(owner, name, _RedirectedProperty(self.fget, self.__name__, self.__doc__))

    @overload
    def __get__(self, obj: None, type: type | None = None) -> Self: ...
    @overload
    def __get__(self, obj: object, type: type | None = None) -> T: ...
    def __get__(self, obj: object, type: type | None = None) -> Self | T:
        if obj is None:
            return self
        cache = obj.__dict__  # it can have the value: super() asks here too
        value: T = cache.get(self.__name__, _MISSING)
        if value is _MISSING:
            value = cache[self.__name__] = self.fget(obj)
        return value

    if TYPE_CHECKING:  # so that type checkers allow what the object's own attribute allows

        def __set__(self, obj: object, value: T) -> None: ...

        def __delete__(self, obj: object) -> None: ...


class _RedirectedProperty(cached_property[T]):
    """A :class:`cached_property` that keeps its value in another attribute: a slot, or the one named."""

    def __set_name__(self, owner: type, name: str) -> None:
        """Stay what it is."""

    @overload
    def __get__(self, obj: None, type: type | None = None) -> Self: ...
    @overload
    def __get__(self, obj: object, type: type | None = None) -> T: ...
    def __get__(self, obj: object, type: type | None = None) -> Self | T:
        if obj is None:
            return self
        cache = getattr(obj, "__dict__", None)
        value: T = getattr(obj, self.slot_name, _MISSING) if cache is None else cache.get(self.__name__, _MISSING)
        if value is _MISSING:
            value = self.fget(obj)
            self.__set__(obj, value)
        return value

    def __set__(self, obj: object, value: T) -> None:
        cache = getattr(obj, "__dict__", None)
        if cache is None:
            setattr(obj, self.slot_name, value)
        else:
            cache[self.__name__] = value

    def __delete__(self, obj: object) -> None:
        cache = getattr(obj, "__dict__", None)
        if cache is None:
            setattr(obj, self.slot_name, _MISSING)
        elif cache.pop(self.__name__, _MISSING) is _MISSING:
            raise AttributeError(self.__name__)


class _MappingProperty(Generic[T]):
    """A property that is kept as text in some mapping of the object's.

    Args:
        name: The key in the mapping.
        default: The value where the key is missing or its text cannot be converted.
        load_func: Makes the value from the text; :exc:`ValueError` and :exc:`TypeError` mean "cannot be
            converted".
        dump_func: Makes the text from the value.
        read_only: Whether setting and deleting are refused.
        doc: The docstring.
    """

    read_only = False

    def __init__(
        self,
        name: str,
        default: T | None = None,
        load_func: Callable[[str], T] | None = None,
        dump_func: Callable[[T], str] | None = None,
        read_only: bool | None = None,
        doc: str | None = None,
    ) -> None:
        self.name = name
        self.default = default
        self.load_func = load_func
        self.dump_func = dump_func
        if read_only is not None:
            self.read_only = read_only
        self.__doc__ = doc

    def lookup(self, instance: Any) -> MutableMapping[str, Any]:
        """Return the mapping that has the property's text."""
        raise NotImplementedError

    @overload
    def __get__(self, instance: None, owner: type | None = None) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type | None = None) -> T: ...
    def __get__(self, instance: object, owner: type | None = None) -> Self | T | None:
        if instance is None:
            return self
        value = self.lookup(instance).get(self.name, _MISSING)
        if value is _MISSING:
            return self.default
        if self.load_func is None:
            text: T = value
            return text
        try:
            return self.load_func(value)
        except (ValueError, TypeError):
            return self.default

    def _refuse_if_read_only(self) -> None:
        if self.read_only:
            raise AttributeError(f"{self.name!r} can only be read. Set read_only=False to have it written too.")

    def __set__(self, instance: object, value: T) -> None:
        self._refuse_if_read_only()
        self.lookup(instance)[self.name] = value if self.dump_func is None else self.dump_func(value)

    def __delete__(self, instance: object) -> None:
        self._refuse_if_read_only()
        self.lookup(instance).pop(self.name, None)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


class environ_property(_MappingProperty[T]):  # noqa: N801  # used like a function, as `property` is
    """A property of a request that is kept in its WSGI environ; read-only unless ``read_only=False``.

    Example::

        class Request(hipflask.Request):
            user = environ_property("REMOTE_USER")
    """

    read_only = True

    def lookup(self, obj: Any) -> MutableMapping[str, Any]:
        """Return the object's environ."""
        environ: MutableMapping[str, Any] = obj.environ
        return environ


class header_property(_MappingProperty[T]):  # noqa: N801  # used like a function, as `property` is
    """A property of a request or response that is kept in one of its headers.

    Example::

        class Response(hipflask.Response):
            robots = header_property("X-Robots-Tag")
    """

    def lookup(self, obj: Any) -> MutableMapping[str, Any]:
        """Return the object's headers."""
        headers: MutableMapping[str, Any] = obj.headers
        return headers
