"""Pages for everything that goes wrong; for the API the same as JSON (RFC 9457)."""

from __future__ import annotations

import sqlite3

from hipflask import Flask, Response, current_app, json, render_template, request
from hipflask.http.exceptions import HTTPException, InternalServerError, ServiceUnavailable, UnprocessableEntity

from .db import is_busy
from .forms import LONGEST_BODY, format_size

EXPLANATIONS = {
    401: "The API wants to know who you are: send your token as “Authorization: Bearer …”.",
    404: "There is nothing at this address. Maybe the link has a typing mistake, or the message has been deleted.",
    405: "This address exists, but it cannot be used in this way.",
    500: "Something went wrong on our side. It has been written to the log; please try again later.",
    503: "Too many people are writing at this moment, so nothing was saved. Go back, and send it once more.",
}


class InvalidInput(UnprocessableEntity):
    """What was sent to the API breaks rules (status 422).

    Attributes:
        errors: What is wrong, by field.
    """

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__("Some fields are not as they should be; see errors.")
        self.errors = errors


def init_app(app: Flask) -> None:
    """Show the board's own pages for HTTP errors, also for exceptions that nobody caught (500)."""
    app.register_error_handler(HTTPException, show_error)
    app.register_error_handler(sqlite3.OperationalError, show_database_error)


def show_error(error: HTTPException) -> Response:
    """Return the answer for *error*: its status and headers (`Allow` of 405, say) with a body of our own."""
    response: Response = error.get_response()  # type: ignore[assignment]  # a Response without the JSON parts
    if request.path.split("/")[1:2] == ["api"]:
        response.data = json.dumps(describe(error)) + "\n"
        response.content_type = "application/problem+json"
    else:
        response.data = render_template("error.html", error=error, explanation=explain(error))
        response.content_type = "text/html; charset=utf-8"
    return response


def show_database_error(error: sqlite3.OperationalError) -> Response:
    """Answer 503 where somebody else was writing for too long; any other fault of the database is a 500."""
    if not is_busy(error):
        current_app.logger.error("The database failed: %s", error, exc_info=error)
        return show_error(InternalServerError(original_exception=error))
    current_app.logger.warning("The database was busy: %s", error)
    return show_error(ServiceUnavailable(retry_after=5))


def describe(error: HTTPException) -> dict[str, object]:
    """Return *error* as a problem of RFC 9457."""
    problem: dict[str, object] = {"status": error.code, "title": error.name, "detail": explain(error)}
    if isinstance(error, InvalidInput):
        problem["errors"] = error.errors
    return problem


def explain(error: HTTPException) -> str:
    """Return what *error* means for the person who sees it."""
    if error.code == 413:
        return (
            "That was too much at once: a picture can have at most "
            f"{format_size(current_app.config['LARGEST_PICTURE'])}, and a text {LONGEST_BODY} characters."
        )
    if error.code == 429:
        seconds = getattr(error, "retry_after", None) or 60
        return f"That was a bit much in a short time. Please try again in {seconds} seconds."
    has_own_text = error.description != type(error).description
    if has_own_text and error.description:
        return error.description
    return EXPLANATIONS.get(error.code or 500, error.description or error.name)
