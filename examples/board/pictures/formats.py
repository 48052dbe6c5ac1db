"""Finds out whether bytes are a picture, of which kind and size, by walking through the file's parts.

Neither the file's name nor the browser's word counts. Each reader goes from the first byte to the end mark, so that a
file which was cut off is noticed. What comes behind the end mark is left out: phones put all kinds of things there,
and so do people who hide an archive or a page in a picture.

A reader looks at each byte at most once. It does not unpack the pixels: a picture may still look broken.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

LARGEST_SIDE = 12_000  # pixels
LARGEST_AREA = 50_000_000  # pixels; a browser takes four bytes for each, however small the file is


class PictureError(ValueError):
    """These bytes are no picture that the board takes; the text says why, to the person who sent them."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it will be stored.

    Attributes:
        data: The file, from its first byte to its end mark.
        extension: For the file's name, `.png` for example.
    """

    data: bytes
    extension: str
    width: int
    height: int


# What a reader returns: width, height, and where the picture ends.
Measures = tuple[int, int, int]


def read_picture(data: bytes) -> Picture:
    """Return the picture that *data* begins with.

    Raises:
        PictureError: It is none, is cut off, or is too large to be shown.
    """
    found = [(extension, read) for signature, extension, read in FORMATS if data.startswith(signature)]
    if not found:
        raise PictureError("This file is not a picture that the board knows: PNG, JPEG, GIF or WebP.")
    extension, read = found[0]
    try:
        width, height, end = read(data)
        if not width or not height:
            raise ValueError("it has no size")
    except (struct.error, IndexError, ValueError) as error:
        raise PictureError("This picture is damaged, or was cut off on its way. Please send it again.") from error
    if max(width, height) > LARGEST_SIDE or width * height > LARGEST_AREA:
        raise PictureError(
            f"This picture has {width} by {height} pixels. At most {LARGEST_SIDE} on a side, "
            f"and {LARGEST_AREA // 1_000_000} million in all, can be shown."
        )
    return Picture(data[:end], extension, width, height)


def read_png(data: bytes) -> Measures:
    """Read a PNG: chunks of length, type, content and checksum, from IHDR to IEND."""
    kind, position = b"", 8
    width = height = 0
    has_pixels = False
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, position)
        content = memoryview(data)[position + 4 : position + 8 + length]  # the checksum covers the type too
        if zlib.crc32(content) != struct.unpack_from(">I", data, position + 8 + length)[0]:
            raise ValueError("a checksum is wrong")
        if position == 8:
            if kind != b"IHDR" or length != 13:
                raise ValueError("the first chunk is another one")
            width, height = struct.unpack_from(">II", data, position + 8)
        has_pixels = has_pixels or kind == b"IDAT"
        position += 12 + length
    if not has_pixels:
        raise ValueError("there are no pixels")
    return width, height, position


def read_jpeg(data: bytes) -> Measures:
    """Read a JPEG: segments that begin with FF and a marker; the compressed pixels stand between them."""
    position = 2
    width = height = 0
    has_pixels = False
    while True:
        # In the pixels an FF is followed by 00 or by a restart marker, D0 to D7; FF FF is padding.
        position = data.index(b"\xff", position) if has_pixels else position
        if data[position] != 0xFF:
            raise ValueError("a marker is missing")
        marker = data[position + 1]
        if marker == 0xD9 and has_pixels:
            return width, height, position + 2
        if marker == 0xFF:
            position += 1
        elif has_pixels and (marker == 0 or 0xD0 <= marker <= 0xD7):
            position += 2
        else:
            if marker in FRAME_MARKERS:
                height, width = struct.unpack_from(">HH", data, position + 5)
            has_pixels = has_pixels or marker == 0xDA
            position += 2 + read_jpeg_length(data, position + 2)


def read_jpeg_length(data: bytes, position: int) -> int:
    """Return the length of a segment, its own two bytes included."""
    length: int = struct.unpack_from(">H", data, position)[0]
    if length < 2:
        raise ValueError("a segment is shorter than its length")
    return length


# SOF0 to SOF15; C4, C8 and CC mean other things.
FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def read_gif(data: bytes) -> Measures:
    """Read a GIF: a header, then extensions (21) and images (2C) made of small blocks, to the trailer (3B)."""
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    position = 13 + color_table_size(flags)
    has_pixels = False
    while (kind := data[position]) != 0x3B:
        if kind == 0x21:
            position += 2
        elif kind == 0x2C:
            position += 11 + color_table_size(data[position + 9])
            has_pixels = True
        else:
            raise ValueError("an unknown block")
        while length := data[position]:
            position += 1 + length
        position += 1
    if not has_pixels:
        raise ValueError("there are no pixels")
    return width, height, position + 1


def color_table_size(flags: int) -> int:
    """Return how many bytes the colour table takes that these flags of a GIF tell of."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def read_webp(data: bytes) -> Measures:
    """Read a WebP: a RIFF file, whose length is told at its beginning, with chunks of type, length and content."""
    end = 8 + struct.unpack_from("<I", data, 4)[0]
    if data[8:12] != b"WEBP" or end > len(data):
        raise ValueError("it is another kind of file, or cut off")
    size, position, kinds = None, 12, set()
    while position < end:
        kind, length = struct.unpack_from("<4sI", data, position)
        position += 8
        if position + length > end:
            raise ValueError("a chunk is cut off")
        size = size or read_webp_size(kind, data, position)
        kinds.add(kind)
        position += length + length % 2
    if size is None or not kinds & {b"VP8 ", b"VP8L", b"ANMF"}:
        raise ValueError("there are no pixels")
    return *size, end


def read_webp_size(kind: bytes, data: bytes, position: int) -> tuple[int, int] | None:
    """Return width and height if the chunk at *position* tells them."""
    if kind == b"VP8X":  # three bytes each, less one
        width, high_width, height, high_height = struct.unpack_from("<HBHB", data, position + 4)
        return (width | high_width << 16) + 1, (height | high_height << 16) + 1
    if kind == b"VP8L" and data[position] == 0x2F:  # 14 bits each, less one
        bits = struct.unpack_from("<I", data, position + 1)[0]
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 " and data[position + 3 : position + 6] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", data, position + 6)
        return width & 0x3FFF, height & 0x3FFF
    return None


FORMATS: list[tuple[bytes, str, Callable[[bytes], Measures]]] = [
    (b"\x89PNG\r\n\x1a\n", ".png", read_png),
    (b"\xff\xd8\xff", ".jpg", read_jpeg),
    (b"GIF87a", ".gif", read_gif),
    (b"GIF89a", ".gif", read_gif),
    (b"RIFF", ".webp", read_webp),
]

MIME_TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp"}
