"""Files that Pillow cannot write: 16 bits a colour in PNG, any TIFF from its tags, and so a camera's DNG."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from tests.pictures import quarters

_TYPES = {"BYTE": (1, "B"), "SHORT": (3, "H"), "LONG": (4, "I"), "RATIONAL": (5, "II"), "SRATIONAL": (10, "ii")}
_STRIP_OFFSETS = 273
_XYZ_TO_SRGB = [
    part for number in (32405, -15371, -4985, -9693, 18760, 416, 556, -2040, 10572) for part in (number, 10_000)
]


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


def dng(size: tuple[int, int], orientation: int = 1, preview: bytes = b"") -> bytes:
    """Return `quarters` as a sensor sees it (Adobe's DNG 1.4), with a JPEG beside it where `preview` is one."""
    pixels = np.asarray(quarters(size), np.float64) / 255
    light = np.round(60_000 * np.where(pixels <= 0.04045, pixels / 12.92, ((pixels + 0.055) / 1.055) ** 2.4))
    sensor = light[:, :, 1].astype(np.uint16)
    sensor[::2, ::2], sensor[1::2, 1::2] = light[::2, ::2, 0], light[1::2, 1::2, 2]
    tags = {
        **{254: ("LONG", [0]), 256: ("LONG", [size[0]]), 257: ("LONG", [size[1]]), 258: ("SHORT", [16])},
        **{259: ("SHORT", [1]), 262: ("SHORT", [32803]), 271: ("BYTE", b"Test\0"), 272: ("BYTE", b"Camera\0")},
        **{274: ("SHORT", [orientation]), 277: ("SHORT", [1]), 278: ("LONG", [size[1]])},
        **{33421: ("SHORT", [2, 2]), 33422: ("BYTE", [0, 1, 1, 2])},  # the pattern of red, green and blue
        **{50706: ("BYTE", [1, 4, 0, 0]), 50708: ("BYTE", b"Test Camera\0"), 50717: ("LONG", [60_000])},
        **{50721: ("SRATIONAL", _XYZ_TO_SRGB), 50728: ("RATIONAL", [1, 1] * 3), 50778: ("SHORT", [21])},
    }
    negative = tiff(tags, sensor.tobytes())
    return _with_preview(negative, preview) if preview else negative


def _with_preview(negative: bytes, jpeg: bytes) -> bytes:
    (first,) = struct.unpack_from("<I", negative, 4)
    (count,) = struct.unpack_from("<H", negative, first)
    link, at = first + 2 + 12 * count, len(negative)
    entries = (254, 4, 1, 1), (259, 3, 1, 6), (513, 4, 1, at + 2 + 4 * 12 + 4), (514, 4, 1, len(jpeg))
    directory = struct.pack("<H", 4) + b"".join(struct.pack("<HHII", *entry) for entry in entries) + bytes(4)
    return negative[:link] + struct.pack("<I", at) + negative[link + 4 :] + directory + jpeg
