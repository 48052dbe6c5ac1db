from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipflask.server.arrival import Arrival, BodyArrival
from hipflask.server.limits import Limits
from hipflask.server.parser import RequestHead

LIMITS = Limits(max_collected_bytes=100, max_body_bytes=1000)
PENDING, COMPLETE, STREAMED = Arrival.PENDING, Arrival.COMPLETE, Arrival.STREAMED


def head_of(length: int | None = None, *, is_chunked: bool = False, expects_continue: bool = False) -> RequestHead:
    head = RequestHead("POST", "/", 1)
    head.content_length = length
    head.is_chunked = is_chunked
    head.expects_continue = expects_continue
    return head


@pytest.mark.parametrize(
    ("head", "data", "arrived"),
    [
        pytest.param(head_of(), b"", COMPLETE, id="none"),
        pytest.param(head_of(5), b"1234", PENDING, id="short"),
        pytest.param(head_of(5), b"12345", COMPLETE, id="whole"),
        pytest.param(head_of(5), b"12345GET", COMPLETE, id="pipelined"),
        pytest.param(head_of(100), b"1" * 99, PENDING, id="edge"),
        pytest.param(head_of(101), b"1" * 99, PENDING, id="long-begun"),
        pytest.param(head_of(101), b"1" * 100, STREAMED, id="long"),
        pytest.param(head_of(5, expects_continue=True), b"", STREAMED, id="waits-to-be-asked"),
        pytest.param(head_of(5, expects_continue=True), b"1", PENDING, id="has-not-waited"),
        pytest.param(head_of(0, expects_continue=True), b"", COMPLETE, id="nothing-to-ask-for"),
        pytest.param(head_of(is_chunked=True, expects_continue=True), b"", STREAMED, id="chunks-to-be-asked-for"),
        pytest.param(head_of(is_chunked=True), b"", PENDING, id="chunks-none"),
        pytest.param(head_of(is_chunked=True), b"3", PENDING, id="chunks-line"),
        pytest.param(head_of(is_chunked=True), b"3\r\nab", PENDING, id="chunks-data"),
        pytest.param(head_of(is_chunked=True), b"3\r\nabc\r", PENDING, id="chunks-half-end"),
        pytest.param(head_of(is_chunked=True), b"3\r\nabc\r\n0\r\n", PENDING, id="chunks-no-end"),
        pytest.param(head_of(is_chunked=True), b"3\r\nabc\r\n0\r\n\r\n", COMPLETE, id="chunks"),
        pytest.param(head_of(is_chunked=True), b"3;a=b\r\nabc\r\n0\r\nA: b\r\n\r\n", COMPLETE, id="chunks-trailer"),
        pytest.param(head_of(is_chunked=True), b"3\r\nabc\r\n0\r\nA: b\r\n", PENDING, id="chunks-trailer-open"),
        pytest.param(head_of(is_chunked=True), b"3e8\r\n" + b"a" * 95, STREAMED, id="chunks-long"),
        # What reading refuses needs nobody's waiting.
        pytest.param(head_of(is_chunked=True), b"3e9\r\n", COMPLETE, id="chunk-too-large"),
        pytest.param(head_of(is_chunked=True), b"x\r\n", COMPLETE, id="bad-size"),
        pytest.param(head_of(is_chunked=True), b"\n", COMPLETE, id="bare-lf"),
        pytest.param(head_of(is_chunked=True), b"3\nabc", COMPLETE, id="bare-lf-after-size"),
        pytest.param(head_of(is_chunked=True), b"3\r\nabcd", COMPLETE, id="data-too-long"),
        pytest.param(head_of(is_chunked=True), b"0\r\nno trailer\r\n", COMPLETE, id="bad-trailer"),
    ],
)
def test_arrival_is_found(head: RequestHead, data: bytes, arrived: Arrival) -> None:
    assert BodyArrival(head, LIMITS).look(bytearray(data)) is arrived
    # Byte by byte it is found too, and nothing is taken from the buffer.
    arrival, buffer, found = BodyArrival(head, LIMITS), bytearray(), PENDING
    if not (head.expects_continue and data):
        found = arrival.look(buffer)
    for byte in data:
        if found is PENDING:
            buffer.append(byte)
            found = arrival.look(buffer)
    assert found is arrived
    assert data.startswith(buffer)


def test_endless_chunk_line_is_left_to_the_reader() -> None:
    limits = Limits(max_collected_bytes=1_000_000)
    arrival = BodyArrival(head_of(is_chunked=True), limits)
    assert arrival.look(bytearray(b"1;" + b"a" * 16_000)) is PENDING
    assert arrival.look(bytearray(b"1;" + b"a" * 17_000)) is COMPLETE


def test_long_body_is_known_by_its_length() -> None:
    assert not BodyArrival(head_of(100), LIMITS).is_long
    assert BodyArrival(head_of(101), LIMITS).is_long
    assert not BodyArrival(head_of(is_chunked=True), LIMITS).is_long


@given(st.lists(st.binary(min_size=1, max_size=30), max_size=5), st.binary(max_size=20), st.data())
def test_chunks_are_complete_at_their_end_only(chunks: list[bytes], rest: bytes, data: st.DataObject) -> None:
    limits = Limits(max_collected_bytes=1_000)
    body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    cut = data.draw(st.integers(0, len(body) - 1))
    arrival = BodyArrival(head_of(is_chunked=True), limits)
    assert arrival.look(bytearray(body[:cut])) is PENDING
    assert arrival.look(bytearray(body + rest)) is COMPLETE
