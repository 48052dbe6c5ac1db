"""Signing up, logging in and out."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import ParamSpec

from hipflask import Blueprint, flash, g, redirect, render_template, request, session, url_for
from hipflask.http.security import check_password_hash, generate_password_hash
from hipflask.typing import ResponseReturnValue

from . import store

blueprint = Blueprint("accounts", __name__)
P = ParamSpec("P")

NAME_PATTERN = re.compile(r"[A-Za-z0-9_-]{3,30}")
SHORTEST_PASSWORD = 8  # characters
LONGEST_PASSWORD = 200  # keeps the cost of hashing bounded


@blueprint.before_app_request
def load_user() -> None:
    """Find out who is asking: `g.user` is the user, or `None`."""
    g.user = None
    if request.endpoint != "static" and "user_id" in session:
        g.user = store.find_user(session["user_id"])


def login_required(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
    """Send everybody who is not logged in to the log-in page, and back here afterwards."""

    @functools.wraps(view)
    def checked_view(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        if g.user is None:
            flash("Please log in first.", "error")
            return redirect(url_for("accounts.log_in", next=request.path), 303)
        return view(*args, **kwargs)

    return checked_view


@blueprint.route("/sign-up", methods=["GET", "POST"])
def sign_up() -> ResponseReturnValue:
    """Show the form for a new account, or make the account."""
    if request.method == "GET":
        return render_template("sign_up.html", name="", errors={})
    name = request.form.get("name", "").strip()
    password = request.form.get("password", "")
    errors = find_sign_up_errors(name, password)
    if not errors:
        user_id = store.add_user(name, generate_password_hash(password))
        if user_id is not None:
            start_session(user_id)
            flash(f"Welcome, {name}! You are logged in.", "success")
            return redirect(url_for("messages.index"), 303)
        errors["name"] = "This name is taken. Please choose another one."
    return render_template("sign_up.html", name=name, errors=errors), 400


def find_sign_up_errors(name: str, password: str) -> dict[str, str]:
    """Return what is wrong with a sign-up form, by field."""
    errors = {}
    if not NAME_PATTERN.fullmatch(name):
        errors["name"] = "A name has 3 to 30 characters: letters from a to z, digits, _ and -."
    if len(password) < SHORTEST_PASSWORD:
        errors["password"] = f"A password has at least {SHORTEST_PASSWORD} characters."
    elif len(password) > LONGEST_PASSWORD:
        errors["password"] = f"A password has at most {LONGEST_PASSWORD} characters."
    return errors


@blueprint.route("/log-in", methods=["GET", "POST"])
def log_in() -> ResponseReturnValue:
    """Show the log-in form, or log the user in."""
    target = request.values.get("next", "")
    if request.method == "GET":
        return render_template("log_in.html", name="", target=target, errors={})
    name = request.form.get("name", "").strip()
    password = request.form.get("password", "")
    user = store.find_user_by_name(name) if NAME_PATTERN.fullmatch(name) else None
    # A wrong name costs the same time as a wrong password, so the time does not tell which names exist.
    password_hash = user["password_hash"] if user else ""
    is_right = check_password_hash(password_hash or hash_of_nobody(), password[:LONGEST_PASSWORD])
    if user is None or not password_hash or not is_right:
        errors = {"password": "Name and password do not match."}
        return render_template("log_in.html", name=name, target=target, errors=errors), 400
    start_session(user["id"])
    flash(f"Welcome back, {user['name']}!", "success")
    return redirect(target if is_own_path(target) else url_for("messages.index"), 303)


@blueprint.post("/log-out")
def log_out() -> ResponseReturnValue:
    """Forget who is logged in."""
    session.clear()
    flash("You are logged out.", "success")
    return redirect(url_for("messages.index"), 303)


def start_session(user_id: int) -> None:
    """Log a user in with a new session: nothing from before is taken over, the CSRF token neither."""
    session.clear()
    session["user_id"] = user_id


@functools.cache
def hash_of_nobody() -> str:
    """Return a password hash to compare with when there is no user."""
    return generate_password_hash("nobody's password")


def is_own_path(target: str) -> bool:
    """Tell whether *target* is a path on this site, and nothing that leads a browser to another one.

    Browsers read `//example.org` and `/\\example.org` as other sites, and leave out tabs and line ends.
    """
    return bool(re.fullmatch(r"/(?![/\\])[^\\\x00-\x20\x7f]*", target))
