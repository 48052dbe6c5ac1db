"""Pages for everything that goes wrong; for the API the same as JSON."""

from __future__ import annotations

from hipflask import Flask, Response, json, render_template, request
from hipflask.http.exceptions import HTTPException

EXPLANATIONS = {
    404: "There is nothing at this address. Maybe the link has a typing mistake.",
    405: "This address exists, but it cannot be used in this way.",
    413: "That was too much at once. Please send a shorter text.",
    415: "The board's API understands JSON only: send it with Content-Type: application/json.",
    500: "Something went wrong on our side. It has been written to the log; please try again later.",
}


def init_app(app: Flask) -> None:
    """Show the board's own pages for HTTP errors, also for exceptions that nobody caught (500)."""
    app.register_error_handler(HTTPException, show_error)


def show_error(error: HTTPException) -> Response:
    """Return the answer for *error*: its status and headers (`Allow` of 405, say) with a body of our own."""
    explanation = EXPLANATIONS.get(error.code or 500, error.description)
    response: Response = error.get_response()  # type: ignore[assignment]  # a Response without the JSON parts
    if request.path.startswith("/api/"):
        problem = {"status": error.code, "title": error.name, "detail": explanation}
        response.data = json.dumps(problem) + "\n"
        response.content_type = "application/problem+json"  # RFC 9457
    else:
        response.data = render_template("error.html", error=error, explanation=explanation)
        response.content_type = "text/html; charset=utf-8"
    return response
