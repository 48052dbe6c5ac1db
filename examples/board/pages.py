"""What everybody may read: the threads, one thread, the search, a profile, the pictures."""

from __future__ import annotations

from typing import Any

from hipflask import (
    Blueprint,
    Response,
    abort,
    current_app,
    flash,
    g,
    redirect,
    render_template,
    request,
    send_from_directory,
    url_for,
)
from hipflask.typing import ResponseReturnValue

from .forms import clean_search, parse_number
from .models import Message
from .pictures.files import NAME_PATTERN
from .pictures.formats import MIME_TYPES
from .posts import Draft
from .store import messages, users

blueprint = Blueprint("pages", __name__)

PAGE_SIZE = 10  # threads, search results, messages of a profile
REPLIES_PAGE_SIZE = 30
THEMES = {"auto": "As my device", "light": "Light", "dark": "Dark"}


@blueprint.get("/")
def index() -> str:
    """List the newest threads; `?q=` searches all messages, `?before=` shows the ones before a message."""
    search = clean_search(request.args.get("q", ""))
    before = parse_number(request.args.get("before", ""))
    # One more than is shown tells whether there is another page.
    limit = PAGE_SIZE + 1
    if search:
        found = messages.search(search, limit=limit, before=before)
    else:
        found = messages.list_threads(limit=limit, before=before)
    shown, next_url = cut_page(found, q=search or None)
    return render_template("index.html", messages=shown, next_url=next_url, search=search, before=before)


def cut_page(found: list[Message], **address: Any) -> tuple[list[Message], str | None]:
    """Return the messages of one page, and the address of the next page if there are more."""
    shown = found[:PAGE_SIZE]
    if len(found) == len(shown):
        return shown, None
    return shown, url_for(request.endpoint or "", **address, before=shown[-1].id)


@blueprint.get("/messages/<int:message_id>")
def thread(message_id: int) -> ResponseReturnValue:
    """Show a thread, `?after=` with its later replies; the address of a reply leads to its place in the thread."""
    message = find_or_404(message_id)
    if message.thread_id is not None:
        return redirect(reply_url(message.thread_id, message_id))
    after = parse_number(request.args.get("after", "")) or 0
    return render_thread(message, after)


def render_thread(message: Message, after: int = 0, draft: Draft | None = None, **values: Any) -> str:
    """Return the page of a thread, with what was wrong with a reply if there is a *draft*."""
    found = messages.list_replies(message.id, limit=REPLIES_PAGE_SIZE + 1, after=after)
    replies = found[:REPLIES_PAGE_SIZE]
    next_url = None
    if len(found) > len(replies):
        next_url = url_for("pages.thread", message_id=message.id, after=replies[-1].id)
    values = {"errors": {}, "draft": draft or Draft(), "after": after, "next_url": next_url, **values}
    return render_template("thread.html", message=message, replies=replies, **values)


def reply_url(thread_id: int, message_id: int) -> str:
    """Return the address of a reply: its thread, at the page that has it, scrolled to it."""
    is_on_first_page = messages.count_replies(thread_id, before=message_id) < REPLIES_PAGE_SIZE
    after = None if is_on_first_page else message_id - 1
    return url_for("pages.thread", message_id=thread_id, after=after, _anchor=f"message-{message_id}")


def find_or_404(message_id: int) -> Message:
    """Return a message.

    Raises:
        NotFound: There is none with this id.
    """
    message = messages.find(message_id)
    if message is None:
        abort(404)
    return message


@blueprint.get("/users/<name>")
def profile(name: str) -> str:
    """Show a user, and what they wrote."""
    user = users.find_by_name(name)
    if user is None:
        abort(404)
    before = parse_number(request.args.get("before", ""))
    found = messages.list_by_author(user.id, limit=PAGE_SIZE + 1, before=before)
    shown, next_url = cut_page(found, name=user.name)
    count = messages.count_by_author(user.id)
    return render_template("profile.html", user=user, messages=shown, next_url=next_url, before=before, count=count)


@blueprint.get("/pictures/<name>")
def picture(name: str) -> Response:
    """Send a picture, as what it was found to be, and never as anything that could run in a browser."""
    if not NAME_PATTERN.fullmatch(name):
        abort(404)
    mime_type = MIME_TYPES[name[name.rindex(".") :]]
    response = send_from_directory(current_app.config["PICTURES"], name, mimetype=mime_type, max_age=86_400)
    response.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    return response


@blueprint.route("/appearance", methods=["GET", "POST"])
def appearance() -> ResponseReturnValue:
    """Let the reader choose light or dark, without any script: a cookie keeps the choice."""
    if request.method == "GET":
        return render_template("appearance.html", themes=THEMES)
    theme = request.form.get("theme", "")
    if theme not in THEMES:
        abort(400)
    flash("This is how the board looks from now on.", "success")
    response = redirect(url_for("pages.appearance"), 303)
    secure = current_app.config["SESSION_COOKIE_SECURE"]
    response.set_cookie("board_theme", theme, max_age=31_536_000, httponly=True, samesite="Lax", secure=secure)
    return response


@blueprint.app_context_processor
def add_theme() -> dict[str, str]:
    """Give every template the theme that the reader chose, and what the account menu needs."""
    theme = request.cookies.get("board_theme", "")
    return {"theme": theme if theme in THEMES else "auto", "board_name": current_app.config["BOARD_NAME"]}


@blueprint.app_template_test("changeable")
def is_changeable(message: Message) -> bool:
    """Tell whether the reader may edit and delete *message*."""
    return g.user is not None and g.user.may_change(message)
