"""The session of a client, opened and saved between its requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hipflask.app import Flask
    from hipflask.testing.cookies import CookieJar

__all__ = ["SessionAccess", "replace_content"]


class SessionAccess:
    """The session that a client's next request would see, by the application's session interface.

    Args:
        app: The application.
        jar: The client's cookies.
        args: Arguments of ``app.test_request_context``: the request that the session is opened for.
        kwargs: The same by name.
    """

    def __init__(self, app: Flask, jar: CookieJar, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._app = app
        self._jar = jar
        self._context = app.test_request_context(*args, **kwargs)
        self._environ: dict[str, Any] = self._context.request.environ
        self._session: Any = None

    def open(self) -> Any:
        """Return the session.

        Raises:
            RuntimeError: The session interface opened none, for want of a secret key for instance.
        """
        app = self._app
        interface = app.session_interface
        self._jar.add_to_environ(self._environ)
        with self._context:
            self._session = interface.open_session(app, self._context.request)
        if self._session is None:
            raise RuntimeError(
                # Flask's own tests look for the first sentence.
                f"Session backend did not open a session. {type(interface).__name__} of {app!r} "
                "returned None; is app.secret_key set?"
            )
        return self._session

    def save(self) -> None:
        """Save the session, and keep the cookie by which the next request finds it."""
        app = self._app
        interface = app.session_interface
        if interface.is_null_session(self._session):
            return
        response: Any = app.response_class()
        with self._context:
            interface.save_session(app, self._session, response)
        self._jar.update_from_response(self._environ, response.headers.getlist("Set-Cookie"))


def replace_content(session: Any, values: Mapping[str, Any]) -> None:
    """Make *values* all that a session holds, as applications do at a login, against session fixation."""
    session.clear()
    session.update(values)
