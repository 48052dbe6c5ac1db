"""What is taken for a picture: good files of each format, and the ways in which files are bad."""

from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples.board.pictures.formats import LARGEST_SIDE, PictureError, read_picture
from tests.examples.board.picture_files import (
    PNG_SIGNATURE,
    make_gif,
    make_jpeg,
    make_png,
    make_png_chunk,
    make_webp,
    make_webp_chunk,
)

GOOD = [
    pytest.param(make_png(), ".png", id="png"),
    pytest.param(make_png(extra=make_png_chunk(b"tEXt", b"Comment\0<script>")), ".png", id="png-comment"),
    pytest.param(make_jpeg(), ".jpg", id="jpeg"),
    pytest.param(make_jpeg(frame=0xC2), ".jpg", id="jpeg-progressive"),
    pytest.param(make_jpeg(pixels=b"\x01\xff\xd0\x02\xff\xd7"), ".jpg", id="jpeg-restarts"),
    pytest.param(make_jpeg(pixels=b"\x01\xff\xc4\0\x04\xff\xd9\xff\xda\0\x02\x03"), ".jpg", id="jpeg-second-scan"),
    pytest.param(make_jpeg(pixels=b"\x01\xff\xff"), ".jpg", id="jpeg-padding"),
    pytest.param(make_gif(), ".gif", id="gif"),
    pytest.param(make_gif(version=b"87a"), ".gif", id="gif-87a"),
    pytest.param(make_webp(), ".webp", id="webp-lossless"),
    pytest.param(make_webp(kind=b"VP8 "), ".webp", id="webp-lossy"),
    pytest.param(make_webp(kind=b"VP8X"), ".webp", id="webp-extended"),
]


@pytest.mark.parametrize(("data", "extension"), GOOD)
def test_good_picture_is_read(data, extension):
    picture = read_picture(data)
    assert (picture.data, picture.extension, picture.width, picture.height) == (data, extension, 3, 2)


@pytest.mark.parametrize(("data", "extension"), GOOD)
@pytest.mark.parametrize("behind", [b"\0", b"PK\x03\x04 an archive", b"<script>alert(1)</script>"])
def test_what_stands_behind_the_picture_is_cut_off(data, extension, behind):
    assert read_picture(data + behind).data == data


@pytest.mark.parametrize(("data", "extension"), GOOD)
def test_picture_cut_off_anywhere_is_refused(data, extension):
    for length in range(len(data)):
        with pytest.raises(PictureError, match=r"cut off|not a picture"):
            read_picture(data[:length])


@pytest.mark.parametrize(
    "make",
    [make_png, make_jpeg, make_gif, lambda width, height: make_webp(width, height, kind=b"VP8X")],
    ids=["png", "jpeg", "gif", "webp"],
)
@pytest.mark.parametrize(
    ("width", "height", "is_good"),
    [
        pytest.param(LARGEST_SIDE, 1, True, id="widest"),
        pytest.param(LARGEST_SIDE + 1, 1, False, id="too-wide"),
        pytest.param(1, LARGEST_SIDE + 1, False, id="too-high"),
        pytest.param(10_000, 5000, True, id="largest"),
        pytest.param(10_000, 5001, False, id="too-many-pixels"),
        pytest.param(65_535, 65_535, False, id="huge"),
    ],
)
def test_size_in_pixels_is_limited(make, width, height, is_good):
    data = make(width, height)
    if is_good:
        assert (read_picture(data).width, read_picture(data).height) == (width, height)
    else:
        with pytest.raises(PictureError, match=f"This picture has {width} by {height} pixels. At most 12000"):
            read_picture(data)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"Some text", id="text"),
        pytest.param(b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', id="svg"),
        pytest.param(b'<?xml version="1.0"?><svg onload="alert(1)"/>', id="svg-with-a-declaration"),
        pytest.param(b"<!doctype html><script>alert(1)</script>", id="html"),
        pytest.param(b"BM" + b"\0" * 60, id="bmp"),
        pytest.param(b"II*\0" + b"\0" * 60, id="tiff"),
        pytest.param(b"\0\0\0\x20ftypheic" + b"\0" * 60, id="heic"),
        pytest.param(b"%PDF-1.7", id="pdf"),
        pytest.param(b"PK\x03\x04", id="zip"),
        pytest.param(b"\n" + make_png(), id="png-after-a-line-end"),
        pytest.param(b"MZ" + make_png(), id="png-after-a-program"),
    ],
)
def test_other_files_are_refused(data):
    with pytest.raises(PictureError, match="PNG, JPEG, GIF or WebP"):
        read_picture(data)


HEADER = make_png()[8:33]
PIXELS = make_png()[33:-12]
END = make_png()[-12:]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(PNG_SIGNATURE + HEADER + END, id="png-without-pixels"),
        pytest.param(PNG_SIGNATURE + PIXELS + HEADER + END, id="png-header-second"),
        pytest.param(PNG_SIGNATURE + make_png_chunk(b"IHDR", b"\0" * 12) + PIXELS + END, id="png-short-header"),
        pytest.param(make_png().replace(b"IDAT", b"IDAS"), id="png-checksum"),
        pytest.param(make_png(0, 2), id="png-no-width"),
        pytest.param(PNG_SIGNATURE + b"\xff\xff\xff\xffIHDR" + b"\0" * 50, id="png-chunk-beyond-the-end"),
        pytest.param(b"GIF89a/*" + b"*/=alert(1)//" + b"\0" * 50, id="gif-that-is-a-script"),
        pytest.param(make_gif()[:-1] + b"\x99", id="gif-unknown-block"),
        pytest.param(make_gif()[:19] + b"\x3b", id="gif-without-images"),
        pytest.param(make_gif(3, 0), id="gif-no-height"),
        pytest.param(b"\xff\xd8\xff\xd9", id="jpeg-empty"),
        pytest.param(b"\xff\xd8\xff<script>alert(1)</script>", id="jpeg-in-name-only"),
        pytest.param(b"\xff\xd8\xff\xe0\0\0" + b"\0" * 50, id="jpeg-segment-of-no-length"),
        pytest.param(b"\xff\xd8\xff\xe0\0\x04ab" + b"cd" * 50, id="jpeg-no-marker"),
        pytest.param(make_jpeg().replace(b"\xff\xc0", b"\xff\xc4"), id="jpeg-without-a-frame"),
        pytest.param(b"RIFF" + struct.pack("<I", 40) + b"WAVE" + b"\0" * 40, id="wave"),
        pytest.param(b"RIFF\x04\0\0\0WEBP", id="webp-empty"),
        pytest.param(
            b"RIFF" + struct.pack("<I", 22) + b"WEBP" + make_webp_chunk(b"VP8X", b"\0" * 10), id="webp-no-pixels"
        ),
        pytest.param(make_webp().replace(b"VP8L\x06", b"VP8L\x60"), id="webp-chunk-beyond-the-end"),
        pytest.param(make_webp().replace(b"\x2f", b"\x2e"), id="webp-signature"),
        pytest.param(make_webp(kind=b"VP8 ").replace(b"\x9d\x01", b"\x9d\x02"), id="webp-start-code"),
    ],
)
def test_damaged_pictures_are_refused(data):
    with pytest.raises(PictureError, match=r"damaged, or was cut off|pixels"):
        read_picture(data)


@given(st.sampled_from([PNG_SIGNATURE, b"\xff\xd8\xff", b"GIF89a", b"RIFF\x10\0\0\0WEBP"]), st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(signature, rest):
    with contextlib.suppress(PictureError):
        picture = read_picture(signature + rest)
        assert (signature + rest).startswith(picture.data)


@given(st.sampled_from([param.values[0] for param in GOOD]), st.integers(0, 200), st.integers(0, 255))
def test_any_changed_byte_is_read_or_refused(data, position, value):
    position %= len(data)
    with contextlib.suppress(PictureError):
        read_picture(data[:position] + bytes([value]) + data[position + 1 :])
