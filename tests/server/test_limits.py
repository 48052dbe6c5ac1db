from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from hipflask.server.limits import Limits
from hipflask.server.settings import fill, resolve


def read_limits(config: Mapping[str, Any] | None, environment: Mapping[str, str]) -> Limits:
    return fill(Limits(), resolve(None, config, environment))


def test_defaults_are_kept() -> None:
    assert read_limits(None, {}) == Limits()


def test_environment_goes_before_configuration() -> None:
    config = {"SERVER_HEAD_TIMEOUT": 3, "SERVER_MAX_BODY": 10, "SERVER_MAX_FIELDS": None}
    limits = read_limits(config, {"HIPFLASK_RUN_HEAD_TIMEOUT": "2.5", "HIPFLASK_RUN_MAX_BODY": ""})
    assert (limits.head_timeout_seconds, limits.max_body_bytes, limits.max_fields) == (2.5, 10, 100)


@pytest.mark.parametrize("value", ["x", "0", "-1", "1.5", "inf", "99999999999999999999", [], "nan"])
def test_value_that_is_no_limit_is_told(value: object) -> None:
    with pytest.raises(ValueError, match="SERVER_MAX_FIELDS: .* is not a whole number from 1 "):
        read_limits({"SERVER_MAX_FIELDS": value}, {})


def test_time_must_be_a_positive_number() -> None:
    with pytest.raises(ValueError, match="HIPFLASK_RUN_BODY_TIMEOUT: '-1' is not a number of seconds from 0.01 "):
        read_limits(None, {"HIPFLASK_RUN_BODY_TIMEOUT": "-1"})
