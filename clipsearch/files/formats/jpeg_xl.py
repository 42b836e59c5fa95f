"""The size of a JPEG XL picture, read before any of it is decoded: its plugin decodes as it opens."""

from __future__ import annotations

from typing import BinaryIO

STREAM = b"\xff\x0a"
CONTAINER = b"\0\0\0\x0cJXL \r\n\x87\n"
_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}
_BITS_OF_SIDE = (9, 13, 18, 30)


def size(file: BinaryIO) -> tuple[int, int]:
    """Return width and height in pixels as stored (ISO/IEC 18181-1, SizeHeader). Raises OSError if they are missing."""
    start = file.read(len(CONTAINER))
    file.seek(_stream_at(file) if start == CONTAINER else 0)
    stream = file.read(16)
    if not stream.startswith(STREAM) or len(stream) < 12:
        raise OSError("truncated")
    return _size(_Bits(stream[2:]))


def _stream_at(file: BinaryIO) -> int:
    """Return where the box jxlc, or the first box jxlp behind its number, has its content (ISO/IEC 18181-2)."""
    while len(head := file.read(8)) == 8:
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        header = 8
        if length == 1:
            length, header = int.from_bytes(file.read(8), "big"), 16
        if kind in {b"jxlc", b"jxlp"}:
            return file.tell() + (4 if kind == b"jxlp" else 0)
        if length < header:
            break
        file.seek(length - header, 1)
    raise OSError("truncated")


class _Bits:
    def __init__(self, data: bytes) -> None:
        self._left = int.from_bytes(data, "little")

    def take(self, count: int) -> int:
        value = self._left & ((1 << count) - 1)
        self._left >>= count
        return value


def _size(bits: _Bits) -> tuple[int, int]:
    small = bool(bits.take(1))
    height = _side(bits, small)
    ratio = _RATIOS.get(bits.take(3))
    width = height * ratio[0] // ratio[1] if ratio else _side(bits, small)
    return width, height


def _side(bits: _Bits, small: bool) -> int:
    return 8 * (bits.take(5) + 1) if small else bits.take(_BITS_OF_SIDE[bits.take(2)]) + 1
