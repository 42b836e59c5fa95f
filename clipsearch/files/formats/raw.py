"""A camera's RAW file -> a picture: the preview that the camera put into it, else a quick development."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO, NamedTuple

from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from clipsearch.files.formats.registry import missing_extra
from clipsearch.files.metadata import Metadata, read_metadata, read_raw_metadata

# LibRaw's `flip`: the turn that a picture still needs. Pillow's rotations go against the clock.
_TURNS = {3: Image.Transpose.ROTATE_180, 5: Image.Transpose.ROTATE_90, 6: Image.Transpose.ROTATE_270}
_SIDEWAYS = {5, 6}


class RawPhoto(NamedTuple):
    """An upright picture, perhaps smaller than the photo, whose size in pixels (upright) and metadata are beside it."""

    image: Image.Image
    size: tuple[int, int]
    metadata: Metadata


def read_raw(path: Path, min_side: int, hold: Callable[[tuple[int, int]], None]) -> RawPhoto:
    """Return a picture whose shorter side is at least `min_side` if the photo has as much.

    `hold` is called with the photo's size before anything is decoded, and may raise. Raises UnreadablePhotoError where
    the extra is not installed, UnidentifiedImageError for what is no RAW file, ValueError for a damaged one.
    """
    rawpy = _rawpy()
    try:
        with path.open("rb") as file, rawpy.imread(file) as raw:
            width, height = raw.sizes.width, raw.sizes.height
            size = (height, width) if raw.sizes.flip in _SIDEWAYS else (width, height)
            hold(size)
            preview = _preview(rawpy, raw)
            image = preview and _drafted(preview, raw.sizes, min(min_side, *size))
            return RawPhoto(image or _developed(raw), size, _metadata(file, preview))
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


def _preview(rawpy: ModuleType, raw: Any) -> Image.Image | None:
    """Return the largest embedded JPEG, open but not decoded, if there is one."""
    try:
        thumbnail = raw.extract_thumb()
        if thumbnail.format != rawpy.ThumbFormat.JPEG:
            return None
        return Image.open(BytesIO(thumbnail.data), formats=("JPEG",))
    except Exception:  # what is damaged raises nearly anything; the photo itself may still be sound
        return None


def _drafted(preview: Image.Image, sizes: Any, min_side: int) -> Image.Image | None:
    """Return a preview decoded and upright if it is large enough and sound."""
    if min(preview.size) < min_side:
        return None
    try:
        preview.draft("RGB", (min_side, min_side))
        preview.load()
        return _upright(preview, sizes)
    except Exception:  # as above
        return None


def _metadata(file: BinaryIO, preview: Image.Image | None) -> Metadata:
    """Return what the file itself tells, else what its preview does (the camera or LibRaw has put it there)."""
    own = read_raw_metadata(file)
    return own if own.captured_at or preview is None else read_metadata(preview)


def _upright(image: Image.Image, sizes: Any) -> Image.Image:
    """Turn a preview by its own EXIF, else as the photo, unless it lies across the sensor and so was turned before."""
    if ExifTags.Base.Orientation in image.getexif():
        return ImageOps.exif_transpose(image)
    along = (image.width >= image.height) == (sizes.width >= sizes.height)
    return image.transpose(_TURNS[sizes.flip]) if sizes.flip in _TURNS and along else image


def _developed(raw: Any) -> Image.Image:
    return Image.fromarray(raw.postprocess(half_size=True, use_camera_wb=True))
