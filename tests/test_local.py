"""Locals and proxies: what each context sees, and that a proxy behaves as its object."""

import asyncio
import copy
import math
import operator
import pickle
import sys
from contextvars import ContextVar, copy_context

import pytest

from hipflask.local import Local, LocalManager, LocalProxy, LocalStack, release_local


def bound(obj, name=None):
    var = ContextVar("test")
    var.set(obj)
    return LocalProxy(var, name)


def outcome(function, *args):
    """The value, or the class of the exception."""
    try:
        return function(*args)
    except Exception as error:
        return type(error)


# Local


def test_local_attribute_is_set_read_and_deleted():
    local = Local()
    local.name = 42
    assert local.name == 42
    assert dict(local) == {"name": 42}
    del local.name
    assert list(local) == []


@pytest.mark.parametrize("function", [getattr, delattr])
def test_local_missing_attribute_raises(function):
    with pytest.raises(AttributeError, match="^missing$"):
        function(Local(), "missing")


def test_local_changes_stay_in_their_context():
    local = Local()
    local.name = "outer"

    def inside():
        local.name = "inner"
        local.other = 1
        return local.name

    assert copy_context().run(inside) == "inner"
    assert dict(local) == {"name": "outer"}


def test_local_uses_the_given_variable():
    var = ContextVar("kept")
    local = Local(var)
    local.name = 1
    assert var.get() == {"name": 1}


def test_release_local_empties_namespace_and_stack():
    local, stack = Local(), LocalStack()
    local.name = 1
    stack.push(1)
    release_local(local)
    release_local(stack)
    assert list(local) == []
    assert stack.top is None


def test_local_call_makes_a_proxy():
    local = Local()
    proxy = local("name", unbound_message="no name")
    with pytest.raises(RuntimeError, match="^no name$"):
        proxy.real  # noqa: B018  # reading is the test
    local.name = 41
    assert proxy + 1 == 42


# LocalStack


def test_stack_pushes_and_pops():
    stack = LocalStack()
    assert stack.pop() is None
    assert stack.push("a") == ["a"]
    assert stack.push("b") == ["a", "b"]
    assert stack.top == "b"
    assert [stack.pop(), stack.pop(), stack.pop(), stack.top] == ["b", "a", None, None]


def test_stack_changes_stay_in_their_context():
    var = ContextVar("kept")
    stack = LocalStack(var)
    stack.push("outer")
    copy_context().run(stack.push, "inner")
    copy_context().run(stack.pop)
    assert var.get() == ["outer"]


def test_stack_call_makes_a_proxy_to_the_top():
    stack = LocalStack()
    proxy = stack()
    real = stack("real", unbound_message="empty")
    assert repr(proxy) == "<LocalProxy unbound>"
    with pytest.raises(RuntimeError, match="^empty$"):
        int(real)
    stack.push(7)
    assert (proxy, real) == (7, 7)


# LocalManager


def test_manager_cleans_up_what_it_was_given():
    local, stack = Local(), LocalStack()
    assert LocalManager().locals == []
    assert LocalManager(local).locals == [local]
    manager = LocalManager((local, stack))
    local.name = 1
    stack.push(1)
    manager.cleanup()
    assert list(local) == []
    assert stack.top is None
    assert repr(manager) == "<LocalManager storages: 2>"


def test_manager_middleware_cleans_up_when_the_response_is_closed():
    local = Local()
    manager = LocalManager(local)

    @manager.middleware
    def application(environ, start_response):
        local.name = 1
        return [b"x"]

    body = application({}, None)
    assert application.__name__ == "application"
    assert list(body) == [b"x"]
    assert local.name == 1
    body.close()
    assert list(local) == []


# LocalProxy: what it may follow


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(bound, id="variable"),
        pytest.param(lambda obj: LocalProxy(lambda: obj), id="callable"),
        pytest.param(lambda obj: LocalProxy(lambda: {"x": obj}["x"]), id="callable that looks up"),
    ],
)
def test_proxy_returns_the_object(make):
    obj = object()
    assert make(obj)._get_current_object() is obj


def test_proxy_follows_an_attribute():
    class Context:
        request = 41

    assert bound(Context(), "request") + 1 == 42
    assert bound(Context, "request.real") + 1 == 42
    assert LocalProxy(lambda: 7, "real") + 1 == 8


def test_proxy_of_local_needs_a_name():
    with pytest.raises(TypeError, match="pass its 'name'"):
        LocalProxy(Local())


def test_proxy_of_something_else_is_refused():
    with pytest.raises(TypeError, match="cannot follow a 'int' object"):
        LocalProxy(5)


def test_proxy_attribute_access_is_one_python_call():
    class Context:
        request = type("Request", (), {"args": 1})()

    proxy = bound(Context(), "request")
    calls = []
    sys.setprofile(lambda frame, event, arg: calls.append(event))
    try:
        proxy.args  # noqa: B018  # reading is the test
    finally:
        sys.setprofile(None)
    assert calls.count("call") == 1


def test_proxy_attribute_error_names_the_object():
    with pytest.raises(AttributeError, match="'int' object has no attribute 'nothing'"):
        bound(5).nothing  # noqa: B018  # reading is the test


def test_proxy_does_not_hide_errors_of_the_attribute_it_follows():
    class Context:
        @property
        def session(self):
            raise KeyError("inside")

    with pytest.raises(KeyError, match="inside"):
        bound(Context(), "session").x  # noqa: B018  # reading is the test


def test_proxy_does_not_hide_a_lookup_error_of_a_callable():
    proxy = LocalProxy(lambda: {}["key"])
    with pytest.raises(KeyError, match="key"):
        proxy.x  # noqa: B018  # reading is the test
    with pytest.raises(KeyError, match="key"):
        repr(proxy)


def test_proxy_generic_alias_leaves_the_object_alone():
    var = ContextVar("test")
    proxy = LocalProxy[dict](var)
    var.set({})
    assert proxy == {}
    assert not hasattr(proxy, "__orig_class__")


# LocalProxy without an object


@pytest.fixture(params=["variable", "callable"])
def unbound(request):
    def find():
        raise RuntimeError("nothing here")

    if request.param == "callable":
        return LocalProxy(find)
    return LocalProxy(ContextVar("test"), unbound_message="nothing here")


@pytest.mark.parametrize(
    "use",
    [
        pytest.param(lambda p: p.x, id="attribute"),
        pytest.param(lambda p: p.__dict__, id="dict"),
        pytest.param(lambda p: p["x"], id="item"),
        pytest.param(lambda p: p(), id="call"),
        pytest.param(len, id="len"),
        pytest.param(str, id="str"),
        pytest.param(lambda p: p + 1, id="add"),
        pytest.param(lambda p: 1 + p, id="radd"),
        pytest.param(lambda p: p._get_current_object(), id="get current object"),
        pytest.param(lambda p: setattr(p, "x", 1), id="set attribute"),
        pytest.param(lambda p: delattr(p, "x"), id="delete attribute"),
    ],
)
def test_unbound_proxy_raises(unbound, use):
    with pytest.raises(RuntimeError, match="^nothing here$"):
        use(unbound)


@pytest.mark.parametrize("use", [hash, iter])
def test_unbound_proxy_raises_type_error_where_code_asks_what_a_thing_can(unbound, use):
    with pytest.raises(TypeError, match="nothing here"):
        use(unbound)


def test_unbound_proxy_has_a_default_message():
    with pytest.raises(RuntimeError, match="There is no object behind this proxy"):
        LocalProxy(ContextVar("test")).x  # noqa: B018  # reading is the test


def test_unbound_proxy_can_be_looked_at(unbound):
    assert repr(unbound) == "<LocalProxy unbound>"
    assert not unbound
    assert dir(unbound) == []
    assert unbound.__class__ is LocalProxy
    assert isinstance(unbound, LocalProxy)
    assert not isinstance(unbound, dict)
    assert unbound.__doc__ == LocalProxy.__doc__
    assert unbound.__module__ == LocalProxy.__module__
    assert unbound == unbound  # noqa: PLR0124  # equality is the test
    assert (unbound == 1) is False
    assert (unbound != 1) is True


def test_unbound_proxy_unwraps_to_its_place():
    var = ContextVar("test")
    assert LocalProxy(var).__wrapped__ is var
    with pytest.raises(AttributeError, match="__wrapped__"):
        bound({}).__wrapped__  # noqa: B018  # reading is the test


# LocalProxy: each operation, against the object itself

VALUES = {
    "int": 6,
    "float": 2.5,
    "str": "abc",
    "bytes": b"abc",
    "list": [3, 1, 2],
    "tuple": (1, 2),
    "dict": {"a": 1, 1: 2},
    "set": {1, 2},
    "none": None,
    "type": int,
    "function": len,
}
UNARY = {
    f.__name__: f
    for f in (
        repr, str, bool, hash, len, list, bytes, int, float, complex, abs, round, dir, callable, format,
        reversed,
        operator.index, operator.neg, operator.pos, operator.invert, math.trunc, math.floor, math.ceil,
        operator.length_hint, copy.copy, copy.deepcopy,
    )
}  # fmt: skip
BINARY = {
    f.__name__: f
    for f in (
        operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod, divmod,
        pow,
        operator.matmul, operator.lshift, operator.rshift, operator.and_, operator.or_, operator.xor,
        operator.eq,
        operator.ne, operator.lt, operator.le, operator.gt, operator.ge,
    )
}  # fmt: skip
FORWARD_ONLY = {f.__name__: f for f in (operator.contains, operator.getitem, round, format)}
OPERANDS = [2, "a", [1], {1}, {"b": 1}]


@pytest.mark.parametrize("name", UNARY)
@pytest.mark.parametrize("kind", VALUES)
def test_proxy_unary_operation_is_the_objects(kind, name):
    value, function = VALUES[kind], UNARY[name]
    if function is callable:
        assert callable(bound(value))  # as with werkzeug: the class has __call__
        return
    expected, got = outcome(function, value), outcome(function, bound(value))
    if function is reversed and not isinstance(expected, type):
        expected, got = list(expected), list(got)
    assert got == expected


def test_proxy_pickles_as_its_object():
    assert pickle.loads(pickle.dumps(bound({"a": [1]}))) == {"a": [1]}


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("kind", VALUES)
def test_proxy_binary_operation_is_the_objects(kind, name):
    value, function = VALUES[kind], BINARY[name]
    for operand in OPERANDS:
        assert outcome(function, bound(value), operand) == outcome(function, value, operand)
        if function is operator.mod and operand == "a":
            continue  # the str takes a proxy for a mapping of values to insert
        assert outcome(function, operand, bound(value)) == outcome(function, operand, value)


@pytest.mark.parametrize("name", FORWARD_ONLY)
@pytest.mark.parametrize("kind", VALUES)
def test_proxy_left_operation_is_the_objects(kind, name):
    value, function = VALUES[kind], FORWARD_ONLY[name]
    for operand in [*OPERANDS, ">5"]:
        assert outcome(function, bound(value), operand) == outcome(function, value, operand)


@pytest.mark.parametrize(
    ("start", "function", "operand"),
    [
        pytest.param([1], operator.iadd, [2], id="iadd"),
        pytest.param([1], operator.imul, 2, id="imul"),
        pytest.param({1, 2}, operator.isub, {2}, id="isub"),
        pytest.param({1, 2}, operator.iand, {2}, id="iand"),
        pytest.param({1, 2}, operator.ixor, {2}, id="ixor"),
        pytest.param({"a": 1}, operator.ior, {"b": 2}, id="ior"),
    ],
)
def test_proxy_augmented_assignment_changes_the_object_and_stays_a_proxy(start, function, operand):
    expected = function(copy.copy(start), operand)
    proxy = bound(start)
    assert function(proxy, operand) is proxy
    assert start == expected


@pytest.mark.parametrize(
    "name",
    ["imatmul", "itruediv", "ifloordiv", "imod", "ipow", "ilshift", "irshift"],
)
def test_proxy_augmented_assignment_reaches_the_method(name):
    class Recorder:
        def __init__(self):
            self.seen = []

    def method(self, other):
        self.seen.append(other)
        return self

    setattr(Recorder, f"__{name}__", method)
    recorder = Recorder()
    getattr(operator, name)(bound(recorder), 5)
    assert recorder.seen == [5]


def test_proxy_items_attributes_and_calls():
    class Thing(dict):
        """A thing."""

    thing = Thing()
    proxy = bound(thing)
    proxy["a"] = 1
    proxy.attribute = 2
    assert (thing["a"], thing.attribute) == (1, 2)
    assert list(proxy) == ["a"]
    del proxy["a"], proxy.attribute
    assert not proxy
    assert vars(thing) == {}
    assert proxy.__doc__ == "A thing."
    assert isinstance(proxy, Thing)
    assert bound(lambda a, b: a + b)(1, b=2) == 3
    assert next(bound(iter([7]))) == 7
    assert f"{bound(5):>3}" == "  5"


def test_proxy_of_a_class_checks_instances():
    assert isinstance(5, bound(int))
    assert issubclass(bool, bound(int))
    assert not isinstance("x", bound(int))


def test_proxy_context_managers_and_awaiting():
    class Both:
        def __enter__(self):
            return "entered"

        def __exit__(self, *exc):
            return exc[0] is KeyError

        async def __aenter__(self):
            return "async entered"

        async def __aexit__(self, *exc):
            return exc[0] is KeyError

        def __await__(self):
            yield from ()
            return "awaited"

        def __aiter__(self):
            return bound(self.numbers())

        async def numbers(self):
            yield 1
            yield 2

    proxy = bound(Both())
    with proxy as value:
        raise KeyError("swallowed")
    assert value == "entered"

    async def use():
        async with proxy as entered:
            raise KeyError("swallowed")
        return entered, await proxy, [n async for n in proxy]

    assert asyncio.run(use()) == ("async entered", "awaited", [1, 2])


def test_proxy_equals_the_object_on_both_sides():
    obj = object()
    assert bound(obj) == obj
    assert obj == bound(obj)
    assert bound(obj) == bound(obj)
    assert hash(bound(obj)) == hash(obj)


def test_proxies_have_the_methods_of_werkzeugs():
    theirs = pytest.importorskip("werkzeug.local")
    for name in ("Local", "LocalManager", "LocalProxy", "LocalStack"):
        members = {m for m in vars(getattr(theirs, name)) if not m.startswith("_" + name)}
        absent = members - set(dir(globals()[name])) - {"__annotations__", "__getattr__", "__wrapped__", "_storage"}
        assert not absent, name
