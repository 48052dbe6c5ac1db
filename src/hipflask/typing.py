"""Types for the signatures of views, hooks and handlers.

Source: the names of ``flask.typing`` 3.1.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, Union

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication  # noqa: F401  # for annotations that are strings

    from hipflask.http.datastructures import Headers  # noqa: F401  # likewise
    from hipflask.http.response import Response  # noqa: F401  # likewise

__all__ = [
    "AfterRequestCallable",
    "AppOrBlueprintKey",
    "BeforeFirstRequestCallable",
    "BeforeRequestCallable",
    "ErrorHandlerCallable",
    "HeaderValue",
    "HeadersValue",
    "ResponseClass",
    "ResponseReturnValue",
    "ResponseValue",
    "RouteCallable",
    "ShellContextProcessorCallable",
    "TeardownCallable",
    "TemplateContextProcessorCallable",
    "TemplateFilterCallable",
    "TemplateGlobalCallable",
    "TemplateTestCallable",
    "URLDefaultCallable",
    "URLValuePreprocessorCallable",
]

# What a view may return: a body, or a tuple of a body with a status, headers or both.
ResponseValue = Union[
    "Response",
    str,
    bytes,
    list[Any],
    Mapping[str, Any],
    Iterator[str],
    Iterator[bytes],
    AsyncIterable[str],
    AsyncIterable[bytes],
]
HeaderValue = str | list[str] | tuple[str, ...]
HeadersValue = Union["Headers", Mapping[str, HeaderValue], Sequence[tuple[str, HeaderValue]]]
ResponseReturnValue = Union[
    ResponseValue,
    tuple[ResponseValue, HeadersValue],
    tuple[ResponseValue, int],
    tuple[ResponseValue, int, HeadersValue],
    "WSGIApplication",
]

ResponseClass = TypeVar("ResponseClass", bound="Response")

# The key of the registries: a blueprint's name, or None for the application.
AppOrBlueprintKey = str | None

# Hooks.
AfterRequestCallable = Callable[[ResponseClass], ResponseClass] | Callable[[ResponseClass], Awaitable[ResponseClass]]
BeforeFirstRequestCallable = Callable[[], None] | Callable[[], Awaitable[None]]
BeforeRequestCallable = Callable[[], ResponseReturnValue | None] | Callable[[], Awaitable[ResponseReturnValue | None]]
ShellContextProcessorCallable = Callable[[], dict[str, Any]]
TeardownCallable = Callable[[BaseException | None], None] | Callable[[BaseException | None], Awaitable[None]]
URLDefaultCallable = Callable[[str, dict[str, Any]], None]
URLValuePreprocessorCallable = Callable[[str | None, dict[str, Any] | None], None]

# Templates.
TemplateContextProcessorCallable = Callable[[], dict[str, Any]] | Callable[[], Awaitable[dict[str, Any]]]
TemplateFilterCallable = Callable[..., Any]
TemplateGlobalCallable = Callable[..., Any]
TemplateTestCallable = Callable[..., bool]

# A handler is registered for a class of exceptions and takes that class; here it could be any.
ErrorHandlerCallable = Callable[[Any], ResponseReturnValue] | Callable[[Any], Awaitable[ResponseReturnValue]]
RouteCallable = Callable[..., ResponseReturnValue] | Callable[..., Awaitable[ResponseReturnValue]]
