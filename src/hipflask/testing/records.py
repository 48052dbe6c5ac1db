"""What an application rendered and flashed while a test looked: records of it, and assertions on them.

They listen to the application's signals, so they see every request to it, through whichever client, server or thread.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from hipflask.signals import message_flashed, template_rendered

if TYPE_CHECKING:
    from jinja2 import Template

    from hipflask.app import Flask

__all__ = [
    "FlashedMessage",
    "RenderedTemplate",
    "assert_flashed",
    "assert_template_used",
    "captured_flashes",
    "captured_templates",
]


class RenderedTemplate(NamedTuple):
    """A template that was rendered, and what it was given."""

    template: Template
    context: dict[str, Any]

    @property
    def name(self) -> str | None:
        """Name of the template, ``None`` for one made of a string."""
        return self.template.name


class FlashedMessage(NamedTuple):
    """A message that was flashed; in the order in which ``get_flashed_messages(with_categories=True)`` has them."""

    category: str
    message: Any


@contextmanager
def captured_templates(app: Flask) -> Iterator[list[RenderedTemplate]]:
    """Record the templates that an application renders during a block.

    ::

        with captured_templates(app) as templates:
            client.get("/")
        [(template, context)] = templates
        assert template.name == "index.html"
        assert len(context["posts"]) == 10

    Templates that others extend, include or import are no entries of their own.

    Args:
        app: The application.
    """
    found: list[RenderedTemplate] = []

    def add(sender: Flask, template: Template, context: dict[str, Any], **extra: Any) -> None:
        found.append(RenderedTemplate(template, context))

    with template_rendered.connected_to(add, app):
        yield found


@contextmanager
def captured_flashes(app: Flask) -> Iterator[list[FlashedMessage]]:
    """Record the messages that an application flashes during a block, whether a page shows them or not.

    ::

        with captured_flashes(app) as flashes:
            client.post("/login", data={"name": "ada", "password": "wrong"})
        assert flashes == [("error", "Unknown name or wrong password.")]

    Args:
        app: The application.
    """
    found: list[FlashedMessage] = []

    def add(sender: Flask, message: Any, category: str, **extra: Any) -> None:
        found.append(FlashedMessage(category, message))

    with message_flashed.connected_to(add, app):
        yield found


@contextmanager
def assert_template_used(app: Flask, name: str) -> Iterator[list[RenderedTemplate]]:
    """Assert that an application renders a template during a block.

    ::

        with assert_template_used(app, "index.html"):
            client.get("/")

    Args:
        app: The application.
        name: Name of the template, as ``render_template`` got it.

    Raises:
        AssertionError: It did not; says which ones were rendered.
    """
    with captured_templates(app) as found:
        yield found
    names = [each.name for each in found]
    if name not in names:
        seen = ", ".join("a string" if each is None else repr(each) for each in names) or "none"
        raise AssertionError(f"The template {name!r} was not rendered. Rendered templates: {seen}.")


@contextmanager
def assert_flashed(app: Flask, message: Any = None, category: str | None = None) -> Iterator[list[FlashedMessage]]:
    """Assert that an application flashes a message during a block.

    ::

        with assert_flashed(app, "Saved.", category="success"):
            client.post("/profile", data={"name": "Ada"})

    Args:
        app: The application.
        message: The whole message; any if not given.
        category: Its category; any if not given.

    Raises:
        AssertionError: It did not; says which ones were flashed.
    """
    with captured_flashes(app) as found:
        yield found
    if not any(_is_meant(each, message, category) for each in found):
        wanted = "a message" if message is None else repr(message)
        if category is not None:
            wanted += f" of the category {category!r}"
        seen = ", ".join(f"{each.message!r} ({each.category})" for each in found) or "none"
        raise AssertionError(f"The application did not flash {wanted}. Flashed messages: {seen}.")


def _is_meant(flashed: FlashedMessage, message: Any, category: str | None) -> bool:
    return (message is None or flashed.message == message) and (category is None or flashed.category == category)
