"""Files that Pillow cannot write: 16 bits a colour in PNG, and any TIFF from its tags."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

_TYPES = {"BYTE": (1, "B"), "SHORT": (3, "H"), "LONG": (4, "I"), "RATIONAL": (5, "II"), "SRATIONAL": (10, "ii")}
_STRIP_OFFSETS = 273


def deep_png(pixels: npt.NDArray[np.uint16]) -> bytes:
    """Return a PNG of uint16 [height, width, 3 or 4] pixels."""
    height, width, channels = pixels.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 16, 2 if channels == 3 else 6, 0, 0, 0)
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )


def deep_tiff(pixels: npt.NDArray[np.uint16], order: str) -> bytes:
    """Return an uncompressed TIFF of uint16 [height, width, 3] pixels, in the byte order "<" or ">"."""
    height, width, channels = pixels.shape
    tags = {
        256: ("LONG", [width]),
        257: ("LONG", [height]),
        258: ("SHORT", [16] * channels),
        259: ("SHORT", [1]),
        262: ("SHORT", [2]),
        277: ("SHORT", [channels]),
        278: ("LONG", [height]),
    }
    return tiff(tags, pixels.astype(f"{order}u2").tobytes(), order)


def tiff(tags: Mapping[int, tuple[str, Sequence[int]]], strip: bytes, order: str = "<") -> bytes:
    """Return a TIFF of one strip and these tags (TIFF 6.0): numbers by type, the place of the strip is added."""
    tags = {**tags, _STRIP_OFFSETS: ("LONG", [8]), 279: ("LONG", [len(strip)])}
    strip += bytes(len(strip) % 2)
    first = 8 + len(strip)
    extra_at = first + 2 + 12 * len(tags) + 4
    entries, extra = b"", b""
    for tag, (kind, numbers) in sorted(tags.items()):
        code, letters = _TYPES[kind]
        value = struct.pack(order + letters[0] * len(numbers), *numbers)
        entries += struct.pack(f"{order}HHI", tag, code, len(numbers) // len(letters))
        if len(value) > 4:
            entries += struct.pack(f"{order}I", extra_at + len(extra))
            extra += value + bytes(len(value) % 2)
        else:
            entries += value.ljust(4, b"\0")
    header = struct.pack(f"{order}2sHI", b"II" if order == "<" else b"MM", 42, first)
    return header + strip + struct.pack(f"{order}H", len(tags)) + entries + bytes(4) + extra
