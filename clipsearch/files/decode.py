"""Path -> upright sRGB picture, within limits; whatever a damaged file does becomes one sentence for the user."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from clipsearch.errors import UnreadablePhotoError
from clipsearch.files import jpeg_xl
from clipsearch.files.colour import to_srgb
from clipsearch.files.formats import HEAD_BYTES, formats_for, is_jpeg_xl
from clipsearch.files.raw import read_raw
from clipsearch.files.scan import is_raw

# Our own limit on pixels, checked before any is decoded, takes the place of Pillow's.
Image.MAX_IMAGE_PIXELS = None

_WHITE = (255, 255, 255)
_SIDEWAYS = {5, 6, 7, 8}  # EXIF orientations that swap width and height


@dataclass(frozen=True, slots=True)
class Decoded:
    """An upright sRGB picture, perhaps reduced, with the size in pixels (upright) and the format of the original."""

    image: Image.Image
    width: int
    height: int
    format: str


def decode(path: Path, min_side: int, max_megapixels: float = 250.0) -> Decoded:
    """Read the picture at `path`: first frame, upright by its EXIF orientation, transparency laid on white.

    Large pictures are reduced while decoding where the format allows it (JPEG), else right after, as long as the
    shorter side keeps at least `min_side` pixels. Raises UnreadablePhotoError with a reason for the user.
    """
    try:
        if path.stat().st_size == 0:
            raise UnreadablePhotoError("The file is empty.", path)
        if is_raw(path.name):
            return _developed(path, min_side, max_megapixels)
        with _open(path, max_megapixels) as image:
            return _read(image, path, min_side, max_megapixels)
    except UnreadablePhotoError:
        raise
    except Exception as error:  # whatever a decoder raises on bad input is the file's fault, told once, here
        temporary = isinstance(error, OSError) and error.errno is not None
        raise UnreadablePhotoError(_reason(error), path, temporary, isinstance(error, MemoryError)) from error


def _open(path: Path, max_megapixels: float) -> Image.Image:
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        formats = formats_for(head)
        if not is_jpeg_xl(head):
            return Image.open(path, formats=formats)
        file.seek(0)
        _hold_to(max_megapixels, jpeg_xl.size(file), path)
    image = Image.open(path, formats=formats)
    if not getattr(image, "jpeg", False):  # the decoder has turned it already, unless it was stored as a JPEG
        image.info.pop("exif", None)
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
    image_format = image.format or ""
    image.draft("RGB", _smallest_size(image.size, min_side))
    image.load()
    upright, turned = _upright(_reduced(image, min_side))
    if turned:
        width, height = height, width
    return Decoded(to_rgb(upright), width, height, image_format)


def _developed(path: Path, min_side: int, max_megapixels: float) -> Decoded:
    image, (width, height) = read_raw(path, min_side, lambda size: _hold_to(max_megapixels, size, path))
    return Decoded(to_rgb(_reduced(image, min_side)), width, height, "RAW")


def _upright(image: Image.Image) -> tuple[Image.Image, bool]:
    """Turn a picture by its EXIF orientation; tell whether width and height changed places. Bad EXIF is ignored."""
    try:
        turned = image.getexif().get(ExifTags.Base.Orientation) in _SIDEWAYS
        return ImageOps.exif_transpose(image), turned
    except Exception:  # a damaged EXIF block raises nearly anything
        return image, False


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


def _reason(error: Exception) -> str:  # noqa: PLR0911 - one line a kind of failure
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
