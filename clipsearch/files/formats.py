"""What Pillow may open a file as, by its first bytes; a plugin is loaded only when a file asks for it."""

from __future__ import annotations

from functools import cache

HEAD_BYTES = 12

# Only what this program means to read: Pillow would also hand PostScript to an interpreter, which runs what it says.
_BUILT_IN = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "AVIF")

# ISO/IEC 23008-12, annexes B and E; the general brands of its structure, mif1 and msf1, may hold AVIF as well.
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"mif2", b"msf1"}


def formats_for(head: bytes) -> tuple[str, ...]:
    """Return Pillow's names of the formats to try for a file that begins with `head`, its first HEAD_BYTES bytes."""
    if head[4:8] == b"ftyp" and head[8:12] in _HEIF_BRANDS:
        _register_heif()
        return (*_BUILT_IN, "HEIF")
    return _BUILT_IN


@cache
def _register_heif() -> None:
    # pi_heif is pillow_heif without its encoder, whose wheels would bring x265 and with it the GPL.
    from pi_heif import register_heif_opener

    register_heif_opener(decode_threads=1, thumbnails=False, depth_images=False, aux_images=False)
