"""The two frameworks: hipflask, and the Flask that it must equal. Cases take one of them as ``flask``."""

from __future__ import annotations

import importlib
from types import ModuleType

import pytest

__all__ = ["hipflask", "http", "part", "reference"]

# Where Werkzeug's modules are, of which cases need something.
_OURS = {
    "exceptions": "hipflask.http.exceptions",
    "routing": "hipflask.routing",
    "datastructures": "hipflask.http.datastructures",
    "wrappers": "hipflask.http.response",
    "middleware.dispatcher": "hipflask.middleware.dispatcher",
    "middleware.proxy_fix": "hipflask.middleware.proxy_fix",
}


def hipflask() -> ModuleType:
    return importlib.import_module("hipflask")


def reference() -> ModuleType:
    """Flask; the test is skipped where it is not installed."""
    return pytest.importorskip("flask")


def http(flask: ModuleType, name: str) -> ModuleType:
    """Return what ``werkzeug.<name>`` is in the framework of a case."""
    return importlib.import_module(_OURS[name] if flask.__name__ == "hipflask" else f"werkzeug.{name}")


def part(flask: ModuleType, name: str) -> ModuleType:
    """Return ``flask.<name>`` or ``hipflask.<name>``."""
    return importlib.import_module(f"{flask.__name__}.{name}")
