"""The limits and time-outs of the server: one settings object, with the reason for each default."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = ["Limits", "read_limits", "read_settings"]

Settings = TypeVar("Settings", bound="DataclassInstance")

#: The unit in a field's name is no part of the setting's name: ``head_timeout_seconds`` is set by
#: ``HEAD_TIMEOUT``.
_UNITS = ("_seconds", "_bytes")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a client may send, how long it may take, and how long the server waits for it.

    How many requests are served at a time is said by `hipflask.server.workers.PoolSettings`.

    Each value is a setting: ``HIPFLASK_RUN_<NAME>`` in the environment, else ``SERVER_<NAME>`` in the
    application's configuration, where ``<NAME>`` is the field's name in capitals without its unit.
    """

    head_timeout_seconds: float = 15.0
    """From the first chance to send a head until it is complete; no byte resets it (slowloris)."""
    keep_alive_timeout_seconds: float = 30.0
    """Silence between two requests of one connection."""
    body_timeout_seconds: float = 60.0
    """Silence inside a request body, while the application asks for it."""
    write_timeout_seconds: float = 60.0
    """Time in which the client takes not one byte of the answer."""
    min_rate_bytes: int = 240
    """Bytes a second, in both directions, that a client must manage after the grace time (as Kestrel)."""
    rate_grace_seconds: float = 5.0
    """Waiting time before the minimum rate counts."""
    linger_timeout_seconds: float = 5.0
    """How long bytes are still taken and thrown away, so that the last answer is not lost in a reset."""
    max_head_bytes: int = 32 * 1024
    """Request line and header fields together: 431 beyond it, 414 if the request line is the cause."""
    max_field_bytes: int = 16 * 1024
    """One header line."""
    max_fields: int = 100
    """Header lines of one request."""
    max_target_bytes: int = 8192
    """The request target: 414 beyond it."""
    max_body_bytes: int = 100 * 1024 * 1024
    """A body longer than this is answered 413, whatever the application allows."""
    max_drain_bytes: int = 256 * 1024
    """An unread rest up to this size is thrown away to keep the connection; a longer one closes it."""
    max_requests: int = 10_000
    """Requests on one connection."""
    max_connections: int = 10_000
    """Open connections, as far as the process may have descriptors; more wait in the system's queue."""
    max_collected_bytes: int = 64 * 1024
    """A body up to this size has arrived before the application is called; a longer one is read as it arrives."""
    graceful_timeout_seconds: float = 30.0
    """How long requests that were accepted before a stop may take; what is left then is cut off."""


def read_limits(config: Mapping[str, Any] | None = None, environment: Mapping[str, str] = os.environ) -> Limits:
    """Return the limits, as changed by the environment and by an application's configuration.

    Args:
        config: The application's configuration, or ``None``.
        environment: Environment variables.

    Raises:
        ValueError: A setting is not a positive number.
    """
    return read_settings(Limits(), config, environment)


def read_settings(
    defaults: Settings, config: Mapping[str, Any] | None = None, environment: Mapping[str, str] = os.environ
) -> Settings:
    """Return a copy of *defaults* as changed by the environment and by an application's configuration.

    Args:
        defaults: A dataclass of numbers; each field is a setting, named as those of `Limits` are.
        config: The application's configuration, or ``None``.
        environment: Environment variables.

    Raises:
        ValueError: A setting is not a positive number.
    """
    changes: dict[str, Any] = {}
    for field in fields(defaults):
        name = field.name
        for unit in _UNITS:
            name = name.removesuffix(unit)
        for key, source in (
            (f"HIPFLASK_RUN_{name.upper()}", environment),
            (f"SERVER_{name.upper()}", config or {}),
        ):
            value = source.get(key)
            if value is not None and value != "":
                changes[field.name] = _positive_number(key, value, type(field.default))
                break
    return replace(defaults, **changes)


def _positive_number(key: str, value: Any, kind: type) -> int | float:
    """Convert one setting's value."""
    try:
        number: int | float = int(value) if kind is int else float(value)
    except (TypeError, ValueError):
        number = 0
    if not 0 < number < 2**53:
        what = "whole number" if kind is int else "number"
        raise ValueError(f"{key} is {value!r}: give a positive {what}.")
    return number
