"""Path -> upright sRGB picture, within limits; whatever a damaged file does becomes one sentence for the user."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from warnings import catch_warnings, simplefilter

from PIL import ExifTags, Image, UnidentifiedImageError

from clipsearch.errors import UnreadablePhotoError
from clipsearch.files.formats import heif, jpeg_xl
from clipsearch.files.formats.code_points import find_code_points, profile_of
from clipsearch.files.formats.colour import to_srgb
from clipsearch.files.formats.raw import read_raw
from clipsearch.files.formats.registry import HEAD_BYTES, formats_for, is_jpeg_xl
from clipsearch.files.formats.video import read_video
from clipsearch.files.kinds import is_raw, is_video
from clipsearch.files.metadata import Metadata, read_metadata
from clipsearch.paths import extended

# Our own limit on pixels, checked before any is decoded, takes the place of Pillow's.
Image.MAX_IMAGE_PIXELS = None

_WHITE = (255, 255, 255)

# EXIF orientation -> the turn that a picture still needs. Pillow's rotations go against the clock.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = {5, 6, 7, 8}  # orientations that swap width and height


@dataclass(frozen=True, slots=True)
class Decoded:
    """An upright sRGB picture, perhaps reduced; the size in pixels (upright), format and metadata of the original."""

    image: Image.Image
    width: int
    height: int
    format: str
    metadata: Metadata


def decode(path: Path, min_side: int, max_megapixels: float = 250.0) -> Decoded:
    """Read the picture at `path`: first frame, upright by its EXIF orientation, transparency laid on white.

    Of a video a keyframe is read. Large pictures are reduced while decoding where the format allows it (JPEG), else
    right after, as long as the shorter side keeps at least `min_side` pixels; a HEIC's thumbnail may stand for it with
    nine tenths of that. Raises UnreadablePhotoError with a reason for the user.
    """
    try:
        with catch_warnings():
            simplefilter("ignore", UserWarning)  # Pillow's, about metadata that is damaged
            return _decoded(extended(path), min_side, max_megapixels)
    except UnreadablePhotoError:
        raise
    except Exception as error:  # whatever a decoder raises on bad input is the file's fault, told once, here
        temporary = isinstance(error, OSError) and error.errno is not None
        raise UnreadablePhotoError(reason_of(error), path, temporary, isinstance(error, MemoryError)) from error


def _decoded(path: Path, min_side: int, max_megapixels: float) -> Decoded:
    if path.stat().st_size == 0:
        raise UnreadablePhotoError("The file is empty.", path)
    if is_raw(path.name):
        return _developed(path, min_side, max_megapixels)
    if is_video(path.name):
        return _filmed(path, min_side, max_megapixels)
    with _open(path, max_megapixels) as image:
        return _read(image, path, min_side, max_megapixels)


def _open(path: Path, max_megapixels: float) -> Image.Image:
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        formats = formats_for(head)
        if is_jpeg_xl(head):
            file.seek(0)
            _hold_to(max_megapixels, jpeg_xl.size(file), path)
        image = Image.open(path, formats=formats)
        if image.format in {"AVIF", "HEIF"} and "icc_profile" not in image.info:
            points = find_code_points(file)
            image.info["icc_profile"] = profile_of(*points) if points else None
        return image


def _hold_to(max_megapixels: float, size: tuple[int, int], path: Path) -> None:
    width, height = size
    if width * height > max_megapixels * 1e6:
        raise UnreadablePhotoError(
            f"The picture is very large ({width} x {height} pixels); the limit is {max_megapixels:g} megapixels.", path
        )


def _read(image: Image.Image, path: Path, min_side: int, max_megapixels: float) -> Decoded:
    _hold_to(max_megapixels, image.size, path)
    width, height = image.size
    pixels = _pixels(image, path, min_side)
    metadata, orientation = read_metadata(image), _orientation(image)
    if orientation in _SIDEWAYS:
        width, height = height, width
    upright = _upright(_reduced(pixels, min_side), orientation)
    return Decoded(to_rgb(upright), width, height, image.format or "", metadata)


def _pixels(image: Image.Image, path: Path, min_side: int) -> Image.Image:
    """Return the open picture decoded, by the short way of its format: JPEG in part, HEIC by its thumbnail."""
    if image.format == "HEIF":
        with suppress(Exception):  # a damaged thumbnail raises nearly anything; the photo itself may still be sound
            if small := heif.thumbnail(path, image, min(min_side, *image.size)):
                small.load()
                small.info.setdefault("icc_profile", image.info.get("icc_profile"))
                return small
    image.draft("RGB", _smallest_size(image.size, min_side))
    image.load()
    return image


def _developed(path: Path, min_side: int, max_megapixels: float) -> Decoded:
    photo = read_raw(path, min_side, lambda size: _hold_to(max_megapixels, size, path))
    return Decoded(to_rgb(_reduced(photo.image, min_side)), *photo.size, "RAW", photo.metadata)


def _filmed(path: Path, min_side: int, max_megapixels: float) -> Decoded:
    still = read_video(path, min_side, lambda size: _hold_to(max_megapixels, size, path))
    return Decoded(to_rgb(still.image), *still.size, "VIDEO", still.metadata)


def _orientation(image: Image.Image) -> int:
    """Return the EXIF orientation by which the picture is still to be turned, 1 for none. Bad EXIF is ignored."""
    if image.format == "JXL" and not getattr(image, "jpeg", False):
        return 1  # the decoder has turned it already, unless it was stored as a JPEG
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # a damaged EXIF block raises nearly anything
        return 1


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    return image.transpose(_TURNS[orientation]) if orientation in _TURNS else image


def _smallest_size(size: tuple[int, int], min_side: int) -> tuple[int, int]:
    scale = min(1.0, min_side / min(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _reduced(image: Image.Image, min_side: int) -> Image.Image:
    """Shrink by a whole factor, cheaply, to no less than twice `min_side`; palettes cannot be averaged."""
    factor = min(image.size) // (2 * min_side)
    if factor < 2 or image.mode in {"1", "P", "PA", "I;16", "I;16L", "I;16B"}:
        return image
    reduced = image.reduce(factor)
    reduced.info = image.info
    return reduced


def to_rgb(image: Image.Image) -> Image.Image:
    """Convert any Pillow picture to sRGB: deep greyscale is scaled to 8 bits, transparency is laid on white."""
    if image.mode in {"I", "F"} or image.mode.startswith("I;16"):
        return to_srgb(_eight_bit(image)).convert("RGB")
    image = to_srgb(image)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        canvas = Image.new("RGB", image.size, _WHITE)
        canvas.paste(image, mask=image.getchannel("A"))
        return canvas
    return image if image.mode == "RGB" else image.convert("RGB")


def _eight_bit(image: Image.Image) -> Image.Image:
    deep = image.convert("F")
    _, highest = deep.getextrema()
    full_scale = 65535.0 if isinstance(highest, float) and highest > 255 else 255.0
    return deep.point(lambda value: value * (255.0 / full_scale)).convert("L")


def reason_of(error: Exception) -> str:  # noqa: PLR0911 - one line a kind of failure
    """Return in words why a file cannot be read, by what was raised."""
    match error:
        case PermissionError():
            return "You do not have permission to read this file."
        case FileNotFoundError():
            return "The file is no longer there."
        case UnidentifiedImageError():
            return "This is not a picture, or of a kind that this program cannot read."
        case MemoryError():
            return "The picture needs more memory than a photo may use."
        case OSError() if "truncated" in str(error):
            return "The file is cut short: a part of the picture is missing."
        case OSError() if error.errno is not None:
            return f"The file cannot be read: {error.strerror}."
        case _:
            return f"The file is damaged and cannot be read ({error})."
