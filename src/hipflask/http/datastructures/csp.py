"""The directives of ``Content-Security-Policy``.

Source: W3C Content Security Policy Level 3, 2.2 and 6.
"""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Iterable, Mapping

from hipflask.http.datastructures.callback_dict import CallbackDict

__all__ = ["ContentSecurityPolicy", "csp_property", "dump_csp_header"]


def csp_property(key: str) -> t.Any:
    """Return a property over the directive *key*, for a subclass with directives of its own.

    It is ``None`` where the directive is missing; setting ``None`` or deleting it removes the directive.
    """

    def read(policy: ContentSecurityPolicy) -> str | None:
        return policy.get(key)

    def write(policy: ContentSecurityPolicy, value: str | None) -> None:
        if value is None:
            policy.pop(key, None)
        else:
            policy[key] = value

    def remove(policy: ContentSecurityPolicy) -> None:
        policy.pop(key, None)

    return property(read, write, remove, f"The directive ``{key}``, or ``None``.")


def dump_csp_header(header: Mapping[str, t.Any]) -> str:
    """Return the directives of a policy as a header field; one with the value ``""`` stands alone."""
    return "; ".join([name if value == "" else f"{name} {value}" for name, value in header.items()])


class ContentSecurityPolicy(CallbackDict[str, str]):
    """The directives of a policy with their values, as text; ``""`` for those that have none.

    Args:
        values: The directives; ``None`` if there was no such header field.
        on_update: Called with this object after each change.
    """

    #: Whether there was such a header field.
    provided: bool

    base_uri: str | None = csp_property("base-uri")
    child_src: str | None = csp_property("child-src")
    connect_src: str | None = csp_property("connect-src")
    default_src: str | None = csp_property("default-src")
    font_src: str | None = csp_property("font-src")
    form_action: str | None = csp_property("form-action")
    frame_ancestors: str | None = csp_property("frame-ancestors")
    frame_src: str | None = csp_property("frame-src")
    img_src: str | None = csp_property("img-src")
    manifest_src: str | None = csp_property("manifest-src")
    media_src: str | None = csp_property("media-src")
    navigate_to: str | None = csp_property("navigate-to")
    object_src: str | None = csp_property("object-src")
    plugin_types: str | None = csp_property("plugin-types")
    prefetch_src: str | None = csp_property("prefetch-src")
    report_to: str | None = csp_property("report-to")
    report_uri: str | None = csp_property("report-uri")
    sandbox: str | None = csp_property("sandbox")
    script_src: str | None = csp_property("script-src")
    script_src_attr: str | None = csp_property("script-src-attr")
    script_src_elem: str | None = csp_property("script-src-elem")
    style_src: str | None = csp_property("style-src")
    style_src_attr: str | None = csp_property("style-src-attr")
    style_src_elem: str | None = csp_property("style-src-elem")
    worker_src: str | None = csp_property("worker-src")

    def __init__(
        self,
        values: Mapping[str, str] | Iterable[tuple[str, str]] | None = (),
        on_update: Callable[[t.Any], None] | None = None,
    ) -> None:
        super().__init__(values, on_update)
        self.provided = values is not None

    def to_header(self) -> str:
        """Return the directives as a header field."""
        return dump_csp_header(self)

    def __str__(self) -> str:
        return self.to_header()

    def __repr__(self) -> str:
        items = " ".join([f"{key}={value!r}" for key, value in sorted(self.items())])
        return f"<{type(self).__name__} {items}>"
