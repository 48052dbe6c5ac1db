"""Pictures made byte by byte, good ones and bad ones."""

from __future__ import annotations

import struct
import zlib

__all__ = ["make_gif", "make_jpeg", "make_png", "make_png_chunk", "make_webp"]

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def make_png_chunk(kind: bytes, content: bytes) -> bytes:
    """Return a chunk of a PNG."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def make_png(width: int = 3, height: int = 2, *, extra: bytes = b"") -> bytes:
    """Return a PNG of one colour; *extra* are chunks before the pixels. Huge ones have pixels that do not suffice."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = (b"\0" + b"\x2f\x7d\x6f" * width) * height if width * height < 10**6 else b""
    return (
        PNG_SIGNATURE
        + make_png_chunk(b"IHDR", header)
        + extra
        + make_png_chunk(b"IDAT", zlib.compress(rows))
        + make_png_chunk(b"IEND", b"")
    )


def make_jpeg(width: int = 3, height: int = 2, *, frame: int = 0xC0, pixels: bytes = b"\x12\xff\x00\x34") -> bytes:
    """Return the outline of a JPEG: segments in their order, with *pixels* that mean nothing."""
    application = b"\xff\xe0" + struct.pack(">H", 16) + b"JFIF\0\1\1\0\0\1\0\1\0\0"
    start_of_frame = b"\xff" + bytes([frame]) + struct.pack(">HBHHB", 11, 8, height, width, 1) + b"\1\x11\0"
    start_of_scan = b"\xff\xda" + struct.pack(">HB", 8, 1) + b"\1\0\0\x3f\0"
    return b"\xff\xd8" + application + start_of_frame + start_of_scan + pixels + b"\xff\xd9"


def make_gif(width: int = 3, height: int = 2, *, version: bytes = b"89a") -> bytes:
    """Return a GIF with a colour table, an extension and one image."""
    header = b"GIF" + version + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    extension = b"\x21\xf9\x04\0\0\0\0\0"
    image = b"\x2c" + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x02\x44\x01\0"
    return header + extension + image + b"\x3b"


def make_webp(width: int = 3, height: int = 2, *, kind: bytes = b"VP8L") -> bytes:
    """Return the outline of a WebP: `VP8L` without loss, `VP8 ` with it, `VP8X` with one of these inside."""
    lossless = b"\x2f" + struct.pack("<I", width - 1 | height - 1 << 14) + b"\0"
    lossy = b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", width, height)
    size = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    chunks = {
        b"VP8L": make_webp_chunk(b"VP8L", lossless),
        b"VP8 ": make_webp_chunk(b"VP8 ", lossy),
        b"VP8X": make_webp_chunk(b"VP8X", b"\0" * 4 + size) + make_webp_chunk(b"VP8L", lossless),
    }
    return b"RIFF" + struct.pack("<I", 4 + len(chunks[kind])) + b"WEBP" + chunks[kind]


def make_webp_chunk(kind: bytes, content: bytes) -> bytes:
    """Return a chunk of a WebP; its length is made even."""
    return kind + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)
