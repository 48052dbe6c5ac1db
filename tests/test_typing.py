"""The names for type checkers."""

import typing

import pytest

import hipflask.typing


def test_names_are_those_of_flask():
    theirs = pytest.importorskip("flask.typing")
    names = {n for n in vars(theirs) if not n.startswith("_") and n[0].isupper()}
    assert names <= set(hipflask.typing.__all__)


@pytest.mark.parametrize("name", hipflask.typing.__all__)
def test_name_is_a_type(name):
    value = getattr(hipflask.typing, name)
    assert typing.Optional[value]  # noqa: UP045  # raises for what is no type
