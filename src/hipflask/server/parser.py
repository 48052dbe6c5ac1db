"""From bytes to a request head: HTTP/1.1, strict.

Whatever two HTTP implementations could read in two ways is refused here, for that is how requests are
smuggled past a proxy (RFC 9112, 11.2): a line feed without its carriage return, white space around a field
name, a second ``Content-Length``, a ``Transfer-Encoding`` beside it, and their like. Only bytes come in and
only a `RequestHead` or a `HeadError` goes out; sockets and time are not known here.
"""

from __future__ import annotations

import re
from ipaddress import IPv6Address

from hipflask.server.limits import Limits

__all__ = ["HeadError", "RequestHead", "is_valid_host", "peek_head", "take_head"]

_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110, 5.6.2
_NOT_IN_VALUE = re.compile(rb"[^\t\x20-\x7e\x80-\xff\r\n]")  # RFC 9110, 5.5
# Raw non-ASCII bytes are let through, as Flask's server does: people type them into simple clients.
_TARGET = re.compile(rb"[!-\"$-~\x80-\xff]+")
_VERSION = re.compile(rb"HTTP/[0-9]\.[0-9]")
_BARE = re.compile(rb"(?<!\r)\n|\r(?=[^\n])")
_HOST = re.compile(r"(?:[A-Za-z0-9_~-]+(?:\.[A-Za-z0-9_~-]+)*\.?|\[([0-9A-Fa-f:.]{2,45})\])(?::([0-9]{0,5}))?")
_DIGITS = re.compile(r"[0-9]{1,19}")  # 19 digits are more bytes than any disk has

#: Fields of which a second one would leave open which of the two is meant.
_SINGLE = frozenset({"host", "content-length", "content-type"})
#: ``Proxy`` would become HTTP_PROXY, which some clients take for the outgoing proxy's address
#: (CVE-2016-5385).
_DROPPED = frozenset({"proxy"})
_BLANK = b"\r\n"


class HeadError(Exception):
    """A request head that is refused; the connection is closed after the answer.

    Args:
        status: The status code of the answer.
        reason: What is wrong, for the log; never what the client sent.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class RequestHead:
    """One request line with its header fields, checked.

    Attributes:
        method: As sent, e.g. ``"GET"``.
        target: The request target as sent (latin-1).
        path: The target's path, still percent-encoded.
        query: The target's query without its question mark.
        minor_version: 1 for HTTP/1.1, 0 for HTTP/1.0.
        fields: Names and values (latin-1) in the order sent; names with an underscore are left out.
        host: The authority that the request is for: the target's, else the Host field's; "" if there is none.
        content_length: The body's length in bytes, ``None`` if no length was sent.
        is_chunked: The body is sent in chunks.
        expects_continue: The client waits for an interim answer before it sends the body.
        is_keep_alive: The client wants to send another request.
    """

    __slots__ = (
        "content_length",
        "expects_continue",
        "fields",
        "host",
        "is_chunked",
        "is_keep_alive",
        "method",
        "minor_version",
        "path",
        "query",
        "target",
    )

    def __init__(self, method: str, target: str, minor_version: int) -> None:
        self.method = method
        self.target = target
        self.minor_version = minor_version
        self.path = ""
        self.query = ""
        self.host = ""
        self.fields: list[tuple[str, str]] = []
        self.content_length: int | None = None
        self.is_chunked = False
        self.expects_continue = False
        self.is_keep_alive = minor_version == 1

    @property
    def request_line(self) -> str:
        """The request line as sent, without its line end."""
        return f"{self.method} {self.target} HTTP/1.{self.minor_version}"


def take_head(buffer: bytearray, scanned: int, limits: Limits) -> tuple[RequestHead | None, int]:
    """Take one complete head from the front of a buffer.

    Args:
        buffer: What has arrived; a complete head is removed from it.
        scanned: The number of bytes that an earlier call has looked at already, so that a head that arrives
            byte by byte is not read again and again.
        limits: Sizes.

    Returns:
        The head, or ``None`` if more bytes are needed; and the number of bytes to give as *scanned* next
        time.

    Raises:
        HeadError: The bytes are not the beginning of a request that this server accepts.
    """
    if scanned == 0 and buffer.startswith(_BLANK):
        del buffer[:2]  # one empty line before a request is ignored (RFC 9112, 2.2)
        scanned = -1  # a second one is not
    start = max(scanned - 3, 0)
    end = buffer.find(b"\r\n\r\n", start, limits.max_head_bytes)
    if end < 0:
        _check_unfinished(buffer, start, limits)
        return None, scanned if len(buffer) < 2 else len(buffer)
    block = bytes(buffer[:end])
    del buffer[: end + 4]
    return _parse(block, limits), 0


def peek_head(buffer: bytearray, scanned: int, limits: Limits) -> tuple[RequestHead | None, int]:
    """Take one head as `take_head` does, but leave the buffer as it is if there is no good one.

    Returns:
        As `take_head`; ``None`` for a bad head too.
    """
    before = bytes(buffer)
    try:
        head, scanned = take_head(buffer, scanned, limits)
    except HeadError:
        head = None
    if head is None:
        buffer[:] = before
        return None, 0
    return head, scanned


def _check_unfinished(buffer: bytearray, start: int, limits: Limits) -> None:
    """Refuse the beginning of a head as soon as it cannot become a good one."""
    if buffer and not _TOKEN.match(buffer) and buffer != b"\r":
        raise HeadError(400, "not an HTTP request")
    if _BARE.search(buffer, start):
        raise HeadError(400, "line end other than CR LF")
    size = len(buffer)
    if size <= limits.max_target_bytes:
        return
    first = buffer.find(_BLANK, 0, limits.max_target_bytes + 64)
    if first < 0 and size > limits.max_target_bytes + 64:
        raise HeadError(414, "request target too long")
    if size >= limits.max_head_bytes:
        raise HeadError(431, "header fields too large")


def _parse(block: bytes, limits: Limits) -> RequestHead:
    """Parse a complete head, without its last two line ends."""
    if _BARE.search(block) or block.endswith(b"\r"):
        raise HeadError(400, "line end other than CR LF")
    if _NOT_IN_VALUE.search(block):
        raise HeadError(400, "control character")
    first, *lines = block.split(_BLANK)
    head = _parse_request_line(first, limits)
    if len(lines) > limits.max_fields:
        raise HeadError(431, "too many header fields")
    fields = head.fields
    seen: set[str] = set()
    for line in lines:
        if len(line) > limits.max_field_bytes:
            raise HeadError(431, "header field too large")
        name, colon, value = line.partition(b":")
        if not colon or not _TOKEN.fullmatch(name):
            raise HeadError(400, "malformed header field")
        text = name.decode("ascii")
        lower = text.lower()
        if lower in _SINGLE:
            if lower in seen:
                raise HeadError(400, f"second {lower} field")
            seen.add(lower)
        # An underscore would meet the hyphen in CGI's names: X_Forwarded_For must not pass for
        # X-Forwarded-For.
        if "_" not in text and lower not in _DROPPED:
            fields.append((text, value.strip(b" \t").decode("latin-1")))
    _apply_fields(head, limits)
    return head


def _parse_request_line(line: bytes, limits: Limits) -> RequestHead:
    """Parse the first line; a target that is too long is found first, so that it is answered as such."""
    parts = line.split(b" ")
    if len(parts) > 1 and len(parts[1]) > limits.max_target_bytes:
        raise HeadError(414, "request target too long")
    if len(parts) != 3 or not _TOKEN.fullmatch(parts[0]):
        raise HeadError(400, "malformed request line")
    method, target, version = parts
    if not _VERSION.fullmatch(version):
        raise HeadError(400, "malformed HTTP version")
    if version not in {b"HTTP/1.1", b"HTTP/1.0"}:
        raise HeadError(505, "HTTP version other than 1.0 and 1.1")
    if not _TARGET.fullmatch(target):
        raise HeadError(400, "malformed request target")
    head = RequestHead(method.decode("ascii"), target.decode("latin-1"), int(version[-1:]))
    _split_target(head)
    return head


def _split_target(head: RequestHead) -> None:
    """Set path, query and, for the absolute form, host (RFC 9112, 3.2)."""
    target = head.target
    if head.method == "CONNECT":
        raise HeadError(501, "CONNECT is for proxies")
    if target == "*" and head.method == "OPTIONS":
        head.path = "*"
        return
    if not target.startswith("/"):
        scheme, separator, rest = target.partition("://")
        if not separator or scheme.lower() not in {"http", "https"}:
            raise HeadError(400, "request target of a wrong form")
        end = min((at for at in (rest.find("/"), rest.find("?")) if at >= 0), default=len(rest))
        head.host, target = rest[:end], rest[end:]
        if not is_valid_host(head.host):
            raise HeadError(400, "invalid host in the request target")
        if not target.startswith("/"):
            target = "/" + target
    head.path, _, head.query = target.partition("?")


def _apply_fields(head: RequestHead, limits: Limits) -> None:
    """Read the fields that say where the request goes and where it ends."""
    codings: list[str] = []
    options: list[str] = []
    length: str | None = None
    host: str | None = None
    for name, value in head.fields:
        lower = name.lower()
        if lower == "host":
            host = value
        elif lower == "content-length":
            length = value
        elif lower == "transfer-encoding":
            codings.append(value)
        elif lower == "connection":
            options.extend(option.strip(" \t").lower() for option in value.split(","))
        elif lower == "expect" and head.minor_version:
            head.expects_continue = value.lower() == "100-continue"
    # "close" wins over everything else (RFC 9112, 9.3).
    head.is_keep_alive = "close" not in options and (head.is_keep_alive or "keep-alive" in options)
    _apply_host(head, host)
    if codings:
        _apply_transfer_encoding(head, codings, length)
    elif length is not None:
        _apply_content_length(head, length, limits)


def _apply_host(head: RequestHead, host: str | None) -> None:
    """Check the Host field; a host in the target is the stronger one (RFC 9112, 3.2.2)."""
    if host is None:
        if head.minor_version:
            raise HeadError(400, "no host field")
        return
    if not is_valid_host(host):
        raise HeadError(400, "invalid host field")
    head.host = head.host or host


def _apply_transfer_encoding(head: RequestHead, codings: list[str], length: str | None) -> None:
    """Accept ``chunked`` alone (RFC 9112, 6.1)."""
    if not head.minor_version:
        raise HeadError(400, "transfer-encoding in HTTP/1.0")
    if length is not None:
        raise HeadError(400, "content-length beside transfer-encoding")
    names = [name.strip(" \t").lower() for name in ",".join(codings).split(",")]
    if names == ["chunked"]:
        head.is_chunked = True
    elif "" in names or "chunked" in names[:-1] or names[-1] != "chunked":
        raise HeadError(400, "transfer-encoding that does not end a message")
    else:
        raise HeadError(501, "transfer-encoding other than chunked")


def _apply_content_length(head: RequestHead, value: str, limits: Limits) -> None:
    """Accept ASCII digits only: Python's int() takes signs, underscores and other scripts' digits too."""
    if not _DIGITS.fullmatch(value):
        raise HeadError(400, "invalid content-length")
    head.content_length = int(value)
    if head.content_length > limits.max_body_bytes:
        raise HeadError(413, "body longer than the server's limit")


def is_valid_host(value: str) -> bool:
    """Tell whether a text is a host name or address with an optional port.

    Stricter than RFC 3986, 3.2.2: the characters that it allows beyond letters, digits, ``-``, ``.``, ``_``
    and ``~`` occur in attacks only.
    """
    found = _HOST.fullmatch(value)
    if found is None or len(value) > 261:  # 255 bytes of a name, a colon, a port
        return False
    address, port = found.groups()
    if port and int(port) > 65535:
        return False
    return address is None or _is_ipv6(address)


def _is_ipv6(address: str) -> bool:
    """Tell whether the text between brackets is an IPv6 address."""
    try:
        IPv6Address(address)
    except ValueError:
        return False
    return True
