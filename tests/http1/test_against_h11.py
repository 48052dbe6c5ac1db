"""The protocol crate and h11 read the same requests in the same way.

The crate is stricter: what it refuses, h11 may accept. What it accepts, h11 must read alike: the same
requests, bodies and ends, byte for byte. Both are also given conversations that are good by construction, and
then neither may refuse anything.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

h11 = pytest.importorskip("h11")
CRATE = Path(__file__).parents[2] / "rust" / "http1"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("cargo") is None, reason="the crate is built with cargo"),
    pytest.mark.skipif(not CRATE.is_dir(), reason="the crate's sources are not here"),
]

Request = tuple[str, str, tuple[tuple[str, str], ...], str, bool]
"""Method, target, fields in lower case, body, whether it was complete."""

FUZZ = settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Events:
    """The crate's ``events`` example: a conversation in, its events out."""

    def __init__(self, program: Path) -> None:
        self._process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, data: bytes) -> list[dict[str, Any]]:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(data.hex() + "\n")
        self._process.stdin.flush()
        events: list[dict[str, Any]] = json.loads(self._process.stdout.readline())
        return events

    def close(self) -> None:
        self._process.communicate(timeout=10)


@pytest.fixture(scope="module")
def events() -> Iterator[Events]:
    command = ["cargo", "build", "--quiet", "--locked", "--package", "hipflask-http1", "--example", "events"]
    manifest = ["--manifest-path", str(CRATE / "Cargo.toml"), "--message-format", "json"]
    built = subprocess.run([*command, *manifest], check=True, stdout=subprocess.PIPE, text=True, timeout=600)
    messages = map(json.loads, built.stdout.splitlines())
    (program,) = {Path(message["executable"]) for message in messages if message.get("executable")}
    events = Events(program)
    yield events
    events.close()


def read_by_crate(events: Events, data: bytes) -> tuple[list[Request], int]:
    """Return the requests that the crate reads, and the status with which it refuses what follows, or 0."""
    requests: list[Request] = []
    is_last = False
    for event in events(data):
        match event["event"]:
            case "request":
                fields = tuple((name.lower(), value) for name, value in event["fields"])
                requests.append((event["method"], event["target"], fields, "", False))
                is_last = event["minor_version"] == 0  # h11 does not keep connections of HTTP/1.0
            case "body":
                requests[-1] = (*requests[-1][:3], event["data"], False)
            case "end":
                requests[-1] = (*requests[-1][:4], True)
                if is_last:
                    return requests, 0
            case "refusal" if event["kind"] not in {"IncompleteHead", "IncompleteBody"}:
                return requests, event["status"]
    return requests, 0


def read_by_h11(data: bytes) -> tuple[list[Request], bool]:
    """Return the requests that h11 reads, each answered when it is complete, and whether it refused something."""
    requests: list[Request] = []
    while True:
        # h11 does not ignore an empty line before a request, as RFC 9112, 2.2 asks.
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=40_000)
        connection.receive_data(data.removeprefix(b"\r\n"))
        try:
            is_whole = read_one(connection, requests)
        except h11.RemoteProtocolError:
            return requests, True
        if not is_whole:
            return requests, False
        connection.send(h11.Response(status_code=200, headers=[("content-length", "0")]))
        connection.send(h11.EndOfMessage())
        if connection.our_state is not h11.DONE:
            return requests, False
        data, _ = connection.trailing_data


def read_one(connection: Any, requests: list[Request]) -> bool:
    """Have h11 read one request and add it to the others, as far as it is there; true if all of it is."""
    while True:
        match event := connection.next_event():
            case h11.Request():
                fields = tuple((name.decode(), value.decode("latin-1")) for name, value in event.headers)
                requests.append((event.method.decode(), event.target.decode("latin-1"), fields, "", False))
            case h11.Data():
                before = requests[-1]
                requests[-1] = (*before[:3], before[3] + bytes(event.data).decode("latin-1"), False)
            case h11.EndOfMessage():
                requests[-1] = (*requests[-1][:4], True)
                return True
            case _:
                return False


def without_dropped(requests: list[Request]) -> list[Request]:
    """Leave out the fields that the crate drops on purpose."""
    return [
        (method, target, tuple(f for f in fields if "_" not in f[0] and f[0] != "proxy"), body, is_whole)
        for method, target, fields, body, is_whole in requests
    ]


def as_read_by_both(requests: list[Request]) -> list[Request]:
    """Even out how h11 shows lists: it writes ``chunked`` in lower case."""
    return [
        (method, target, tuple((n, v.lower() if n == "transfer-encoding" else v) for n, v in fields), body, is_whole)
        for method, target, fields, body, is_whole in requests
    ]


def is_beyond_h11(requests: list[Request]) -> bool:
    """Tell whether h11 refuses by design what the crate takes by design."""
    # h11 allows visible ASCII only in targets.
    return any(re.search("[^!-~]", target) for _, target, *_ in requests)


# --- conversations that are good by construction

TOKEN = st.text("abcXYZ019!#$%&'*+.^`|~-", min_size=1, max_size=8)
VALUE = st.text('abcXYZ 09\t,;="()/\xe4\xff', max_size=12).map(lambda text: text.strip(" \t"))
RESERVED = {"host", "content-length", "transfer-encoding", "connection", "expect", "content-type", "upgrade", "proxy"}
FIELD = st.tuples(TOKEN.filter(lambda name: name.lower() not in RESERVED), VALUE)
BODY = st.binary(max_size=40)


@st.composite
def good_requests(draw: st.DrawFn) -> bytes:
    """One request as a strict reader must take it."""
    method = draw(st.sampled_from(["GET", "HEAD", "POST", "PUT", "QUERY", "DELETE"]))
    target = draw(st.sampled_from(["/", "/a/b?c=d", "/%e4?a?b", "http://other:80/x", "/" + "y" * 300]))
    fields = [("Host", draw(st.sampled_from(["localhost", "h:8000", "[::1]", "127.0.0.1:1"])))]
    fields += draw(st.lists(FIELD, max_size=5))
    data = b""
    match draw(st.sampled_from(["none", "length", "chunked"])):
        case "length":
            data = draw(BODY)
            fields.append(("Content-Length", str(len(data)).zfill(draw(st.integers(1, 5)))))
        case "chunked":
            fields.append(("Transfer-Encoding", draw(st.sampled_from(["chunked", "Chunked"]))))
            for piece in draw(st.lists(st.binary(min_size=1, max_size=20), max_size=4)):
                data += b"%x%s\r\n%s\r\n" % (len(piece), draw(st.sampled_from([b"", b";a", b';a="b"'])), piece)
            data += b"0\r\n" + draw(st.sampled_from([b"", b"X: y\r\n"])) + b"\r\n"
    fields = draw(st.permutations(fields))
    head = f"{method} {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields) + "\r\n"
    return head.encode("latin-1") + data


@given(st.lists(good_requests(), min_size=1, max_size=3))
@FUZZ
def test_good_conversation_is_read_alike(events: Events, conversation: list[bytes]) -> None:
    data = b"".join(conversation)
    ours, status = read_by_crate(events, data)
    theirs, is_refused = read_by_h11(data)
    assert (status, is_refused) == (0, False)
    assert len(ours) == len(conversation) and all(request[4] for request in ours)
    assert as_read_by_both(ours) == as_read_by_both(theirs)


# --- conversations with errors

NOISE = st.sampled_from(
    [b"\r", b"\n", b"\r\n", b" ", b"\t", b":", b",", b";", b"0", b"_", b"\0", b"\x7f", b"\xff", b"#", b"-"]
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A conversation with up to three bytes changed, put in or taken out."""
    data = b"".join(draw(st.lists(good_requests(), min_size=1, max_size=2)))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data)))
        data = data[:at] + draw(NOISE | st.binary(max_size=1)) + data[at + draw(st.integers(0, 1)) :]
    return data


SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: h\r\n"


@given(damaged())
@example(POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED)
@example(POST + b"Content-Length: 5\r\nContent-Length: 0\r\n\r\n" + SMUGGLED)
@example(POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\nXX" + SMUGGLED)
@example(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + SMUGGLED)
@example(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n" + SMUGGLED)
@example(b"\r\n\r\n" + SMUGGLED)
@FUZZ
def test_what_the_crate_takes_is_read_alike(events: Events, data: bytes) -> None:
    ours, _ = read_by_crate(events, data)
    if is_beyond_h11(ours):
        return
    theirs, _ = read_by_h11(data)
    complete = [request for request in ours if request[4]]
    assert as_read_by_both(complete) == without_dropped(as_read_by_both(theirs))[: len(complete)]
