"""Measures requests through WSGI in this process; prints nanoseconds of processor time for each, as JSON.

Usage: ``dispatch_worker.py FRAMEWORK REQUESTS_OF_A_CHUNK ROUTES PATH...``
"""

from __future__ import annotations

import gc
import importlib
import json
import sys
import time
from typing import Any

WARM_UP = 300
CHUNKS = 10  # the best of so many short measurements: another process on the same core disturbs some of them only


def make_app(framework: Any, routes: int) -> Any:
    """Return the application under test, filled up with other routes to *routes* of them."""
    app = framework.Flask("bench", static_folder=None)

    @app.route("/")
    def index() -> str:
        return "Hello, World!"

    @app.route("/text/<name>")
    def text(name: str) -> str:
        return name

    @app.route("/user/<int:number>")
    def user(number: int) -> dict[str, object]:
        return {"id": number, "name": "user"}

    for number in range(routes - 3):
        app.add_url_rule(f"/part{number}/<int:item>/page{number}", f"other{number}", index)
    return app


def make_environ(path: str) -> dict[str, Any]:
    """Return what a server hands over for a browser's GET."""
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "localhost:8000",
        "HTTP_USER_AGENT": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        "HTTP_ACCEPT": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        "HTTP_ACCEPT_ENCODING": "gzip, deflate, br",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": None,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }


def ask(app: Any, environ: dict[str, Any]) -> tuple[str, bytes]:
    """Return status and body of one request, taken as a server takes them."""
    answered: list[str] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
        answered.append(status)

    body = app(environ.copy(), start_response)
    text = b"".join(body)
    if hasattr(body, "close"):
        body.close()
    return answered[0], text


def nanoseconds_each(app: Any, path: str, requests: int) -> float:
    """Return the processor time of one request to *path*."""
    environ = make_environ(path)
    for _ in range(WARM_UP):
        status, _ = ask(app, environ)
    if status != "200 OK":
        raise SystemExit(f"{path} answered {status!r}")
    gc.collect()
    times = []
    for _ in range(CHUNKS):
        start = time.process_time_ns()
        for _ in range(requests):
            ask(app, environ)
        times.append((time.process_time_ns() - start) / requests)
    return min(times)


def main() -> None:
    framework, requests, routes, *paths = sys.argv[1:]
    app = make_app(importlib.import_module(framework), int(routes))
    print(json.dumps({path: nanoseconds_each(app, path, int(requests)) for path in paths}))


if __name__ == "__main__":
    main()
