"""Credentials and challenges: ``Authorization`` and ``WWW-Authenticate``.

Source: RFC 9110, 11; RFC 7617 (Basic); RFC 7616 (Digest); RFC 6750 (Bearer).
"""

from __future__ import annotations

import binascii
import typing as t
from collections.abc import Callable

from hipflask.http.datastructures.callback_dict import CallbackDict
from hipflask.http.quoting import dump_header, parse_dict_header, quote_header_value

__all__ = ["Authorization", "WWWAuthenticate"]

# Old clients read these only in quotes. Source: RFC 7616, 3.3.
_ALWAYS_QUOTED = frozenset(("realm", "domain", "nonce", "opaque", "qop"))

# Names that are attributes of a challenge; all others are its parameters.
_CHALLENGE_STATE = frozenset(("_type", "_parameters", "_token", "_on_update"))


def _split(value: str) -> tuple[str, str, dict[str, str | None] | None]:
    """Return the scheme in lower case, what follows it, and that as parameters unless it is a token."""
    scheme, _, rest = value.partition(" ")
    rest = rest.strip(" \t")
    # A token may end with "=" but has none inside (RFC 9110, 11.2: token68).
    return scheme.lower(), rest, parse_dict_header(rest) if "=" in rest.rstrip("=") else None


def _decode_basic(text: str) -> dict[str, str | None] | None:
    """Return user name and password of Basic credentials; ``None`` if they are malformed."""
    try:
        username, _, password = binascii.a2b_base64(text, strict_mode=True).decode().partition(":")
    except ValueError:  # binascii.Error and UnicodeDecodeError are kinds of it
        return None
    return {"username": username, "password": password}


def _refuse_special(name: str, owner: object) -> None:
    """Raise AttributeError for names that Python itself looks for, such as ``__deepcopy__``."""
    if name.startswith("__") and name.endswith("__"):
        raise AttributeError(f"{type(owner).__name__!r} has no attribute {name!r}.")


class Authorization:
    """The credentials of a request. Attributes and items are their parameters, ``None`` where missing.

    Args:
        auth_type: Scheme in lower case, e.g. ``"basic"``.
        data: Parameters by name; of Basic ``username`` and ``password``.
        token: The token of schemes that have one instead of parameters, e.g. of Bearer.

    Differs from Werkzeug: ``repr()`` does not show the credentials, iterating raises :exc:`TypeError`
    instead of going on for ever, and objects can be copied and pickled.
    """

    __iter__: None = None
    __hash__: None = None  # type: ignore[assignment]  # equal by value, and its parameters can be changed

    def __init__(self, auth_type: str, data: dict[str, str | None] | None = None, token: str | None = None) -> None:
        #: Scheme, e.g. ``"basic"``.
        self.type = auth_type
        #: Parameters by name; empty if there is a token.
        self.parameters = {} if data is None else data
        #: The token, or ``None``.
        self.token = token

    def __getattr__(self, name: str) -> str | None:
        _refuse_special(name, self)
        parameters: dict[str, str | None] = self.__dict__.get("parameters", {})
        return parameters.get(name)

    def __getitem__(self, name: str) -> str | None:
        return self.parameters.get(name)

    def get(self, key: str, default: str | None = None) -> str | None:
        """Return the parameter *key*, or *default*."""
        return self.parameters.get(key, default)

    def __contains__(self, key: str) -> bool:
        return key in self.parameters

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Authorization):
            return NotImplemented
        return self.type == other.type and self.token == other.token and self.parameters == other.parameters

    @classmethod
    def from_header(cls, value: str | None) -> t.Self | None:
        """Return the credentials in an ``Authorization`` field; ``None`` if missing or malformed.

        Differs from Werkzeug: Basic credentials that are not ASCII count as malformed and raise nothing.
        """
        if not value:
            return None
        if value[:6].lower() in {"basic", "basic "}:  # PERF: the usual one is not split into parameters first
            parameters = _decode_basic(value[6:].strip(" \t"))
            return None if parameters is None else cls("basic", parameters)
        scheme, rest, parameters = _split(value)
        return cls(scheme, None, rest) if parameters is None else cls(scheme, parameters)

    def to_header(self) -> str:
        """Return the credentials as an ``Authorization`` field."""
        if self.type.lower() == "basic":
            pair = f"{self.username}:{self.password}".encode()
            return "Basic " + binascii.b2a_base64(pair, newline=False).decode("ascii")
        text = dump_header(self.parameters) if self.token is None else self.token
        return f"{self.type.title()} {text}"

    def __str__(self) -> str:
        return self.to_header()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.type.title()}>"


class WWWAuthenticate:
    """The challenge of a response. Attributes and items are its parameters, ``None`` where missing.

    Setting one to ``None`` removes it. ``type``, ``parameters`` and ``token`` are read only: setting them
    sets a parameter of that name.

    Args:
        auth_type: Scheme, e.g. ``"basic"``.
        values: Parameters by name, e.g. ``realm``.
        token: The token of schemes that have one instead of parameters, e.g. of Negotiate.
    """

    __iter__: None = None
    __hash__: None = None  # type: ignore[assignment]  # equal by value, and can be changed

    _type: str
    _parameters: CallbackDict[str, str | None]
    _token: str | None
    _on_update: Callable[[WWWAuthenticate], None] | None = None

    def __init__(self, auth_type: str, values: dict[str, str | None] | None = None, token: str | None = None) -> None:
        self._type = auth_type.lower()
        self._parameters = CallbackDict(values, self._changed)
        self._token = token
        self._on_update = None

    def _changed(self, _: object = None) -> None:
        if self._on_update is not None:
            self._on_update(self)

    @property
    def type(self) -> str:
        """Scheme in lower case, e.g. ``"basic"``."""
        return self._type

    @property
    def parameters(self) -> dict[str, str | None]:
        """Parameters by name; changing them changes the challenge."""
        return self._parameters

    @property
    def token(self) -> str | None:
        """The token, or ``None``."""
        return self._token

    def __getitem__(self, key: str) -> str | None:
        return self._parameters.get(key)

    def __setitem__(self, key: str, value: str | None) -> None:
        if value is None:
            self._parameters.pop(key, None)
        else:
            self._parameters[key] = value

    def __delitem__(self, key: str) -> None:
        self._parameters.pop(key, None)

    def __getattr__(self, name: str) -> str | None:
        _refuse_special(name, self)
        if name in _CHALLENGE_STATE:
            raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r} yet; call its __init__ first.")
        return self[name]

    def __setattr__(self, name: str, value: t.Any) -> None:
        if name in _CHALLENGE_STATE:
            object.__setattr__(self, name, value)
        else:
            self[name] = value

    def __delattr__(self, name: str) -> None:
        del self[name]

    def __contains__(self, key: str) -> bool:
        return key in self._parameters

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, WWWAuthenticate):
            return NotImplemented
        return self._type == other._type and self._token == other._token and self._parameters == other._parameters

    def get(self, key: str, default: str | None = None) -> str | None:
        """Return the parameter *key*, or *default*."""
        return self._parameters.get(key, default)

    @classmethod
    def from_header(cls, value: str | None) -> t.Self | None:
        """Return the challenge in a ``WWW-Authenticate`` field, or ``None`` if there is none."""
        if not value:
            return None
        scheme, rest, parameters = _split(value)
        return cls(scheme, None, rest) if parameters is None else cls(scheme, parameters)

    def to_header(self) -> str:
        """Return the challenge as a ``WWW-Authenticate`` field."""
        name = self._type.title()
        if self._token is not None:
            return f"{name} {self._token}"
        if self._type != "digest":
            return f"{name} {dump_header(self._parameters)}".rstrip()
        parameters = [
            f"{key}={quote_header_value(value, allow_token=key not in _ALWAYS_QUOTED)}"
            for key, value in self._parameters.items()
        ]
        return f"{name} {', '.join(parameters)}".rstrip()

    def __str__(self) -> str:
        return self.to_header()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.to_header()}>"
