from __future__ import annotations

import io
import logging

import pytest

from hipflask import Request
from hipflask.compat import internals


def test_environ_of_either() -> None:
    environ = {"REQUEST_METHOD": "GET"}
    assert internals._get_environ(environ) is environ
    assert internals._get_environ(Request(environ)) is environ
    with pytest.raises(TypeError, match="'list' object is neither an environ nor a request"):
        internals._get_environ([])


@pytest.mark.parametrize("text", ["/a", "/café", "/日本"])
def test_text_of_an_environ_comes_back(text: str) -> None:
    encoded = internals._wsgi_encoding_dance(text)
    assert encoded.encode("latin-1") == text.encode()
    assert internals._wsgi_decoding_dance(encoded) == text


def test_line_goes_to_the_access_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        internals._log("info", " * %s\n", "here")
    assert caplog.record_tuples == [("hipflask.access", logging.INFO, " * here")]


def test_missing_value_is_its_own() -> None:
    assert repr(internals._missing) == "no value"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [((1, 3), [b"bc", b"d"]), ((2,), [b"c", b"de"]), ((1, 0), []), ((9, 1), [])],
    ids=["within", "to-the-end", "nothing", "beyond"],
)
def test_range_wrapper_cuts_a_body(arguments: tuple[int, ...], expected: list[bytes]) -> None:
    cut = internals._RangeWrapper([b"abc", b"de"], *arguments)
    assert not cut.seekable
    assert list(cut) == expected


def test_range_wrapper_seeks_in_a_file() -> None:
    cut = internals._RangeWrapper(io.BytesIO(b"abcde"), 3)
    assert cut.seekable
    assert list(cut) == [b"de"]
