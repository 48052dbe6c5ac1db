from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipflask.server.dechunking import DechunkedInput


@pytest.mark.parametrize(
    ("data", "body", "rest"),
    [
        (b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\nrest", b"abcde", b"rest"),
        (b"0\r\n\r\n", b"", b""),
        (b"3\nabc\n0\n\n", b"abc", b""),
        (b" 3 \r\nabc\r\n0\r\n\r\n", b"abc", b""),
        (b"3;a=b\r\nabc\r\n0\r\n\r\n", b"abc", b""),
        (b"3\r\nabc\r\n0\r\nA: b\r\n\r\nz", b"abc", b"z"),
    ],
)
def test_chunks_are_joined(data: bytes, body: bytes, rest: bytes) -> None:
    file = io.BytesIO(data)
    stream = DechunkedInput(file)
    assert stream.readable()
    assert stream.read() == body
    assert stream.read(1) == b""
    assert file.read() == rest


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"zz\r\n",
        b"-1\r\n",
        b"0x3\r\nabc\r\n",
        b"3\r\nabcX",
        b"3\r\nab",
        b"3\r\nabc\r\n",
        b"3\r\nabc\r\n0\r\n",
        b"0\r\nA: b",
        b"0\r\n" + b"A: b\r\n" * 101 + b"\r\n",
        b"1" * 17,
    ],
)
def test_what_is_malformed_is_an_oserror(data: bytes) -> None:
    with pytest.raises(OSError, match=r"chunk"):
        DechunkedInput(io.BytesIO(data)).read()


def test_size_of_a_chunk_is_read() -> None:
    assert DechunkedInput(io.BytesIO(b"1a \r\n")).read_chunk_len() == 26


@given(st.lists(st.binary(min_size=1, max_size=50)), st.integers(1, 70))
def test_any_buffer_gets_the_same(chunks: list[bytes], size: int) -> None:
    data = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    stream = DechunkedInput(io.BytesIO(data))
    buffer, found = bytearray(size), b""
    while count := stream.readinto(buffer):
        found += buffer[:count]
    assert found == b"".join(chunks)


def test_werkzeug_reads_the_same() -> None:
    serving = pytest.importorskip("werkzeug.serving")
    for data in (b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", b"3\nabc\n0\n\n", b" 3 \r\nabc\r\n0\r\n\r\n"):
        assert serving.DechunkedInput(io.BytesIO(data)).read() == DechunkedInput(io.BytesIO(data)).read()
