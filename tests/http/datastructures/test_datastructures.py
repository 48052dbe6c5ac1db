from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

from hipflask.http import datastructures


@pytest.mark.parametrize("name", datastructures.__all__)
def test_name_has_the_members_and_parameters_of_werkzeugs(name: str) -> None:
    werkzeug = pytest.importorskip("werkzeug.datastructures")
    ours, theirs = getattr(datastructures, name), getattr(werkzeug, name)
    members = [member for member in dir(theirs) if not member.startswith("_")]
    assert [member for member in members if not hasattr(ours, member)] == []
    for member in ["", *members]:
        here, there = (getattr(one, member) if member else one for one in (ours, theirs))
        if not (inspect.isfunction(there) or inspect.isclass(there)):
            continue
        try:
            wanted = inspect.signature(there).parameters
        except ValueError:
            continue
        found = inspect.signature(here).parameters
        assert [parameter for parameter in wanted if parameter not in found] == [], member


def test_all_names_of_werkzeug_are_there() -> None:
    werkzeug = pytest.importorskip("werkzeug.datastructures")
    public = {name for name, value in vars(werkzeug).items() if not name.startswith("_") and callable(value)}
    assert set(datastructures.__all__) == public
    assert set(datastructures.__all__) <= set(dir(datastructures))


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nope'"):
        getattr(datastructures, "Nope")  # noqa: B009  # a name that mypy does not know


def test_rare_modules_are_imported_late() -> None:
    script = (
        "import sys, hipflask.http.datastructures as d\n"
        "late = [name for name in sys.modules if name.endswith(('.file_storage', '.header_set'))]\n"
        "assert not late, late\n"
        "d.HeaderSet\n"
        "assert 'HeaderSet' in vars(d)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
