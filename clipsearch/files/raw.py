"""A camera's RAW file -> a picture: the preview that the camera put into it, else a quick development."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any

from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from clipsearch.files.formats import missing_extra

# LibRaw's `flip`: the turn that a picture still needs. Pillow's rotations go against the clock.
_TURNS = {3: Image.Transpose.ROTATE_180, 5: Image.Transpose.ROTATE_90, 6: Image.Transpose.ROTATE_270}
_SIDEWAYS = {5, 6}


def read_raw(path: Path, min_side: int, hold: Callable[[tuple[int, int]], None]) -> tuple[Image.Image, tuple[int, int]]:
    """Return an upright picture, its shorter side at least `min_side` if the photo has as much, and the photo's size.

    `hold` is called with that size before anything is decoded, and may raise. Raises UnreadablePhotoError where the
    extra is not installed, UnidentifiedImageError for what is no RAW file, ValueError for a damaged one.
    """
    rawpy = _rawpy()
    try:
        with path.open("rb") as file, rawpy.imread(file) as raw:
            width, height = raw.sizes.width, raw.sizes.height
            size = (height, width) if raw.sizes.flip in _SIDEWAYS else (width, height)
            hold(size)
            return _preview(rawpy, raw, min(min_side, *size)) or _developed(raw), size
    except rawpy.LibRawFileUnsupportedError as error:
        raise UnidentifiedImageError from error
    except rawpy.LibRawError as error:  # its text comes as bytes
        raise ValueError(error.args[0].decode("ascii", "replace")) from error


def _rawpy() -> ModuleType:
    try:
        import rawpy
    except ImportError:
        raise missing_extra("RAW", "raw") from None
    return rawpy


def _preview(rawpy: ModuleType, raw: Any, min_side: int) -> Image.Image | None:
    """Return the largest embedded JPEG, upright, if there is one that is large enough and sound."""
    try:
        thumbnail = raw.extract_thumb()
        if thumbnail.format != rawpy.ThumbFormat.JPEG:
            return None
        with Image.open(BytesIO(thumbnail.data), formats=("JPEG",)) as image:
            if min(image.size) < min_side:
                return None
            image.draft("RGB", (min_side, min_side))
            image.load()
            return _upright(image, raw.sizes)
    except Exception:  # what is damaged raises nearly anything; the photo itself may still be sound
        return None


def _upright(image: Image.Image, sizes: Any) -> Image.Image:
    """Turn a preview by its own EXIF, else as the photo, unless it lies across the sensor and so was turned before."""
    if ExifTags.Base.Orientation in image.getexif():
        return ImageOps.exif_transpose(image)
    along = (image.width >= image.height) == (sizes.width >= sizes.height)
    return image.transpose(_TURNS[sizes.flip]) if sizes.flip in _TURNS and along else image


def _developed(raw: Any) -> Image.Image:
    return Image.fromarray(raw.postprocess(half_size=True, use_camera_wb=True))
