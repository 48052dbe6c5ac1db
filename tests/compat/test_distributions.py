from __future__ import annotations

from importlib.metadata import DistributionFinder

import pytest

from hipflask.compat import distributions, finder


def found(**options: object) -> list[tuple[str, str]]:
    context = DistributionFinder.Context(**options)
    return [(each.metadata["Name"], each.version) for each in finder.CompatFinder().find_distributions(context)]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [("Flask", "3.1.3"), ("Werkzeug", "3.1.9")]),
        ({"name": "flask"}, [("Flask", "3.1.3")]),
        ({"name": "Werkzeug"}, [("Werkzeug", "3.1.9")]),
        ({"name": "jinja2"}, []),
        ({"path": ["/somewhere"]}, []),
    ],
    ids=["all", "flask", "werkzeug", "other", "in-a-folder"],
)
def test_ours_are_found(options: dict[str, object], expected: list[tuple[str, str]]) -> None:
    assert found(**options) == expected


def test_search_without_context_is_for_all() -> None:
    assert len(list(finder.CompatFinder().find_distributions())) == 2


class Found:
    """Looks like a distribution."""

    def __init__(self, name: str | None) -> None:
        self.metadata = {"Name": name}


@pytest.mark.parametrize(("options", "kept"), [({}, ["Jinja2", None]), ({"path": []}, ["Jinja2", "Flask", None])])
def test_real_ones_are_hidden_but_in_a_folder(options: dict[str, object], kept: list[str | None]) -> None:
    context = DistributionFinder.Context(**options)
    names = [Found(name) for name in ("Jinja2", "Flask", None)]
    assert [each.metadata["Name"] for each in distributions.hide_real_ones(names, context)] == kept


def test_metadata_of_flask() -> None:
    flask = distributions.CompatDistribution("Flask")
    assert [(each.name, each.value) for each in flask.entry_points] == [("flask", "flask.cli:main")]
    assert flask.read_text("RECORD") is None
    assert flask.files is None
    assert flask.locate_file("hipflask/app.py").is_file()
    assert flask.requires is None
