"""Errors and log messages that explain usual mistakes; used in debug mode.

Source: the behaviour of ``flask.debughelpers`` 3.1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from hipflask.globals import _cv_request, request_ctx

if TYPE_CHECKING:
    from hipflask.app import Flask
    from hipflask.wrappers import Request

__all__ = [
    "DebugFilesKeyError",
    "FormDataRoutingRedirect",
    "UnexpectedUnicodeError",
    "attach_enctype_error_multidict",
    "explain_template_loading_attempts",
    "request_ctx",
]


class UnexpectedUnicodeError(AssertionError, UnicodeError):
    """Raised for text where bytes are needed, or the other way round."""


class DebugFilesKeyError(KeyError, AssertionError):
    """Raised by ``request.files[key]`` if the form was sent without ``enctype="multipart/form-data"``.

    Args:
        request: The request.
        key: The name of the field.
    """

    def __init__(self, request: Request, key: str) -> None:
        super().__init__(request, key)
        names = request.form.getlist(key)
        sent = f" This was submitted: {', '.join(map(repr, names))}." if names else ""
        self._message = (
            f"There is no file {key!r} in request.files, because the body of the request is "
            f"{request.mimetype!r} and not 'multipart/form-data', so no file contents were transmitted.{sent} "
            'Add enctype="multipart/form-data" to the form.'
        )

    def __str__(self) -> str:
        return self._message


class FormDataRoutingRedirect(AssertionError):
    """Raised in debug mode instead of a redirect to a rule's own URL that would lose the form's data.

    Args:
        request: The request; its ``routing_exception`` is the redirect.
    """

    def __init__(self, request: Request) -> None:
        redirect: Any = request.routing_exception
        target = redirect.new_url
        slash = ""
        if target.partition("?")[0] == f"{request.base_url}/":
            slash = " The rule ends with a slash, so a URL without it is redirected to the one with it."
        super().__init__(
            f"A {request.method} request to {request.url!r} was about to be redirected to the canonical URL "
            f"{target!r}, and browsers drop the form's data then.{slash} Send the form to the second URL, or use a "
            "redirect of status 307 or 308. This error is raised in debug mode only."
        )


def attach_enctype_error_multidict(request: Request) -> None:
    """Make ``request.files`` raise :class:`DebugFilesKeyError` for names of fields that came as text.

    Args:
        request: A request without files; its ``files`` get a class of their own.
    """
    files: Any = request.files
    plain_class = type(files)

    class ExplainedFiles(plain_class):  # type: ignore[misc, valid-type]  # a class known at run time
        def __getitem__(self, key: str) -> Any:
            if key not in self and key in request.form:
                raise DebugFilesKeyError(request, key)
            return super().__getitem__(key)

    ExplainedFiles.__name__ = plain_class.__name__
    ExplainedFiles.__module__ = plain_class.__module__
    files.__class__ = ExplainedFiles


def explain_template_loading_attempts(app: Flask, template: str, attempts: Sequence[tuple[Any, Any, Any]]) -> None:
    """Log where a template was looked for and what was found; for ``EXPLAIN_TEMPLATE_LOADING``.

    Args:
        app: The application; its logger is used, at level INFO.
        template: Name of the template.
        attempts: For each loader: the loader, the application or blueprint it belongs to, and what it found,
            a tuple of source, file name and a function that tells if it is current; ``None`` for nothing.
    """
    lines = [f"Looking for the template {template!r}:"]
    for number, (loader, owner, found) in enumerate(attempts, 1):
        lines.append(f"  {number}: the loader of the {_owner_name(owner)}")
        lines += [f"     {line}" for line in _loader_facts(loader)]
        lines.append(f"     result: {_result(found)}")
    count = sum(found is not None for _, _, found in attempts)
    lines += _conclusion(count)
    app.logger.info("\n".join(lines))


def _owner_name(owner: Any) -> str:
    from hipflask.blueprints import Blueprint
    from hipflask.scaffold import Scaffold

    if isinstance(owner, Blueprint):
        return f"blueprint {owner.name!r} ({owner.import_name})"
    if isinstance(owner, Scaffold):
        return f"application {owner.import_name!r}"
    return f"object {owner!r}"


def _loader_facts(loader: Any) -> Iterator[str]:
    """Yield the class and the public settings of a template loader."""
    yield f"class: {type(loader).__module__}.{type(loader).__name__}"
    for name, value in sorted(vars(loader).items()):
        if name.startswith("_"):
            continue
        if isinstance(value, list | tuple):
            if all(isinstance(item, str) for item in value):
                yield f"{name}:"
                yield from (f"  - {item}" for item in value)
        elif isinstance(value, str | int | float | bool):
            yield f"{name}: {value!r}"


def _result(found: tuple[str, str | None, Any] | None) -> str:
    if found is None:
        return "not here"
    return f"found in {found[1] or '<string>'!r}"


def _conclusion(count: int) -> Iterator[str]:
    """Yield what follows from the number of loaders that have the template."""
    if count == 1:
        return
    if count:
        yield f"{count} loaders have this template; the first one is used."
    else:
        yield "Error: no loader has this template."
    ctx = _cv_request.get(None)
    blueprint = None if ctx is None else ctx.request.blueprint
    if blueprint is not None:
        yield (
            f"The view is one of the blueprint {blueprint!r}. A blueprint's templates lie in its template_folder, and "
            "their names are relative to it; those of the application, and of blueprints registered earlier, go first."
        )
