"""An application that shows what a server tells it: one page about the interpreter and the environ.

The counterpart of ``werkzeug.testapp``. Never leave it where others can reach it: the page shows headers with
their secrets, and the folders that Python imports from.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from html import escape

from hipflask.http.request import Request
from hipflask.http.response import Response

__all__ = ["TEMPLATE", "iter_sys_path", "test_app"]

#: The page, with a place for each part of it: for ``%`` and a dict.
TEMPLATE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>This WSGI server</title>
<style>
  :root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
  body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
  table { border-collapse: collapse; width: 100%%; }
  th, td { border-bottom: 1px solid #8886; padding: .25rem .5rem; text-align: left; vertical-align: top; }
  th { width: 16rem; font-weight: 600; }
  code { overflow-wrap: anywhere; }
  .missing { opacity: .6; text-decoration: line-through; }
  .relative { font-style: italic; }
</style>
<h1>This WSGI server</h1>
<p>It works: the server has called an application and sent its answer.</p>
<h2>Interpreter</h2>
<table>
  <tr><th scope="row">Python<td>%(python_version)s
  <tr><th scope="row">hipflask<td>%(hipflask_version)s
  <tr><th scope="row">Platform<td>%(platform)s (%(os)s)
  <tr><th scope="row">C API<td>%(api_version)s
  <tr><th scope="row">Byte order<td>%(byteorder)s
</table>
<h2>Environ of this request</h2>
<table>%(wsgi_env)s</table>
<h2>Distributions</h2>
<ul>%(distributions)s</ul>
<h2>Where modules are looked for</h2>
<p>Crossed out: not a folder. In italics: relative to the working directory.</p>
<ul>%(sys_path)s</ul>
</html>
"""


def iter_sys_path() -> Iterator[tuple[str, bool, bool]]:
    """Return the places that modules are imported from.

    Returns:
        Tuples of the absolute path with ``~`` for the home folder, whether it is something else than a folder, and
        whether it is relative.
    """
    home = os.path.expanduser("~")
    for entry in sys.path:
        path = os.path.abspath(entry)
        shown = f"~{path[len(home) :]}" if path.startswith(home + os.sep) else path
        yield shown, not os.path.isdir(path), path != entry


@Request.application
def test_app(req: Request) -> Response:
    """Answer with the page.

    Args:
        req: The request.

    Example::

        from hipflask.server.runner import run_simple
        run_simple("127.0.0.1", 5000, test_app)
    """
    return Response(_render(req), mimetype="text/html")


test_app.__test__ = False  # type: ignore[attr-defined]  # pytest: it is no test


def _render(request: Request) -> str:
    versions = dict(_distributions())
    return TEMPLATE % {
        "python_version": escape(sys.version),
        "hipflask_version": escape(versions.get("hipflask", "not installed")),
        "platform": escape(sys.platform),
        "os": escape(os.name),
        "api_version": sys.api_version,
        "byteorder": sys.byteorder,
        "wsgi_env": "".join(
            f'\n  <tr><th scope="row">{escape(str(key))}<td><code>{escape(_shown(value))}</code>'
            for key, value in sorted(request.environ.items(), key=lambda pair: str(pair[0]).lower())
        ),
        "distributions": _list(f"{escape(name)} {escape(versions[name])}" for name in sorted(versions, key=str.lower)),
        "sys_path": _list(
            f'<code class="{"missing" * is_missing} {"relative" * is_relative}">{escape(path)}</code>'
            for path, is_missing, is_relative in iter_sys_path()
        ),
    }


def _list(items: Iterable[str]) -> str:
    return "".join(f"\n  <li>{item}" for item in items)


def _shown(value: object) -> str:
    """Return what a value of the environ looks like, whatever kind of object it is."""
    try:
        return repr(value)
    except Exception as error:
        return f"<{type(value).__name__}: its repr() raises {type(error).__name__}>"


def _distributions() -> Iterator[tuple[str, str]]:
    """Return names and versions of what is installed."""
    from importlib.metadata import distributions

    for distribution in distributions():
        yield str(distribution.metadata["Name"]), distribution.version
