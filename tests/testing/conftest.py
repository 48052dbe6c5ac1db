"""Run the same steps with Werkzeug's test tools and with ours."""

import importlib
from types import SimpleNamespace

import pytest


@pytest.fixture(scope="session")
def ours():
    """Our names, each where Werkzeug's are found: ``ours.test.Client``, ``ours.data.Headers``."""
    return SimpleNamespace(
        test=importlib.import_module("hipflask.testing"),
        data=importlib.import_module("hipflask.http.datastructures"),
        request=importlib.import_module("hipflask.http.request"),
        response=importlib.import_module("hipflask.http.response"),
    )


@pytest.fixture(scope="session")
def theirs():
    """Werkzeug's names; tests that ask for them are skipped where it is not installed."""
    pytest.importorskip("werkzeug")
    wrappers = importlib.import_module("werkzeug.wrappers")
    return SimpleNamespace(
        test=importlib.import_module("werkzeug.test"),
        data=importlib.import_module("werkzeug.datastructures"),
        request=wrappers,
        response=wrappers,
    )


@pytest.fixture
def assert_same(ours, theirs):
    """Return a function that runs steps with both sets of names and compares values or exception classes."""

    def outcome(steps, names):
        try:
            return steps(names)
        except Exception as error:
            return type(error).__name__

    def compare(steps):
        expected = outcome(steps, theirs)
        assert outcome(steps, ours) == expected
        return expected

    return compare
