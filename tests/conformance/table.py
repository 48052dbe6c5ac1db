"""The table of cases: small applications, and the requests that are sent to each."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conformance.exchange import Ask

__all__ = ["Case", "case", "load_cases"]

#: Makes an application with the framework that it is given.
Factory = Callable[[Any], Any]


@dataclass(frozen=True)
class Case:
    """An application and what it is asked."""

    id: str
    make_app: Factory
    asks: tuple[Ask, ...]
    breaks_wsgi: str
    """Why the answer breaks a rule of ``wsgiref.validate``, as Flask's does; empty if it must keep them all."""


_cases: list[Case] = []


def case(*asks: Ask, breaks_wsgi: str = "") -> Callable[[Factory], Factory]:
    """Put a factory of applications into the table, with the requests to send.

    Example::

        @case(get("/"))
        def text(flask):
            app = flask.Flask("case")
            app.add_url_rule("/", "index", lambda: "text")
            return app
    """

    def decorate(make_app: Factory) -> Factory:
        area = make_app.__module__.rpartition(".")[2]
        _cases.append(Case(f"{area}-{make_app.__name__}", make_app, asks, breaks_wsgi))
        return make_app

    return decorate


def load_cases() -> list[Case]:
    """Return the cases of every file in ``cases/``."""
    for path in sorted((Path(__file__).parent / "cases").glob("*.py")):
        importlib.import_module(f"tests.conformance.cases.{path.stem}")
    return sorted(_cases, key=lambda case: case.id)
