"""Colour profiles, made by hand after the ICC's specification (ICC.1), and pictures whose colours they describe."""

from __future__ import annotations

import struct
from itertools import product

import numpy as np
from PIL import Image

from tests.pictures import quarters

#: red, green and blue of a colour space as XYZ under D50
SRGB = ((0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141))
DISPLAY_P3 = ((0.5151, 0.2412, -0.0011), (0.2920, 0.6922, 0.0419), (0.1571, 0.0666, 0.7841))
ADOBE_RGB = ((0.6097, 0.3111, 0.0195), (0.2053, 0.6257, 0.0609), (0.1492, 0.0632, 0.7446))
GAMMA = 563 / 256
_WHITE = (0.9642, 1.0, 0.8249)

Primaries = tuple[tuple[float, float, float], ...]


def rgb_profile(primaries: Primaries) -> bytes:
    """Return the profile of an RGB space with the curve of GAMMA."""
    colours = {tag: _xyz(colour) for tag, colour in zip((b"rXYZ", b"gXYZ", b"bXYZ"), primaries, strict=True)}
    curves = dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), _curve(GAMMA))
    return _profile(b"mntr", b"RGB ", b"XYZ ", {**colours, **curves})


def grey_profile(gamma: float) -> bytes:
    """Return the profile of greys with this curve."""
    return _profile(b"mntr", b"GRAY", b"XYZ ", {b"kTRC": _curve(gamma)})


def exchanged_inks_profile() -> bytes:
    """Return the profile of a press whose first ink is magenta and whose second is cyan."""
    straight = bytes(range(256))
    inks = product((0, 1), repeat=4)  # the last one changes fastest
    corners = b"".join(_lab((1 - c) * (1 - k), (1 - m) * (1 - k), (1 - y) * (1 - k)) for m, c, y, k in inks)
    header = struct.pack(">4s4xBBBx", b"mft1", 4, 3, 2)
    matrix = struct.pack(">9i", *(65536 * int(row == column) for row in range(3) for column in range(3)))
    return _profile(b"prtr", b"CMYK", b"Lab ", {b"A2B0": header + matrix + straight * 4 + corners + straight * 3})


def in_space(primaries: Primaries, size: tuple[int, int] = (64, 48)) -> Image.Image:
    """Return `quarters`, with the numbers that mean its colours in this space."""
    pixels = np.asarray(quarters(size), np.float64) / 255
    light = np.where(pixels <= 0.04045, pixels / 12.92, ((pixels + 0.055) / 1.055) ** 2.4)
    there = light @ np.array(SRGB) @ np.linalg.inv(np.array(primaries))
    return Image.fromarray(np.round(255 * there.clip(0, 1) ** (1 / GAMMA)).astype(np.uint8))


def _lab(red: float, green: float, blue: float) -> bytes:
    """Encode a linear sRGB colour at a corner of the cube as Lab in 8 bits."""
    x, y, z = (np.array((red, green, blue)) @ np.array(SRGB)) / np.array(_WHITE)
    fx, fy, fz = (_cube_root(value) for value in (x, y, z))
    scaled = ((116 * fy - 16) * 2.55, 500 * (fx - fy) + 128, 200 * (fy - fz) + 128)
    return bytes(int(np.clip(round(value), 0, 255)) for value in scaled)


def _cube_root(value: float) -> float:
    return value ** (1 / 3) if value > 0.008856 else 7.787 * value + 16 / 116


def _xyz(colour: tuple[float, ...]) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(65536 * value) for value in colour))


def _curve(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IHxx", 1, round(256 * gamma))


def _profile(kind: bytes, space: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    tags = {b"wtpt": _xyz(_WHITE), b"desc": b"desc\0\0\0\0" + struct.pack(">I", 5) + b"test\0" + bytes(78), **tags}
    table, data = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        table += struct.pack(">4sII", name, start + len(data), len(content))
        data += content + bytes(-len(content) % 4)
    size = 128 + len(table) + len(data)
    header = struct.pack(">I4s4s4s4s4s", size, bytes(4), b"\2\x40\0\0", kind, space, connection)
    header += struct.pack(">6H4s", 2026, 1, 1, 0, 0, 0, b"acsp").ljust(44, b"\0") + _xyz(_WHITE)[8:]
    return header.ljust(128, b"\0") + table + data
