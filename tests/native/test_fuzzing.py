"""Whatever arrives: the server answers in HTTP or closes, and goes on serving."""

from __future__ import annotations

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
PIECES = st.one_of(
    st.sampled_from(GOOD),
    st.sampled_from(
        [b"\r\n", b"\n", b"\0", b" ", b":", b"Host: b\r\n", b"Content-Length: 3\r\n", b"HTTP/1.1", b"0\r\n\r\n"]
    ),
    st.binary(max_size=20),
)


@pytest.fixture(scope="module")
def serving() -> Iterator[Serving]:
    app = hipflask.Flask(__name__)
    app.add_url_rule("/", view_func=lambda: request.data, methods=["GET", "POST"])
    limits = native.NativeSettings(linger_timeout_seconds=0.2)
    found = Serving(app, limits)
    yield found
    found.close()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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
    assert not received or received.startswith(b"HTTP/1.1 ")
    assert serving.get("/")[0].startswith(b"HTTP/1.1 200 ")
