"""A photo at full size for the large view."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from clipsearch.files.decode import decode


def open_upright(path: Path, max_side: int) -> Image.Image:
    """Return the picture at `path`, RGB, upright, its longer side at most `max_side` pixels.

    Raises UnreadablePhotoError.
    """
    image = decode(path, max_side // 2).image
    image.thumbnail((max_side, max_side), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return image
