"""The ASGI scope and body of a request that a test has built as a WSGI environ."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit

__all__ = ["BODY_BYTES", "make_http_scope", "make_messages"]

#: Longest piece of a body in one message.
BODY_BYTES = 64 * 1024

_ASGI = {"version": "3.0", "spec_version": "2.4"}
_CGI_NAMES = frozenset(
    """REQUEST_METHOD SCRIPT_NAME PATH_INFO QUERY_STRING REQUEST_URI RAW_URI SERVER_NAME SERVER_PORT SERVER_PROTOCOL
    REMOTE_ADDR REMOTE_PORT CONTENT_TYPE CONTENT_LENGTH""".split()
)
_INTERNAL = ("HTTP_", "wsgi.", "werkzeug.", "hipflask.", "asgi.")


def make_http_scope(environ: dict[str, Any]) -> dict[str, Any]:
    """Return the scope of the HTTP request that an environ describes.

    Args:
        environ: A complete WSGI environ.

    Raises:
        ValueError: It has items that no ASGI server could tell an application.

    Source: ASGI 3.0, HTTP 2.4.
    """
    foreign = sorted(key for key in environ if key not in _CGI_NAMES and not key.startswith(_INTERNAL))
    if foreign:
        raise ValueError(
            f"The environ has {', '.join(map(repr, foreign))}, which an ASGI server cannot tell an application. "
            "Send a header field instead, or use app.test_client()."
        )
    root = _text(environ["SCRIPT_NAME"]).rstrip("/")
    address = environ.get("REMOTE_ADDR")
    return {
        "type": "http",
        "asgi": dict(_ASGI),
        "http_version": environ["SERVER_PROTOCOL"].partition("/")[2],
        "method": environ["REQUEST_METHOD"].upper(),
        "scheme": environ["wsgi.url_scheme"],
        "path": root + _text(environ["PATH_INFO"]),
        "raw_path": quote(root).encode("ascii") + _raw_path(environ),
        "query_string": environ["QUERY_STRING"].encode("latin-1"),
        "root_path": root,
        "headers": list(_fields(environ)),
        "client": (address, int(environ.get("REMOTE_PORT", 0))) if address else None,
        "server": (environ["SERVER_NAME"], int(environ["SERVER_PORT"])),
    }


def make_messages(environ: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the body of an environ in messages; its stream is left where it began, for a redirect that repeats it."""
    stream = environ["wsgi.input"]
    start = stream.tell() if stream.seekable() else None
    data = stream.read(BODY_BYTES)
    while True:
        upcoming = stream.read(BODY_BYTES) if data else b""
        if not upcoming and start is not None:
            stream.seek(start)
        yield {"type": "http.request", "body": data, "more_body": bool(upcoming)}
        if not upcoming:
            return
        data = upcoming


def _fields(environ: dict[str, Any]) -> Iterator[tuple[bytes, bytes]]:
    for key, value in environ.items():
        if key.startswith("HTTP_"):
            name = key[5:]
        elif key in {"CONTENT_TYPE", "CONTENT_LENGTH"}:
            name = key
        else:
            continue
        yield name.replace("_", "-").lower().encode("latin-1"), value.encode("latin-1")


def _raw_path(environ: dict[str, Any]) -> bytes:
    """Return the path below the root as a client would have sent it."""
    uri = environ.get("REQUEST_URI")
    if uri is None:
        return quote(environ["PATH_INFO"].encode("latin-1")).encode("ascii")
    path = uri.partition("?")[0] if uri[:1] == "/" else urlsplit(uri).path
    return quote(path.encode("latin-1"), safe="/!$&'()*+,:;=@~%").encode("ascii")


def _text(value: str) -> str:
    """Return the text in a string that carries UTF-8 bytes as WSGI does."""
    return value.encode("latin-1").decode(errors="replace")
