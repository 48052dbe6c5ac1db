"""The fields of a message's head: a list of names and values that is looked up without regard to case."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NoReturn, Self, TypeVar, overload

from hipflask.http.datastructures.immutable import ImmutableHeadersMixin
from hipflask.http.datastructures.multidict import MultiDict, iter_multi_items
from hipflask.http.exceptions import BadRequestKeyError

if TYPE_CHECKING:
    from collections.abc import Set
    from wsgiref.types import WSGIEnvironment

    Values = Any | list[Any] | tuple[Any, ...] | Set[Any]
    Fields = MultiDict[str, Any] | Mapping[str, Values] | Iterable[tuple[str, Any]]

__all__ = ["EnvironHeaders", "Headers"]

T = TypeVar("T")
D = TypeVar("D")

_MISSING: Any = object()


def _checked(name: str, value: Any) -> str:
    """Return *value* as text, after refusing what would end the header field before its time.

    Source: RFC 9110, 5.5 (CR and LF in a field are a way to smuggle in fields or a second message).
    """
    text = value if type(value) is str else str(value)
    try:
        if "\n" in text or "\r" in text:
            raise ValueError(f"The value of header {name!r} has a line break in it. Remove or encode it.")
        if "\n" in name or "\r" in name:
            raise ValueError(f"The header name {name!r} has a line break in it.")
    except TypeError:
        raise TypeError(f"The header name {name!r} is of type {type(name).__name__}; make it a str.") from None
    return text


def _converted(value: str, default: Any, convert: Callable[[str], Any]) -> Any:
    try:
        return convert(value)
    except ValueError:
        return default


def _with_options(value: Any, options: dict[str, Any]) -> str:
    """Return *value* followed by ``; name=value`` for each option; ``_`` in names stands for ``-``."""
    from hipflask.http.options import dump_options_header

    text: str = dump_options_header(value, {key.replace("_", "-"): option for key, option in options.items()})
    return text


def _replace(headers: Headers, fields: Mapping[str, Values]) -> None:
    for name, value in fields.items():
        if isinstance(value, (list, tuple, set)):
            headers.setlist(name, value)
        else:
            headers.set(name, value)


class Headers:
    """Header fields in the order they were added; a name may occur several times.

    Looking a name up ignores its case and finds the first. Values are kept as :class:`str`; one with a line
    break is refused by :exc:`ValueError`.

    Args:
        defaults: The fields to begin with: name-value pairs, other headers, a ``MultiDict``, or a mapping,
            where a list, tuple or set stands for several fields of that name.

    Differs from Werkzeug: names with a line break are refused too, and names must be :class:`str`.
    """

    _list: list[tuple[str, str]]

    def __init__(self, defaults: Headers | Fields | None = None) -> None:
        self._list = []
        if defaults is not None:
            self.extend(defaults)

    @overload
    def __getitem__(self, key: str) -> str: ...
    @overload
    def __getitem__(self, key: int) -> tuple[str, str]: ...
    @overload
    def __getitem__(self, key: slice) -> Self: ...
    def __getitem__(self, key: str | int | slice) -> str | tuple[str, str] | Self:
        if isinstance(key, str):
            return self._get_key(key)
        if isinstance(key, slice):
            return self.__class__(self._list[key])
        return self._list[key]

    def _get_key(self, key: str) -> str:
        wanted = key.lower()
        for name, value in self._list:
            if name.lower() == wanted:
                return value
        raise BadRequestKeyError(key)

    def __eq__(self, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return set(self.items(lower=True)) == set(other.items(lower=True))

    __hash__ = None  # type: ignore[assignment]  # headers can change

    @overload
    def get(self, key: str, default: None = None, type: None = None) -> str | None: ...
    @overload
    def get(self, key: str, default: str | T, type: None = None) -> str | T: ...
    @overload
    def get(self, key: str, default: None = None, *, type: Callable[[str], T]) -> T | None: ...
    @overload
    def get(self, key: str, default: D, type: Callable[[str], T]) -> D | T: ...
    def get(self, key: str, default: Any = None, type: Callable[[str], Any] | None = None) -> Any:
        """Return the value of the first field named *key*, converted by *type*.

        Args:
            key: The name of the header.
            default: Returned if there is none or its value cannot be converted.
            type: A function of the value; :exc:`ValueError` means "cannot be converted".
        """
        wanted = key.lower()
        for name, value in self._list:
            if name.lower() == wanted:
                return value if type is None else _converted(value, default, type)
        return default

    @overload
    def getlist(self, key: str, type: None = None) -> list[str]: ...
    @overload
    def getlist(self, key: str, type: Callable[[str], T]) -> list[T]: ...
    def getlist(self, key: str, type: Callable[[str], Any] | None = None) -> list[Any]:
        """Return the values of all fields named *key*, in order.

        Args:
            key: The name of the header.
            type: Converts each value; those for which it raises :exc:`ValueError` are left out.
        """
        wanted = key.lower()
        values = [value for name, value in self if name.lower() == wanted]
        if type is None:
            return values
        converted = []
        for value in values:
            try:
                converted.append(type(value))
            except ValueError:
                continue
        return converted

    def get_all(self, name: str) -> list[str]:
        """Return the values of all fields named *name*: :meth:`getlist` as :mod:`email` calls it."""
        return self.getlist(name)

    def items(self, lower: bool = False) -> Iterable[tuple[str, str]]:
        """Yield name and value of each field, with *lower* the names in lower case."""
        for name, value in self:
            yield (name.lower() if lower else name), value

    def keys(self, lower: bool = False) -> Iterable[str]:
        """Yield the name of each field, with *lower* in lower case. Names can repeat."""
        for name, _ in self.items(lower):
            yield name

    def values(self) -> Iterable[str]:
        """Yield the value of each field."""
        for _, value in self.items():
            yield value

    def extend(self, arg: Headers | Fields | None = None, /, **kwargs: Values) -> None:
        """Add fields behind those that are there; nothing is replaced.

        Args:
            arg: As for the constructor.
            kwargs: Further fields by name; a list, tuple or set stands for several.
        """
        if arg is self:  # its list must not grow while it is read
            arg = list(self)
        if type(self) is Headers and type(arg) is Headers:
            self._list += arg._list  # nothing to check twice
        elif arg is not None:
            # PERF: asking a list whether it is a Mapping takes 0.3 us.
            for name, value in arg if isinstance(arg, (list, tuple)) else iter_multi_items(arg):
                self.add(name, value)
        if kwargs:
            self.extend(kwargs)

    def __delitem__(self, key: str | int | slice) -> None:
        if isinstance(key, str):
            self._del_key(key)
        else:
            del self._list[key]

    def _del_key(self, key: str) -> None:
        wanted = key.lower()
        self._list[:] = [field for field in self._list if field[0].lower() != wanted]

    def remove(self, key: str) -> None:
        """Take out all fields named *key*, if there are any."""
        self._del_key(key)

    @overload
    def pop(self) -> tuple[str, str]: ...
    @overload
    def pop(self, key: str) -> str: ...
    @overload
    def pop(self, key: int | None = ...) -> tuple[str, str]: ...
    @overload
    def pop(self, key: str, default: str | T) -> str | T: ...
    def pop(self, key: str | int | None = None, default: Any = _MISSING) -> Any:
        """Take out a field and return it.

        Args:
            key: A name: all fields of that name are taken out and the first one's value is returned. A
                position, or nothing for the last: that field is taken out and returned as name and value.
            default: Returned if there is no field named *key*.

        Raises:
            KeyError: There is no field named *key*, and no *default* is given.
            IndexError: There is no field at the position *key*.
        """
        if key is None:
            return self._list.pop()
        if isinstance(key, int):
            return self._list.pop(key)
        value = self.get(key, _MISSING)
        if value is not _MISSING:
            self.remove(key)
            return value
        if default is _MISSING:
            raise BadRequestKeyError(key)
        return default

    def popitem(self) -> tuple[str, str]:
        """Take out the last field and return its name and value."""
        return self.pop()

    def __contains__(self, key: str) -> bool:
        wanted = key.lower()
        for name, _ in self._list:  # PERF: any() with a generator takes 0.3 us longer
            if name.lower() == wanted:
                return True
        return False

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._list)

    def __len__(self) -> int:
        return len(self._list)

    def add(self, key: str, value: Any, /, **kwargs: Any) -> None:
        """Add a field behind those that are there.

        Args:
            key: The name.
            value: The value, turned into :class:`str`.
            kwargs: Options that follow the value, as in ``add("Content-Disposition", "attachment",
                filename="a.txt")``; ``_`` in their names stands for ``-``, and those that are ``None`` are
                left out.

        Raises:
            ValueError: There is a line break in the name or the value.
        """
        if kwargs:
            value = _with_options(value, kwargs)
        # PERF: what is printable has no line break; two calls in C instead of one in Python.
        if not (type(value) is str is type(key) and value.isprintable() and key.isprintable()):
            value = _checked(key, value)
        self._list.append((key, value))

    def add_header(self, key: str, value: Any, /, **kwargs: Any) -> None:
        """Add a field: :meth:`add` under the name that :mod:`wsgiref` uses."""
        self.add(key, value, **kwargs)

    def clear(self) -> None:
        """Take out all fields."""
        self._list.clear()

    def set(self, key: str, value: Any, /, **kwargs: Any) -> None:
        """Put a field in the place of the first of its name, and take out any others of that name.

        Args:
            key: The name; the field is spelled like this from now on.
            value: As for :meth:`add`.
            kwargs: As for :meth:`add`.

        Raises:
            ValueError: There is a line break in the name or the value.
        """
        if kwargs:
            value = _with_options(value, kwargs)
        if not (type(value) is str is type(key) and value.isprintable() and key.isprintable()):
            value = _checked(key, value)
        fields = self._list
        wanted = key.lower()
        for index, (name, _) in enumerate(fields, 1):
            if name.lower() == wanted:
                fields[index - 1] = (key, value)
                if index < len(fields):
                    fields[index:] = [field for field in fields[index:] if field[0].lower() != wanted]
                return
        fields.append((key, value))

    def setlist(self, key: str, values: Iterable[Any]) -> None:
        """Give *key* a field for each of *values* and no others; the first takes the place of the first."""
        first = True
        for value in values or ():
            if first:
                self.set(key, value)
                first = False
            else:
                self.add(key, value)
        if first:
            self.remove(key)

    def setdefault(self, key: str, default: Any) -> str:
        """Return the value of *key*; where there is none, a field with the value *default* is added."""
        if key not in self:
            self.set(key, default)
        return self._get_key(key)

    def setlistdefault(self, key: str, default: Iterable[Any]) -> list[str]:
        """Return the values of *key*; where there are none, a field is added for each of *default*."""
        if key not in self:
            self.setlist(key, default)
        return self.getlist(key)

    @overload
    def __setitem__(self, key: str, value: Any) -> None: ...
    @overload
    def __setitem__(self, key: int, value: tuple[str, Any]) -> None: ...
    @overload
    def __setitem__(self, key: slice, value: Iterable[tuple[str, Any]]) -> None: ...
    def __setitem__(self, key: str | int | slice, value: Any) -> None:
        if isinstance(key, str):
            self.set(key, value)
        elif isinstance(key, slice):
            self._list[key] = [(name, _checked(name, text)) for name, text in value]
        else:
            name, text, *_ = value
            self._list[key] = (name, _checked(name, text))

    def update(self, arg: Headers | Fields | None = None, /, **kwargs: Values) -> None:
        """Replace the fields of each name that is given, and keep the others.

        Args:
            arg: As for the constructor. From plain pairs, the last one of a name counts; from others, all.
            kwargs: Further fields by name; a list, tuple or set stands for several.
        """
        if isinstance(arg, (Headers, MultiDict)):
            for name in list(arg.keys()):
                self.setlist(name, arg.getlist(name))
        elif isinstance(arg, Mapping):
            _replace(self, arg)
        elif arg is not None:
            for name, value in arg:
                self.set(name, value)
        _replace(self, kwargs)

    def __or__(self, other: Mapping[str, Values]) -> Self:
        if not isinstance(other, Mapping):
            return NotImplemented
        result = self.copy()
        result.update(other)
        return result

    def __ior__(self, other: Mapping[str, Values] | Iterable[tuple[str, Any]]) -> Self:
        if not isinstance(other, Iterable):
            return NotImplemented
        self.update(other)
        return self

    def to_wsgi_list(self) -> list[tuple[str, str]]:
        """Return the fields as a new list of name-value pairs, as ``start_response`` takes them."""
        # PERF: list(self) goes through __iter__ and __len__.
        return self._list[:] if type(self) is Headers else list(self)

    def copy(self) -> Self:
        """Return headers of the same class with the same fields."""
        if type(self) is not Headers:
            return self.__class__(self._list)
        copied = self.__class__.__new__(self.__class__)
        copied._list = self._list[:]
        return copied

    def __copy__(self) -> Self:
        return self.copy()

    def __str__(self) -> str:
        """Return the head as it is sent, with the empty line that ends it."""
        return "".join([f"{name}: {value}\r\n" for name, value in self.to_wsgi_list()]) + "\r\n"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({list(self)!r})"


# Names of headers as they are asked for, and where a WSGI environ has them. PERF: a look-up instead of three
# string methods. Only so many are kept: names can come from a client.
_ENVIRON_KEYS: dict[str, str] = {}
_MAX_ENVIRON_KEYS = 512


def _environ_key(name: str) -> str:
    """Return the environ's key for a header's name.

    Raises:
        KeyError: *name* is not a string.

    Source: PEP 3333, "environ Variables".
    """
    if not isinstance(name, str):
        raise BadRequestKeyError(name)
    key = name.upper().replace("-", "_")
    if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        key = f"HTTP_{key}"
    if len(_ENVIRON_KEYS) < _MAX_ENVIRON_KEYS:
        _ENVIRON_KEYS[name] = key
    return key


class EnvironHeaders(ImmutableHeadersMixin, Headers):  # type: ignore[misc]  # refuses what Headers allows
    """A live, read-only view of the headers in a WSGI environ. Not hashable, and it cannot be copied.

    Args:
        environ: The WSGI environ.
    """

    def __init__(self, environ: WSGIEnvironment) -> None:
        self.environ = environ

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, EnvironHeaders):
            return NotImplemented
        return self.environ is other.environ

    __hash__ = None

    def __getitem__(self, key: str) -> str:  # type: ignore[override]  # there are no positions
        return self._get_key(key)

    def _get_key(self, key: str) -> str:
        try:
            environ_key = _ENVIRON_KEYS[key]
        except (KeyError, TypeError):
            environ_key = _environ_key(key)
        value: str = self.environ[environ_key]
        return value

    @overload
    def get(self, key: str, default: None = None, type: None = None) -> str | None: ...
    @overload
    def get(self, key: str, default: str | T, type: None = None) -> str | T: ...
    @overload
    def get(self, key: str, default: None = None, *, type: Callable[[str], T]) -> T | None: ...
    @overload
    def get(self, key: str, default: D, type: Callable[[str], T]) -> D | T: ...
    def get(self, key: str, default: Any = None, type: Callable[[str], Any] | None = None) -> Any:
        """Return the value of the header *key*, as :meth:`Headers.get` does."""
        try:
            environ_key = _ENVIRON_KEYS[key]
        except (KeyError, TypeError):
            environ_key = _environ_key(key) if isinstance(key, str) else ""
        if type is None:
            return self.environ.get(environ_key, default)
        value = self.environ.get(environ_key, _MISSING)
        return default if value is _MISSING else _converted(value, default, type)

    def __contains__(self, key: str) -> bool:
        return self.get(key, _MISSING) is not _MISSING

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        for key, value in self.environ.items():
            if key.startswith("HTTP_"):
                # A server that passes these two on under both names means the ones below.
                if key not in ("HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH"):
                    yield key[5:].replace("_", "-").title(), value
            elif key in ("CONTENT_TYPE", "CONTENT_LENGTH") and value:
                yield key.replace("_", "-").title(), value

    def copy(self) -> NoReturn:
        """Raise :exc:`TypeError`: a copy would not follow the environ. ``Headers(...)`` takes its fields."""
        raise TypeError(f"A {type(self).__name__!r} cannot be copied. Make Headers(...) from it instead.")

    def __or__(self, other: Any) -> NoReturn:
        self.copy()
