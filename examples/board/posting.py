"""What users do with messages: posting, replying, editing, deleting."""

from __future__ import annotations

from hipflask import Blueprint, Flask, abort, current_app, flash, g, redirect, render_template, request, url_for
from hipflask.typing import ResponseReturnValue

from . import posts
from .accounts import login_required
from .forms import parse_number, read_draft
from .models import Message
from .pages import find_or_404, render_thread, reply_url
from .posts import Draft

blueprint = Blueprint("posting", __name__)

# The pages that take a picture; all others keep to the much smaller MAX_CONTENT_LENGTH.
WITH_PICTURE = {"posting.create", "posting.reply", "posting.edit", "api.set_picture"}


def allow_picture() -> None:
    """Let a request carry a picture where one is expected."""
    if request.endpoint in WITH_PICTURE:
        config = current_app.config
        request.max_content_length = config["LARGEST_PICTURE"] + config["MAX_CONTENT_LENGTH"]


def init_app(app: Flask) -> None:
    """Set the limits for what people send; this comes before anything reads a form."""
    app.before_request(allow_picture)


@blueprint.route("/messages/new", methods=["GET", "POST"])
@login_required
def create() -> ResponseReturnValue:
    """Show the form for a new thread, or post its first message."""
    if request.method == "GET":
        return render_template("new.html", draft=Draft(), errors={})
    draft, errors = read_draft(is_reply=False)
    if errors:
        return render_template("new.html", draft=draft, errors=errors), 422
    message_id = posts.publish(g.user, draft)
    flash("Your message is on the board.", "success")
    return redirect(url_for("pages.thread", message_id=message_id), 303)


@blueprint.post("/messages/<int:message_id>/replies")
@login_required
def reply(message_id: int) -> ResponseReturnValue:
    """Reply to a thread."""
    thread = find_or_404(message_id)
    draft, errors = read_draft(is_reply=True)
    status = 422
    if not errors:
        try:
            return redirect(reply_url(thread.id, posts.publish(g.user, draft, thread=thread)), 303)
        except posts.GoneError:
            abort(404, "This thread was deleted while you wrote. Your browser's Back button still has your text.")
        except posts.ThreadError as error:
            errors, status = {"body": str(error)}, 409
    return render_thread(thread, draft=draft, errors=errors), status


@blueprint.route("/messages/<int:message_id>/edit", methods=["GET", "POST"])
@login_required
def edit(message_id: int) -> ResponseReturnValue:
    """Show the form that changes a message, or change it.

    The form has the version that its reader saw. If there is a newer one by now, nothing is written: the page shows
    both, and the next attempt is made with the newer one in view.
    """
    message = find_changeable(message_id)
    if request.method == "GET":
        return render_template("edit.html", message=message, draft=posts.draft_of(message), errors={})
    draft, errors = read_draft(is_reply=message.is_reply)
    version = parse_number(request.form.get("version", "")) or 0
    if errors:
        is_conflict = version != message.version
        page = render_template("edit.html", message=message, draft=draft, errors=errors, is_conflict=is_conflict)
        return page, 409 if is_conflict else 422
    try:
        posts.change(message, version, g.user, draft)
    except posts.GoneError:
        abort(404, "This message was deleted while you wrote. Your browser's Back button still has your text.")
    except posts.EditConflictError as error:
        return render_template("edit.html", message=error.current, draft=draft, errors={}, is_conflict=True), 409
    flash("Your changes are saved.", "success")
    return redirect(url_for("pages.thread", message_id=message_id), 303)


@blueprint.route("/messages/<int:message_id>/delete", methods=["GET", "POST"])
@login_required
def delete(message_id: int) -> ResponseReturnValue:
    """Ask whether a message shall really go, or delete it."""
    message = find_changeable(message_id)
    if request.method == "GET":
        return render_template("delete.html", message=message)
    version = parse_number(request.form.get("version", "")) or 0
    try:
        posts.remove(message, g.user.name, version)
    except posts.GoneError:
        abort(404)
    except posts.EditConflictError as error:
        return render_template("delete.html", message=error.current, is_conflict=True), 409
    flash("The message is deleted.", "success")
    if message.thread_id is not None:
        return redirect(url_for("pages.thread", message_id=message.thread_id), 303)
    return redirect(url_for("pages.index"), 303)


def find_changeable(message_id: int) -> Message:
    """Return a message that the user may change.

    Raises:
        NotFound: There is none with this id.
        Forbidden: It is somebody else's.
    """
    message = find_or_404(message_id)
    if not g.user.may_change(message):
        abort(403, "This message is somebody else's. Only its author and administrators can change it.")
    return message
