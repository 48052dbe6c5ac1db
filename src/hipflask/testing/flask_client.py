"""The client and the builder that know the application: what ``app.test_client()`` gives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from hipflask.http.request import Request
from hipflask.lifespan import Lifespan
from hipflask.testing import builder as plain
from hipflask.testing.client import Client
from hipflask.testing.response import TestResponse
from hipflask.testing.session_access import SessionAccess, replace_content

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from hipflask.app import Flask

__all__ = ["USER_AGENT", "EnvironBuilder", "FlaskClient", "make_request"]

# Key of the environ under which an application finds where to leave its request context.
_PRESERVE_KEY = "werkzeug.debug.preserve_context"

#: The client whose API this is. Applications and their tests look for this text, so it is not our own name.
USER_AGENT = "Werkzeug/3.1.9"


class EnvironBuilder(plain.EnvironBuilder):
    """A builder that takes its defaults from an application's configuration.

    Args:
        app: The application.
        path: Path of the URL, or a whole URL.
        base_url: Scheme, host and root; made of ``SERVER_NAME``, ``PREFERRED_URL_SCHEME`` and
            ``APPLICATION_ROOT`` if not given.
        subdomain: Name to put in front of ``SERVER_NAME``.
        url_scheme: Scheme to use instead of ``PREFERRED_URL_SCHEME``.
        *args: Further arguments of :class:`hipflask.testing.builder.EnvironBuilder`, from *query_string* on.
        **kwargs: The same by name.

    Raises:
        AssertionError: *subdomain* or *url_scheme* is given together with *base_url* (as on Flask).
    """

    def __init__(
        self,
        app: Flask,
        path: str = "/",
        base_url: str | None = None,
        subdomain: str | None = None,
        url_scheme: str | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        if base_url is not None and (subdomain or url_scheme):
            raise AssertionError(
                f"base_url {base_url!r} already says scheme and host. Leave out subdomain and url_scheme, or base_url."
            )
        if base_url is None:
            config = app.config
            host = config.get("SERVER_NAME") or "localhost"
            if subdomain:
                host = f"{subdomain}.{host}"
            scheme = config["PREFERRED_URL_SCHEME"] if url_scheme is None else url_scheme
            url = urlsplit(path)
            root = config["APPLICATION_ROOT"].lstrip("/")
            base_url = f"{url.scheme or scheme}://{url.netloc or host}/{root}"
            path = f"{url.path}?{url.query}" if url.query else url.path
        self.app = app
        super().__init__(path, base_url, *args, **kwargs)

    def json_dumps(self, obj: Any, **kwargs: Any) -> str:
        """Return *obj* as JSON text, by the application's provider."""
        return self.app.json.dumps(obj, **kwargs)


class FlaskClient(Client):
    """The test client of an application; see :class:`~hipflask.testing.client.Client` for its requests.

    Used as a context manager it keeps the context of the last request until the next one or the end of the
    block, so that ``request``, ``session`` and ``g`` can be looked at after the response. The functions of
    ``app.on_startup`` run when the block begins and those of ``app.on_shutdown`` when it ends; without a block, the
    first request runs those of ``on_startup``::

        with app.test_client() as client:
            client.get("/?page=2")
            assert request.args["page"] == "2"

    Attributes:
        environ_base: Items that the environ of every request starts from; to be changed in place or replaced.
        preserve_context: Whether the client is inside its ``with`` block.
    """

    application: Flask

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.preserve_context = False
        self.environ_base: dict[str, Any] = {"REMOTE_ADDR": "127.0.0.1", "HTTP_USER_AGENT": USER_AGENT}
        # Contexts that the application left in the running request, and those pushed again for the test.
        self._left_contexts: list[Any] = []
        self._kept_contexts = ExitStack()
        self._has_started = False

    def __enter__(self) -> FlaskClient:
        if self.preserve_context:
            raise RuntimeError(f"{self!r} is in use by a with block already. Make a second client for the inner block.")
        self.preserve_context = True
        lifespan = self._find_lifespan()
        if lifespan is not None:
            self._has_started = lifespan.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.preserve_context = False
        self._kept_contexts.close()
        lifespan = self._find_lifespan()
        if self._has_started and lifespan is not None:
            self._has_started = False
            lifespan.stop()

    def _find_lifespan(self) -> Lifespan | None:
        """Return the application's start-up and shut-down functions, ``None`` if it has none."""
        found = getattr(self.application, "_lifespan", None)
        return found if isinstance(found, Lifespan) else None

    def open(self, *args: Any, buffered: bool = False, follow_redirects: bool = False, **kwargs: Any) -> TestResponse:
        """Send a request and return the response, which reads JSON by the application's provider.

        Args:
            *args: The arguments of :class:`EnvironBuilder` without the application; or one builder, one WSGI
                environ or one request, whose further arguments are ignored.
            buffered: Read the body and close the response before returning it.
            follow_redirects: Go where redirects lead, and return what is there.
            **kwargs: The arguments of the builder by name.
        """
        request = self._make_request(args, kwargs)
        # The last request's contexts end before the next request begins.
        self._kept_contexts.close()
        lifespan = self._find_lifespan()
        if lifespan is not None and not lifespan.is_started:
            lifespan.start()  # here, and not in the application, where an error would end the process
        try:
            response = self._exchange(request, buffered, follow_redirects)
        except BaseException:
            # Nobody looks at the context of a request that failed, and the next one must not get it.
            self._left_contexts.clear()
            raise
        while self._left_contexts:
            self._kept_contexts.enter_context(self._left_contexts.pop(0))
        return response

    @contextmanager
    def session_transaction(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        """Open the session that the next request will see; changes are saved when the block ends.

        ::

            with client.session_transaction() as session:
                session["user_id"] = 1

        Args:
            *args: The arguments of ``app.test_request_context``: the request that the session is opened for.
            **kwargs: The same by name.

        Raises:
            TypeError: The client was made with ``use_cookies=False``.
            RuntimeError: The session interface opened no session, for want of a secret key for instance.
        """
        access = SessionAccess(self.application, self._get_jar(), args, kwargs)
        yield access.open()
        access.save()

    def log_in(self, user_id: Any, key: str = "user_id", **values: Any) -> None:
        """Put a user into the session, as the application's own login does; the login page is not asked.

        What was in the session before is dropped. For an application that keeps ``session["user_id"]``, and for one
        with Flask-Login::

            client.log_in(1)
            client.log_in("1", key="_user_id", _fresh=True)

        Args:
            user_id: What the application keeps of a user.
            key: Under which name.
            **values: What else its login puts into the session.

        Raises:
            TypeError: The client was made with ``use_cookies=False``.
            RuntimeError: There is no session, for want of a secret key for instance.
        """
        with self.session_transaction() as session:
            replace_content(session, {key: user_id, **values})

    def log_out(self) -> None:
        """Empty the session.

        Raises:
            TypeError: The client was made with ``use_cookies=False``.
            RuntimeError: There is no session, for want of a secret key for instance.
        """
        with self.session_transaction() as session:
            session.clear()

    def _make_request(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return make_request(self.application, args, kwargs, self._complete_environ)

    def _send(self, request: Any, buffered: bool) -> TestResponse:
        response = super()._send(request, buffered)
        response.json_module = self.application.json
        return response

    def _complete_environ(self, environ: dict[str, Any]) -> dict[str, Any]:
        """Return *environ* with the client's own items under it, and the place for contexts."""
        environ = {**self.environ_base, **environ}
        if self.preserve_context:
            environ[_PRESERVE_KEY] = self._left_contexts.append
        return environ


def make_request(
    app: Flask,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    complete: Callable[[dict[str, Any]], dict[str, Any]],
) -> Any:
    """Return the request that the arguments of a client's ``open`` stand for.

    Args:
        app: The application.
        args: The arguments.
        kwargs: Those by name.
        complete: Returns an environ with the client's own items.
    """
    source = args[0] if args else None
    if isinstance(source, Request):
        return type(source)(complete(source.environ))
    if isinstance(source, dict):
        source = plain.EnvironBuilder.from_environ(source)
    if isinstance(source, plain.EnvironBuilder):
        return source.request_class(complete(source.get_environ()))
    builder = EnvironBuilder(app, *args, **kwargs)
    try:
        return builder.request_class(complete(builder.get_environ()))
    finally:
        builder.close()
