from __future__ import annotations

import pytest

from hipflask.http.status import HTTP_STATUS_CODES


def test_status_codes_are_those_of_werkzeug() -> None:
    werkzeug = pytest.importorskip("werkzeug.http")
    assert list(HTTP_STATUS_CODES.items()) == list(werkzeug.HTTP_STATUS_CODES.items())


def test_status_codes_have_three_digits_and_a_phrase() -> None:
    assert all(100 <= code <= 599 and phrase for code, phrase in HTTP_STATUS_CODES.items())
