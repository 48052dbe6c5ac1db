"""Views as classes."""

import pytest

from hipflask import Flask, request
from hipflask.views import MethodView, View, http_method_funcs


@pytest.fixture
def app():
    app = Flask("test_app")
    app.testing = True
    return app


class Hello(View):
    """Says hello."""

    methods = ["GET", "POST"]
    provide_automatic_options = False

    def __init__(self, greeting="Hello"):
        self.greeting = greeting

    def dispatch_request(self, name="you"):
        return f"{self.greeting} {name}"


def test_view_function_has_names_and_settings_of_the_class():
    view = Hello.as_view("hello")
    assert view.__name__ == "hello"
    assert view.__module__ == Hello.__module__
    assert view.__doc__ == "Says hello."
    assert view.view_class is Hello
    assert view.methods == ["GET", "POST"]
    assert view.provide_automatic_options is False


def test_view_answers_with_arguments_of_class_and_url(app):
    app.add_url_rule("/<name>", view_func=Hello.as_view("hello", greeting="Bye"))
    client = app.test_client()
    assert client.get("/x").data == b"Bye x"
    assert client.post("/x").data == b"Bye x"
    assert client.put("/x").status_code == 405
    assert client.options("/x").status_code == 405


def test_view_without_dispatch_request_raises():
    with pytest.raises(NotImplementedError, match="View without dispatch_request"):
        View().dispatch_request()


@pytest.mark.parametrize(("every", "answers"), [(True, ["1", "1"]), (False, ["1", "2"])])
def test_view_instances(app, every, answers):
    class Counter(View):
        init_every_request = every
        count = 0

        def dispatch_request(self):
            self.count += 1
            return str(self.count)

    app.add_url_rule("/", view_func=Counter.as_view("counter"))
    client = app.test_client()
    assert [client.get("/").text for _ in range(2)] == answers


def wrap(tag):
    def decorate(function):
        def decorated(*args, **kwargs):
            return f"{tag}({function(*args, **kwargs)})"

        return decorated

    return decorate


@pytest.mark.parametrize("every", [True, False])
def test_view_decorators_are_applied_in_order(app, every):
    class Decorated(Hello):
        decorators = [wrap("first"), wrap("second")]
        init_every_request = every

    view = Decorated.as_view("decorated")
    app.add_url_rule("/", view_func=view)
    assert app.test_client().get("/").text == "second(first(Hello you))"
    assert view.__name__ == "decorated"
    assert view.view_class is Decorated


def test_decorators_see_the_name():
    seen = []

    def note(function):
        seen.append((function.__name__, function.__module__))
        return function

    class Noted(Hello):
        decorators = (note,)

    Noted.as_view("noted")
    assert seen == [("noted", Noted.__module__)]


def test_view_class_of_the_function_can_be_replaced(app):
    class Other(Hello):
        def dispatch_request(self):
            return "other"

    view = Hello.as_view("hello")
    view.view_class = Other
    app.add_url_rule("/", view_func=view)
    assert app.test_client().get("/").text == "other"


# MethodView


class Base(MethodView):
    def get(self):
        return "base get"

    def post(self):
        return "base post"

    def helper(self):
        return "no method of HTTP"


class Child(Base):
    def get(self):
        return "child " + super().get()

    def put(self):
        return "put"


class Fixed(Base):
    methods = ["DELETE"]

    def delete(self):
        return "deleted"


class BelowFixed(Fixed):
    def patch(self):
        return "patched"


class Mixin:
    methods = {"PROPFIND"}

    def trace(self):
        return "trace"


class Mixed(Mixin, Base):
    pass


class Nothing(MethodView):
    pass


class Unset(Base):
    methods = None


@pytest.mark.parametrize(
    ("view", "methods"),
    [
        (Base, {"GET", "POST"}),
        (Child, {"GET", "POST", "PUT"}),
        (Fixed, ["DELETE"]),
        (BelowFixed, {"DELETE", "GET", "POST", "PATCH"}),
        (Mixed, {"GET", "POST", "TRACE", "PROPFIND"}),
        (Nothing, None),
        (Unset, None),
        (MethodView, None),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_methods_are_those_that_are_defined(view, methods):
    assert view.methods == methods


def test_method_view_dispatches(app):
    app.add_url_rule("/", view_func=Child.as_view("child"))
    client = app.test_client()
    assert client.get("/").text == "child base get"
    assert client.post("/").text == "base post"
    assert client.put("/").text == "put"
    assert client.delete("/").status_code == 405
    assert client.head("/").status_code == 200


@pytest.mark.parametrize(("has_head", "answer"), [(True, "head"), (False, "get")])
def test_head_falls_back_to_get(app, has_head, answer):
    class Answering(MethodView):
        def get(self):
            return "get"

    if has_head:
        Answering.head = lambda self: "head"
    with app.test_request_context(method="HEAD"):
        assert Answering().dispatch_request() == answer


@pytest.mark.parametrize("method", ["PUT", "HEAD"])
def test_method_that_is_not_defined_is_an_error(app, method):
    with app.test_request_context(method=method):
        with pytest.raises(AssertionError, match=f"no method '{method.lower()}'"):
            Nothing().dispatch_request()


def test_async_views_are_awaited(app):
    class Function(View):
        async def dispatch_request(self):
            return "async view"

    class Method(MethodView):
        async def get(self):
            return "async method"

    app.add_url_rule("/view", view_func=Function.as_view("view"))
    app.add_url_rule("/method", view_func=Method.as_view("method"))
    client = app.test_client()
    assert client.get("/view").text == "async view"
    assert client.get("/method").text == "async method"


def test_variable_parts_reach_the_method(app):
    class Item(MethodView):
        def get(self, number):
            return f"{request.method} {number}"

    app.add_url_rule("/<int:number>", view_func=Item.as_view("item"))
    assert app.test_client().get("/5").text == "GET 5"


def test_names_of_methods():
    assert http_method_funcs == {"get", "post", "head", "options", "delete", "put", "trace", "patch"}
