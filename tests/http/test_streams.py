"""LimitedStream: a body that is whole, too short or too long."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipflask.http.exceptions import ClientDisconnected, RequestEntityTooLarge
from hipflask.http.streams import CappedStream, LimitedStream

OPERATIONS = {
    "read": lambda s: s.read(),
    "read-none": lambda s: s.read(None),
    "readall": lambda s: s.readall(),
    "read-small": lambda s: b"".join(iter(lambda: s.read(2), b"")),
    "iterate": b"".join,
    "readlines": lambda s: b"".join(s.readlines()),
    "readline-small": lambda s: b"".join(iter(lambda: s.readline(2), b"")),
    "readinto": lambda s: b"".join(iter(lambda: read_into(s), b"")),
}


def read_into(stream):
    buffer = bytearray(3)
    return bytes(buffer[: stream.readinto(buffer)])


class OnlyRead:
    def __init__(self, data):
        self.data = io.BytesIO(data)

    def read(self, size):
        return self.data.read(min(size, 2))


@pytest.fixture(params=[io.BytesIO, OnlyRead], ids=["bytes-io", "only-read"])
def source(request):
    return request.param


@pytest.mark.parametrize("read", OPERATIONS.values(), ids=OPERATIONS)
def test_reading_ends_at_the_limit(source, read):
    stream = LimitedStream(source(b"a\nbc\nrest"), 5)
    assert read(stream) == b"a\nbc\n"
    assert stream.is_exhausted
    assert stream.tell() == 5
    assert read(stream) == b""


@pytest.mark.parametrize("read", OPERATIONS.values(), ids=OPERATIONS)
def test_a_short_body_raises_however_it_is_read(source, read):
    with pytest.raises(ClientDisconnected, match="400"):
        read(LimitedStream(source(b"a\nb"), 5))


@pytest.mark.parametrize("read", OPERATIONS.values(), ids=OPERATIONS)
@pytest.mark.parametrize("limit", [5, 6], ids=["exactly", "less"])
def test_a_body_within_the_maximum_ends_normally(source, read, limit):
    assert read(CappedStream(source(b"a\nbc\n"), limit)) == b"a\nbc\n"


@pytest.mark.parametrize("read", OPERATIONS.values(), ids=OPERATIONS)
@pytest.mark.parametrize("limit", [0, 4], ids=["zero", "some"])
def test_a_body_over_the_maximum_raises_however_it_is_read(source, read, limit):
    with pytest.raises(RequestEntityTooLarge, match="413"):
        read(CappedStream(source(b"a\nbc\n"), limit))


def test_limited_stream_with_a_maximum_is_that_of_werkzeug():
    theirs = pytest.importorskip("werkzeug.wsgi").LimitedStream

    def outcomes(cls, limit):
        stream = cls(io.BytesIO(b"abcdef"), limit, is_max=True)
        for read in (lambda: stream.read(2), stream.read, stream.read, stream.exhaust, lambda: stream.read(1)):
            try:
                yield read()
            except Exception as error:
                yield type(error).__name__

    for limit in range(8):
        assert list(outcomes(LimitedStream, limit)) == list(outcomes(theirs, limit))


def test_reading_nothing_reads_nothing():
    stream = LimitedStream(io.BytesIO(b"abc"), 5)
    assert (stream.read(0), stream.readline(0), stream.readinto(bytearray())) == (b"", b"", 0)
    assert stream.tell() == 0


def test_exhaust_returns_what_is_left():
    stream = CappedStream(io.BytesIO(b"abcdef"), 4)
    assert stream.read(1) == b"a"
    assert stream.exhaust() == b"bcd"
    assert stream.exhaust() == b""


def test_large_bodies_are_read_in_pieces():
    sizes = []

    class Counting(io.BytesIO):
        def read(self, size=-1):
            sizes.append(size)
            return super().read(size)

    assert len(LimitedStream(Counting(bytes(150_000)), 150_000).read()) == 150_000
    assert max(sizes) == 65536


@pytest.mark.parametrize("error", [OSError("reset"), ValueError("closed")], ids=["os", "closed"])
@pytest.mark.parametrize("read", OPERATIONS.values(), ids=OPERATIONS)
def test_an_error_of_the_server_is_a_disconnect(read, error):
    class Broken(io.BytesIO):
        def fail(self, *args):
            raise error

        read = readinto = readline = fail

    with pytest.raises(ClientDisconnected, match="400") as caught:
        read(LimitedStream(Broken(), 5))
    assert caught.value.__cause__ is error


def test_hooks_can_be_overridden():
    seen = []

    class Quiet(LimitedStream):
        def on_exhausted(self):
            seen.append("exhausted")

        def on_disconnect(self, error=None):
            seen.append(("disconnect", error))

    stream = Quiet(io.BytesIO(b"ab"), 2)
    assert (stream.read(), stream.read(), stream.read(1), stream.readline()) == (b"ab", b"", b"", b"")
    assert seen == ["exhausted"] * 3
    seen.clear()
    assert Quiet(io.BytesIO(b"ab"), 3).read() == b"ab"
    assert Quiet(io.BytesIO(b"ab"), 3).readline() == b"ab"
    stream = Quiet(io.BytesIO(b""), 3)
    assert (stream.read(1), stream.readinto(bytearray(1))) == (b"", 0)
    assert seen == [("disconnect", None)] * 4
    seen.clear()
    error = OSError()

    class Broken(io.BytesIO):
        def fail(self, *args):
            raise error

        read = readinto = readline = fail

    stream = Quiet(Broken(), 3, is_max=True)
    assert (stream.read(1), stream.readline(), stream.readinto(bytearray(1))) == (b"", b"", 0)
    assert seen == [("disconnect", error)] * 3


def test_closing_leaves_the_servers_stream_open():
    source = io.BytesIO(b"abc")
    stream = LimitedStream(source, 2)
    assert (stream.readable(), stream.seekable(), stream.writable()) == (True, False, False)
    stream.close()
    assert not source.closed


@given(
    data=st.binary(max_size=40),
    sizes=st.lists(st.tuples(st.sampled_from(["read", "readline"]), st.integers(-1, 9)), max_size=20),
)
def test_any_way_of_reading_equals_the_file(data, sizes):
    expected = io.BytesIO(data)
    stream = LimitedStream(io.BytesIO(data + b"more"), len(data))
    for name, size in sizes:
        assert getattr(stream, name)(size) == getattr(expected, name)(size)
