"""The board's pages: all messages, one message, a new message."""

from __future__ import annotations

import re
from datetime import datetime

from hipflask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from hipflask.typing import ResponseReturnValue

from . import store
from .accounts import login_required

blueprint = Blueprint("messages", __name__)

PAGE_SIZE = 10  # messages
LONGEST_TITLE = 120  # characters
LONGEST_BODY = 4000
LONGEST_SEARCH = 100
# Control characters but tab and line feed, and the halves of pairs that only JSON can bring in.
FORBIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


@blueprint.get("/")
def index() -> str:
    """List the newest messages; `?q=` searches, `?before=` shows the ones before a message."""
    search = FORBIDDEN.sub(" ", request.args.get("q", "")).strip()[:LONGEST_SEARCH]
    before = parse_number(request.args.get("before", ""))
    # One more than is shown tells whether there is another page.
    messages = store.list_messages(limit=PAGE_SIZE + 1, before=before, search=search)
    return render_template(
        "index.html",
        messages=messages[:PAGE_SIZE],
        has_more=len(messages) > PAGE_SIZE,
        search=search,
        before=before,
    )


@blueprint.get("/messages/<int:message_id>")
def show(message_id: int) -> str:
    """Show one message."""
    message = store.find_message(message_id)
    if message is None:
        abort(404)
    return render_template("message.html", message=message)


@blueprint.route("/messages/new", methods=["GET", "POST"])
@login_required
def create() -> ResponseReturnValue:
    """Show the form for a new message, or post the message."""
    if request.method == "GET":
        return render_template("new.html", title="", body="", errors={})
    title, body = clean(request.form.get("title", ""), request.form.get("body", ""))
    errors = find_errors(title, body)
    if errors:
        return render_template("new.html", title=title, body=body, errors=errors), 400
    message_id = store.add_message(g.user["id"], title, body)
    flash("Your message is on the board.", "success")
    return redirect(url_for("messages.show", message_id=message_id), 303)


def clean(title: str, body: str) -> tuple[str, str]:
    """Return both texts without needless white space; line ends become `\\n` (browsers send `\\r\\n`)."""
    body = body.replace("\r\n", "\n").replace("\r", "\n")
    return re.sub(r"[ \t\r\n]+", " ", title).strip(), body.strip()


def find_errors(title: str, body: str) -> dict[str, str]:
    """Return what is wrong with a message, by field."""
    errors = {}
    for field, text, longest in (("title", title, LONGEST_TITLE), ("body", body, LONGEST_BODY)):
        if not text:
            errors[field] = f"Please write a {'title' if field == 'title' else 'message'}."
        elif len(text) > longest:
            errors[field] = f"At most {longest} characters, please; these are {len(text)}."
        elif FORBIDDEN.search(text):
            errors[field] = "There is a character in this text that cannot be shown."
    return errors


def parse_number(text: str) -> int | None:
    """Return the positive number that *text* is, or `None`; larger than an id can be is none either."""
    if not re.fullmatch(r"[0-9]{1,19}", text):
        return None
    number = int(text)
    return number if 0 < number <= store.LARGEST_ID else None


@blueprint.app_template_filter()
def format_time(text: str) -> str:
    """Return the database's time, `2026-08-01T09:05:00Z`, as people write it: `1 Aug 2026, 09:05`."""
    moment = datetime.fromisoformat(text)
    return f"{moment.day} {moment:%b %Y, %H:%M}"
