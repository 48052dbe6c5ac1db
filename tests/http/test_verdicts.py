from __future__ import annotations

import pytest

from hipflask.http import verdicts
from hipflask.http.verdicts import remember_verdict


@pytest.mark.parametrize("verdict", [True, False])
def test_a_yes_is_remembered(verdict: bool) -> None:
    classes: set[type] = set()
    assert remember_verdict(classes, int, verdict) is verdict
    assert (int in classes) is verdict


def test_a_full_set_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdicts, "VERDICTS_LIMIT", 1)
    classes: set[type] = set()
    assert remember_verdict(classes, int, True)
    assert remember_verdict(classes, str, True)
    assert classes == {int}
