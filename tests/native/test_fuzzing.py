"""Whatever arrives: the server answers in HTTP or closes, and goes on serving."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import hipflask
from hipflask import request
from hipflask.server import native
from tests.native.conftest import Serving, receive_all

GOOD = [
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"HEAD / HTTP/1.0\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
]
STARTS = st.sampled_from(
    [
        *(b"POST / HTTP/1.1\r\nHost: a\r\n", b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"),
        *(
            b"PUT /x HTTP/1.1\r\nHost: a\r\n",
            b"GET http://a/ HTTP/1.1\r\nHost: a\r\n",
            b"GET / HTTP/2.0\r\nHost: a\r\n",
        ),
        *(b"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n", b"GET /%00 HTTP/1.1\r\nHost: a\r\n", b"GET / HTTP/1.0\r\n"),
    ]
)
FIELDS = st.sampled_from(
    [
        *(b"Content-Length: 5\r\n", b"Content-Length: 0\r\n", b"Content-Length: +5\r\n", b"Connection: close\r\n"),
        *(b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: gzip\r\n", b"Expect: 100-continue\r\n"),
        *(
            b"Upgrade: x\r\nConnection: upgrade\r\n",
            b"X Y: z\r\n",
            b" folded\r\n",
            b"A: \0\r\n",
            b"Host: b\r\n",
            b"A: b\n",
        ),
    ]
)
BODIES = st.sampled_from(
    [
        *(
            b"hello",
            b"hell",
            b"5\r\nhello\r\n0\r\n\r\n",
            b"5\r\nhello\r\n",
            b"5\r\nhello",
            b"5;a=b\r\nhello\r\n0\r\n\r\n",
        ),
        *(
            b"",
            b"x\r\n",
            b"5\r\nhelloo\r\n",
            b"-1\r\n",
            b"0\r\nA: b\r\n\r\n",
            b"0\r\nA\r\n\r\n",
            b"ffffffffffffffff\r\n",
        ),
    ]
)
DAMAGED = st.builds(
    lambda start, fields, body: start + b"".join(fields) + b"\r\n" + body, STARTS, st.lists(FIELDS, max_size=3), BODIES
)
PIECES = st.one_of(
    st.sampled_from(GOOD),
    DAMAGED,
    st.sampled_from(
        [b"\r\n", b"\n", b"\0", b" ", b":", b"Host: b\r\n", b"Content-Length: 3\r\n", b"HTTP/1.1", b"0\r\n\r\n"]
    ),
    st.binary(max_size=20),
)
ANSWER_RE = re.compile(rb"HTTP/1\.1 ([1-5][0-9]{2}) [^\r\n\0]*\r\n((?:[\w-]+: [^\r\n\0]*\r\n)*)\r\n", re.A)
LENGTH_RE = re.compile(rb"^content-length: ([0-9]+)\r$", re.I | re.M)


def statuses_of(received: bytes) -> list[int]:
    """Return the status of each answer; nothing but whole ones may have been sent."""
    found = []
    while received:
        answer = ANSWER_RE.match(received)
        assert answer is not None, received
        found.append(int(answer[1]))
        received = received[answer.end() :]
        length = LENGTH_RE.search(answer[2])
        assert (length is not None) is (found[-1] not in {100, 204}), answer[0]
        if length is not None:
            size = int(length[1])
            assert len(received) >= size or (found[-1] >= 400 and not received), answer[0]  # one to HEAD has no body
            received = received[size:]
    return found


@pytest.fixture(scope="module")
def serving() -> Iterator[Serving]:
    app = hipflask.Flask(__name__)
    app.add_url_rule("/", view_func=lambda: request.data, methods=["GET", "POST"])
    limits = native.NativeSettings(linger_timeout_seconds=0.2)
    found = Serving(app, limits)
    yield found
    found.close()


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=st.lists(PIECES, max_size=6), cuts=st.lists(st.integers(0, 300), max_size=4))
def test_any_input_is_answered_in_http_or_not_at_all(serving: Serving, pieces: list[bytes], cuts: list[int]) -> None:
    data = b"".join(pieces)
    with serving.connect() as connection:
        received = b""
        try:
            start = 0
            for cut in [*sorted(cuts), len(data)]:
                connection.sendall(data[start:cut])
                start = max(start, cut)
            connection.shutdown(socket.SHUT_WR)
            received = receive_all(connection)
        except OSError:
            pass  # it was closed meanwhile, which is an answer too
    statuses = statuses_of(received)
    assert not {500, 503}.intersection(statuses), received
    assert len(statuses) <= 2 * data.count(b"HTTP/") + 1  # an interim one and a final one for each, and a refusal
    assert serving.get("/")[0].startswith(b"HTTP/1.1 200 ")
