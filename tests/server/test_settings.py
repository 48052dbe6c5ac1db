"""The table of settings: each one at its edges, and from each of its sources."""

from __future__ import annotations

import os
from dataclasses import fields
from types import SimpleNamespace
from typing import Any

import pytest

from hipflask.server.limits import Limits
from hipflask.server.native import NativeSettings
from hipflask.server.settings import (
    SETTINGS,
    Kind,
    Setting,
    config_of,
    count_processors,
    export,
    fill,
    find_misnamed,
    resolve,
    setting_of,
)
from hipflask.server.workers import PoolSettings

NUMBERS = [each for each in SETTINGS if each.kind in {Kind.WHOLE, Kind.SECONDS, Kind.SIZE, Kind.COUNT_OR_AUTO}]


def _name(setting: Setting) -> str:
    return setting.name


@pytest.mark.parametrize("setting", SETTINGS, ids=_name)
def test_names_follow_from_the_name(setting: Setting) -> None:
    assert setting.option == "--" + setting.name.replace("_", "-")
    upper = setting.name.upper()
    assert setting.variables == (f"HIPFLASK_RUN_{upper}", f"FLASK_RUN_{upper}")
    assert setting.key in {None, f"SERVER_{upper}"}
    assert setting.help.endswith(".")


@pytest.mark.parametrize("setting", NUMBERS, ids=_name)
def test_number_is_taken_from_its_bounds_on(setting: Setting) -> None:
    step = 0.005 if setting.kind is Kind.SECONDS else 1
    for number in (setting.least, setting.most, setting.default):
        assert setting.parse(str(number if setting.kind is Kind.SECONDS else int(number))) == number
    for number in (setting.least - step, setting.most + 1, "x", "", "1e", None, True, float("nan")):
        with pytest.raises(ValueError, match="is not .* from|or more"):
            setting.parse(number)


@pytest.mark.parametrize("defaults", [Limits(), PoolSettings(), NativeSettings()], ids=lambda each: type(each).__name__)
def test_defaults_are_those_of_the_servers(defaults: Any) -> None:
    assert fill(defaults, resolve(environment={})) == defaults


def test_every_limit_can_be_set() -> None:
    names = {each.name.removesuffix("_seconds").removesuffix("_bytes") for each in fields(Limits)}
    names |= {each.name.removesuffix("_seconds") for each in fields(PoolSettings)}
    assert names <= {each.name for each in SETTINGS}


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("max_body", "2M", 2 * 2**20),
        ("max_body", "3k", 3 * 2**10),
        ("max_body", "1G", 2**30),
        ("max_body", 7, 7),
        ("max_fields", 7.0, 7),
        ("head_timeout", "2.5", 2.5),
        ("workers", "auto", count_processors()),
        ("access_log", "json", "json"),
        ("preload", "yes", True),
        ("preload", "0", False),
        ("preload", True, True),
        ("user", "www", "www"),
    ],
)
def test_value_is_read(name: str, value: Any, expected: Any) -> None:
    assert setting_of(name).parse(value) == expected


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("max_body", "2X", "'2X' is not a number of bytes .K, M and G may follow it., 1 or more"),
        ("max_body", "M", "is not a number of bytes"),
        ("max_fields", 7.5, "7.5 is not a whole number from 1 to 100000"),
        ("head_timeout", "inf", "'inf' is not a number of seconds from 0.01 to 86400"),
        ("workers", "0", "'0' is not 'auto' or a whole number from 1 to 1024"),
        ("queue_size", "0", "'0' is not a whole number from 1 to 1000000"),
        ("hang_timeout", "0", "'0' is not a number of seconds from 0.5 to 86400"),
        ("access_log", "xml", "'xml' is not one of apache, json, off"),
    ],
)
def test_wrong_value_is_explained(name: str, value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        setting_of(name).parse(value)


def test_first_source_counts() -> None:
    sources: list[Any] = [
        {"given": {"threads": 1}},
        {"environment": {"HIPFLASK_RUN_THREADS": "2"}},
        {"environment": {"FLASK_RUN_THREADS": "3"}},
        {"config": {"SERVER_THREADS": 4}},
        {},
    ]
    for first in range(5):
        arguments: dict[str, Any] = {"environment": {}}
        for source in sources[first:]:
            for name, value in source.items():
                arguments[name] = {**value, **arguments.get(name, {})}
        assert resolve(**arguments)["threads"] == (1, 2, 3, 4, 8)[first]


def test_empty_variables_and_unset_options_do_not_count() -> None:
    values = resolve({"threads": None}, {"SERVER_THREADS": 4}, {"HIPFLASK_RUN_THREADS": "", "FLASK_RUN_THREADS": ""})
    assert values["threads"] == 4


def test_what_the_supervisor_needs_has_no_key() -> None:
    assert resolve(None, {"SERVER_WORKERS": 5, "SERVER_USER": "x"}, {})["workers"] == 1


@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        ({"given": {"threads": 0}}, "--threads: 0"),
        ({"environment": {"FLASK_RUN_HEAD_TIMEOUT": "x"}}, "FLASK_RUN_HEAD_TIMEOUT: 'x'"),
        ({"config": {"SERVER_MAX_BODY": -1}}, "SERVER_MAX_BODY: -1"),
    ],
)
def test_wrong_value_is_told_with_its_place(arguments: dict[str, Any], place: str) -> None:
    with pytest.raises(ValueError, match=place):
        resolve(**{"environment": {}, **arguments})


def test_values_are_exported_for_those_who_read_variables() -> None:
    given = {
        "head_timeout": 2.5,
        "max_body": 7,
        "access_log": "json",
        "max_threads": 0,
        "bind": ("a",),
        "preload": True,
    }
    assert export(given) == {
        "HIPFLASK_RUN_HEAD_TIMEOUT": "2.5",
        "HIPFLASK_RUN_MAX_BODY": "7",
        "HIPFLASK_RUN_ACCESS_LOG": "json",
        "HIPFLASK_RUN_MAX_THREADS": "0",
    }


def test_exported_zero_goes_before_another_variable() -> None:
    environment = {"HIPFLASK_RUN_MAX_THREADS": "9", **export({"max_threads": 0})}
    assert resolve(None, {"SERVER_MAX_THREADS": 7}, environment)["max_threads"] == 0


@pytest.mark.parametrize(("config", "is_found"), [({"A": 1}, True), (None, False), ("text", False)])
def test_configuration_is_a_mapping(config: Any, is_found: bool) -> None:
    assert config_of(SimpleNamespace(config=config)) == (config if is_found else None)
    assert config_of(object()) is None


def test_processors_are_counted_on_any_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert count_processors() == 1


@pytest.mark.parametrize(
    ("config", "found"),
    [
        pytest.param({"SERVER_MAX_THREADS": 2}, (2, 2), id="fewer-than-usual"),
        pytest.param({"SERVER_MAX_THREADS": 20}, (8, 20), id="more-than-usual"),
        pytest.param({"SERVER_THREADS": 3, "SERVER_MAX_THREADS": 0}, (3, 0), id="none"),
        pytest.param({"SERVER_THREADS": 3, "SERVER_MAX_THREADS": 3}, (3, 3), id="both"),
    ],
)
def test_threads_are_not_more_than_the_most(config: dict[str, int], found: tuple[int, int]) -> None:
    values = resolve(None, config, {})
    assert (values["threads"], values["max_threads"]) == found


def test_fewer_threads_at_most_than_threads_are_refused() -> None:
    with pytest.raises(ValueError, match="max_threads, 2, is less than threads, 8: give as many or more, or 0"):
        resolve({"threads": 8, "max_threads": 2}, None, {})


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("SERVER_MAX_BDOY", "SERVER_MAX_BDOY is not known. Did you mean SERVER_MAX_BODY?"),
        ("SERVER_WORKERS", "SERVER_WORKERS is not heeded: it is an option of the process, --workers."),
        ("SERVER_HANG_TIMEOUT", "SERVER_HANG_TIMEOUT is not heeded: it is an option of the process, --hang-timeout."),
        ("SERVER_MAX_BODY", None),
        ("SERVER_NAME", None),
        ("SERVER_USER", None),
        ("SERVER_PORT", None),
        ("SERVER_RELOAD", None),
        ("MAX_BDOY", None),
        (7, None),
    ],
)
def test_misnamed_key_is_told(key: Any, line: str | None) -> None:
    assert find_misnamed({key: 1}, {}) == ([] if line is None else [line])


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("HIPFLASK_RUN_HEAD_TIMOUT", "HIPFLASK_RUN_HEAD_TIMOUT is not known. Did you mean HIPFLASK_RUN_HEAD_TIMEOUT?"),
        ("HIPFLASK_RUN_DEBUGER", "HIPFLASK_RUN_DEBUGER is not known. Did you mean HIPFLASK_RUN_DEBUGGER?"),
        ("HIPFLASK_RUN_HEAD_TIMEOUT", None),
        ("HIPFLASK_RUN_RELOAD", None),
        ("HIPFLASK_RUN_MAIL_QUEUE_NAME", None),
        ("FLASK_RUN_HEAD_TIMOUT", None),
        ("HEAD_TIMOUT", None),
    ],
)
def test_misnamed_variable_is_told(name: str, line: str | None) -> None:
    assert find_misnamed(None, {name: "1"}) == ([] if line is None else [line])
