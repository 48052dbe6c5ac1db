from __future__ import annotations

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
