"""Views as classes: one class for a view, or one with a method for each HTTP method.

Source: the behaviour of ``flask.views`` 3.1.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any, ClassVar

from hipflask.globals import current_app, request

if TYPE_CHECKING:
    from hipflask.typing import ResponseReturnValue, RouteCallable

__all__ = ["MethodView", "View", "http_method_funcs"]

http_method_funcs = frozenset({"get", "post", "head", "options", "delete", "put", "trace", "patch"})
"""Names of the methods of a :class:`MethodView` that answer requests."""


class View:
    """A view as a class; subclass it and define :meth:`dispatch_request`.

    Example::

        class Page(View):
            def __init__(self, template):
                self.template = template

            def dispatch_request(self):
                return render_template(self.template)

        app.add_url_rule("/about", view_func=Page.as_view("about", "about.html"))
    """

    methods: ClassVar[Collection[str] | None] = None
    """HTTP methods that the view answers; ``None`` leaves it to the rule (``GET``)."""

    provide_automatic_options: ClassVar[bool | None] = None
    """Whether ``OPTIONS`` is answered without the view; ``None`` leaves it to the rule."""

    decorators: ClassVar[list[Callable[..., Any]]] = []
    """Applied to the view function, the first one innermost. A decorator of the class does not do that."""

    init_every_request: ClassVar[bool] = True
    """Whether each request gets its own instance. With ``False`` one serves all; keep data in ``g`` then."""

    def dispatch_request(self) -> ResponseReturnValue:
        """Return the answer to a request, like a view function; may be ``async``.

        A subclass gets the variable parts of the URL as keyword arguments.
        """
        raise NotImplementedError(
            f"{type(self).__name__} is a View without dispatch_request(). Define that method in the class."
        )

    @classmethod
    def as_view(cls, name: str, *class_args: Any, **class_kwargs: Any) -> RouteCallable:
        """Return a view function for ``add_url_rule``.

        Args:
            name: The function's name, and so the endpoint.
            class_args: Arguments for the class.
            class_kwargs: Keyword arguments for the class.
        """
        function: Any
        if cls.init_every_request:

            def view(**kwargs: Any) -> Any:
                # Asked of the finished function, so that setting its view_class has an effect.
                instance = function.view_class(*class_args, **class_kwargs)
                return current_app.ensure_sync(instance.dispatch_request)(**kwargs)

        else:
            shared = cls(*class_args, **class_kwargs)

            def view(**kwargs: Any) -> Any:
                return current_app.ensure_sync(shared.dispatch_request)(**kwargs)

        function = view
        if cls.decorators:
            _set_name(function, name, cls)
            for decorate in cls.decorators:
                function = decorate(function)
        _set_name(function, name, cls)
        function.__doc__ = cls.__doc__
        function.view_class = cls
        function.methods = cls.methods
        function.provide_automatic_options = cls.provide_automatic_options
        return function  # type: ignore[no-any-return]  # with attributes that no type has


def _set_name(function: Any, name: str, cls: type) -> None:
    function.__name__ = name
    function.__module__ = cls.__module__


class MethodView(View):
    """A view as a class with a method for each HTTP method: ``get``, ``post``, ...

    :attr:`methods` is the list of them, those of the bases included, unless the class sets it. ``HEAD`` is
    answered by ``get`` where there is no ``head``.

    Example::

        class Note(MethodView):
            def __init__(self, notes):
                self.notes = notes

            def get(self, title):
                return self.notes.get(title, ("No such note.", 404))

            def put(self, title):
                self.notes[title] = request.get_data(as_text=True)
                return "", 204

        app.add_url_rule("/notes/<title>", view_func=Note.as_view("note", {}))
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "methods" in cls.__dict__:
            return
        methods: set[str] = set()
        for base in cls.__bases__:
            methods.update(getattr(base, "methods", None) or ())
        methods.update(name.upper() for name in http_method_funcs if hasattr(cls, name))
        if methods:
            cls.methods = methods

    def dispatch_request(self, **kwargs: Any) -> ResponseReturnValue:
        """Call the method for the request's HTTP method.

        Args:
            kwargs: The variable parts of the URL.

        Raises:
            AssertionError: The class has no such method, although its ``methods`` has it.
        """
        method = request.method
        handler = getattr(self, method.lower(), None)
        if handler is None and method == "HEAD":
            handler = getattr(self, "get", None)
        if handler is None:
            raise AssertionError(
                f"{type(self).__name__} has no method {method.lower()!r} to answer a {method!r} request. "
                "Define it, or take it out of the class's methods."
            )
        return current_app.ensure_sync(handler)(**kwargs)  # type: ignore[no-any-return]  # the user's method
