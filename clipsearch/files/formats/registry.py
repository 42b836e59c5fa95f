"""What Pillow may open a file as, by its first bytes; a plugin is loaded only when a file asks for it."""

from __future__ import annotations

from functools import cache

from clipsearch.errors import UnreadablePhotoError
from clipsearch.files.formats import jpeg_xl

HEAD_BYTES = 12

# Only what this program means to read: Pillow would also hand PostScript to an interpreter, which runs what it says.
_BUILT_IN = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "AVIF")

# ISO/IEC 23008-12, annexes B and E; the general brands of its structure, mif1 and msf1, may hold AVIF as well.
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"mif2", b"msf1"}


def formats_for(head: bytes) -> tuple[str, ...]:
    """Return Pillow's names of the formats to try for a file that begins with `head`, its first HEAD_BYTES bytes.

    Raises UnreadablePhotoError for one that needs an extra which is not installed.
    """
    if head[4:8] == b"ftyp" and head[8:12] in _HEIF_BRANDS:
        _register_heif()
        return (*_BUILT_IN, "HEIF")
    if is_jpeg_xl(head):
        _register_jpeg_xl()
        return ("JXL",)
    return _BUILT_IN


def is_jpeg_xl(head: bytes) -> bool:
    """Tell a JPEG XL picture by its first HEAD_BYTES bytes."""
    return head.startswith((jpeg_xl.STREAM, jpeg_xl.CONTAINER))


def missing_extra(kind: str, extra: str) -> UnreadablePhotoError:
    """Return what to raise for a `kind` of picture without its extra; the next run tries the file again."""
    message = f'{kind} pictures need an extra: pip install "clipsearch[{extra}]".'
    return UnreadablePhotoError(message, temporary=True)


@cache
def _register_heif() -> None:
    # pi_heif is pillow_heif without its encoder, whose wheels would bring x265 and with it the GPL.
    try:
        from pi_heif import register_heif_opener
    except ImportError:
        raise UnreadablePhotoError("HEIC pictures cannot be read on this kind of computer.", temporary=True) from None
    register_heif_opener(decode_threads=1, thumbnails=False, depth_images=False, aux_images=False)


@cache
def _register_jpeg_xl() -> None:
    try:
        from pillow_jxl import JpegXLImagePlugin
    except ImportError:
        raise missing_extra("JPEG XL", "jxl") from None
    JpegXLImagePlugin.DECODE_THREADS = 0  # the workers are the threads
