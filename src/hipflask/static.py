"""The route of an application's static files."""

from __future__ import annotations

import typing as t
import weakref

if t.TYPE_CHECKING:
    from hipflask.app import Flask

__all__ = ["add_static_route"]


def add_static_route(app: Flask, static_host: str | None, host_matching: bool) -> None:
    """Add the rule ``<static_url_path>/<path:filename>`` with the endpoint ``static``.

    Args:
        app: Application with a static folder.
        static_host: Host of the rule.
        host_matching: Whether the application matches by host.

    Raises:
        AssertionError: A static host without host matching, or the other way round.
    """
    if bool(static_host) != host_matching:
        raise AssertionError(
            f"static_host={static_host!r} and host_matching={host_matching!r} do not go together: static files need a "
            "host exactly where rules are matched by host. Pass both, or static_folder=None."
        )
    # A weak reference: the view must not keep the application alive in a cycle.
    reference = weakref.ref(app)

    def static(**values: t.Any) -> t.Any:
        return reference().send_static_file(**values)  # type: ignore[union-attr]  # the application is serving

    app.add_url_rule(f"{app.static_url_path}/<path:filename>", endpoint="static", host=static_host, view_func=static)
