"""A dict that says when it was changed, for header values and sessions that have to be written back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Self, TypeVar

__all__ = ["CallbackDict", "UpdateDictMixin"]

K = TypeVar("K")
V = TypeVar("V")

_MISSING: Any = object()


class UpdateDictMixin(dict[K, V]):
    """A :class:`dict` that calls :attr:`on_update` with itself after each call that may have changed it."""

    #: Called with the dict after a change; ``None`` calls nothing.
    on_update: Callable[[Any], None] | None = None

    def _changed(self) -> None:
        if self.on_update is not None:
            self.on_update(self)

    def setdefault(self, key: K, default: V | None = None) -> V:
        """Return the value of *key*; where it is missing, it becomes *default*, which is a change."""
        is_new = key not in self
        value = super().setdefault(key, default)  # type: ignore[arg-type]  # None is dict's own default
        if is_new:
            self._changed()
        return value

    def pop(self, key: K, default: Any = _MISSING) -> Any:
        """Remove *key* and return its value, or *default*; removing what is there is a change.

        Raises:
            KeyError: *key* is missing and no *default* is given.
        """
        if key not in self:
            return super().pop(key) if default is _MISSING else default
        value = super().pop(key)
        self._changed()
        return value

    def __setitem__(self, key: K, value: V) -> None:
        super().__setitem__(key, value)
        self._changed()

    def __delitem__(self, key: K) -> None:
        super().__delitem__(key)
        self._changed()

    def clear(self) -> None:
        """Remove every item; counts as a change even if there was none."""
        super().clear()
        self._changed()

    def popitem(self) -> tuple[K, V]:
        """Remove the item that was set last and return its key and value.

        Raises:
            KeyError: The dict is empty.
        """
        item = super().popitem()
        self._changed()
        return item

    def update(  # type: ignore[override]  # dict's overloads; None is allowed here
        self, arg: Mapping[K, V] | Iterable[tuple[K, V]] | None = None, /, **kwargs: V
    ) -> None:
        """Set the items of *arg* and *kwargs*; one change, counted even if both are empty."""
        super().update(() if arg is None else arg, **kwargs)
        self._changed()

    def __ior__(self, other: Mapping[K, V] | Iterable[tuple[K, V]]) -> Self:  # type: ignore[override, misc]
        super().__ior__(other)
        self._changed()
        return self


class CallbackDict(UpdateDictMixin[K, V]):
    """A :class:`dict` with a function that is called after each change.

    Args:
        initial: The first items: a mapping or key-value pairs. Setting them is not a change.
        on_update: Called with this dict after each change.
    """

    def __init__(
        self,
        initial: Mapping[K, V] | Iterable[tuple[K, V]] | None = None,
        on_update: Callable[[Any], None] | None = None,
    ) -> None:
        super().__init__(() if initial is None else initial)
        self.on_update = on_update

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {dict.__repr__(self)}>"
