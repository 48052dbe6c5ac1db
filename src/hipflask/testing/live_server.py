"""An application on a real socket, served by a thread of this process: for browsers and other real clients."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from hipflask.lifespan import Lifespan
from hipflask.server.runner import make_server

if TYPE_CHECKING:
    from types import TracebackType

    from hipflask.app import Flask
    from hipflask.server.pure import BaseWSGIServer

__all__ = ["STOP_SECONDS", "LiveServer"]

#: How long the end waits for requests that are being served; then they are cut off, and the log says so.
STOP_SECONDS = 5.0


class LiveServer:
    """Serves an application with the pure-Python server while a block runs.

    The functions of ``app.on_startup`` run at its beginning, unless they have run already; then those of
    ``app.on_shutdown`` run at its end::

        with LiveServer(app) as server:
            browser.get(server.url_for("index"))

    Args:
        app: The application.
        host: Address to listen on.
        port: Port; 0 for any free one.

    Attributes:
        app: The application.
        host: The address.
        port: The port; in a block the one listened on.
    """

    def __init__(self, app: Flask, host: str = "127.0.0.1", port: int = 0) -> None:
        self.app = app
        self.host = host
        self.port = port
        self._wanted_port = port
        self._server: BaseWSGIServer | None = None
        self._thread: threading.Thread | None = None
        self._has_started_app = False

    @property
    def url(self) -> str:
        """URL of the root, without a slash at the end: ``live_server.url + "/login"``."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def url_for(self, endpoint: str, **values: Any) -> str:
        """Return the whole URL of an endpoint on this server.

        Args:
            endpoint: Name of the endpoint.
            **values: Arguments of ``flask.url_for``; with ``_external=False`` it is the path only.
        """
        is_whole = values.pop("_external", True)
        with self.app.test_request_context(base_url=self.url):
            # The host is put in front here: with SERVER_NAME, a whole URL would have that.
            url = self.app.url_for(endpoint, _external=False, **values)
        return self.url + url if is_whole and url.startswith("/") else url

    def start(self) -> None:
        """Start the application, then listen and serve in a thread; when this returns, requests are answered.

        Raises:
            RuntimeError: It is started already.
            BindError: The address cannot be listened on.
        """
        if self._server is not None:
            raise RuntimeError(f"{self!r} is started already. Make a second LiveServer for a second address.")
        server = make_server(self.host, self._wanted_port, self.app, threaded=True)
        lifespan = self._find_lifespan()
        try:
            self._has_started_app = lifespan is not None and lifespan.start()
        except BaseException:
            server.server_close()
            raise
        self._server, self.port = server, server.port
        self._thread = threading.Thread(target=server.serve_forever, name=f"live-server-{self.port}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop listening, wait up to `STOP_SECONDS` for requests that are being served, then end the application."""
        server, self._server = self._server, None
        thread, self._thread = self._thread, None
        if server is None or thread is None:
            return
        try:
            server.stop(STOP_SECONDS)
            thread.join()
        finally:
            lifespan = self._find_lifespan()
            if self._has_started_app and lifespan is not None:
                self._has_started_app = False
                lifespan.stop()

    def __enter__(self) -> LiveServer:
        self.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.url} {'serving' if self._server else 'stopped'} {self.app!r}>"

    def _find_lifespan(self) -> Lifespan | None:
        found = getattr(self.app, "_lifespan", None)
        return found if isinstance(found, Lifespan) else None
