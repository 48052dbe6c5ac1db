"""A small application, and requests to it as bytes."""

from __future__ import annotations

from typing import Any

HOST = b"Host: localhost\r\n"
CLOSE = b"Connection: close\r\n"


def app(environ: dict[str, Any], start_response: Any) -> Any:
    path = environ["PATH_INFO"]
    fields = [("Content-Type", "text/plain")]
    if path == "/unread":
        start_response("200 OK", fields)
        return [b"unread"]
    if path == "/stream":
        start_response("200 OK", fields)
        return iter([b"one", b"", b"two"])
    body = environ["wsgi.input"].read()
    start_response("200 OK", fields)
    return [f"{environ['REQUEST_METHOD']} {path} {len(body)}".encode()]


def get(path: str, *lines: str, version: str = "1.1", close: bool = True, method: str = "GET") -> bytes:
    fields = ["Host: localhost", *(["Connection: close"] if close else []), *lines]
    return "\r\n".join([f"{method} {path} HTTP/{version}", *fields, "", ""]).encode()


def split(answer: bytes) -> tuple[str, dict[str, str], bytes]:
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    return first, dict(line.lower().split(": ", 1) for line in lines), body
