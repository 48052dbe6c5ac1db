"""Rendering templates. Jinja is imported when the first template is rendered."""

from __future__ import annotations

import typing as t

from hipflask import signals
from hipflask.current import stream_with_context
from hipflask.globals import _cv_request, current_app

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from jinja2 import Template

    from hipflask.app import Flask

__all__ = [
    "get_template_attribute",
    "render_template",
    "render_template_string",
    "stream_template",
    "stream_template_string",
]


def __getattr__(name: str) -> t.Any:
    """Import what needs Jinja when it is first asked for."""
    if name in ("DispatchingJinjaLoader", "Environment"):
        from hipflask import template_engine

        return getattr(template_engine, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def get_template_attribute(template_name: str, attribute: str) -> t.Any:
    """Return a macro or variable of a template, for use in Python.

    Args:
        template_name: Name of the template.
        attribute: Name of the macro or variable.
    """
    return getattr(current_app.jinja_env.get_template(template_name).module, attribute)


def _announce(signal: t.Any, app: Flask, template: Template, context: dict[str, t.Any]) -> None:
    if signal.receivers:
        signal.send(app, _async_wrapper=app.ensure_sync, template=template, context=context)


def _render(app: Flask, template: Template, context: dict[str, t.Any]) -> str:
    app.update_template_context(context)
    _announce(signals.before_render_template, app, template, context)
    text = template.render(context)
    _announce(signals.template_rendered, app, template, context)
    return text


def render_template(template_name_or_list: str | Template | list[str | Template], **context: t.Any) -> str:
    """Return a rendered template.

    Args:
        template_name_or_list: Name; of a list, the first that exists.
        **context: Names for the template.

    Raises:
        jinja2.TemplateNotFound: There is no such template.
    """
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # of the proxy
    return _render(app, app.jinja_env.get_or_select_template(template_name_or_list), context)


def render_template_string(source: str, **context: t.Any) -> str:
    """Return a rendered template that is given as text; values are escaped for HTML.

    Args:
        source: The template.
        **context: Names for the template.
    """
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # of the proxy
    return _render(app, app.jinja_env.from_string(source), context)


def _stream(app: Flask, template: Template, context: dict[str, t.Any]) -> Iterator[str]:
    app.update_template_context(context)
    _announce(signals.before_render_template, app, template, context)

    def generate() -> Iterator[str]:
        yield from template.generate(context)
        _announce(signals.template_rendered, app, template, context)

    return generate() if _cv_request.get(None) is None else stream_with_context(generate())


def stream_template(template_name_or_list: str | Template | list[str | Template], **context: t.Any) -> Iterator[str]:
    """Return an iterator over a template as it is rendered; a view may return it.

    Args:
        template_name_or_list: Name; of a list, the first that exists.
        **context: Names for the template.
    """
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # of the proxy
    return _stream(app, app.jinja_env.get_or_select_template(template_name_or_list), context)


def stream_template_string(source: str, **context: t.Any) -> Iterator[str]:
    """Return an iterator over a template, given as text, as it is rendered.

    Args:
        source: The template.
        **context: Names for the template.
    """
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # of the proxy
    return _stream(app, app.jinja_env.from_string(source), context)
