from __future__ import annotations

import pytest

from hipflask.flags import get_debug_flag, get_load_dotenv, is_environment_true

WORDS = [("1", True), ("true", True), ("yes", True), ("x", True), ("0", False), ("false", False), ("NO", False)]


@pytest.mark.parametrize(("value", "expected"), WORDS)
@pytest.mark.parametrize("prefix", ["FLASK", "HIPFLASK"])
def test_words_are_true_or_false(monkeypatch: pytest.MonkeyPatch, prefix: str, value: str, expected: bool) -> None:
    monkeypatch.setenv(f"{prefix}_DEBUG", value)
    monkeypatch.setenv(f"{prefix}_SKIP_DOTENV", value)
    assert is_environment_true("DEBUG") is expected
    assert get_debug_flag() is expected
    assert get_load_dotenv() is not expected


def test_unset_and_empty_variables_have_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_DEBUG", "")
    assert is_environment_true("DEBUG") is None
    assert get_debug_flag() is False
    assert get_load_dotenv() is True
    assert get_load_dotenv(False) is False


def test_own_variable_wins_over_flasks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_DEBUG", "1")
    monkeypatch.setenv("HIPFLASK_DEBUG", "0")
    assert get_debug_flag() is False
