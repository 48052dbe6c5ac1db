"""What a case sends and what it gets back, and what of an answer is compared."""

from __future__ import annotations

import json as json_module
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode

__all__ = [
    "CASE_FIELD",
    "Answer",
    "Ask",
    "Conversation",
    "Door",
    "Header",
    "chunked",
    "comparable",
    "deviates",
    "get",
    "multipart",
    "post",
    "send",
    "send_form",
    "send_json",
]

Header = tuple[str, str]

#: Tells a server that serves all cases which one is meant; the application does not see it.
CASE_FIELD = "X-Conformance-Case"

# What belongs to the connection, or to the moment, and not to the application's answer.
OF_THE_CONNECTION = {"date", "server", "connection", "keep-alive", "transfer-encoding"}


@dataclass(frozen=True)
class Ask:
    """A request as it goes over the wire."""

    method: str
    target: str
    headers: tuple[Header, ...] = ()
    body: bytes = b""
    own_status: int | None = None
    """The status that hipflask answers instead of Flask's, where it deviates on purpose."""
    is_chunked: bool = False
    """Whether the body is sent in chunks, so that its length is not known beforehand."""

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]

    def wire_headers(self) -> list[Header]:
        """The fields with those that every client sends: a host, and the length of a body."""
        names = {name.lower() for name, _ in self.headers}
        fields = list(self.headers)
        if "host" not in names:
            fields.insert(0, ("Host", "localhost"))
        if self.is_chunked:
            fields.append(("Transfer-Encoding", "chunked"))
        elif (self.body or self.method in ("POST", "PUT", "PATCH")) and "content-length" not in names:
            fields.append(("Content-Length", str(len(self.body))))
        return fields

    def pieces(self) -> list[bytes]:
        """The body as it is sent: whole, or in chunks of uneven lengths."""
        if not self.is_chunked:
            return [self.body] if self.body else []
        third = len(self.body) // 3 or 1
        return [piece for piece in (self.body[:third], self.body[third : third + 1], self.body[third + 1 :]) if piece]


@dataclass(frozen=True)
class Answer:
    """A response as a client sees it."""

    status: int
    reason: str
    headers: list[Header]
    body: bytes

    def header(self, name: str) -> str | None:
        found = self.all(name)
        return found[0] if found else None

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]


Door = Callable[[Any, Ask], Answer]


def send(method: str, target: str, body: bytes = b"", **headers: str) -> Ask:
    """A request; ``content_type="a/b"`` is the field ``Content-Type``."""
    return Ask(method, target, tuple((name.replace("_", "-").title(), value) for name, value in headers.items()), body)


def deviates(ask: Ask, status: int) -> Ask:
    """A request that hipflask refuses with *status* and Flask does not: a deviation of docs/compatibility.md."""
    return replace(ask, own_status=status)


def chunked(ask: Ask) -> Ask:
    """The same request, its body in chunks."""
    return replace(ask, is_chunked=True)


def get(target: str, **headers: str) -> Ask:
    return send("GET", target, **headers)


def post(target: str, body: bytes | str = b"", **headers: str) -> Ask:
    return send("POST", target, body.encode() if isinstance(body, str) else body, **headers)


def send_form(target: str, fields: Mapping[str, str] | Sequence[tuple[str, str]], method: str = "POST") -> Ask:
    body = urlencode(fields).encode()
    return send(method, target, body, content_type="application/x-www-form-urlencoded")


def send_json(target: str, value: Any, method: str = "POST") -> Ask:
    return send(method, target, json_module.dumps(value).encode(), content_type="application/json")


def multipart(target: str, *parts: tuple[str, bytes], boundary: str = "bound") -> Ask:
    """A multipart form; each part is its header lines (joined by CRLF) and its content."""
    body = b"".join(
        b"--%s\r\n%s\r\n\r\n%s\r\n" % (boundary.encode(), head.encode(), content) for head, content in parts
    )
    body += b"--%s--\r\n" % boundary.encode()
    return post(target, body, content_type=f"multipart/form-data; boundary={boundary}")


@dataclass
class Conversation:
    """Requests of one client through one door: cookies are kept, and ``{etag}`` in a field is the last answer's."""

    door: Door
    app: Any
    cookies: dict[str, str] = field(default_factory=dict)
    last: Answer | None = None

    def send(self, ask: Ask) -> Answer:
        fields = [(name, self._fill(value)) for name, value in ask.headers]
        if self.cookies and not any(name.lower() == "cookie" for name, _ in fields):
            fields.append(("Cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items())))
        answer = self.door(self.app, replace(ask, headers=tuple(fields)))
        for cookie in answer.all("Set-Cookie"):
            self._keep(cookie)
        self.last = answer
        return answer

    def _fill(self, value: str) -> str:
        if self.last is None or "{" not in value:
            return value
        return value.replace("{etag}", self.last.header("ETag") or "")

    def _keep(self, cookie: str) -> None:
        pair, _, attributes = cookie.partition(";")
        name, _, value = pair.partition("=")
        if "Max-Age=0" in attributes:
            self.cookies.pop(name, None)
        else:
            self.cookies[name] = value


def comparable(answer: Answer) -> dict[str, Any]:
    """Return what must be the same through every door and in Flask.

    The paragraphs of a page about an error or redirect are a framework's own words: of such a page, title and heading
    are compared, and not its length. Of a session's cookie, the signature and its date are left out; of a date in a
    cookie, all but its distance from now in hours; of ``Allow``, the order. ``Content-Length: 0`` may be a server's way
    to end an empty stream.
    """
    page = _error_page(answer.body)
    # The page that a HEAD does not show has a length of its own, too.
    is_length_told = not page and (answer.body or answer.status < 300)
    left_out = OF_THE_CONNECTION if is_length_told else OF_THE_CONNECTION | {"content-length"}
    headers = sorted(
        (name.lower(), _STABLE.get(name.lower(), str)(value))
        for name, value in answer.headers
        if name.lower() not in left_out and (name.lower(), value) != ("content-length", "0")
    )
    return {"status": answer.status, "reason": answer.reason, "headers": headers, "body": page or answer.body}


def _error_page(body: bytes) -> tuple[bytes, ...]:
    found = re.match(rb"<!doctype html>\n<html lang=en>\n<title>(.*?)</title>\n<h1>(.*?)</h1>\n<p>", body)
    return () if found is None else found.groups()


def _stable_cookie(value: str) -> str:
    value = re.sub(r"^((?:session|own)=[^;]+)\.[^.;]+\.[^.;]+(?=;)", r"\1", value)
    return re.sub(r"(?<=Expires=)[^;]+", lambda found: _hours_from_now(found[0]), value)


def _in_order(value: str) -> str:
    return ", ".join(sorted(value.split(", ")))


# A set of methods has an order of its own in each process.
_STABLE: dict[str, Callable[[str], str]] = {"set-cookie": _stable_cookie, "allow": _in_order}


def _hours_from_now(date: str) -> str:
    when = parsedate_to_datetime(date)
    return date if when.year < 2000 else f"{round((when - datetime.now(UTC)).total_seconds() / 3600)} hours"
