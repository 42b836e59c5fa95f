"""The keywords that other programs wrote into a picture: XMP, IPTC-IIM, and Windows' own EXIF tag.

A JPEG XL picture and a video are not looked into, and of RAW files only those built like TIFF (DNG and most others);
a sidecar may hold the keywords of all of them.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from warnings import catch_warnings, simplefilter

from PIL import Image, IptcImagePlugin

from clipsearch.errors import UnreadablePhotoError
from clipsearch.files.decode import reason_of
from clipsearch.files.formats.registry import HEAD_BYTES, formats_for, is_jpeg_xl
from clipsearch.files.kinds import is_raw, is_video
from clipsearch.files.xmp.markup import MarkupError
from clipsearch.files.xmp.packet import LARGEST_BYTES, Keywords, read, unique
from clipsearch.paths import extended

_XMP, _IPTC, _XP_KEYWORDS = 0x02BC, 0x83BB, 0x9C9E  # tags of TIFF and EXIF
_IIM_CHARACTER_SET, _IIM_KEYWORDS = (1, 90), (2, 25)  # IPTC-IIM 4.2
_UTF8_DESIGNATED = b"\x1b%G"
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_XMP = b"XML:com.adobe.xmp\0"


@dataclass(frozen=True, slots=True)
class Blocks:
    """What a picture carries along: XMP, the tags of its EXIF block, and the data sets of its IPTC-IIM block."""

    xmp: bytes
    tags: Mapping[int, Any]
    iim: Mapping[tuple[int, int], Any]


def read_keywords(path: Path) -> Keywords:
    """Return the keywords in the picture file itself. No pixel is decoded.

    Raises UnreadablePhotoError with a reason for the user.
    """
    try:
        with catch_warnings():
            simplefilter("ignore", UserWarning)  # Pillow's, about metadata that is damaged
            return _keywords(blocks_of(extended(path)))
    except UnreadablePhotoError:
        raise
    except MarkupError as error:
        raise UnreadablePhotoError(f"The keywords in the file cannot be read: {error}.", path) from error
    except Exception as error:  # damaged metadata raises nearly anything
        raise UnreadablePhotoError(reason_of(error), path) from error


def _keywords(blocks: Blocks) -> Keywords:
    keywords = read(blocks.xmp).keywords if blocks.xmp.strip(b"\0 ") else Keywords()
    flat = [*keywords.flat, *_of_iim(blocks.iim), *_of_windows(blocks.tags.get(_XP_KEYWORDS))]
    return Keywords(unique(flat), keywords.nested)


def blocks_of(path: Path) -> Blocks:
    """Return what a picture of any format carries along. Raises nearly anything for damaged metadata."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        if is_video(path.name) or is_jpeg_xl(head):
            return Blocks(b"", {}, {})
        if is_raw(path.name):
            return _in_raw(file)
        if head.startswith(_PNG):
            return _in_png(file)
    with Image.open(path, formats=formats_for(head)) as image:
        iim = IptcImagePlugin.getiptcinfo(image) or {}
        return Blocks(_as_bytes(image.info.get("xmp")), image.getexif(), iim)


def _in_raw(file: BinaryIO) -> Blocks:
    exif = Image.Exif()
    with suppress(Exception):  # built otherwise than TIFF
        file.seek(0)
        exif.load_from_fp(file)
        return Blocks(_as_bytes(exif.get(_XMP)), exif, {})
    return Blocks(b"", {}, {})


def _in_png(file: BinaryIO) -> Blocks:
    """Return the blocks of a PNG. Programs write XMP behind the picture, too, which Pillow would have to decode."""
    xmp, exif = b"", Image.Exif()
    for kind, data in _png_chunks(file):
        if kind == b"iTXt" and data.startswith(_PNG_XMP):
            xmp = _international_text(data[len(_PNG_XMP) :])
        elif kind == b"eXIf":
            exif.load(data)
    return Blocks(xmp, exif, {})


def _png_chunks(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """Yield type and data of the chunks that may hold metadata (PNG specification, 5.3)."""
    file.seek(len(_PNG))
    while len(header := file.read(8)) == 8 and header[4:] != b"IEND":
        length, kind = int.from_bytes(header[:4], "big"), header[4:]
        if kind in {b"iTXt", b"eXIf"} and length <= LARGEST_BYTES:
            yield kind, file.read(length)
            file.seek(4, 1)
        else:
            file.seek(length + 4, 1)


def _international_text(data: bytes) -> bytes:
    """Return the text of a chunk iTXt behind its keyword (PNG specification, 11.3.3.4), in UTF-8."""
    is_packed = data[:1] == b"\1"
    text = data[2:].split(b"\0", 2)[2]
    return zlib.decompressobj().decompress(text, LARGEST_BYTES) if is_packed else text


def _of_iim(sets: Mapping[tuple[int, int], Any]) -> list[str]:
    """Return the keywords among IPTC-IIM data sets, in UTF-8 or, as old programs wrote them, in Windows' Latin."""
    values = sets.get(_IIM_KEYWORDS, [])
    is_utf8 = sets.get(_IIM_CHARACTER_SET) == _UTF8_DESIGNATED
    return _tidy(_decoded(value, is_utf8) for value in (values if isinstance(values, list) else [values]))


def _decoded(value: bytes, is_utf8: bool) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("utf-8" if is_utf8 else "cp1252", "replace")


def _of_windows(value: object) -> list[str]:
    """Return the keywords of the EXIF tag XPKeywords: UTF-16, separated by semicolons."""
    return _tidy(_as_bytes(value).decode("utf-16-le", "ignore").split(";"))


def _tidy(texts: Iterable[str]) -> list[str]:
    return [text for text in (text.strip("\0 \t\r\n") for text in texts) if text]


def _as_bytes(value: object) -> bytes:
    """Return a tag's bytes, which may come as a text or as numbers."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape")
    if isinstance(value, tuple):
        return bytes(one for one in value if isinstance(one, int) and 0 <= one < 256)
    return value if isinstance(value, bytes) else b""
