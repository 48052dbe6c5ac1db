"""What compat mode changes, seen from inside a process that is in it."""

from __future__ import annotations

import json

import pytest

REPORT = """
import importlib.metadata as metadata, importlib.util, json, logging, pickle, sys
import flask, werkzeug, hipflask, hipflask.sessions
import flask.sessions
from werkzeug.datastructures import MultiDict
from hipflask.server.access_log import access_logger
names = [each.metadata["Name"] for each in metadata.distributions()]
print(json.dumps({
    "is ours": flask.Flask is hipflask.Flask,
    "is aliased": sys.modules["flask.sessions"] is hipflask.sessions,
    "specs": [importlib.util.find_spec(name).name for name in ("flask", "werkzeug.http", "flask.views")],
    "no spec": importlib.util.find_spec("flask.nothing"),
    "versions": [metadata.version("flask"), metadata.version("Werkzeug")],
    "listed": [names.count("Flask"), names.count("Werkzeug")],
    "others": "click" in [name.lower() for name in names if name],
    "pickled": [b"flask.app" in pickle.dumps(flask.Flask), b".datastructures.structures" in pickle.dumps(MultiDict())],
    "unpickled": pickle.loads(pickle.dumps(MultiDict({"a": "1"})))["a"],
    "log": access_logger().name,
    "later": [name for name in ("debug", "testapp") if not importable("werkzeug." + name)],
    "g": [type(flask.globals.g).__name__, flask.ctx._AppCtxGlobals.__module__],
}))
"""
IMPORTABLE = """
def importable(name):
    try:
        __import__(name)
    except ImportError:
        return False
    return True
"""
EXPECTED = {
    "is ours": True,
    "is aliased": True,
    "specs": ["flask", "werkzeug.http", "flask.views"],
    "no spec": None,
    "versions": ["3.1.3", "3.1.9"],
    "listed": [1, 1],
    "others": True,
    "pickled": [True, True],
    "unpickled": "1",
    "log": "werkzeug",
    "later": ["debug"],
    "g": ["LocalProxy", "flask.ctx"],
}


def test_program_finds_ours_everywhere(run_compat) -> None:
    assert json.loads(run_compat("-c", IMPORTABLE + REPORT).stdout) == EXPECTED


def test_install_does_the_same(run) -> None:
    code = "from hipflask import compat\ncompat.install()\ncompat.install()\n" + IMPORTABLE + REPORT
    assert json.loads(run("-c", code).stdout) == EXPECTED


def test_install_after_the_real_ones_is_refused(run) -> None:
    pytest.importorskip("flask")
    done = run("-c", "import werkzeug, hipflask.compat\nhipflask.compat.install()", status=1)
    assert "RuntimeError: Compat mode came too late: werkzeug had been imported before" in done.stderr


def test_without_it_nothing_is_changed(run) -> None:
    pytest.importorskip("flask")
    code = (
        "import sys, os; before = list(sys.meta_path), dict(os.environ)\n"
        "import hipflask, hipflask.compat as compat; compat.module('flask'); compat.module('werkzeug.http')\n"
        "assert (list(sys.meta_path), dict(os.environ)) == before\n"
        "import flask; assert flask.Flask is not hipflask.Flask\n"
        "assert hipflask.Flask.__module__ == 'hipflask.app'\n"
        "from hipflask.server.access_log import access_logger; assert access_logger().name == 'hipflask.access'\n"
    )
    run("-c", code)


def test_pickles_of_flask_and_ours_are_exchanged(run, run_compat) -> None:
    pytest.importorskip("flask")
    make = (
        "import pickle, sys; from werkzeug.datastructures import MultiDict, ImmutableMultiDict, Headers\n"
        "from werkzeug.exceptions import NotFound; from flask.json.tag import TagDict\n"
        "values = MultiDict({'a': '1'}), ImmutableMultiDict({'b': '2'}), NotFound, TagDict\n"
    )
    show = make + "print(pickle.dumps(values).hex())"
    read = make + "got = pickle.loads(bytes.fromhex(sys.argv[1])); assert got == values, got"
    run("-c", read, run_compat("-c", show).stdout.strip())
    run_compat("-c", read, run("-c", show).stdout.strip())
