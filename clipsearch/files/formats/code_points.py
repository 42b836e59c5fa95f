"""Colours named by code points (ITU-T H.273) in place of a profile -> the ICC profile that means the same.

Phones and video encoders write wide and HDR pictures so. HDR is rolled off to what a screen of today shows.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from functools import lru_cache
from typing import BinaryIO

_HEAD_BYTES = 64 * 1024  # the boxes that describe a picture come before its data

_Colorants = tuple[tuple[float, float, float], ...]

# H.273, table 2: red, green and blue as XYZ, adapted to D50 by Bradford's method.
_PRIMARIES: dict[int, _Colorants] = {
    1: ((0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141)),  # BT.709, sRGB
    9: ((0.6735, 0.2790, -0.0019), (0.1657, 0.6753, 0.0300), (0.1250, 0.0456, 0.7968)),  # BT.2020
    12: ((0.5151, 0.2412, -0.0011), (0.2920, 0.6922, 0.0419), (0.1571, 0.0666, 0.7841)),  # Display P3
}
_WHITE = (0.9642, 1.0, 0.8249)  # D50
_UNSPECIFIED = 2
_CURVE_POINTS = 1024
_WHITE_NITS = 203.0  # what white paper has in HDR (ITU-R BT.2408)
_KNEE = 0.6  # of white: brighter light is compressed


def find_code_points(file: BinaryIO) -> tuple[int, int] | None:
    """Return the primaries and the transfer characteristics of a HEIF or AVIF file, None without any.

    They stand in the first box "colr" of type "nclx" (ISO/IEC 14496-12, 12.1.5), which is the main picture's.
    """
    file.seek(0)
    _, box, points = file.read(_HEAD_BYTES).partition(b"colrnclx")
    if not box or len(points) < 4:
        return None
    return int.from_bytes(points[:2], "big"), int.from_bytes(points[2:4], "big")


@lru_cache(maxsize=8)
def profile_of(primaries: int, transfer: int) -> bytes | None:
    """Return the ICC profile of these code points, None for sRGB and for what this program does not know."""
    primaries = 1 if primaries == _UNSPECIFIED else primaries
    curve = _CURVES.get(transfer, _srgb)
    if primaries not in _PRIMARIES or (primaries == 1 and curve is _srgb):
        return None
    return _profile(_PRIMARIES[primaries], curve)


def _srgb(level: float) -> float:
    return level / 12.92 if level <= 0.04045 else ((level + 0.055) / 1.055) ** 2.4


def _linear(level: float) -> float:
    return level


def _pq(level: float) -> float:
    """SMPTE ST 2084: level -> light, up to 10,000 nits."""
    root = level ** (1 / 78.84375)
    light = max(root - 0.8359375, 0.0) / (18.8515625 - 18.6875 * root)
    return _rolled_off(10_000 * light ** (1 / 0.1593017578125) / _WHITE_NITS)


def _hlg(level: float) -> float:
    """ARIB STD-B67 on a display of 1,000 nits (ITU-R BT.2100): level -> light."""
    scene = level * level / 3 if level <= 0.5 else (math.exp((level - 0.55991073) / 0.17883277) + 0.28466892) / 12
    return _rolled_off(1000 * scene**1.2 / _WHITE_NITS)


def _rolled_off(light: float) -> float:
    """Return light, 1 for white, as it is up to the knee and pressed below 1 beyond it, without a bend."""
    room = 1 - _KNEE
    return light if light <= _KNEE else _KNEE + room * (1 - math.exp((_KNEE - light) / room))


# H.273, table 3. BT.709's own curve is shown as sRGB's, as browsers do.
_CURVES: dict[int, Callable[[float], float]] = {
    4: lambda level: level**2.2,
    5: lambda level: level**2.8,
    8: _linear,
    16: _pq,
    18: _hlg,
}


def _profile(colorants: _Colorants, curve: Callable[[float], float]) -> bytes:
    """Return a display's profile of version 2 (ICC.1:2001-04): three colorants and one curve for all of them."""
    tags = {b"wtpt": _xyz(_WHITE), b"desc": b"desc\0\0\0\0" + struct.pack(">I", 5) + b"nclx\0" + bytes(78)}
    tags |= {name: _xyz(colour) for name, colour in zip((b"rXYZ", b"gXYZ", b"bXYZ"), colorants, strict=True)}
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), _sampled(curve))
    table, data = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        table += struct.pack(">4sII", name, start + len(data), len(content))
        data += content + bytes(-len(content) % 4)
    header = struct.pack(">I4s4s4s4s4s", start + len(data), bytes(4), b"\2\x40\0\0", b"mntr", b"RGB ", b"XYZ ")
    header += struct.pack(">6H4s", 2000, 1, 1, 0, 0, 0, b"acsp").ljust(44, b"\0") + _xyz(_WHITE)[8:]
    return header.ljust(128, b"\0") + table + data


def _xyz(colour: tuple[float, ...]) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(65536 * value) for value in colour))


def _sampled(curve: Callable[[float], float]) -> bytes:
    levels = (curve(point / (_CURVE_POINTS - 1)) for point in range(_CURVE_POINTS))
    values = [round(65535 * min(max(level, 0.0), 1.0)) for level in levels]
    return b"curv\0\0\0\0" + struct.pack(f">I{_CURVE_POINTS}H", _CURVE_POINTS, *values)
