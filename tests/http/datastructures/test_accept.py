from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipflask.http.datastructures import accept as module
from hipflask.http.datastructures.accept import Accept, CharsetAccept, LanguageAccept, MIMEAccept

VALUES = {
    "Accept": ["a", "A", "b", "*", "c"],
    "MIMEAccept": [
        "text/html",
        "text/*",
        "*/*",
        "TEXT/plain",
        "*",
        "x",
        "*/html",
        "text/html;l=1",
        "text/html; L=1 ;a=b",
    ],
    "LanguageAccept": ["en", "en-US", "en_us", "EN-gb", "de", "de-AT", "*", "zh-Hant-TW", "zh-Hant", "zh"],
    "CharsetAccept": ["utf8", "UTF-8", "latin1", "iso-8859-1", "*", "x-foo", "ascii", "us-ascii", "cp1252"],
}


def test_accept_is_sorted_by_specificity_and_quality() -> None:
    accept = Accept([("a", 0.5), ("*", 1), ("b", 1), ("c", 1)])
    assert accept == [("b", 1), ("c", 1), ("a", 0.5), ("*", 1)]
    assert list(accept.values()) == ["b", "c", "a", "*"]
    assert accept.best == "b"
    assert accept.to_header() == str(accept) == "b,c,a;q=0.5,*"
    assert repr(Accept([("a", 0.5)])) == "Accept([('a', 0.5)])"


def test_accept_is_looked_up_by_value_or_position() -> None:
    accept = Accept([("a", 0.5), ("b", 1)])
    assert accept["A"] == accept.quality("a") == 0.5
    assert accept["z"] == 0
    assert accept[0] == ("b", 1)
    assert accept[:1] == [("b", 1)]
    assert [accept.__contains__(value) for value in "az"] == [True, False]
    assert (accept.index("a"), accept.index(("a", 0.5)), accept.find("a"), accept.find("z")) == (1, 1, 1, -1)
    with pytest.raises(ValueError, match="'z' is not among"):
        accept.index("z")


def test_accept_tells_whether_it_was_provided() -> None:
    assert [Accept(None).provided, Accept().provided, Accept(Accept(None)).provided] == [False, True, False]
    assert Accept(MIMEAccept([("a/b", 1)])) == [("a/b", 1)]


@pytest.mark.parametrize("accept", [Accept([("a", 1)]), MIMEAccept([("a/b", 0.5)])])
def test_accept_is_immutable_and_can_be_copied(accept: Accept) -> None:
    with pytest.raises(TypeError, match="immutable"):
        accept.append(("x", 1))
    for same in (copy.copy(accept), copy.deepcopy(accept), pickle.loads(pickle.dumps(accept))):
        assert type(same) is type(accept)
        assert same == accept


@pytest.mark.parametrize(
    ("pairs", "matches", "expected"),
    [
        pytest.param([("a", 0.5), ("b", 1)], ["a", "b"], "b", id="quality"),
        pytest.param([("a", 1), ("*", 1)], ["b", "a"], "a", id="specificity"),
        pytest.param([("a", 1), ("b", 1)], ["b", "a"], "b", id="the-servers-order"),
        pytest.param([("a", 0), ("*", 1)], ["a"], None, id="refused"),
        pytest.param([("a", 1)], ["c"], None, id="none"),
    ],
)
def test_best_match(pairs: list[tuple[str, float]], matches: list[str], expected: str | None) -> None:
    assert Accept(pairs).best_match(matches) == expected
    assert Accept(pairs).best_match(matches, "default") == expected or "default"


def test_best_of_nothing_is_none() -> None:
    assert Accept().best is None


@pytest.mark.parametrize(
    ("accepted", "names"),
    [("text/html", ["html"]), ("application/xml", ["html", "xhtml"]), ("application/json", ["json"])],
)
def test_mime_accept_has_shortcuts(accepted: str, names: list[str]) -> None:
    accept = MIMEAccept([(accepted, 1)])
    assert [name for name in ("html", "xhtml", "json") if getattr(accept, f"accept_{name}")] == names


@pytest.mark.parametrize("value", ["html", "", "*/html"])
def test_asking_for_no_media_type_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="is not a media type"):
        MIMEAccept([("text/html", 1)]).quality(value)


@pytest.mark.parametrize(
    ("accepted", "matches", "expected"),
    [
        pytest.param("en-US", ["de", "en"], "en", id="client-without-region"),
        pytest.param("en", ["de", "en-US"], "en-US", id="server-without-region"),
        pytest.param("en", ["english", "en-US"], "en-US", id="not-by-prefix"),
        pytest.param("en_us", iter(["EN"]), "EN", id="iterator"),
        pytest.param("fr", ["de"], "none", id="no-match"),
    ],
)
def test_language_falls_back_on_its_first_part(accepted: str, matches: Any, expected: str) -> None:
    assert LanguageAccept([(accepted, 1)]).best_match(matches, "none") == expected


@pytest.mark.parametrize("name", ["u\x00", "\ud800", "☃", "a" * 100_000, "hex", "x.y", "--"])
def test_charset_of_any_name_is_compared(name: str) -> None:
    assert CharsetAccept([("utf-8", 1)])[name] == 0
    assert CharsetAccept([(name, 1)])[name] == 1


def test_charset_names_of_clients_are_not_remembered() -> None:
    import encodings

    known = set(encodings._cache)  # what codecs.lookup remembers for good
    assert CharsetAccept([("no-such-charset", 1)])["x"] == 0
    assert set(encodings._cache) == known


@pytest.mark.parametrize("name", list(VALUES))
@given(st.data())
def test_accept_behaves_as_in_werkzeug(name: str, data: st.DataObject) -> None:
    werkzeug = pytest.importorskip("werkzeug.datastructures")
    values = VALUES[name]
    pair = st.tuples(st.sampled_from(values), st.sampled_from([0, 0.3, 0.5, 1]))
    pairs = data.draw(st.lists(pair, max_size=4))
    matches = data.draw(st.lists(st.sampled_from(values), max_size=3))

    def observe(kind: Any) -> list[Any]:
        accept = kind(pairs)
        seen: list[Any] = [list(accept), str(accept), accept.best]
        for look in (accept.quality, accept.find, accept.__contains__):
            for value in values:
                seen.append(outcome(look, value))
        return [*seen, outcome(accept.best_match, matches)]

    assert observe(getattr(module, name)) == observe(getattr(werkzeug, name))


def outcome(function: Any, argument: Any) -> Any:
    try:
        return function(argument)
    except ValueError:
        return ValueError
