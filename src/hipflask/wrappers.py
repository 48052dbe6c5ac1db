"""The request and response classes of an application: HTTP's own, with what only an application knows."""

from __future__ import annotations

import typing as t

from hipflask import json
from hipflask.globals import _cv_app
from hipflask.http.base_response import BaseResponse
from hipflask.http.exceptions import BadRequest, HTTPException
from hipflask.http.request import Request as HttpRequest
from hipflask.http.response import Response as HttpResponse
from hipflask.originals import remember_classes

if t.TYPE_CHECKING:
    from hipflask.routing.rules import Rule

__all__ = ["RESPONSE_CLASSES", "Request", "Response"]


class _Limit:
    """A limit of the body: what was set on the request, else the application's setting, else a default.

    Args:
        key: Setting.
        default: Value outside of an application.
    """

    def __init__(self, key: str, default: int | None, doc: str) -> None:
        self.key = key
        self.default = default
        self.__doc__ = doc

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, request: Request | None, owner: type) -> t.Any:
        if request is None:
            return self
        value = request.__dict__.get(self.name)
        if value is not None:  # as on Flask, None does not lift the application's limit
            return value
        context = _cv_app.get(None)
        return self.default if context is None else context.app.config[self.key]

    def __set__(self, request: Request, value: int | None) -> None:
        request.__dict__[self.name] = value


class Request(HttpRequest):
    """A request to an application, the class behind ``request``.

    See :class:`hipflask.http.request.Request` for what every request has.
    """

    json_module: t.Any
    #: Rule that matched, ``None`` if none did; the values of its variable parts; what prevented a match.
    url_rule: Rule | None = None
    view_args: dict[str, t.Any] | None = None
    routing_exception: HTTPException | None = None

    max_content_length = _Limit(
        "MAX_CONTENT_LENGTH", None, "Longest body that is read, in bytes; by default ``MAX_CONTENT_LENGTH``."
    )
    max_form_memory_size = _Limit(
        "MAX_FORM_MEMORY_SIZE",
        500_000,
        "Bytes of a form's text that are read; by default ``MAX_FORM_MEMORY_SIZE``.",
    )
    max_form_parts = _Limit("MAX_FORM_PARTS", 1_000, "Parts of a form that are read; by default ``MAX_FORM_PARTS``.")

    @property
    def endpoint(self) -> str | None:
        """Endpoint that matched, ``None`` if none did."""
        return None if self.url_rule is None else t.cast("str", self.url_rule.endpoint)  # names, in an application

    @property
    def blueprint(self) -> str | None:
        """Name of the blueprint of the endpoint, with those of its parents; ``None`` if it has none."""
        endpoint = self.endpoint
        return endpoint.rpartition(".")[0] if endpoint is not None and "." in endpoint else None

    @property
    def blueprints(self) -> list[str]:
        """Names of the endpoint's blueprint and of its parents, innermost first."""
        name = self.blueprint
        if name is None:
            return []
        names = [name]
        while "." in name:
            name = name.rpartition(".")[0]
            names.append(name)
        return names

    def _load_form_data(self) -> None:
        super()._load_form_data()
        context = _cv_app.get(None)
        if context is not None and context.app.debug and self.mimetype != "multipart/form-data" and not self.files:
            from hipflask.debughelpers import attach_enctype_error_multidict

            attach_enctype_error_multidict(self)

    def on_json_loading_failed(self, e: ValueError | None) -> t.Any:
        """Raise for a body that is not JSON; what was wrong with it is told in debug mode only.

        Args:
            e: What the parser raised; ``None`` if the media type is not JSON.
        """
        try:
            return super().on_json_loading_failed(e)
        except BadRequest as error:
            context = _cv_app.get(None)
            if context is not None and context.app.debug:
                raise
            raise BadRequest() from error


class Response(HttpResponse):
    """An answer of an application: HTML if nothing else is said.

    See :class:`hipflask.http.response.Response` for what every response has.
    """

    default_mimetype = "text/html"
    autocorrect_location_header = False

    json_module: t.Any = json

    @property
    def max_cookie_size(self) -> int:  # type: ignore[override]  # an attribute there
        """Longest cookie without a warning, in bytes: ``MAX_COOKIE_SIZE``."""
        context = _cv_app.get(None)
        return HttpResponse.max_cookie_size if context is None else int(context.app.config["MAX_COOKIE_SIZE"])


#: Our own classes of a response.
RESPONSE_CLASSES = (Response, HttpResponse, BaseResponse)
remember_classes(*RESPONSE_CLASSES)
