"""Objects whose content depends on the current context, and proxies to them.

A :class:`Local` is a namespace, a :class:`LocalStack` a stack; both keep their content in a
:class:`contextvars.ContextVar`, so every thread, task and request sees its own. A :class:`LocalProxy` stands
for whatever object such a place holds at the moment it is used.

Source: the API of ``werkzeug.local`` 3.1.
"""

from __future__ import annotations

import copy
import math
import operator
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

__all__ = ["Local", "LocalManager", "LocalProxy", "LocalStack", "release_local"]

T = TypeVar("T")


def release_local(local: Local | LocalStack[Any]) -> None:
    """Forget everything that a local holds for the current context.

    Args:
        local: The namespace or stack to empty. A proxy to what it holds is unbound afterwards.
    """
    local.__release_local__()


class Local:
    """A namespace whose attributes are separate in every context.

    Args:
        context_var: Where to keep the attributes, a variable of a module; by default a new one is made.
    """

    __slots__ = ("_namespace",)

    _namespace: ContextVar[dict[str, Any]]

    def __init__(self, context_var: ContextVar[dict[str, Any]] | None = None) -> None:
        if context_var is None:
            context_var = ContextVar(f"hipflask.Local<{id(self)}>")
        object.__setattr__(self, "_namespace", context_var)

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        return iter(self._namespace.get({}).items())

    def __call__(self, name: str, *, unbound_message: str | None = None) -> LocalProxy[Any]:
        """Return a proxy to one attribute.

        Args:
            name: The attribute to follow.
            unbound_message: Text of the ``RuntimeError`` that a use without a value raises.
        """
        return LocalProxy(self, name, unbound_message=unbound_message)

    def __release_local__(self) -> None:
        self._namespace.set({})

    def __getattr__(self, name: str) -> Any:
        values = self._namespace.get({})
        if name in values:
            return values[name]
        raise AttributeError(name)

    def __setattr__(self, name: str, value: Any) -> None:
        # A new dict each time: a child context shares the dict it was copied with.
        self._namespace.set({**self._namespace.get({}), name: value})

    def __delattr__(self, name: str) -> None:
        values = self._namespace.get({})
        if name not in values:
            raise AttributeError(name)
        self._namespace.set({key: value for key, value in values.items() if key != name})


class LocalStack(Generic[T]):
    """A stack whose items are separate in every context.

    Args:
        context_var: Where to keep the items, a variable of a module; by default a new one is made.
    """

    __slots__ = ("_storage",)

    def __init__(self, context_var: ContextVar[list[T]] | None = None) -> None:
        if context_var is None:
            context_var = ContextVar(f"hipflask.LocalStack<{id(self)}>")
        self._storage = context_var

    def __release_local__(self) -> None:
        self._storage.set([])

    def push(self, obj: T) -> list[T]:
        """Put an item on top of the stack and return the items, the top one last."""
        items = [*self._storage.get(()), obj]
        self._storage.set(items)
        return items

    def pop(self) -> T | None:
        """Take the top item off and return it, ``None`` if the stack is empty."""
        items = self._storage.get(())
        if not items:
            return None
        self._storage.set(list(items[:-1]))
        return items[-1]

    @property
    def top(self) -> T | None:
        """The item on top, ``None`` if the stack is empty."""
        items = self._storage.get(())
        return items[-1] if items else None

    def __call__(self, name: str | None = None, *, unbound_message: str | None = None) -> LocalProxy[Any]:
        """Return a proxy to the item on top.

        Args:
            name: Follow this attribute of the item instead of the item.
            unbound_message: Text of the ``RuntimeError`` that a use on an empty stack raises.
        """
        return LocalProxy(self, name, unbound_message=unbound_message)


class LocalManager:
    """Empties several locals at once, for example at the end of each request.

    Args:
        locals: One local or several; may be changed later through the attribute :attr:`locals`.
    """

    __slots__ = ("locals",)

    locals: list[Local | LocalStack[Any]]

    def __init__(self, locals: Local | LocalStack[Any] | Iterable[Local | LocalStack[Any]] | None = None) -> None:
        if locals is None:
            self.locals = []
        elif isinstance(locals, Local | LocalStack):
            self.locals = [locals]
        else:
            self.locals = list(locals)

    def cleanup(self) -> None:
        """Empty the managed locals for the current context."""
        for local in self.locals:
            release_local(local)

    def make_middleware(self, app: WSGIApplication) -> WSGIApplication:
        """Wrap a WSGI application so that the locals are emptied when a response is closed."""
        from hipflask.http.wsgi import ClosingIterator

        def application(environ: Any, start_response: Any) -> Any:
            return ClosingIterator(app(environ, start_response), self.cleanup)

        return application

    def middleware(self, func: WSGIApplication) -> WSGIApplication:
        """Decorate a WSGI function with :meth:`make_middleware`, keeping its name and docstring.

        Example::

            @manager.middleware
            def application(environ, start_response):
                ...
        """
        return cast("WSGIApplication", update_wrapper(cast(Any, self.make_middleware(func)), cast(Any, func)))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} storages: {len(self.locals)}>"


def _local_parts(local: Any, name: str | None) -> tuple[Callable[[], Any], Callable[[Any], Any] | None, bool]:
    """Return how a proxy gets its object.

    Returns:
        What finds it, what picks it from the thing found, and whether LookupError means that there is none.
    """
    pick = None if name is None else operator.attrgetter(name)
    if isinstance(local, ContextVar):
        return local.get, pick, True
    if isinstance(local, Local):
        if name is None:
            raise TypeError("A proxy to a Local follows one of its attributes: pass its 'name'.")
        return _attribute_finder(local, name), None, True
    if isinstance(local, LocalStack):
        return _top_finder(local), pick, True
    if callable(local):
        return local, pick, False
    raise TypeError(
        f"A proxy cannot follow a {type(local).__name__!r} object; "
        "pass a ContextVar, a Local, a LocalStack or a callable."
    )


def _attribute_finder(local: Local, name: str) -> Callable[[], Any]:
    def find() -> Any:
        try:
            return getattr(local, name)
        except AttributeError:
            raise LookupError(name) from None

    return find


def _top_finder(stack: LocalStack[Any]) -> Callable[[], Any]:
    def find() -> Any:
        top = stack.top
        if top is None:
            raise LookupError
        return top

    return find


def _bound_object(proxy: LocalProxy[Any]) -> Any:
    """Return the object that a proxy stands for; RuntimeError if there is none."""
    find, pick, catches, local, message = _proxy_parts(proxy)
    try:
        obj = find()
    except LookupError:
        if not catches:
            raise
        raise RuntimeError(message) from None
    return obj if pick is None else pick(obj)


def _attribute_without_object(proxy: LocalProxy[Any], name: str, error: LookupError | RuntimeError) -> Any:
    """Return the proxy's own attribute where tools rely on one; otherwise raise RuntimeError."""
    _, _, catches, local, message = _proxy_parts(proxy)
    is_unbound = catches or isinstance(error, RuntimeError)
    if is_unbound and name == "__wrapped__":
        return local
    if is_unbound and name in _NAMES_OF_AN_UNBOUND_PROXY:
        return object.__getattribute__(proxy, name)
    if catches and isinstance(error, LookupError):
        raise RuntimeError(message) from None
    raise error


def _forwarded(operation: Callable[..., Any]) -> Any:
    """Return a method that applies an operation to the bound object and further arguments."""

    def method(self: LocalProxy[Any], *args: Any) -> Any:
        return operation(_bound_object(self), *args)

    return method


def _reflected(operation: Callable[[Any, Any], Any]) -> Any:
    """Return a method for an operation whose right operand is the proxy."""

    def method(self: LocalProxy[Any], other: Any) -> Any:
        return operation(other, _bound_object(self))

    return method


def _in_place(operation: Callable[[Any, Any], Any]) -> Any:
    """Return a method for an augmented assignment: it changes the object, and the name stays the proxy."""

    def method(self: LocalProxy[Any], other: Any) -> Any:
        operation(_bound_object(self), other)
        return self

    return method


def _special(name: str) -> Any:
    """Return a method that calls the bound object's method of that name, for lack of an operator."""

    def method(self: LocalProxy[Any], *args: Any) -> Any:
        return getattr(_bound_object(self), name)(*args)

    return method


class LocalProxy(Generic[T]):
    """Stands for an object that a context-dependent place holds; every use reaches that object.

    Attributes, items, operators, ``isinstance`` and ``repr`` are the object's. ``type(proxy)`` and ``is``
    tell a proxy from its object; :meth:`_get_current_object` returns the object itself, to keep it or hand it
    to another thread. Without an object a use raises ``RuntimeError``; the proxy is false and has a repr.

    Args:
        local: A ``ContextVar``, :class:`Local`, :class:`LocalStack`, or a callable that returns the object.
        name: Stand for this attribute of what *local* holds. Needed for a :class:`Local`.
        unbound_message: Text of the ``RuntimeError``.

    Raises:
        TypeError: *local* is of no such kind, or a :class:`Local` without *name*.

    Example::

        current_user = LocalProxy(lambda: load_user(session["user_id"]))
    """

    __slots__ = ("_parts",)

    def __init__(
        self,
        local: ContextVar[T] | Local | LocalStack[T] | Callable[[], T],
        name: str | None = None,
        *,
        unbound_message: str | None = None,
    ) -> None:
        if unbound_message is None:
            unbound_message = "There is no object behind this proxy in the current context."
        _set_proxy_parts(self, (*_local_parts(local, name), local, unbound_message))

    # PERF: overriding __getattribute__ takes 250 ns per `request.args` (CPython 3.11); with __getattr__ it
    # would be 800: the interpreter then looks at the proxy itself first, and drops an AttributeError.
    def __getattribute__(self, name: str) -> Any:
        find, pick, _, _, _ = _proxy_parts(self)
        if name in _OWN_NAMES:
            return object.__getattribute__(self, name)
        try:
            obj = find()
        except (LookupError, RuntimeError) as error:
            return _attribute_without_object(self, name, error)
        return getattr(obj if pick is None else pick(obj), name)

    def _get_current_object(self) -> T:
        """Return the object that the proxy stands for right now.

        Raises:
            RuntimeError: There is none.
        """
        return cast(T, _bound_object(self))

    def __setattr__(self, name: str, value: Any) -> None:
        # `LocalProxy[int](...)` makes typing set this on the proxy; it is no business of the object.
        if name != "__orig_class__":
            setattr(_bound_object(self), name, value)

    def __delattr__(self, name: str) -> None:
        delattr(_bound_object(self), name)

    def __dir__(self) -> list[str]:
        try:
            return dir(_bound_object(self))
        except RuntimeError:
            return []

    def __repr__(self) -> str:
        try:
            obj = _bound_object(self)
        except RuntimeError:
            return f"<{type(self).__name__} unbound>"
        return repr(obj)

    def __bool__(self) -> bool:
        try:
            obj = _bound_object(self)
        except RuntimeError:
            return False
        return bool(obj)

    def __eq__(self, other: object) -> Any:
        try:
            obj = _bound_object(self)
        except RuntimeError:
            return NotImplemented
        return obj == other

    def __ne__(self, other: object) -> Any:
        try:
            obj = _bound_object(self)
        except RuntimeError:
            return NotImplemented
        return obj != other

    def __hash__(self) -> int:
        try:
            obj = _bound_object(self)
        except RuntimeError as error:
            raise TypeError(f"An unbound proxy cannot be hashed. {error}") from error
        return hash(obj)

    def __iter__(self) -> Iterator[Any]:
        try:
            obj = _bound_object(self)
        except RuntimeError as error:
            raise TypeError(f"An unbound proxy cannot be iterated over. {error}") from error
        return iter(obj)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the bound object."""
        return _bound_object(self)(*args, **kwargs)

    def __instancecheck__(self, instance: object) -> bool:
        return isinstance(instance, _bound_object(self))

    def __subclasscheck__(self, subclass: type) -> bool:
        return issubclass(subclass, _bound_object(self))

    __str__ = _forwarded(str)
    __bytes__ = _forwarded(bytes)
    __format__ = _forwarded(format)
    __lt__ = _forwarded(operator.lt)
    __le__ = _forwarded(operator.le)
    __gt__ = _forwarded(operator.gt)
    __ge__ = _forwarded(operator.ge)

    __len__ = _forwarded(len)
    __length_hint__ = _forwarded(operator.length_hint)
    __getitem__ = _forwarded(operator.getitem)
    __setitem__ = _forwarded(operator.setitem)
    __delitem__ = _forwarded(operator.delitem)
    __contains__ = _forwarded(operator.contains)
    __next__ = _forwarded(next)
    __reversed__ = _forwarded(reversed)

    __add__ = _forwarded(operator.add)
    __sub__ = _forwarded(operator.sub)
    __mul__ = _forwarded(operator.mul)
    __matmul__ = _forwarded(operator.matmul)
    __truediv__ = _forwarded(operator.truediv)
    __floordiv__ = _forwarded(operator.floordiv)
    __mod__ = _forwarded(operator.mod)
    __divmod__ = _forwarded(divmod)
    __pow__ = _forwarded(pow)
    __lshift__ = _forwarded(operator.lshift)
    __rshift__ = _forwarded(operator.rshift)
    __and__ = _forwarded(operator.and_)
    __xor__ = _forwarded(operator.xor)
    __or__ = _forwarded(operator.or_)

    __radd__ = _reflected(operator.add)
    __rsub__ = _reflected(operator.sub)
    __rmul__ = _reflected(operator.mul)
    __rmatmul__ = _reflected(operator.matmul)
    __rtruediv__ = _reflected(operator.truediv)
    __rfloordiv__ = _reflected(operator.floordiv)
    __rmod__ = _reflected(operator.mod)
    __rdivmod__ = _reflected(divmod)
    __rpow__ = _reflected(pow)
    __rlshift__ = _reflected(operator.lshift)
    __rrshift__ = _reflected(operator.rshift)
    __rand__ = _reflected(operator.and_)
    __rxor__ = _reflected(operator.xor)
    __ror__ = _reflected(operator.or_)

    __iadd__ = _in_place(operator.iadd)
    __isub__ = _in_place(operator.isub)
    __imul__ = _in_place(operator.imul)
    __imatmul__ = _in_place(operator.imatmul)
    __itruediv__ = _in_place(operator.itruediv)
    __ifloordiv__ = _in_place(operator.ifloordiv)
    __imod__ = _in_place(operator.imod)
    __ipow__ = _in_place(operator.ipow)
    __ilshift__ = _in_place(operator.ilshift)
    __irshift__ = _in_place(operator.irshift)
    __iand__ = _in_place(operator.iand)
    __ixor__ = _in_place(operator.ixor)
    __ior__ = _in_place(operator.ior)

    __neg__ = _forwarded(operator.neg)
    __pos__ = _forwarded(operator.pos)
    __abs__ = _forwarded(abs)
    __invert__ = _forwarded(operator.invert)
    __complex__ = _forwarded(complex)
    __int__ = _forwarded(int)
    __float__ = _forwarded(float)
    __index__ = _forwarded(operator.index)
    __round__ = _forwarded(round)
    __trunc__ = _forwarded(math.trunc)
    __floor__ = _forwarded(math.floor)
    __ceil__ = _forwarded(math.ceil)

    __enter__ = _special("__enter__")
    __exit__ = _special("__exit__")
    __await__ = _special("__await__")
    __aiter__ = _special("__aiter__")
    __anext__ = _special("__anext__")
    __aenter__ = _special("__aenter__")
    __aexit__ = _special("__aexit__")

    __copy__ = _forwarded(copy.copy)
    __deepcopy__ = _forwarded(copy.deepcopy)


# The slot cannot be read as an attribute, since reading attributes of a proxy means the object's.
_proxy_parts = LocalProxy.__dict__["_parts"].__get__
_set_proxy_parts = LocalProxy.__dict__["_parts"].__set__

# deepcopy() asks the instance and not, as copy() does, its class.
_OWN_NAMES = frozenset({"_get_current_object", "__deepcopy__"})

# Tools (isinstance, inspect, doctest, debuggers) look at these on whatever they meet, unbound proxies too.
_NAMES_OF_AN_UNBOUND_PROXY = frozenset(
    [*dir(object), "__annotations__", "__bool__", "__module__", "__slots__"],
)
