"""``hipflask secret``: a key to sign with."""

from __future__ import annotations

import click

__all__ = ["secret_command"]

_KEY_BYTES = 32  # 256 bits: as strong as the digest that signs with it


@click.command("secret", short_help="Print a new secret key.")
def secret_command() -> None:
    """Print a random key for the setting SECRET_KEY.

    Keep it out of the repository: put it into the environment or into a file of the instance folder. With a
    new key every session and every signed value made with the old one becomes invalid.
    """
    import secrets

    click.echo(secrets.token_hex(_KEY_BYTES))
