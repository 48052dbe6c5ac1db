"""A small message board, the example of hipflask. `app.py` is the place to start reading."""

from .app import create_app

__all__ = ["create_app"]
