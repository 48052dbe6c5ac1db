"""Sessions: what an application remembers about a client, by default in a signed cookie.

The cookie is Flask's: same salt, serializer, digest and key derivation, so that applications on either read
each other's sessions. It is signed, not encrypted; its owner can read it.

Source: the behaviour of ``flask.sessions`` 3.1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NoReturn

from hipflask.http.datastructures import CallbackDict
from hipflask.json.tag import TaggedJSONSerializer

if TYPE_CHECKING:
    from itsdangerous import URLSafeTimedSerializer

    from hipflask.app import Flask
    from hipflask.http.response import Response
    from hipflask.wrappers import Request

__all__ = [
    "NullSession",
    "SecureCookieSession",
    "SecureCookieSessionInterface",
    "SessionInterface",
    "SessionMixin",
    "may_open_late",
    "session_json_serializer",
]


class SessionMixin(MutableMapping[str, Any]):
    """What a session has besides the methods of a dict. Mix it into a dict for a session of your own."""

    new = False
    """Whether the session was made by this request, where the interface knows."""

    modified = True
    """Whether the session may have changed; interfaces without a way to tell leave it ``True``."""

    accessed = False
    """Whether the request has used the session; set by the context when ``session`` is read."""

    @property
    def permanent(self) -> bool:
        """Whether the session outlives the browser, as long as ``PERMANENT_SESSION_LIFETIME`` says."""
        return bool(self.get("_permanent", False))

    @permanent.setter
    def permanent(self, value: bool) -> None:
        self["_permanent"] = bool(value)


def _mark_as_modified(session: Any) -> None:
    session.modified = True


class SecureCookieSession(CallbackDict[str, Any], SessionMixin):
    """A session that is stored in a signed cookie.

    Assigning and removing keys is noticed. Changing a value that the session contains (a list, a dict) is
    not: set :attr:`modified` to ``True`` then.

    Args:
        initial: The first items.
    """

    modified = False
    """Whether a key was set or removed; set it after changing a value inside."""

    on_update: Callable[[Any], None] | None = staticmethod(_mark_as_modified)

    # PERF: a request without cookie makes one. Without CallbackDict's __init__ it is one call, not three.
    def __init__(self, initial: Mapping[str, Any] | None = None) -> None:
        if initial:
            dict.update(self, initial)


class NullSession(SecureCookieSession):
    """The session of an application without a secret key: it can be read, is empty, and refuses changes."""

    def _refuse(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raise the error for the missing key.

        Raises:
            RuntimeError: Always.
        """
        raise RuntimeError(
            "The session is unavailable, since the application has no secret key to sign it with. "
            "Set app.secret_key to a random value that nobody else knows."
        )

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = update = setdefault = _refuse


class SessionInterface:
    """Base of what loads a session when a request comes, and saves it with the response.

    A subclass defines :meth:`open_session` and :meth:`save_session`; it is used by
    ``app.session_interface = MyInterface()``. The methods ``get_cookie_...`` read the configuration.
    """

    null_session_class: type[NullSession] = NullSession
    """Class for requests for which :meth:`open_session` returns ``None``."""

    pickle_based = False
    """Whether sessions are stored by pickle; for extensions that must know."""

    def make_null_session(self, app: Flask) -> NullSession:
        """Return the session that stands in where there can be none.

        Args:
            app: The application.
        """
        return self.null_session_class()

    def is_null_session(self, obj: object) -> bool:
        """Return whether a session came from :meth:`make_null_session`; such a session is not saved."""
        # PERF: asked in each request; isinstance() with an abstract class is one or two Python calls more.
        if type(obj) is SecureCookieSession and self.null_session_class is NullSession:
            return False
        return isinstance(obj, self.null_session_class)

    def get_cookie_name(self, app: Flask) -> str:
        """Return the cookie's name, ``SESSION_COOKIE_NAME``."""
        return app.config["SESSION_COOKIE_NAME"]  # type: ignore[no-any-return]  # a setting

    def get_cookie_domain(self, app: Flask) -> str | None:
        """Return the cookie's domain, ``SESSION_COOKIE_DOMAIN``; ``None`` for the request's host alone."""
        return app.config["SESSION_COOKIE_DOMAIN"] or None

    def get_cookie_path(self, app: Flask) -> str:
        """Return the cookie's path: ``SESSION_COOKIE_PATH``, else ``APPLICATION_ROOT``."""
        path: str = app.config["SESSION_COOKIE_PATH"] or app.config["APPLICATION_ROOT"]
        return path

    def get_cookie_httponly(self, app: Flask) -> bool:
        """Return whether scripts cannot read the cookie, ``SESSION_COOKIE_HTTPONLY``."""
        return app.config["SESSION_COOKIE_HTTPONLY"]  # type: ignore[no-any-return]  # a setting

    def get_cookie_secure(self, app: Flask) -> bool:
        """Return whether the cookie is only sent over HTTPS, ``SESSION_COOKIE_SECURE``."""
        return app.config["SESSION_COOKIE_SECURE"]  # type: ignore[no-any-return]  # a setting

    def get_cookie_samesite(self, app: Flask) -> str | None:
        """Return ``"Strict"``, ``"Lax"``, ``"None"`` or ``None``: ``SESSION_COOKIE_SAMESITE``."""
        return app.config["SESSION_COOKIE_SAMESITE"]  # type: ignore[no-any-return]  # a setting

    def get_cookie_partitioned(self, app: Flask) -> bool:
        """Return whether the cookie is separate for each top-level site, ``SESSION_COOKIE_PARTITIONED``."""
        return app.config["SESSION_COOKIE_PARTITIONED"]  # type: ignore[no-any-return]  # a setting

    def get_expiration_time(self, app: Flask, session: SessionMixin) -> datetime | None:
        """Return when the cookie expires, in UTC; ``None`` to end with the browser.

        Args:
            app: The application; its ``permanent_session_lifetime`` starts now.
            session: The session; only a permanent one has a date.
        """
        return datetime.now(UTC) + app.permanent_session_lifetime if session.permanent else None

    def should_set_cookie(self, app: Flask, session: SessionMixin) -> bool:
        """Return whether the response sends the cookie.

        It does for a changed session, and for a permanent one with ``SESSION_REFRESH_EACH_REQUEST``.

        Args:
            app: The application.
            session: The session at the end of the request.
        """
        return session.modified or (session.permanent and app.config["SESSION_REFRESH_EACH_REQUEST"])

    def open_session(self, app: Flask, request: Request) -> SessionMixin | None:
        """Return the request's session, an empty one if there is none yet.

        Args:
            app: The application.
            request: The request; it is not yet matched to a rule.

        Returns:
            The session; ``None`` if the application lacks what sessions need, for :meth:`make_null_session`.
        """
        raise NotImplementedError

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Store a session and set its cookie. Not called for a null session.

        Args:
            app: The application.
            session: The session at the end of the request.
            response: The response that is about to be sent.
        """
        raise NotImplementedError


session_json_serializer = TaggedJSONSerializer()
"""What sessions are written with by default; register a tag here for further types of values."""


def _sha1(string: bytes = b"") -> Any:
    """Return a new SHA-1 hash; hashlib is imported when the first session is signed."""
    from hashlib import sha1

    return sha1(string)


class SecureCookieSessionInterface(SessionInterface):
    """Keeps sessions in a cookie, signed with the application's secret key by ``itsdangerous``.

    A cookie that is not ours, was changed, cannot be read or is older than ``PERMANENT_SESSION_LIFETIME``
    counts as none.
    """

    salt = "cookie-session"
    """Keeps signatures of sessions apart from others made with the same secret key."""

    digest_method: Callable[..., Any] = staticmethod(_sha1)
    """Hash function of the signature."""

    key_derivation = "hmac"
    """How ``itsdangerous`` makes the signing key from secret key and salt."""

    serializer: Any = session_json_serializer
    """Has ``dumps`` and ``loads`` for the session's items."""

    session_class: type[SecureCookieSession] = SecureCookieSession
    """Class of the sessions."""

    # Not in __dict__: an interface that has attributes of its own cannot open sessions late.
    __slots__ = ("_signing",)
    _signing: tuple[tuple[Any, ...], URLSafeTimedSerializer]

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        """Return what signs and checks cookies; ``None`` if the application has no secret key.

        Keys in ``SECRET_KEY_FALLBACKS`` are accepted, the secret key signs.

        Args:
            app: The application.
        """
        if not app.secret_key:
            return None
        fallbacks = app.config["SECRET_KEY_FALLBACKS"]
        keys: list[Any] = [*fallbacks, app.secret_key] if fallbacks else [app.secret_key]
        # PERF: the last one is kept as long as nothing that it is made from has changed.
        settings = (keys, self.salt, self.serializer, self.key_derivation, self.digest_method)
        kept: tuple[tuple[Any, ...], URLSafeTimedSerializer] | None = getattr(self, "_signing", None)
        if kept is not None and kept[0] == settings:
            return kept[1]
        from itsdangerous import URLSafeTimedSerializer

        digest_method = self.digest_method
        if digest_method is _sha1:
            # PERF: of a function of hashlib itself hmac takes OpenSSL's way, which is three times as fast.
            from hashlib import sha1

            digest_method = sha1
        signing = URLSafeTimedSerializer(
            keys,
            salt=self.salt,
            serializer=self.serializer,
            signer_kwargs={"key_derivation": self.key_derivation, "digest_method": digest_method},
        )
        self._signing = (settings, signing)
        return signing

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Return the session in the request's cookie, else an empty one; ``None`` without a secret key."""
        text = request.cookies.get(self.get_cookie_name(app))
        # PERF: without a cookie the serializer is not needed, only whether there can be one.
        if not text and type(self).get_signing_serializer is _get_signing_serializer:
            return self.session_class() if app.secret_key else None
        signing = self.get_signing_serializer(app)
        if signing is None:
            return None
        if not text:
            return self.session_class()
        from itsdangerous import BadData

        try:
            items = signing.loads(text, max_age=int(app.permanent_session_lifetime.total_seconds()))
            return self.session_class(items)
        except (BadData, OSError, OverflowError, TypeError, ValueError):
            # The last four: a time that is no date, or items that are none, with a good signature.
            return self.session_class()

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Set the cookie if :meth:`should_set_cookie` says so; delete it if the session was emptied.

        A response that depends on the session, or sets it, gets ``Vary: Cookie``.
        """
        is_vary_set = session.accessed
        if is_vary_set:
            _vary_by_cookie(response)
        if not session:
            if session.modified:
                response.delete_cookie(self.get_cookie_name(app), **self._cookie_options(app))
                if not is_vary_set:
                    _vary_by_cookie(response)
            return
        if not self.should_set_cookie(app, session):
            return
        signing = self.get_signing_serializer(app)
        if signing is None:
            raise RuntimeError(
                "The session cannot be saved, since the application has no secret key any more. "
                "Set app.secret_key before the first request and leave it."
            )
        text = signing.dumps(dict(session))
        expires = self.get_expiration_time(app, session)
        name = self.get_cookie_name(app)
        response.set_cookie(name, _as_text(text), expires=expires, **self._cookie_options(app))
        if not is_vary_set:
            _vary_by_cookie(response)

    def _cookie_options(self, app: Flask) -> dict[str, Any]:
        return {
            "domain": self.get_cookie_domain(app),
            "path": self.get_cookie_path(app),
            "secure": self.get_cookie_secure(app),
            "httponly": self.get_cookie_httponly(app),
            "samesite": self.get_cookie_samesite(app),
            "partitioned": self.get_cookie_partitioned(app),
        }


def _vary_by_cookie(response: Response) -> None:
    """Say to caches that the response depends on the request's cookies (RFC 9110, 12.5.5)."""
    headers = response.headers
    if "Vary" in headers:
        response.vary.add("Cookie")
    else:
        headers["Vary"] = "Cookie"  # PERF: without parsing a header that is not there


def _as_text(value: str | bytes) -> str:
    """Return a signed value as text; a serializer that makes bytes gives bytes."""
    return value.decode("ascii") if isinstance(value, bytes) else value


_get_signing_serializer = SecureCookieSessionInterface.get_signing_serializer


def may_open_late(interface: SessionInterface) -> bool:
    """Return whether a session need not be opened before it is used: the interface is ours, and nothing of it is set.

    Any other interface may need the database early, set what matching looks at, or begin its sessions with content; its
    sessions are opened when the request begins, as Flask does.

    Args:
        interface: The application's session interface.
    """
    return type(interface) is SecureCookieSessionInterface and not interface.__dict__
