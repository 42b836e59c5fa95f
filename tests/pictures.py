"""Pictures, sound and broken, for the tests."""

from __future__ import annotations

import os
import struct
import zlib
from io import BytesIO
from pathlib import Path

from PIL import Image

#: A picture's four quarters, so that every turn and mirroring of it looks different.
QUARTERS = {(0, 0): (220, 20, 20), (1, 0): (20, 200, 20), (0, 1): (20, 20, 220), (1, 1): (230, 230, 230)}


def paint(path: Path, colour: str | tuple[int, int, int] = "red", size: tuple[int, int] = (48, 32)) -> Path:
    """Save a picture of one colour, in the format of its suffix; its folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)
    return path


def quarters(size: tuple[int, int] = (64, 48)) -> Image.Image:
    """Return a picture whose quarters have the colours of QUARTERS."""
    image = Image.new("RGB", size)
    width, height = size[0] // 2, size[1] // 2
    for (column, row), colour in QUARTERS.items():
        image.paste(colour, (column * width, row * height, (column + 1) * width, (row + 1) * height))
    return image


def jpeg(colour: str | tuple[int, int, int] = "red", size: tuple[int, int] = (48, 32)) -> bytes:
    """Return the bytes of a JPEG of one colour."""
    stream = BytesIO()
    Image.new("RGB", size, colour).save(stream, "JPEG")
    return stream.getvalue()


def truncated_jpeg() -> bytes:
    """Return the first half of a JPEG of noise."""
    stream = BytesIO()
    Image.effect_noise((200, 200), 80).save(stream, "JPEG")
    return stream.getvalue()[: stream.tell() // 2]


def black_png(width: int, height: int) -> bytes:
    """Return a whole black PNG, 1 bit a pixel, without ever holding its pixels."""
    packer, row = zlib.compressobj(1), bytes(1 + (width + 7) // 8)
    data = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def change_unseen(path: Path) -> None:
    """Overwrite a file with rubbish of the same size and time, so that only reading it would tell."""
    stat = path.stat()
    path.write_bytes(b"?" * stat.st_size)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
