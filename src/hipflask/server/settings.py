"""What the server can be told: one table, from which options, variables and configuration keys come.

A setting is taken from the first of these that has it: the option of ``hipflask run``, ``HIPFLASK_RUN_X`` in the
environment, ``FLASK_RUN_X`` there, the application's configuration key ``SERVER_X`` (where there is one), the default.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar

from hipflask.server.limits import Limits
from hipflask.server.workers import PoolSettings

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = [
    "PROGRAM_DEFAULTS",
    "SETTINGS",
    "Group",
    "Kind",
    "Setting",
    "config_of",
    "count_processors",
    "export",
    "fill",
    "find_misnamed",
    "resolve",
    "setting_of",
]

_Filled = TypeVar("_Filled", bound="DataclassInstance")

_LIMITS = Limits()
_POOL = PoolSettings()
_PREFIXES = ("HIPFLASK_RUN_", "FLASK_RUN_")
_UNITS = ("_seconds", "_bytes")
_MULTIPLES = {"K": 2**10, "M": 2**20, "G": 2**30}
_MOST = 2**53
_DAY = 86_400.0
_KEY_PREFIX = "SERVER_"
#: Options of ``hipflask run`` that are no settings.
_OTHER_OPTIONS = tuple(
    "host port cert key reload debugger with_threads extra_files exclude_patterns debug from_cli".split()
)
#: An application's own key may well be `SERVER_USER`.
_PLAIN_WORDS = frozenset({"bind", "server", "user"})


class Group(Enum):
    """The headings of ``hipflask run --help``."""

    ADDRESS = "Address"
    PROCESSES = "Processes and threads"
    QUEUE = "Overload"
    TIMEOUTS = "Time-outs, in seconds"
    LIMITS = "Limits of a request and of connections"
    LOG = "Log"
    DEVELOPMENT = "Development"


class Kind(Enum):
    """What a setting's value is."""

    WHOLE = "NUMBER"
    SECONDS = "SECONDS"
    SIZE = "SIZE"
    COUNT_OR_AUTO = "NUMBER|auto"
    CHOICE = "CHOICE"
    TEXT = "TEXT"
    TEXTS = "TEXTS"
    FLAG = "FLAG"


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing that the server can be told.

    Attributes:
        name: Its name in options and variables: ``head_timeout`` is ``--head-timeout``, ``HIPFLASK_RUN_HEAD_TIMEOUT``.
        group: Its heading in the help.
        kind: What its value is.
        default: Its value if nobody says otherwise.
        help: A sentence for the help.
        least: The smallest number allowed.
        most: The greatest one.
        choices: The words allowed, for a choice.
        has_key: Whether the application's configuration may set it, as ``SERVER_<NAME>``. What is needed before the
            application is imported cannot be set by it.
    """

    name: str
    group: Group
    kind: Kind
    default: Any
    help: str
    least: float = 0
    most: float = _MOST
    choices: tuple[str, ...] = ()
    has_key: bool = True

    @property
    def option(self) -> str:
        """The option, e.g. ``--head-timeout``."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables of the environment, the one that counts first."""
        return tuple(prefix + self.name.upper() for prefix in _PREFIXES)

    @property
    def key(self) -> str | None:
        """The configuration key, ``None`` if there is none."""
        return f"{_KEY_PREFIX}{self.name.upper()}" if self.has_key else None

    def parse(self, value: Any) -> Any:
        """Return a value of this setting's kind.

        Args:
            value: Text, or what the configuration holds.

        Raises:
            ValueError: It is none, or out of bounds; the text says what to give instead.
        """
        if self.kind is Kind.FLAG:
            return _parse_flag(value)
        if self.kind in {Kind.TEXT, Kind.TEXTS}:
            return value
        if self.kind is Kind.CHOICE:
            if value not in self.choices:
                raise ValueError(f"{value!r} is not one of {', '.join(self.choices)}.")
            return value
        if self.kind is Kind.COUNT_OR_AUTO and value == "auto":
            return count_processors()
        number = _parse_number(self.kind, value)
        if number is None or not self.least <= number <= self.most:
            raise ValueError(f"{value!r} is not {self._expected()}.")
        return number

    def _expected(self) -> str:
        """Say which numbers are allowed."""
        what = {
            Kind.SECONDS: "a number of seconds",
            Kind.SIZE: "a number of bytes (K, M and G may follow it)",
            Kind.COUNT_OR_AUTO: "'auto' or a whole number",
        }.get(self.kind, "a whole number")
        most = "" if self.most == _MOST else f" to {_written(self.most)}"
        return f"{what} from {_written(self.least)}{most}" if most else f"{what}, {_written(self.least)} or more"


def _written(number: float) -> str:
    """Return a number as a person would type it."""
    return str(int(number)) if number == int(number) else str(number)


def count_processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _parse_flag(value: Any) -> bool:
    if isinstance(value, str):
        return value.lower() in {"1", "true", "yes", "on"}
    return bool(value)


def _parse_number(kind: Kind, value: Any) -> float | int | None:
    """Return the number that a value stands for, ``None`` if it is none."""
    if isinstance(value, bool):
        return None
    factor = 1
    if kind is Kind.SIZE and isinstance(value, str) and value[-1:].upper() in _MULTIPLES:
        factor = _MULTIPLES[value[-1].upper()]
        value = value[:-1]
    try:
        if kind is Kind.SECONDS:
            return float(value)
        return int(value) * factor if isinstance(value, str) or int(value) == value else None
    except (TypeError, ValueError, OverflowError):
        return None


def _whole(name: str, group: Group, default: int, help: str, **more: Any) -> Setting:
    return Setting(name, group, Kind.WHOLE, default, help, **{"least": 1, **more})


def _seconds(name: str, default: float, help: str, **more: Any) -> Setting:
    group = more.pop("group", Group.TIMEOUTS)
    return Setting(name, group, Kind.SECONDS, default, help, **{"least": 0.01, "most": _DAY, **more})


def _size(name: str, default: int, help: str, **more: Any) -> Setting:
    return Setting(name, Group.LIMITS, Kind.SIZE, default, help, **{"least": 1, **more})


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "bind",
        Group.ADDRESS,
        Kind.TEXTS,
        (),
        "Listen here in place of --host and --port: HOST:PORT, unix:PATH or fd://NUMBER. May be given several times.",
        has_key=False,
    ),
    _whole(
        "backlog",
        Group.ADDRESS,
        1024,
        "Connections that the system keeps until they are accepted.",
        most=65_535,
        has_key=False,
    ),
    _whole(
        "trusted_proxies",
        Group.ADDRESS,
        0,
        "Proxies in front whose X-Forwarded-For and X-Forwarded-Proto are believed.",
        least=0,
        most=100,
    ),
    Setting(
        "workers",
        Group.PROCESSES,
        Kind.COUNT_OR_AUTO,
        1,
        "Processes that serve; 'auto' for one per processor.",
        least=1,
        most=1024,
        has_key=False,
    ),
    _whole("threads", Group.PROCESSES, _POOL.threads, "Threads of each process that run the application.", most=10_000),
    _whole(
        "max_threads",
        Group.PROCESSES,
        _POOL.max_threads,
        "Threads at most, while all others are busy; 0 for four times --threads.",
        least=0,
        most=40_000,
    ),
    Setting(
        "preload",
        Group.PROCESSES,
        Kind.FLAG,
        False,
        "Import the application once and fork the workers, which saves memory.",
        has_key=False,
    ),
    Setting(
        "server",
        Group.PROCESSES,
        Kind.CHOICE,
        "auto",
        "The native server, the one in pure Python, or the native one where it is built and fits.",
        choices=("auto", "native", "pure"),
        has_key=False,
    ),
    Setting(
        "user",
        Group.PROCESSES,
        Kind.TEXT,
        None,
        "Run the workers as this user, or USER:GROUP; takes administrator rights.",
        has_key=False,
    ),
    Setting("pid_file", Group.PROCESSES, Kind.TEXT, None, "Write the number of the main process here.", has_key=False),
    Setting(
        "health_check",
        Group.PROCESSES,
        Kind.TEXT,
        None,
        "A new worker serves only if it answers GET for this path with a status below 400.",
        has_key=False,
    ),
    _whole(
        "queue_size",
        Group.QUEUE,
        _POOL.queue_size,
        "Requests that wait for a thread; more are answered 503.",
        most=1_000_000,
    ),
    _seconds(
        "queue_timeout",
        _POOL.queue_timeout_seconds,
        "A request that has waited longer is answered 503.",
        group=Group.QUEUE,
    ),
    _whole(
        "max_connections",
        Group.QUEUE,
        _LIMITS.max_connections,
        "Open connections of each process; more wait to be accepted.",
        most=10_000_000,
    ),
    _seconds("head_timeout", _LIMITS.head_timeout_seconds, "Until a request's head is complete."),
    _seconds("keep_alive_timeout", _LIMITS.keep_alive_timeout_seconds, "Silence between two requests of a connection."),
    _seconds("body_timeout", _LIMITS.body_timeout_seconds, "Silence inside a request's body."),
    _seconds("write_timeout", _LIMITS.write_timeout_seconds, "Time in which a client takes nothing of its answer."),
    _seconds("rate_grace", _LIMITS.rate_grace_seconds, "Waiting time before --min-rate counts."),
    _seconds("linger_timeout", _LIMITS.linger_timeout_seconds, "How long a closing connection is still read."),
    _seconds("graceful_timeout", 30.0, "How long requests may go on when the server ends; then they are cut."),
    _seconds(
        "hang_timeout",
        30.0,
        "A worker without a sign of life for so long is replaced; a slow view is no such thing.",
        least=0.5,
        has_key=False,
    ),
    _seconds("start_timeout", 60.0, "A worker that is not ready by then is ended.", least=0.5, has_key=False),
    Setting(
        "min_rate",
        Group.LIMITS,
        Kind.SIZE,
        _LIMITS.min_rate_bytes,
        "Bytes a second that a client must manage, both ways.",
        least=1,
    ),
    _size("max_head", _LIMITS.max_head_bytes, "Request line and header lines together.", least=64),
    _size("max_field", _LIMITS.max_field_bytes, "One header line.", least=64),
    _whole("max_fields", Group.LIMITS, _LIMITS.max_fields, "Header lines of a request.", most=100_000),
    _size("max_target", _LIMITS.max_target_bytes, "The request's target: path and query.", least=16),
    _size("max_body", _LIMITS.max_body_bytes, "A request's body, whatever the application allows."),
    _size(
        "max_collected",
        _LIMITS.max_collected_bytes,
        "A body up to this size has arrived before a thread is given its request.",
    ),
    _size("max_drain", _LIMITS.max_drain_bytes, "Rest of an unread body that is thrown away to keep the connection."),
    _whole("max_requests", Group.LIMITS, _LIMITS.max_requests, "Requests on one connection."),
    Setting(
        "access_log",
        Group.LOG,
        Kind.CHOICE,
        "apache",
        "A line for each request, in Apache's combined format or as JSON.",
        choices=("apache", "json", "off"),
    ),
)
"""Every setting, in the order of the help."""

PROGRAM_DEFAULTS: Mapping[str, Any] = {"access_log": "plain"}
"""What is otherwise where a program serves itself: the lines of its requests are for a person in front of it."""

_BY_NAME = {setting.name: setting for setting in SETTINGS}


def setting_of(name: str) -> Setting:
    """Return the setting of a name."""
    return _BY_NAME[name]


def config_of(app: Any) -> Mapping[str, Any] | None:
    """Return an application's configuration, ``None`` if it has none that settings could be looked up in.

    Args:
        app: Any WSGI application.
    """
    config = getattr(app, "config", None)
    return config if isinstance(config, Mapping) else None


def resolve(
    given: Mapping[str, Any] | None = None,
    config: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] = os.environ,
    defaults: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the value of every setting.

    Args:
        given: What options said, by name; a missing name or ``None`` is an option that was not given.
        config: The application's configuration.
        environment: Environment variables.
        defaults: Values of settings that nobody has given, where they are not the usual ones.

    Raises:
        ValueError: A value is not allowed; the text names where it came from.
    """
    found = {setting.name: _find(setting, given or {}, config or {}, environment) for setting in SETTINGS}
    _fit_threads(found)
    usual = {setting.name: setting.default for setting in SETTINGS} | dict(defaults or {})
    return {name: usual[name] if value is None else value for name, value in found.items()}


def _fit_threads(found: dict[str, Any]) -> None:
    """See that the threads do not outnumber the most of them.

    Raises:
        ValueError: They do, and both were given.
    """
    threads, most = found["threads"], found["max_threads"]
    if not most:
        return
    if threads is None:
        found["threads"] = min(most, _POOL.threads)
    elif threads > most:
        raise ValueError(
            f"max_threads, {most}, is less than threads, {threads}: "
            "give as many or more, or 0 for four times as many as threads."
        )


def find_misnamed(config: Mapping[str, Any] | None, environment: Mapping[str, str] = os.environ) -> list[str]:
    """Return a line for each variable and configuration key that looks like a setting and is none.

    An application may have keys of its own that begin with ``SERVER_``: only what stands for an option of the process,
    or is hardly different from a setting's name, is told.

    Args:
        config: The application's configuration.
        environment: Environment variables.
    """
    lines = []
    for name in environment:
        found = _nearest(name, _PREFIXES[0], [*_BY_NAME, *_OTHER_OPTIONS])
        if found is not None:
            lines.append(f"{name} is not known. Did you mean {_PREFIXES[0]}{found.upper()}?")
    for key in config or ():
        if not isinstance(key, str) or not key.startswith(_KEY_PREFIX):
            continue
        setting = _BY_NAME.get(key.removeprefix(_KEY_PREFIX).lower())
        if setting is not None and not setting.has_key and setting.name not in _PLAIN_WORDS:
            lines.append(f"{key} is not heeded: it is an option of the process, {setting.option}.")
        elif setting is None:
            found = _nearest(key, _KEY_PREFIX, [each.name for each in SETTINGS if each.has_key])
            if found is not None:
                lines.append(f"{key} is not known. Did you mean {_KEY_PREFIX}{found.upper()}?")
    return lines


def _nearest(name: str, prefix: str, known: list[str]) -> str | None:
    """Return what a misspelt name was meant to be, ``None`` if it is known, or far from all that is."""
    word = name.removeprefix(prefix).lower()
    if not name.startswith(prefix) or word in known:
        return None
    import difflib

    return next(iter(difflib.get_close_matches(word, known, 1, 0.8)), None)


def _find(setting: Setting, given: Mapping[str, Any], config: Mapping[str, Any], environment: Mapping[str, str]) -> Any:
    """Return the value that a setting was given, ``None`` if it was not."""
    sources: list[tuple[str, Any]] = [(setting.option, given.get(setting.name))]
    sources += [(name, environment.get(name) or None) for name in setting.variables]
    if setting.key is not None:
        sources.append((setting.key, config.get(setting.key)))
    for place, value in sources:
        if value is not None:
            try:
                return setting.parse(value)
            except ValueError as error:
                raise ValueError(f"{place}: {error}") from None
    return None


def fill(defaults: _Filled, values: Mapping[str, Any]) -> _Filled:
    """Return a copy of a dataclass with the values of the settings that its fields are named for.

    Args:
        defaults: `Limits`, `PoolSettings` or another; a unit at the end of a field's name (``_seconds``, ``_bytes``)
            does not count.
        values: As `resolve` returns them.
    """
    changes = {}
    for field in fields(defaults):
        name = field.name
        for unit in _UNITS:
            name = name.removesuffix(unit)
        if name in values:
            changes[field.name] = values[name]
    return replace(defaults, **changes)


def export(values: Mapping[str, Any]) -> dict[str, str]:
    """Return the environment variables that say the same as some values, for what reads only these.

    Args:
        values: Numbers and words by the settings' names; all else is left out, as no variable says it.
    """
    return {
        f"{_PREFIXES[0]}{name.upper()}": str(value)
        for name, value in values.items()
        if isinstance(value, (int, float, str)) and not isinstance(value, bool) and value != ""
    }
