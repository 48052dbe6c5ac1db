"""How many Python functions a request calls inside ``Flask.handle``, the view left out.

Claim: at most 34 for a text view with a path argument, with 10 and with 10,000 routes. Flask's own number, counted
inside its ``wsgi_app``, stands beside it.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any

from support.dispatch_worker import ask, make_app, make_environ
from support.measure import Claim, parse_options, report

PATH = "/text/abc"
BUDGET = 34


def count_calls(function: Callable[[], object], without: CodeType) -> int:
    """Return how many Python functions are called while *function* runs, but itself and *without*."""
    calls = 0

    def profile(frame: FrameType, event: str, _arg: object) -> None:
        nonlocal calls
        calls += event == "call" and frame.f_code is not without

    sys.setprofile(profile)
    try:
        function()
    finally:
        sys.setprofile(None)
    return calls - 1


def calls_of_request(framework: str, routes: int) -> int:
    """Return the number of calls of one request, once the application is warm."""
    app = make_app(importlib.import_module(framework), routes)
    environ = make_environ(PATH)
    for _ in range(3):  # what is made once per application is not the cost of a request
        ask(app, environ)
    view = app.view_functions["text"].__code__
    if framework == "hipflask":
        from hipflask.http.head import WsgiHead

        head = WsgiHead(environ.copy())
        return count_calls(lambda: app.handle(head), view)

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None: ...

    return count_calls(lambda: app.wsgi_app(environ.copy(), start_response), view)


def main() -> int:
    parse_options(__doc__ or "")
    claims = []
    for routes in (10, 10_000):
        ours, theirs = calls_of_request("hipflask", routes), calls_of_request("flask", 10)
        claims.append(Claim(f"calls, {routes:,} routes", ours, theirs, "", ours, BUDGET))
    return report("Python calls of one request; the ratio column is the number itself", claims)


if __name__ == "__main__":
    sys.exit(main())
