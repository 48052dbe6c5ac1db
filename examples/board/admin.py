"""Commands for those who run the board: `hipflask --app examples/board admin --help`."""

from __future__ import annotations

import click

from hipflask import Flask
from hipflask.cli import AppGroup
from hipflask.http.security import generate_password_hash

from . import posts
from .forms import find_password_error, find_sign_up_errors
from .models import User
from .pictures import files
from .store import messages, users

commands = AppGroup("admin", help="Look after users and messages.")

password_option = click.option(
    "--password", prompt=True, hide_input=True, confirmation_prompt=True, help="Asked for, if it is not given."
)


def init_app(app: Flask) -> None:
    """Add the commands to the command line of *app*."""
    app.cli.add_command(commands)


@commands.command("create")
@click.argument("name")
@password_option
def create_admin(name: str, password: str) -> None:
    """Make an administrator: a new user, who may edit and delete every message."""
    for error in find_sign_up_errors(name, password).values():
        raise click.ClickException(error)
    if users.add(name, generate_password_hash(password), is_admin=True) is None:
        raise click.ClickException(f"The name {name} is taken. For an existing user: admin promote {name}")
    click.echo(f"{name} is an administrator.")


@commands.command("promote")
@click.argument("name")
def promote(name: str) -> None:
    """Make a user an administrator."""
    users.set_admin(find_user(name).id, True)
    click.echo(f"{name} is an administrator.")


@commands.command("demote")
@click.argument("name")
def demote(name: str) -> None:
    """Make an administrator an ordinary user."""
    users.set_admin(find_user(name).id, False)
    click.echo(f"{name} is no administrator.")


@commands.command("users")
def list_users() -> None:
    """List all users: name, day of signing up, number of messages, what is special."""
    for user in users.list_all():
        count = messages.count_by_author(user.id)
        marks = [word for word, is_so in (("admin", user.is_admin), ("disabled", user.is_disabled)) if is_so]
        click.echo(f"{user.name:<30} {user.created_at[:10]} {count:>6} {' '.join(marks)}".rstrip())


@commands.command("disable")
@click.argument("name")
def disable(name: str) -> None:
    """Close an account: its sessions and its token end at once, its messages stay."""
    users.set_disabled(find_user(name).id, True)
    click.echo(f"The account of {name} is closed.")


@commands.command("enable")
@click.argument("name")
def enable(name: str) -> None:
    """Open an account that was closed."""
    users.set_disabled(find_user(name).id, False)
    click.echo(f"The account of {name} is open.")


@commands.command("set-password")
@click.argument("name")
@password_option
def set_password(name: str, password: str) -> None:
    """Give a user a new password, and end all their sessions."""
    if error := find_password_error(password):
        raise click.ClickException(error)
    users.set_password(find_user(name).id, generate_password_hash(password))
    click.echo(f"{name} has a new password.")


@commands.command("delete-user")
@click.argument("name")
@click.confirmation_option(prompt="The user's messages, and all replies to them, will be gone. Go on?")
def delete_user(name: str) -> None:
    """Delete a user with all their messages."""
    files.remove(users.delete(find_user(name).id))
    click.echo(f"{name} is deleted.")


@commands.command("delete-post")
@click.argument("number", type=click.IntRange(min=1))
def delete_post(number: int) -> None:
    """Delete the message with this NUMBER (it is in its address), and the replies to it."""
    message = messages.find(number)
    if message is None:
        raise click.ClickException(f"There is no message {number}.")
    posts.remove(message, "An administrator")
    click.echo(f"Message {number} of {message.author} is deleted.")


@commands.command("tidy")
def tidy() -> None:
    """Delete pictures that no message names; a crash can leave such."""
    count = files.remove_lost(messages.list_pictures())
    click.echo(f"{count} lost {'picture' if count == 1 else 'pictures'} deleted.")


def find_user(name: str) -> User:
    """Return the user of this name.

    Raises:
        ClickException: There is none.
    """
    user = users.find_by_name(name)
    if user is None:
        raise click.ClickException(f"There is no user {name}.")
    return user
