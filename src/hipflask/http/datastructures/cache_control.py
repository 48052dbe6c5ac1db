"""The directives of ``Cache-Control``, in requests and in responses.

Source: RFC 9111, 5.2; RFC 5861 (stale-while-revalidate, stale-if-error); RFC 8246 (immutable).
"""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Iterable, Mapping

from hipflask.http.datastructures.callback_dict import CallbackDict
from hipflask.http.datastructures.immutable import ImmutableDictMixin
from hipflask.http.quoting import dump_header

__all__ = ["RequestCacheControl", "ResponseCacheControl", "cache_control_property"]


def cache_control_property(key: str, empty: t.Any, type: type[t.Any] | None, *, doc: str | None = None) -> t.Any:
    """Return a property over the directive *key*, for a subclass with directives of its own.

    Args:
        key: Name of the directive, e.g. ``"max-age"``.
        empty: What it is if the directive stands without a value.
        type: ``bool`` for a directive that never has a value: it is ``True`` where the directive is there.
            ``int`` or another function of the text; a text that it refuses by :exc:`ValueError` counts as
            ``None``. ``None`` leaves the text as it is.
        doc: Docstring of the property.

    Returns:
        A property that is ``None`` where the directive is missing. Setting ``None`` or ``False`` removes the
        directive, ``True`` sets it without a value.
    """

    def read(directives: _CacheControl) -> t.Any:
        return directives._get_cache_value(key, empty, type)

    def write(directives: _CacheControl, value: t.Any) -> None:
        directives._set_cache_value(key, value, type)

    def remove(directives: _CacheControl) -> None:
        directives._del_cache_value(key)

    return property(read, write, remove, doc or f"The directive ``{key}``.")


class _CacheControl(CallbackDict[str, t.Any]):
    """Directives with their values, ``None`` for those that have none.

    Args:
        values: The directives; ``None`` if there was no such header field.
        on_update: Called with this object after each change.
    """

    cache_property = staticmethod(cache_control_property)

    #: Whether there was such a header field.
    provided: bool

    no_store: bool = cache_control_property("no-store", None, bool, doc="Nobody may keep the message.")
    max_age: int | None = cache_control_property("max-age", None, int, doc="How old it may get, in seconds.")
    no_transform: bool = cache_control_property("no-transform", None, bool, doc="Proxies have to leave the body alone.")
    stale_if_error: int | None = cache_control_property(
        "stale-if-error", None, int, doc="For how many seconds it may be used stale if the origin fails."
    )

    def __init__(
        self,
        values: Mapping[str, t.Any] | Iterable[tuple[str, t.Any]] | None = (),
        on_update: Callable[[t.Any], None] | None = None,
    ) -> None:
        super().__init__(values, on_update)
        self.provided = values is not None

    def _get_cache_value(self, key: str, empty: t.Any, type: type[t.Any] | None) -> t.Any:
        if type is bool:
            return key in self
        if key not in self:
            return None
        value = self[key]
        if value is None:
            return empty
        if type is None:
            return value
        try:
            return type(value)
        except ValueError:
            return None

    def _set_cache_value(self, key: str, value: t.Any, type: type[t.Any] | None) -> None:
        if type is bool:
            value = bool(value)
        if value is None or value is False:
            self.pop(key, None)
        elif value is True:
            self[key] = None
        else:
            self[key] = str(value if type is None else type(value))

    def _del_cache_value(self, key: str) -> None:
        if key in self:
            del self[key]

    def to_header(self) -> str:
        """Return the directives as a header field."""
        return dump_header(self)

    def __str__(self) -> str:
        return self.to_header()

    def __repr__(self) -> str:
        items = " ".join([f"{key}={value!r}" for key, value in sorted(self.items())])
        return f"<{type(self).__name__} {items}>"


class RequestCacheControl(ImmutableDictMixin[str, t.Any], _CacheControl):  # type: ignore[misc]
    """The ``Cache-Control`` directives of a request (RFC 9111, 5.2.1). They cannot be changed."""

    no_cache: bool = cache_control_property("no-cache", None, bool, doc="Caches have to ask the origin first.")
    max_stale: int | t.Literal[True] | None = cache_control_property(
        "max-stale", True, int, doc="How many seconds it may be stale; ``True`` for any number."
    )
    min_fresh: int | None = cache_control_property(
        "min-fresh", None, int, doc="For how many more seconds it has to stay fresh."
    )
    only_if_cached: bool = cache_control_property(
        "only-if-cached", None, bool, doc="Answer from the cache or not at all."
    )


class ResponseCacheControl(_CacheControl):
    """The ``Cache-Control`` directives of a response (RFC 9111, 5.2.2)."""

    no_cache: str | t.Literal[True] | None = cache_control_property(
        "no-cache",
        True,
        None,
        doc="Caches have to ask the origin each time; ``True``, or the fields that this is for.",
    )
    public: bool = cache_control_property("public", None, bool, doc="Any cache may keep it.")
    private: str | t.Literal[True] | None = cache_control_property(
        "private",
        True,
        None,
        doc="Only the user's own cache may keep it; ``True``, or the fields that this is for.",
    )
    must_revalidate: bool = cache_control_property("must-revalidate", None, bool, doc="It may never be used stale.")
    proxy_revalidate: bool = cache_control_property(
        "proxy-revalidate", None, bool, doc="Shared caches may never use it stale."
    )
    s_maxage: int | None = cache_control_property(
        "s-maxage", None, int, doc="How old it may get in shared caches, in seconds."
    )
    immutable: bool = cache_control_property("immutable", None, bool, doc="It does not change as long as it is fresh.")
    must_understand: bool = cache_control_property(
        "must-understand", None, bool, doc="Only caches that know the status code may keep it."
    )
    stale_while_revalidate: int | None = cache_control_property(
        "stale-while-revalidate",
        None,
        int,
        doc="For how many seconds it may be used stale while a fresh one is fetched.",
    )
