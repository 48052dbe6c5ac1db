"""Who is asking: signing up, logging in and out, one's own account."""

from __future__ import annotations

import functools
import hashlib
import secrets
from collections.abc import Callable
from typing import ParamSpec

from hipflask import Blueprint, current_app, flash, g, redirect, render_template, request, session, url_for
from hipflask.http.security import check_password_hash, generate_password_hash
from hipflask.typing import ResponseReturnValue

from . import rate_limit
from .forms import LONGEST_PASSWORD, NAME_PATTERN, find_password_error, find_sign_up_errors, is_own_path
from .models import User
from .store import users

blueprint = Blueprint("accounts", __name__)
P = ParamSpec("P")


@blueprint.before_app_request
def load_user() -> None:
    """Find out who is asking: `g.user` is the user, or `None`."""
    g.user = None
    if request.endpoint not in {"static", "pages.picture"} and "id" in session:
        # A session ends at log-out, when the account is closed or deleted, and when the password changes.
        user = users.find_by_session(session["id"])
        if user is not None and not user.is_disabled:
            g.user = user


def login_required(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
    """Send everybody who is not logged in to the log-in page, and back here afterwards."""

    @functools.wraps(view)
    def checked_view(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        if g.user is None:
            flash("Please log in first.", "error")
            # A form's address is no page to come back to.
            target = request.path if request.method == "GET" else None
            return redirect(url_for("accounts.log_in", next=target), 303)
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
        rate_limit.spend("sign-up", rate_limit.client_address())
        user_id = users.add(name, generate_password_hash(password))
        user = users.find(user_id) if user_id is not None else None
        if user is not None:
            start_session(user)
            current_app.logger.info("%s signed up", user.name)
            flash(f"Welcome, {name}! You are logged in.", "success")
            return redirect(url_for("pages.index"), 303)
        errors["name"] = "This name is taken. Please choose another one."
    return render_template("sign_up.html", name=name, errors=errors), 422


@blueprint.route("/log-in", methods=["GET", "POST"])
def log_in() -> ResponseReturnValue:
    """Show the log-in form, or log the user in."""
    target = request.values.get("next", "")
    if request.method == "GET":
        return render_template("log_in.html", name="", target=target, errors={})
    name = request.form.get("name", "").strip()
    user = find_by_password(name, request.form.get("password", ""))
    error = "Name and password do not match."
    if user is not None and user.is_disabled:
        user, error = None, "This account has been closed."
    if user is None:
        current_app.logger.warning("Log-in refused for %r from %s", name[:40], rate_limit.client_address())
        return render_template("log_in.html", name=name, target=target, errors={"password": error}), 422
    start_session(user)
    current_app.logger.info("%s logged in", user.name)
    flash(f"Welcome back, {user.name}!", "success")
    return redirect(target if is_own_path(target) else url_for("pages.index"), 303)


@blueprint.post("/log-out")
def log_out() -> ResponseReturnValue:
    """Forget who is logged in, also where somebody has a copy of the cookie."""
    if "id" in session:
        users.end_session(session["id"])
    session.clear()
    flash("You are logged out.", "success")
    return redirect(url_for("pages.index"), 303)


@blueprint.get("/account")
@login_required
def account() -> ResponseReturnValue:
    """Show the forms for one's own password and API token."""
    return render_template("account.html", errors={})


@blueprint.post("/account/password")
@login_required
def change_password() -> ResponseReturnValue:
    """Change the password, and log out every other browser."""
    new_password = request.form.get("new_password", "")
    errors = {"new_password": find_password_error(new_password)}
    if find_by_password(g.user.name, request.form.get("password", "")) is None:
        errors["password"] = "This is not your password."
    if any(errors.values()):
        return render_template("account.html", errors=errors), 422
    users.set_password(g.user.id, generate_password_hash(new_password))
    start_session(users.find(g.user.id) or g.user)
    current_app.logger.info("%s changed the password", g.user.name)
    flash("Your password is changed. Other browsers are logged out.", "success")
    return redirect(url_for("accounts.account"), 303)


@blueprint.post("/account/token")
@login_required
def make_token() -> ResponseReturnValue:
    """Make a new token for the API and show it, this one time: only its hash is kept."""
    token = secrets.token_urlsafe(32)
    users.set_token(g.user.id, hash_token(token))
    current_app.logger.info("%s made an API token", g.user.name)
    return render_template("account.html", errors={}, token=token), {"Cache-Control": "no-store"}


def find_by_password(name: str, password: str) -> User | None:
    """Return the user with this name and password, closed accounts too.

    An attempt is counted before it is known to be right, and taken back then: many at once get no more guesses.

    Raises:
        TooManyRequests: There were too many attempts, from here or for this name.
    """
    user = users.find_by_name(name) if NAME_PATTERN.fullmatch(name) else None
    clients = [rate_limit.client_address(), *([f"for {user.name}"] if user else [])]
    for client in clients:
        rate_limit.spend("log-in", client)
    # A wrong name costs the same time as a wrong password, so the time does not tell which names exist.
    password_hash = user.password_hash if user else ""
    is_right = check_password_hash(password_hash or hash_of_nobody(), password[: LONGEST_PASSWORD + 1])
    if not password_hash or not is_right:
        return None
    for client in clients:
        rate_limit.take_back("log-in", client)
    return user


def start_session(user: User) -> None:
    """Log a user in with a new session: nothing from before is taken over, the CSRF token neither."""
    session.clear()
    session["id"] = secrets.token_urlsafe(32)
    users.begin_session(user, session["id"])


@functools.cache
def hash_of_nobody() -> str:
    """Return a password hash to compare with when there is no user."""
    return generate_password_hash("nobody's password")


def hash_token(token: str) -> str:
    """Return what the database keeps of an API token. It is random and long: a fast hash is safe, a password's not."""
    return hashlib.sha256(token.encode()).hexdigest()
